"""Start page: what the window says while nothing is open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.session import Session
from app.ui import theme
from app.ui.parts import button, clear


class StartPage(QWidget):
    """Open…, the demo studies, what was open last; while something loads, how far it is.

    Attributes
    ----------
    recent_chosen
        Path and study uid of a recent study.
    """

    recent_chosen = Signal(object, str)

    def __init__(
        self, session: Session, commands: dict[str, Callable[[], None]], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("startPage")
        self.session = session
        self.heading = theme.label("Open a study", "title")
        self.text = theme.label(
            "Drop a folder, a file, a zip or a DICOMDIR here: mammograms and breast MRI in DICOM, and NIfTI, NRRD, PNG "
            "or TIFF. Images stay where they are, and nothing leaves this computer.",
            "quiet",
            wrap=True,
        )
        self.buttons = QWidget()
        row = QHBoxLayout(self.buttons)
        row.setContentsMargins(0, 8, 0, 8)
        row.setSpacing(8)
        self.open_folder = button("Open folder…", commands["file.open_folder"], primary=True, icon="folder-open")
        row.addWidget(self.open_folder)
        row.addWidget(button("Open files…", commands["file.open_files"], icon="file-plus"))
        row.addWidget(button("Open the demo studies", commands["file.open_demo"], icon="sparkle"))
        row.addStretch(1)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setRange(0, 1000)
        self.step = theme.label(role="quiet")
        self.recent_title = theme.label("RECENT", "section")
        self.recent = QVBoxLayout()
        self.recent.setSpacing(0)
        column = QFrame()
        column.setMinimumWidth(480)
        column.setMaximumWidth(640)
        inner = QVBoxLayout(column)
        inner.setSpacing(8)
        for part in (self.heading, self.text, self.buttons, self.progress, self.step):
            inner.addWidget(part)
        inner.addSpacing(16)
        inner.addWidget(self.recent_title)
        inner.addLayout(self.recent)
        across = QHBoxLayout()
        across.addStretch(1)
        across.addWidget(column, 4)
        across.addStretch(1)
        outer = QVBoxLayout(self)
        outer.addStretch(2)
        outer.addLayout(across)
        outer.addStretch(3)
        session.jobs.changed.connect(self.refresh)
        session.keeping.opened.connect(self.fill_recent)
        self.fill_recent()
        self.refresh()

    def refresh(self) -> None:
        """Show how far the reading is, or that nothing is open."""
        job = next((job for job in self.session.jobs.active if job.key in ("scan", "demo")), None)
        for widget in (self.progress, self.step):
            widget.setVisible(job is not None)
        for widget in (self.buttons, self.text):
            widget.setVisible(job is None)
        self.heading.setText(job.title if job is not None else "Open a study")
        if job is not None:
            self.progress.setValue(round(job.fraction * 1000))
            self.step.setText(job.text or " ")

    def fill_recent(self) -> None:
        """List what was open last."""
        clear(self.recent)
        recent = self.session.keeping.recent()[:6]
        self.recent_title.setVisible(bool(recent))
        for one in recent:
            entry = QPushButton(f"{one.title}   {Path(one.path).name}")
            entry.setProperty("quiet", True)
            entry.setProperty("align", "left")
            entry.setToolTip(f"{one.path}\nOpened {one.opened[:16].replace('T', ' ')}")
            entry.clicked.connect(lambda _=False, one=one: self.recent_chosen.emit(Path(one.path), one.study_uid))
            self.recent.addWidget(entry)
