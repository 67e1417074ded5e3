"""Navigate: set the shared cursor, select a box or measurement, move and resize the selected one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from viewer.tools.base import Gesture, Tool
from viewer.tools.edit_box import SHAPES, BoxEdit, box_at
from viewer.tools.measure_edit import MOVE, MeasurementEdit, measurement_at

if TYPE_CHECKING:
    from viewer.pane import Pane


class NavigateTool(Tool):
    """The tool a pane starts with."""

    name = "navigate"
    cursor = Qt.CursorShape.ArrowCursor
    needs_slice = False

    def __init__(self) -> None:
        self._edit = BoxEdit()
        self._measuring = MeasurementEdit()
        self._pointing = False

    def press(self, pane: Pane, at: Gesture) -> None:
        """Take hold of the selected mark, else select the one under the point, else set the cursor."""
        if self._measuring.press(pane, at, inside=True) or self._edit.press(pane, at, inside=True):
            return
        found = measurement_at(pane, at) or box_at(pane, at)
        if found is not None:
            pane.select_box(found.uid, by_user=True)
            return
        pane.select_box("", by_user=True)
        self._pointing = True
        pane.point_at(at.x, at.y)

    def move(self, pane: Pane, at: Gesture) -> None:
        """Drag the mark or the cursor."""
        if not self._measuring.move(pane, at) and not self._edit.move(pane, at) and self._pointing:
            pane.point_at(at.x, at.y)

    def release(self, pane: Pane, at: Gesture) -> None:
        """Finish the drag."""
        self._measuring.release(pane)
        self._edit.release(pane)
        self._pointing = False

    def hover(self, pane: Pane, at: Gesture) -> None:
        """Show by the pointer what a drag would do."""
        handle = self._measuring.handle_at(pane, at, inside=True)
        part = self._edit.part_at(pane, at, inside=True)
        over = Qt.CursorShape.SizeAllCursor if handle == MOVE else Qt.CursorShape.CrossCursor
        pane.setCursor(over if handle is not None else SHAPES.get(part, self.cursor))

    def cancel(self, pane: Pane) -> bool:
        """Give the drag up."""
        return self._measuring.cancel(pane) or self._edit.cancel(pane)
