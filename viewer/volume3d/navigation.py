"""Navigation: what mouse and keys do in the volume view."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent

from viewer.volume3d.orbit import DEGREES_PER_PIXEL, STANDARD

if TYPE_CHECKING:
    from viewer.volume3d.view import VolumeView

CLICK_PIXELS = 4.0  # a press that moves less is a click
ZOOM_STEP = 1.15
STEP_DEGREES = 5.0
NOTCH = 120.0  # angleDelta of one step of a wheel
SIDES = dict(zip("123456", STANDARD, strict=True))
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
ZOOMS = {"+": ZOOM_STEP, "=": ZOOM_STEP, "-": 1 / ZOOM_STEP}
HELP = (
    "Drag turns · wheel zooms · middle button or Shift+drag moves · click sets the cursor in the slices\n"
    "1–6 anterior, posterior, left, right, head, foot · arrow keys turn by 5° · + − zoom\n"
    "R whole volume · M MIP or shaded"
)


class Navigation:
    """The hand on the view."""

    def __init__(self, view: VolumeView) -> None:
        self._view = view
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._dragged = self._panning = False

    def press(self, event: QMouseEvent) -> None:
        """Begin: left turns, middle or Shift+left moves."""
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        self._pressed = self._last = event.position()
        self._dragged = False
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        self._panning = event.button() is Qt.MouseButton.MiddleButton or shift

    def move(self, event: QMouseEvent) -> None:
        """Turn or move."""
        orbit = self._view.orbit
        if self._pressed is None or orbit is None:
            return
        whole = event.position() - self._pressed
        if not self._dragged and whole.manhattanLength() < CLICK_PIXELS:
            return
        self._dragged = True
        step, self._last = event.position() - self._last, event.position()
        if self._panning:
            self._view.set_orbit(orbit.panned(step.x(), step.y(), self._view.height()))
        else:
            self._view.set_orbit(orbit.turned(step.x() * DEGREES_PER_PIXEL, step.y() * DEGREES_PER_PIXEL))

    def release(self, event: QMouseEvent) -> None:
        """End; a click picks."""
        clicked = self._pressed is not None and not self._dragged and not self._panning
        self._pressed = None
        if clicked and event.button() is Qt.MouseButton.LeftButton:
            self._view.pick(event.position().x(), event.position().y())

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom about the middle."""
        if self._view.orbit is not None:
            self._view.set_orbit(self._view.orbit.zoomed(ZOOM_STEP ** (event.angleDelta().y() / NOTCH)))
        event.accept()

    def knows(self, event: QKeyEvent) -> bool:
        """Whether a key is the view's own."""
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        shifted_plus = event.text() == "+"
        if not plain and not shifted_plus:
            return False
        return event.key() in ARROWS or event.text() in {*SIDES, *ZOOMS} or event.text().lower() in ("r", "m")

    def key(self, event: QKeyEvent) -> bool:
        """Do what a key asks for; False where it is not the view's."""
        view, orbit = self._view, self._view.orbit
        if orbit is None or not self.knows(event):
            return False
        text = event.text().lower()
        if event.key() in ARROWS:
            across, down = ARROWS[Qt.Key(event.key())]
            view.set_orbit(orbit.turned(across * STEP_DEGREES, down * STEP_DEGREES))
        elif text in SIDES:
            view.look_from(SIDES[text])
        elif text in ZOOMS:
            view.set_orbit(orbit.zoomed(ZOOMS[text]))
        elif text == "r":
            view.reset()
        else:
            view.mode_toggled.emit()
        return True
