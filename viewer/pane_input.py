"""Input of a pane: mouse, wheel and keys become calls of the pane or its tool. Nothing slow happens here."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QWheelEvent

from viewer.keys import ACTIONS
from viewer.tools.base import Gesture, Tool
from viewer.tools.swipe import SwipeTool
from viewer.tools.tilt import TiltTool
from viewer.tools.view import PanTool, WindowLevelTool

if TYPE_CHECKING:
    from viewer.pane import Pane

NOTCH = 120  # eighths of a degree: one click of a mouse wheel
ZOOM_STEP = 1.2
SWIPE_STEP = 0.02  # of the pane's width
TURNING = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier  # arrows that move no box
ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}


class PaneInput:
    """Knows which tool the held button works, and what is left of a half-turned wheel."""

    def __init__(self, pane: Pane) -> None:
        self._pane = pane
        self._held: tuple[Qt.MouseButton, Tool] | None = None
        self._space = False
        self._at_grip = False
        self._wheel = 0

    def gesture(self, position: QPointF, modifiers: Qt.KeyboardModifier) -> Gesture:
        """Return the middle of the device pixel under the pointer."""
        ratio = self._pane.ratio
        return Gesture(
            floor(position.x() * ratio) + 0.5,
            floor(position.y() * ratio) + 0.5,
            bool(modifiers & Qt.KeyboardModifier.ShiftModifier),
            bool(modifiers & Qt.KeyboardModifier.ControlModifier),
        )

    def press(self, event: QMouseEvent) -> None:
        """Give the button to its tool."""
        if self._held is not None:
            return
        at = self.gesture(event.position(), event.modifiers())
        tool = self._tool_of(event.button(), event.modifiers(), at.x)
        if tool is not None and tool.needs_slice and not self._pane.allows_drawing():
            return
        if tool is not None:
            self._held = (event.button(), tool)
            tool.press(self._pane, self.gesture(event.position(), event.modifiers()))

    def _tool_of(self, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier, x: float) -> Tool | None:
        if button is Qt.MouseButton.RightButton:
            return WindowLevelTool()
        if modifiers & Qt.KeyboardModifier.AltModifier and self._pane.plane == "oblique":
            return TiltTool() if button is Qt.MouseButton.LeftButton else None
        if button is Qt.MouseButton.LeftButton and not self._space and self._pane.comparing.grips(x):
            return SwipeTool()
        if button is Qt.MouseButton.MiddleButton or (button is Qt.MouseButton.LeftButton and self._space):
            return PanTool()
        return self._pane.tool if button is Qt.MouseButton.LeftButton else None

    def move(self, event: QMouseEvent) -> None:
        """Go on with the held button's tool, or hover."""
        at = self.gesture(event.position(), event.modifiers())
        if self._held is not None:
            self._held[1].move(self._pane, at)
        else:
            self._pane.tool.hover(self._pane, at)
            self._show_grip(at)
        self._pane.report_cursor(at.x, at.y)

    def _show_grip(self, at: Gesture) -> None:
        """Show with the pointer that the swipe line can be taken."""
        grips = self._pane.comparing.grips(at.x)
        if grips != self._at_grip:
            self._at_grip = grips
            self._pane.setCursor(SwipeTool.cursor if grips else self._pane.tool.cursor)

    def release(self, event: QMouseEvent) -> None:
        """Finish with the button that began."""
        if self._held is not None and event.button() is self._held[0]:
            tool, self._held = self._held[1], None
            tool.release(self._pane, self.gesture(event.position(), event.modifiers()))

    def wheel(self, event: QWheelEvent) -> None:
        """Scroll slices by whole notches; zoom with Ctrl or on a single image."""
        pane = self._pane
        delta = event.angleDelta().y() or event.angleDelta().x()
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier or pane.slice_count == 1:
            at = self.gesture(event.position(), event.modifiers())
            pane.set_camera(pane.camera.zoomed(ZOOM_STEP ** (delta / NOTCH), (at.x, at.y)))
            return
        self._wheel += delta
        notches = int(self._wheel / NOTCH)
        self._wheel -= notches * NOTCH
        stride = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        if notches:
            pane.set_slice(pane.slice_index - notches * stride)

    def key_press(self, event: QKeyEvent) -> bool:
        """Do what the key table says; False leaves the key to others."""
        if event.key() == Qt.Key.Key_Space:
            self._hold_space(held=True)
            return True
        if event.key() in ARROWS and not event.modifiers() & TURNING:
            across, down = ARROWS[Qt.Key(event.key())]
            stride = 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            if self._pane.nudge(across * stride, down * stride):
                return True  # without a box to move here the arrows scroll
        if event.key() in ARROWS and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            across, down = ARROWS[Qt.Key(event.key())]
            degrees = 5 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
            if self._pane.tilt(across * degrees, -down * degrees):
                return True
            return across != 0 and self._pane.comparing.nudge(across * degrees * SWIPE_STEP)
        action = action_of(event)
        return bool(action) and self._pane.perform(action)

    def key_release(self, event: QKeyEvent) -> bool:
        """Let Space go."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._hold_space(held=False)
            return True
        return False

    def _hold_space(self, *, held: bool) -> None:
        self._space = held
        self._pane.setCursor(PanTool.cursor if held else self._pane.tool.cursor)

    def leave(self) -> None:
        """Forget held keys when the focus goes, as their release will not be seen."""
        if self._space:
            self._hold_space(held=False)

    def cancel(self) -> bool:
        """Drop what the held button began; True if there was something."""
        tool = self._held[1] if self._held is not None else self._pane.tool
        self._held = None
        return tool.cancel(self._pane)


def action_of(event: QKeyEvent) -> str:
    """Return the action of a key press from the table, an empty string where it has none."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    if event.text() in ("+", "=", "-") and not modifiers & Qt.KeyboardModifier.ControlModifier:
        return ACTIONS[event.text()]
    key = QKeySequence(modifiers.value | event.key()).toString(QKeySequence.SequenceFormat.PortableText)
    return ACTIONS.get("Return" if key == "Enter" else key, "")
