"""Running: what the models are doing now, how far they are, and a way to stop each."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from app.jobs import Job, Jobs
from app.ui import theme
from app.ui.parts import icon_button

KEYS = ("analyse", "check")
MOST_ROWS = 3


class Running(QWidget):
    """One row for each of the first jobs of the models: step, bar, cancel; and how many wait behind them."""

    def __init__(self, jobs: Jobs) -> None:
        super().__init__()
        self.setObjectName("page")
        self._jobs = jobs
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self.rows = [_Row(jobs.cancel) for _ in range(MOST_ROWS)]
        for row in self.rows:
            self._layout.addWidget(row)
        self.more = theme.label(role="small")
        self._layout.addWidget(self.more)
        jobs.changed.connect(self.refresh)
        self.refresh()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs of the models, oldest first."""
        return tuple(job for job in self._jobs.active if job.key.split(" ")[0] in KEYS)

    def refresh(self) -> None:
        """Show how far each is."""
        jobs = self.jobs
        for n, row in enumerate(self.rows):
            row.show_job(jobs[n] if n < len(jobs) else None)
        waiting = len(jobs) - len(self.rows)
        self.more.setText(f"{waiting} more waiting")
        self.more.setVisible(waiting > 0)
        self.setVisible(bool(jobs))


class _Row(QWidget):
    def __init__(self, cancel: Callable[[Job], None]) -> None:
        super().__init__()
        self.setObjectName("page")
        self.job: Job | None = None
        self.text = theme.label(role="small")
        self.text.setMinimumWidth(0)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.stop = icon_button("x", "Cancel this analysis", lambda: cancel(self.job) if self.job is not None else None)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.text)
        words.addWidget(self.bar)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addLayout(words, 1)
        row.addWidget(self.stop)

    def show_job(self, job: Job | None) -> None:
        self.job = job
        self.setVisible(job is not None)
        if job is None:
            return
        said = f"{job.title} – {job.text}" if job.text else job.title
        room = max(self.width() - 60, 200)
        self.text.setText(self.text.fontMetrics().elidedText(said, Qt.TextElideMode.ElideRight, room))
        self.text.setToolTip(said)
        self.bar.setValue(round(job.fraction * 1000))
