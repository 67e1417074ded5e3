"""Notice bar and error dialog: the two voices of the window."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.notices import Level, Notice
from app.ui import theme
from app.ui.parts import Dialog, button, icon_button

ICONS = {
    Level.INFO: ("info", "accent"),
    Level.GOOD: ("check-circle", "good"),
    Level.WARNING: ("warning", "warn"),
    Level.ERROR: ("warning-circle", "alert"),
}
LOUDNESS = {Level.INFO: 0, Level.GOOD: 0, Level.WARNING: 1, Level.ERROR: 2}
INFO_STAYS_MS = 8000


class NoticeBar(QFrame):
    """A line above the images that says one thing at a time and never interrupts; problems stay until dismissed."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        self.waiting: list[Notice] = []
        self.icon = theme.label()
        self.icon.setFixedSize(20, 20)
        self.what = theme.label(wrap=True)
        self.why = theme.label(role="quiet", wrap=True)
        self.act = button("", self._act)
        self.count = theme.label(role="small")
        self.dismiss = icon_button("x", "Dismiss  (Esc)", self.next)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.what)
        texts.addWidget(self.why)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(16, 8, 8, 8)
        layout.setSpacing(12)
        layout.addWidget(self.icon)
        layout.addLayout(texts, 1)
        layout.addWidget(self.count)
        layout.addWidget(self.act)
        layout.addWidget(self.dismiss)
        self._timer = QTimer(self, singleShot=True, interval=INFO_STAYS_MS)
        self._timer.timeout.connect(self.next)
        self.hide()

    @property
    def notice(self) -> Notice | None:
        """What is on show."""
        return self.waiting[0] if self.waiting else None

    def post(self, notice: Notice) -> None:
        """Show a notice, errors before warnings before news; the same one twice is shown once."""
        if notice in self.waiting:
            return
        behind = (n for n, other in enumerate(self.waiting) if LOUDNESS[other.level] < LOUDNESS[notice.level])
        self.waiting.insert(next(behind, len(self.waiting)), notice)
        self._show()

    def outdate(self, topic: str) -> None:
        """Drop what was said about a topic that is over."""
        self.waiting = [notice for notice in self.waiting if notice.topic != topic]
        self._show()

    def next(self) -> None:
        """Dismiss the notice on show."""
        if self.waiting:
            self.waiting.pop(0)
        self._show()

    def _show(self) -> None:
        self._timer.stop()
        notice = self.notice
        self.setVisible(notice is not None)
        if notice is None:
            return
        name, tone = ICONS[notice.level]
        self.icon.setPixmap(theme.icon(name, tone).pixmap(20, 20))
        self.what.setText(notice.what)
        self.why.setText(" ".join(part for part in (notice.why, notice.hint) if part))
        self.why.setVisible(bool(self.why.text()))
        self.act.setText(notice.action_title)
        self.act.setVisible(bool(notice.action_title))
        self.count.setText(f"{len(self.waiting) - 1} more" if len(self.waiting) > 1 else "")
        if notice.level in (Level.INFO, Level.GOOD) and notice.action is None:
            self._timer.start()

    def _act(self) -> None:
        notice = self.notice
        self.next()
        if notice is not None and notice.action is not None:
            notice.action()


class ErrorDialog(Dialog):
    """What happened, why, what to try; the details are for a report and can be copied."""

    def __init__(self, notice: Notice, parent: QWidget | None = None) -> None:
        super().__init__(notice.what, notice.why, parent)
        self.setMinimumWidth(560)
        if notice.hint:
            self.body.addWidget(theme.label(notice.hint, wrap=True))
        if notice.detail:
            detail = QPlainTextEdit(notice.detail)
            detail.setReadOnly(True)
            detail.setMinimumHeight(160)
            detail.setAccessibleName("Details")
            self.body.addWidget(detail)
            copy = button("Copy details", lambda: QGuiApplication.clipboard().setText(notice.detail), icon="copy")
            self.foot.insertWidget(0, copy)
        self.add_buttons("Close", cancel="")
