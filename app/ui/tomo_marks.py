"""Tomosynthesis marks: about where the cursor of a tomosynthesis lies on its 2D image, and the other way round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject

from app.studies.hanging.tomosynthesis import on_other_image, partners_of
from viewer.layers.types import PlaceMark, Point

if TYPE_CHECKING:
    from highdicom import Volume

    from app.ui.display import Display
    from viewer.pane import Pane


@dataclass(frozen=True)
class _Cursor:
    """Where the cursor was set: pane, image and LPS mm."""

    pane: int
    uid: str
    point_mm: Point


class TomoMarks(QObject):
    """Draws a quiet ring in every pane that shows a partner of the image in which the cursor was set last."""

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display = display
        self._cursor: _Cursor | None = None
        for pane in display.grid.panes:
            self._follow(pane)
        display.grid.pane_added.connect(self._follow)
        display.focus_changed.connect(self.refresh)

    def _follow(self, pane: Pane) -> None:
        pane.cursor_set.connect(lambda point_mm: self._take(pane, point_mm))
        pane.cursor_cleared.connect(lambda: self._clear(pane))

    def _take(self, pane: Pane, point_mm: Point) -> None:
        n = self._display.grid.panes.index(pane)
        uid = self._display.slots[n].uid
        self._cursor = _Cursor(n, uid, point_mm) if uid is not None else None
        self.refresh()

    def _clear(self, pane: Pane) -> None:
        if self._cursor is not None and self._display.grid.panes[self._cursor.pane] is pane:
            self._cursor = None
            self.refresh()

    def refresh(self) -> None:
        """Mark the cursor in the panes on show; a pane that shows something else now has no cursor to be marked."""
        display, cursor = self._display, self._cursor
        if cursor is not None and display.slots[cursor.pane].uid != cursor.uid:
            self._cursor = cursor = None
        study = display.study_of(cursor.uid) if cursor is not None else None
        partners = partners_of(study, cursor.uid) if cursor is not None and study is not None else ()
        for pane, slot in zip(display.grid.panes, display.slots, strict=True):
            mark = self._mark(cursor, pane) if cursor is not None and slot.uid in partners else None
            pane.set_place_marks((mark,) if mark is not None else ())

    def _mark(self, cursor: _Cursor, target: Pane) -> PlaceMark | None:
        source = self._display.grid.panes[cursor.pane].content
        shown = target.content
        if source is None or shown is None or source.framing is None or shown.framing is None:
            return None
        number, point = place_on_plane(source.image.volume, cursor.point_mm)
        place = on_other_image(point, source.framing, shown.framing)
        if place is None:
            return None
        return PlaceMark(place, text_of(number, source.image.volume.spatial_shape[0]))


def place_on_plane(volume: Volume, point_mm: Point) -> tuple[int, tuple[float, float]]:
    """Return the stored slice nearest to an LPS point, and x, y in mm of the stored plane from its outer corner."""
    affine = np.asarray(volume.affine, dtype=float)
    slice_index, row, column = np.linalg.solve(affine[:3, :3], np.asarray(point_mm, dtype=float) - affine[:3, 3])
    _, row_mm, column_mm = np.linalg.norm(affine[:3, :3], axis=0)
    number = int(np.clip(np.floor(slice_index + 0.5), 0, volume.spatial_shape[0] - 1))
    return number, (float((column + 0.5) * column_mm), float((row + 0.5) * row_mm))


def text_of(slice_index: int, slices: int) -> str:
    """Return what stands beside the mark of a cursor that lies in a slice (counted from 0) of so many."""
    return f"about here, slice {slice_index + 1} of {slices}" if slices > 1 else "about here, slice not known"
