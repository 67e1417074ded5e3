"""Swipe: drag the line between two images that are compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from viewer.tools.base import Gesture, Tool

if TYPE_CHECKING:
    from viewer.pane import Pane


class SwipeTool(Tool):
    """Worked wherever the left button takes hold of the line, whatever tool is armed."""

    name = "swipe"
    cursor = Qt.CursorShape.SplitHCursor
    needs_slice = False

    def move(self, pane: Pane, at: Gesture) -> None:
        """Take the line along."""
        pane.comparing.drag_to(at.x)
