"""Marked view: the boxes and measurements of a view: which one is selected, how it is moved and changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import Signal

from viewer.framed_view import FramedView
from viewer.layers.rectangle import placed, rectangle_of, slice_of
from viewer.layers.types import BoxShape, MeasurementShape
from viewer.measuring import slice_of_shape
from viewer.tools.base import Gesture
from viewer.tools.edit_box import box_at
from viewer.tools.measure_edit import live, nudged


class MarkedView(FramedView):
    """A view whose boxes and measurements can be selected and changed; what a change means is left to others."""

    box_edited = Signal(object, object)
    measurement_edited = Signal(object, object)
    box_selected = Signal(str)

    @property
    def selected_shape(self) -> BoxShape | None:
        """The selected box, None where there is none."""
        if self.content is None or not self.selected_box or not self.overlays_visible:
            return None
        return next((box for box in self.content.boxes if box.uid == self.selected_box), None)

    @property
    def selected_measurement(self) -> MeasurementShape | None:
        """The selected measurement, None where there is none."""
        if self.content is None or not self.selected_box or not self.overlays_visible:
            return None
        return next((shape for shape in self.content.measurements if shape.uid == self.selected_box), None)

    def select_box(self, uid: str, *, by_user: bool = False) -> None:
        """Select a box or measurement, or none with an empty uid; asked from outside, the pane goes to its slice."""
        changed, self.selected_box = uid != self.selected_box, uid
        self._mark_selected()
        mark = self.selected_shape or self.selected_measurement
        if not by_user and mark is not None and self._plane is not None:
            find = slice_of if isinstance(mark, BoxShape) else slice_of_shape
            alike = mark.frame_of_reference_uid == self.frame_of_reference_uid
            place = find(mark, self._plane) if alike else None  # type: ignore[arg-type]
            if place is not None:
                self.set_slice(place)
        self.update()
        if by_user and changed:
            self.box_selected.emit(uid)

    def select_at(self, at: Gesture) -> None:
        """Select the box under a point, or none."""
        found = box_at(self, at)
        self.select_box(found.uid if found is not None else "", by_user=True)

    def show_draft(self, mark: BoxShape | MeasurementShape) -> None:
        """Show a box or measurement as it is being changed."""
        if self.content is not None:
            place = "boxes" if isinstance(mark, BoxShape) else "measurements"
            marks = tuple(mark if known.uid == mark.uid else known for known in getattr(self.content, place))
            self.content = replace(self.content, **{place: marks})
            self._sync_layers()
            self.update()

    def finish_draft(self, before: BoxShape | MeasurementShape) -> None:
        """Report a finished change of a box or measurement, if it is one."""
        drawn = (*self.content.boxes, *self.content.measurements) if self.content is not None else ()
        after = next((mark for mark in drawn if mark.uid == before.uid), before)
        if after != before:
            (self.box_edited if isinstance(before, BoxShape) else self.measurement_edited).emit(before, after)

    def nudge(self, across: int, down: int) -> bool:
        """Move the selected box or measurement by screen pixels' worth of image pixels; one call is one edit."""
        shot, box = self.shot, self.selected_shape
        if shot is not None and (shape := self.selected_measurement) is not None and not shot.projects:
            columns, rows = np.array(self.camera.turn).T @ (across, down)
            if (to := nudged(shape, shot, float(rows), float(columns))) is None:
                return False
            self.show_draft(live(self, to))
            self.finish_draft(shape)
            return True
        if shot is None or box is None or box.proposal:
            return False
        edges = rectangle_of(box, shot.plane, shot.slice_index, shot.frame_uid)
        if edges is None:
            return False
        columns, rows = np.array(self.camera.turn).T @ (across, down)
        self.show_draft(placed(box, edges.moved(rows, columns, shot.plane), shot.plane, shot.slice_index))
        self.finish_draft(box)
        return True
