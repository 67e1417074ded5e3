"""Calibration dialog: the size of a screen's pixels, from a bank card or a ruler held against a figure."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSlider, QWidget

from app.screens import CARD_MM, RULER_MM
from app.ui import theme
from app.ui.parts import Dialog

EXPLANATION = (
    "Hold a bank card, or a ruler, against the figure and change its size until both are exactly alike. The arrow keys "
    "move by a pixel, Page Up and Page Down by ten. It is kept for this screen at this resolution."
)
MARGIN = 20
WIDEST = 900  # logical pixels of the figure


class Figure(QWidget):
    """A bank card or a ruler, drawn as many device pixels wide as the slider says."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.ruler = False
        self.pixels = 300  # device pixels of the card's, or ruler's, length
        self.setAccessibleName("Figure to compare with a bank card or a ruler")

    @property
    def length_mm(self) -> float:
        """Length of the thing that is held against the figure."""
        return RULER_MM if self.ruler else CARD_MM[0]

    def sizeHint(self) -> QSize:
        """Leave room for the card at the smallest pixels."""
        return QSize(WIDEST + 2 * MARGIN, round(WIDEST * CARD_MM[1] / CARD_MM[0]) // 2 + 2 * MARGIN)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw in device pixels, so that a pixel of the slider is one of the screen."""
        painter = QPainter(self)
        ratio = self.devicePixelRatioF()
        painter.scale(1 / ratio, 1 / ratio)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=not self.ruler)
        left = round((self.width() * ratio - self.pixels) / 2)
        painter.setPen(QPen(QColor(theme.colour("text")), ratio))
        if self.ruler:
            self._draw_ruler(painter, left, ratio)
        else:
            self._draw_card(painter, left, ratio)
        painter.end()

    def _draw_card(self, painter: QPainter, left: int, ratio: float) -> None:
        height = self.pixels * CARD_MM[1] / CARD_MM[0]
        top = (self.height() * ratio - height) / 2
        corner = 3.18 * self.pixels / CARD_MM[0]  # mm, ISO/IEC 7810
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colour("accent")))
        painter.drawRoundedRect(QRectF(left, top, self.pixels, height), corner, corner)

    def _draw_ruler(self, painter: QPainter, left: int, ratio: float) -> None:
        middle = self.height() * ratio / 2
        font = QFont(self.font())
        font.setPixelSize(round(12 * ratio))
        painter.setFont(font)
        painter.drawLine(QPointF(left, middle), QPointF(left + self.pixels, middle))
        for mm in range(int(RULER_MM) + 1):
            x = left + self.pixels * mm / RULER_MM
            tick = 34 if mm % 10 == 0 else 22 if mm % 5 == 0 else 12
            painter.drawLine(QPointF(x, middle), QPointF(x, middle - tick * ratio))
            if mm % 10 == 0:
                at = QRectF(x - 20 * ratio, middle + 4 * ratio, 40 * ratio, 18 * ratio)
                painter.drawText(at, Qt.AlignmentFlag.AlignCenter, f"{mm // 10}")


class CalibrationDialog(Dialog):
    """Asks for the pitch of the screen the dialog is on.

    Parameters
    ----------
    screen
        What the screen is called, for people.
    pitch_mm
        Millimetres per device pixel to start with: as calibrated before, or as the screen says of itself.
    calibrated
        Whether ``pitch_mm`` was calibrated.
    """

    def __init__(self, screen: str, pitch_mm: float, *, calibrated: bool, parent: QWidget | None = None) -> None:
        super().__init__("Calibrate the screen for true size", f"{screen}. {EXPLANATION}", parent)
        self.figure = Figure()
        self.kind = QComboBox()
        self.kind.addItems([f"Bank card ({CARD_MM[0]:.2f} × {CARD_MM[1]:.2f} mm)", f"Ruler ({RULER_MM:.0f} mm)"])
        self.kind.setAccessibleName("What is held against the screen")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Length of the figure in pixels")
        self.slider.setSingleStep(1)
        self.slider.setPageStep(10)
        self.pitch = theme.label("", "quiet")
        self._begun_with = (
            "calibrated before" if calibrated else "as the screen says of itself, which is often wrong by a tenth"
        )
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.kind)
        row.addWidget(self.slider, 1)
        self.body.addWidget(self.figure, 1)
        self.body.addLayout(row)
        self.body.addWidget(self.pitch)
        self.add_buttons("Use this size")
        self._start_mm = pitch_mm
        self._touched = False
        self._take_kind()
        self.slider.valueChanged.connect(self._take_length)
        self.kind.currentIndexChanged.connect(self._take_kind)
        self.slider.setFocus()

    @property
    def pitch_mm(self) -> float:
        """Millimetres for a device pixel of the screen, as it stands now."""
        return self.figure.length_mm / self.figure.pixels if self._touched else self._start_mm

    def answer(self) -> float:
        """Return millimetres for a device pixel."""
        return self.pitch_mm

    def _take_kind(self) -> None:
        """Draw the other thing at the pitch reached so far."""
        pitch, touched = self.pitch_mm, self._touched
        self.figure.ruler = self.kind.currentIndex() == 1
        length = round(self.figure.length_mm / pitch)
        most = max(round(WIDEST * self.devicePixelRatioF()), length + 50)
        self._start_mm, self._touched = pitch, False
        self.slider.setRange(80, most)
        self.slider.setValue(length)
        self._start_mm, self._touched = pitch, False
        self.figure.pixels = self.slider.value()
        self._tell(changed=touched)

    def _take_length(self, pixels: int) -> None:
        self.figure.pixels, self._touched = pixels, True
        self._tell(changed=True)

    def _tell(self, *, changed: bool) -> None:
        pitch = self.pitch_mm
        origin = "as set here" if changed else self._begun_with
        self.pitch.setText(f"{pitch:.4f} mm per pixel, {25.4 / pitch:.1f} pixels per inch ({origin})")
        self.figure.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let the arrow keys change the size wherever the keyboard is."""
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageDown: -10, Qt.Key.Key_PageUp: 10}
        if Qt.Key(event.key()) in steps:
            self.slider.setValue(self.slider.value() + steps[Qt.Key(event.key())])
            return
        super().keyPressEvent(event)
