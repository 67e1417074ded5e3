"""Status line: progress with cancel, cursor, device, memory, and the permanent research-use statement."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from app.session import Session
from app.session.budget import RESERVE, Budget, size_text
from app.ui import theme
from app.ui.parts import icon_button, rule

RESEARCH_USE = "Research use only – not for diagnosis"
MEASURE_EVERY_MS = 2000


class StatusLine(QWidget):
    """The slim line at the bottom."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self.setFixedHeight(32)
        self.session = session
        self.job = theme.label()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.bar.setRange(0, 1000)
        self.cancel = icon_button("x", "Cancel the running job  (Ctrl+.)", self.cancel_job)
        self.position = theme.label()
        self.position.setToolTip("Cursor position in patient or detector millimetres, and the value there")
        self.device = theme.label()
        self.device.setToolTip("Where models run; change it under AI › Device")
        self.memory = theme.label()
        research = theme.label(RESEARCH_USE)
        research.setObjectName("research")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 0, 16, 0)
        layout.setSpacing(12)
        for widget in (self.job, self.bar, self.cancel):
            layout.addWidget(widget)
        layout.addStretch(1)
        for widget in (self.position, rule(vertical=True), self.device, self.memory, rule(vertical=True), research):
            layout.addWidget(widget)
        session.jobs.changed.connect(self.refresh)
        session.images.measured.connect(self.show_memory)
        session.images.changed.connect(self.show_memory)
        timer = QTimer(self, interval=MEASURE_EVERY_MS)
        timer.timeout.connect(session.images.relieve)
        timer.start()
        self.show_memory()
        self.show_device()
        self.refresh()

    def refresh(self) -> None:
        """Show the oldest running job."""
        jobs = [job for job in self.session.jobs.active if not job.quiet]
        for widget in (self.bar, self.cancel):
            widget.setVisible(bool(jobs))
        if not jobs:
            self.job.setText("Ready")
            return
        more = f"  (+{len(jobs) - 1})" if len(jobs) > 1 else ""
        step = f" – {jobs[0].text}" if jobs[0].text else ""
        self.job.setText(
            self.fontMetrics().elidedText(f"{jobs[0].title}{step}", Qt.TextElideMode.ElideRight, 420) + more
        )
        self.bar.setValue(round(jobs[0].fraction * 1000))

    def cancel_job(self) -> None:
        """Cancel the job on show."""
        jobs = [job for job in self.session.jobs.active if not job.quiet]
        if jobs:
            self.session.jobs.cancel(jobs[0])

    def show_reading(self, reading: Any) -> None:
        """Show where the cursor is and what is there (a CursorReading of the viewer; None outside the image)."""
        self.position.setText(cursor_text(reading))

    def show_device(self) -> None:
        """Show where models run."""
        self.device.setText(
            f"AI on {'auto' if self.session.readings.device == 'auto' else self.session.readings.device.upper()}"
        )

    def show_memory(self) -> None:
        """Show what images take of what they may take, and what the program takes in all."""
        images, budget = self.session.images.bytes, self.session.images.budget
        self.memory.setText(memory_text(images, budget))
        self.memory.setToolTip(memory_tip(images, budget))
        theme.retone(self.memory, "warn" if budget.short or images > budget.limit else "quiet")


def memory_text(images: int, budget: Budget) -> str:
    """Return ``"images 1.2 of 11.5 GB · program 2.1 GB"``; a machine that is short of memory is said first."""
    limit, used = size_text(budget.limit), size_text(images)
    if used.split()[1] == limit.split()[1]:
        used = used.split()[0]
    short = "memory is short · " if budget.short else ""
    return f"{short}images {used} of {limit} · program {size_text(images + budget.other)}"


def memory_tip(images: int, budget: Budget) -> str:
    """Return where the figures come from and what happens at the limit."""
    lines = [
        f"Images in memory take {size_text(images)} of the {size_text(budget.limit)} set aside for them: "
        f"{budget.share:.0%} of this computer's {size_text(budget.total)}, less {size_text(RESERVE)} kept free and the "
        f"{size_text(budget.other)} that the program itself takes.",
        "When they are full, the images used least recently go first; they are read again when they are needed. "
        "What is on show always stays. Change the share under Preferences › Memory for images.",
    ]
    if images > budget.limit:
        lines.append("What is on show is larger than that: nothing else can be kept beside it.")
    if budget.short:
        lines.append("This computer is nearly out of memory: images not on show are let go. Close other programs.")
    return "\n\n".join(lines)


def cursor_text(reading: Any) -> str:
    """Return ``"x 12.3  y -40.1  z 8.0 mm   411"``."""
    if reading is None:
        return ""
    x, y, z = reading.mm
    value = "" if reading.value is None else f"   {value_text(reading.value)} {reading.unit}".rstrip()
    return f"x {x:.1f}  y {y:.1f}  z {z:.1f} mm{value}"


def value_text(value: Any) -> str:
    """Return a grey or RGB value."""
    if hasattr(value, "__len__"):
        return "/".join(f"{float(part):.0f}" for part in value)
    return f"{float(value):.4g}"
