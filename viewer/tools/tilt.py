"""Tilt: turn the oblique plane about the cursor by dragging."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from viewer.tools.base import Gesture, Tool

if TYPE_CHECKING:
    from viewer.pane import Pane

DEGREES = 0.25  # for a logical pixel of drag


class TiltTool(Tool):
    """Drag towards an edge to push it away from the viewer; worked with Alt and the left button."""

    name = "tilt"
    cursor = Qt.CursorShape.SizeAllCursor
    needs_slice = False

    def __init__(self) -> None:
        self._last: Gesture | None = None

    def press(self, pane: Pane, at: Gesture) -> None:
        """Take hold."""
        self._last = at

    def move(self, pane: Pane, at: Gesture) -> None:
        """Tilt along."""
        if self._last is not None:
            factor = DEGREES / pane.ratio
            pane.tilt((at.x - self._last.x) * factor, (self._last.y - at.y) * factor)
            self._last = at

    def release(self, pane: Pane, at: Gesture) -> None:
        """Let go."""
        self._last = None
