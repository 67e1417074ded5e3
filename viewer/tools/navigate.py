"""Navigate: set the shared cursor, select a box, move and resize the selected one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from viewer.tools.base import Gesture, Tool
from viewer.tools.edit_box import SHAPES, BoxEdit, box_at

if TYPE_CHECKING:
    from viewer.pane import Pane


class NavigateTool(Tool):
    """The tool a pane starts with."""

    name = "navigate"
    cursor = Qt.CursorShape.ArrowCursor

    def __init__(self) -> None:
        self._edit = BoxEdit()
        self._pointing = False

    def press(self, pane: Pane, at: Gesture) -> None:
        """Take hold of the selected box, else select the one under the point, else set the cursor."""
        if self._edit.press(pane, at, inside=True):
            return
        found = box_at(pane, at)
        if found is not None:
            pane.select_box(found.uid, by_user=True)
            return
        pane.select_box("", by_user=True)
        self._pointing = True
        pane.point_at(at.x, at.y)

    def move(self, pane: Pane, at: Gesture) -> None:
        """Drag the box or the cursor."""
        if not self._edit.move(pane, at) and self._pointing:
            pane.point_at(at.x, at.y)

    def release(self, pane: Pane, at: Gesture) -> None:
        """Finish the drag."""
        self._edit.release(pane)
        self._pointing = False

    def hover(self, pane: Pane, at: Gesture) -> None:
        """Show by the pointer what a drag would do."""
        pane.setCursor(SHAPES.get(self._edit.part_at(pane, at, inside=True), self.cursor))

    def cancel(self, pane: Pane) -> bool:
        """Give the box up."""
        return self._edit.cancel(pane)
