"""Pane: one view of one image with the shared cursor, its boxes, and the tool in hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget

from viewer.framed_view import FramedView
from viewer.layers.rectangle import placed, rectangle_of, slice_of
from viewer.layers.types import BoxShape, MeasurementShape
from viewer.measuring import slice_of_shape
from viewer.pane_actions import perform
from viewer.pane_input import PaneInput
from viewer.pane_painter import paint
from viewer.shot import Shot
from viewer.tools.base import Gesture, Tool
from viewer.tools.catalogue import new_tool
from viewer.tools.edit_box import box_at
from viewer.tools.measure_edit import live, nudged
from viewer.view_state import as_state, from_state


class Pane(FramedView):
    """A view that a reader works in: it reports gestures and leaves their meaning to others."""

    box_drawn = Signal(object, str)
    box_edited = Signal(object, object)
    measurement_drawn = Signal(object, str)
    measurement_edited = Signal(object, object)
    box_selected = Signal(str)
    box_delete_requested = Signal(str)
    cursor_read = Signal(object, object, object)  # mm, stored voxel, value or None
    cursor_set = Signal(object)  # LPS mm
    activated = Signal()
    action_requested = Signal(str)  # an action of the key table that concerns the whole grid

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tool: Tool = new_tool("navigate")
        self.reference: Pane | None = None  # the pane whose slice cuts this one's, drawn as a line
        self._input = PaneInput(self)

    # --- cursor --------------------------------------------------------------------------------------------------

    def go_to(self, point_mm: tuple[float, float, float]) -> None:
        """Put the shared cursor at a point and bring it into view; a point outside the image only moves the cursor."""
        self.cursor_mm = (float(point_mm[0]), float(point_mm[1]), float(point_mm[2]))
        shot = self.shot
        if shot is not None:
            index = shot.plane.to_index(self.cursor_mm)
            if shot.plane.contains(index):
                self.set_slice(int(np.floor(index[0] + 0.5)))
                self._bring_into_view(shot, index)
        self.update()

    def _bring_into_view(self, shot: Shot, index: np.ndarray) -> None:
        x, y = shot.screen_of(float(index[1]), float(index[2]))
        width, height = self.camera.size
        if not (0 <= x < width and 0 <= y < height):
            self.set_camera(self.camera.panned(width / 2 - x, height / 2 - y))

    def point_at(self, x: float, y: float) -> None:
        """Set the shared cursor under a screen position."""
        reading = self.reading_at(x, y)
        if reading is not None and reading.inside:
            self.cursor_mm = reading.mm
            if self.slab is not None and math.isinf(self.slab.thickness_mm):
                self.set_slice(reading.slice_index)  # the picture stays: it is the whole volume
            self.update()
            self.cursor_set.emit(self.cursor_mm)

    def clear_cursor(self) -> None:
        """Take the shared cursor away."""
        self.cursor_mm = None
        self.update()

    def report_cursor(self, x: float, y: float) -> None:
        """Tell position and value under a screen position."""
        reading = self.reading_at(x, y)
        if reading is not None:
            self.cursor_read.emit(reading.mm, reading.voxel, reading.value)

    # --- boxes ---------------------------------------------------------------------------------------------------

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

    # --- tools and keys ------------------------------------------------------------------------------------------

    def set_tool(self, name: str) -> None:
        """Take a tool into the hand; what the old one had begun is dropped."""
        self._input.cancel()
        self.tool = new_tool(name)
        self.setCursor(self.tool.cursor)
        self.update()

    def set_overlays_visible(self, visible: bool) -> None:
        """Show or hide heat maps, masks, boxes and the cursor."""
        self.overlays_visible = visible
        self.update()

    def set_smooth(self, smooth: bool) -> None:
        """Interpolate magnified pixels, or show them plain."""
        if self.image_visual is not None:
            self.image_visual.smooth = smooth
            self.update()

    def perform(self, action: str) -> bool:
        """Do an action of the key table; False where it does not apply."""
        return perform(self, action)

    def cancel(self) -> bool:
        """Drop a half-drawn box, else unselect, else take the cursor away; False where there was nothing to drop."""
        if self._input.cancel():
            return True
        if self.selected_box:
            self.select_box("", by_user=True)
            return True
        pointed = self.cursor_mm is not None
        self.clear_cursor()
        return pointed

    # --- keeping and exporting -----------------------------------------------------------------------------------

    def view_state(self) -> dict[str, Any]:
        """Return plane, slice, camera and window as JSON values."""
        return as_state(self)

    def restore_view_state(self, state: dict[str, Any]) -> None:
        """Take up a state of :meth:`view_state`; what does not fit this image is left as it is."""
        from_state(self, state)

    def image(self, *, furniture: bool = True) -> QImage:
        """Return what the pane shows, in device pixels; without furniture only pixels and visible layers."""
        self._follow_size()
        if self.image_visual is not None and self.shot is not None:
            self.image_visual.complete(self.shot)
            self.comparing.complete(self.shot)
        image = QImage(*self.camera.size, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        paint(painter, self, furniture=furniture)
        painter.end()
        return image

    # --- Qt ------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint in device pixels."""
        self._follow_size()
        painter = QPainter(self)
        painter.scale(1 / self.ratio, 1 / self.ratio)
        paint(painter, self)
        painter.end()
        if self.image_visual is not None and (self.image_visual.missing or self.comparing.missing):
            QTimer.singleShot(0, self, self.update)  # goes on with a slab that takes longer than one painting

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Become active and give the button to its tool."""
        self.activated.emit()
        self._input.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag or hover."""
        self._input.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Finish a drag."""
        self._input.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Enlarge the pane, unless a tool wants each click."""
        if event.button() is Qt.MouseButton.LeftButton and self.tool.name == "navigate":
            self.action_requested.emit("maximise")
        else:
            self._input.press(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll or zoom."""
        self._input.wheel(event)
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Do what the key table says."""
        if not self._input.key_press(event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """End what a held key began."""
        if not self._input.key_release(event):
            super().keyReleaseEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Become active."""
        super().focusInEvent(event)
        self.activated.emit()

    def showEvent(self, event: QShowEvent) -> None:
        """Blink again."""
        super().showEvent(event)
        self.comparing.follow_visibility()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop blinking."""
        super().hideEvent(event)
        self.comparing.follow_visibility()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget held keys."""
        super().focusOutEvent(event)
        self._input.leave()

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that nothing is under the pointer."""
        super().leaveEvent(event)
        self.cursor_read.emit(None, None, None)
