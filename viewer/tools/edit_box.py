"""Editing a box: pick it, pull one of its handles, move it; one finished drag is one edit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from viewer.layers.rectangle import HANDLES, Rectangle, placed, rectangle_of, shown_rectangle
from viewer.layers.types import BoxShape
from viewer.tools.base import Gesture

if TYPE_CHECKING:
    from viewer.pane import Pane

REACH = 8.0  # logical pixels around a handle or an edge
SHAPES = {
    "n": Qt.CursorShape.SizeVerCursor,
    "s": Qt.CursorShape.SizeVerCursor,
    "e": Qt.CursorShape.SizeHorCursor,
    "w": Qt.CursorShape.SizeHorCursor,
    "nw": Qt.CursorShape.SizeFDiagCursor,
    "se": Qt.CursorShape.SizeFDiagCursor,
    "ne": Qt.CursorShape.SizeBDiagCursor,
    "sw": Qt.CursorShape.SizeBDiagCursor,
    "move": Qt.CursorShape.SizeAllCursor,
}


@dataclass
class Grab:
    """A drag of a box: which one, by what, from where."""

    box: BoxShape
    edges: Rectangle
    part: str
    row: float
    column: float


class BoxEdit:
    """The drag of a selected box, shared by the tools that allow it."""

    def __init__(self) -> None:
        self._grab: Grab | None = None

    def part_at(self, pane: Pane, at: Gesture, *, inside: bool) -> str:
        """Return the handle under a point, ``"move"`` inside the selected box if asked for, else an empty string."""
        box, shot = pane.selected_shape, pane.shot
        if box is None or shot is None or box.proposal:
            return ""
        edges = rectangle_of(box, shot.plane, shot.slice_index, shot.frame_uid)
        if edges is None:
            return ""
        reach = REACH * pane.ratio
        for name in HANDLES:
            x, y = shot.screen_of(*edges.handle(name))
            if abs(x - at.x) <= reach and abs(y - at.y) <= reach:
                return name
        return "move" if inside and edges.holds(*shot.pixel_at(at.x, at.y)) else ""

    def press(self, pane: Pane, at: Gesture, *, inside: bool) -> bool:
        """Take hold of the selected box; False where there is nothing to hold."""
        part = self.part_at(pane, at, inside=inside)
        box, shot = pane.selected_shape, pane.shot
        if not part or box is None or shot is None:
            return False
        edges = rectangle_of(box, shot.plane, shot.slice_index, shot.frame_uid)
        if edges is None:
            return False
        row, column = shot.pixel_at(at.x, at.y)
        self._grab = Grab(box, edges, part, row, column)
        return True

    def move(self, pane: Pane, at: Gesture) -> bool:
        """Show the box as dragged so far; False while nothing is held."""
        grab, shot = self._grab, pane.shot
        if grab is None or shot is None:
            return False
        row, column = shot.pixel_at(at.x, at.y)
        if grab.part == "move":
            edges = grab.edges.moved(row - grab.row, column - grab.column, shot.plane)
        else:
            held_row, held_column = grab.edges.handle(grab.part)
            edges = grab.edges.dragged(
                grab.part, held_row + row - grab.row, held_column + column - grab.column, shot.plane
            )
        pane.show_draft(placed(grab.box, edges, shot.plane, shot.slice_index) if edges != grab.edges else grab.box)
        return True

    def release(self, pane: Pane) -> bool:
        """Report the edit, once, if the box changed."""
        grab, self._grab = self._grab, None
        if grab is None:
            return False
        pane.finish_draft(grab.box)
        return True

    def cancel(self, pane: Pane) -> bool:
        """Put the box back where it was."""
        grab, self._grab = self._grab, None
        if grab is None:
            return False
        pane.show_draft(grab.box)
        return True


def box_at(pane: Pane, at: Gesture) -> BoxShape | None:
    """Return the smallest box under a point, edges included."""
    shot = pane.shot
    if shot is None or pane.content is None or not pane.overlays_visible:
        return None
    reach = REACH * pane.ratio / 2
    found = []
    for box in pane.content.boxes:
        edges = shown_rectangle(box, shot)
        if edges is None:
            continue
        corners = (at.x - reach, at.y - reach), (at.x + reach, at.y + reach), (at.x, at.y)
        if any(edges.holds(*shot.pixel_at(*corner)) for corner in corners):
            found.append((edges.area, len(found), box))
    return min(found)[2] if found else None
