"""Parts: small building blocks that the panels and dialogs share."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui import theme
from inference.result import Score


def page() -> tuple[QScrollArea, QVBoxLayout]:
    """Return a scrolling page of a panel and its layout."""
    area = QScrollArea()
    area.setObjectName("panel")
    area.setWidgetResizable(True)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    inner = QWidget()
    inner.setObjectName("page")
    layout = QVBoxLayout(inner)
    layout.setContentsMargins(16, 16, 16, 16)
    layout.setSpacing(theme.SPACE)
    area.setWidget(inner)
    return area, layout


def focus_first(panel: QWidget) -> bool:
    """Put the keyboard into the first part of a panel that takes it; False where none does now."""
    part = panel.nextInFocusChain()
    while part is not None and part is not panel:
        takes = bool(part.focusPolicy() & Qt.FocusPolicy.TabFocus) and not isinstance(part, QScrollArea)
        if takes and panel.isAncestorOf(part) and part.isEnabled() and part.isVisibleTo(panel):
            part.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return True
        part = part.nextInFocusChain()
    return False


def clear(layout: QVBoxLayout | QHBoxLayout) -> None:
    """Remove everything from a layout."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()


def button(
    text: str, on_click: Callable[[], object], *, primary: bool = False, tip: str = "", icon: str = ""
) -> QPushButton:
    """Return a push button."""
    made = QPushButton(text)
    made.setProperty("primary", primary)
    made.setToolTip(tip)
    made.setAutoDefault(primary)
    if icon:
        theme.dress(made, icon, "accent_text" if primary else "text")
    made.clicked.connect(lambda _=False: on_click())
    return made


def icon_button(icon: str, tip: str, on_click: Callable[[], object]) -> QToolButton:
    """Return a flat button with an icon."""
    made = QToolButton()
    theme.dress(made, icon)
    made.setIconSize(QSize(18, 18))
    made.setToolTip(tip)
    made.setAccessibleName(tip)
    made.clicked.connect(lambda _=False: on_click())
    return made


def rule(*, vertical: bool = False) -> QFrame:
    """Return a hairline."""
    line = QFrame()
    line.setObjectName("rule")
    if vertical:
        line.setFixedWidth(1)
        line.setFixedHeight(24)
    else:
        line.setFixedHeight(1)
    return line


class ScoreBar(QWidget):
    """One score as a horizontal bar with a tick at the operating point; two digits, no more than it means."""

    HEIGHT = 40

    def __init__(self, score: Score, tip: str) -> None:
        super().__init__()
        self.score = score
        self.setToolTip(tip)
        self.setAccessibleName(f"{score.title} {score.value:.2f}")
        self.setFixedHeight(self.HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw title and value above the bar, the tick across it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width, score = self.width(), self.score
        positive = score.operating_point is not None and score.value >= score.operating_point
        tone = "text" if positive else "text_faint"  # bright from the operating point on; no colour judges an output
        top = QRectF(0, 0, width, 22)
        painter.setPen(QColor(theme.colour("text")))
        painter.drawText(top, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, score.title)
        painter.setPen(QColor(theme.colour("text" if positive else "text_quiet")))
        painter.drawText(top, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{score.value:.2f}")
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colour("line_strong")))
        painter.drawRoundedRect(QRectF(0, 26, width, 6), 3, 3)
        painter.setBrush(QColor(theme.colour(tone)))
        painter.drawRoundedRect(QRectF(0, 26, max(6.0, width * score.value), 6), 3, 3)
        if score.operating_point is not None:
            x = width * score.operating_point
            painter.setPen(QPen(QColor(theme.colour("accent")), 2))
            painter.drawLine(QPointF(x, 23), QPointF(x, 35))
        painter.end()


class Dialog(QDialog):
    """A dialog of the house: heading, body, buttons in a foot."""

    def __init__(self, title: str, explanation: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(24, 24, 24, 24)
        self.body.setSpacing(2 * theme.SPACE)
        self.body.addWidget(theme.label(title, "heading"))
        if explanation:
            self.body.addWidget(theme.label(explanation, "quiet", wrap=True))
        whole.addLayout(self.body, 1)
        foot = QWidget()
        foot.setObjectName("dialogFoot")
        self.foot = QHBoxLayout(foot)
        self.foot.setContentsMargins(24, 12, 24, 12)
        self.foot.setSpacing(theme.SPACE)
        self.foot.addStretch(1)
        whole.addWidget(foot)

    def add_buttons(self, accept: str, *, cancel: str = "Cancel") -> QPushButton:
        """Add cancel and the one primary button; returns the latter."""
        if cancel:
            self.foot.addWidget(button(cancel, self.reject))
        primary = button(accept, self.accept, primary=True)
        primary.setDefault(True)
        self.foot.addWidget(primary)
        return primary
