"""Pane: one view of one image with the shared cursor, its boxes, and the tool in hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from viewer.image_view import ImageView
from viewer.layers.rectangle import placed, rectangle_of, slice_of
from viewer.layers.types import BoxShape
from viewer.pane_actions import perform
from viewer.pane_input import PaneInput
from viewer.pane_painter import paint
from viewer.shot import Shot
from viewer.tools.base import Gesture, Tool
from viewer.tools.catalogue import new_tool
from viewer.tools.edit_box import box_at
from viewer.view_state import as_state, from_state


class Pane(ImageView):
    """A view that a reader works in: it reports gestures and leaves their meaning to others."""

    box_drawn = Signal(object, str)
    box_edited = Signal(object, object)
    box_selected = Signal(str)
    box_delete_requested = Signal(str)
    cursor_read = Signal(object, object, object)  # mm, stored voxel, value or None
    cursor_set = Signal(object)  # LPS mm
    activated = Signal()
    action_requested = Signal(str)  # an action of the key table that concerns the whole grid

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tool: Tool = new_tool("navigate")
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
        shot = self.shot
        if shot is not None and shot.plane.contains(np.array((shot.slice_index, *shot.pixel_at(x, y)))):
            self.cursor_mm = shot.mm_at(x, y)
            self.update()
            self.cursor_set.emit(self.cursor_mm)

    def clear_cursor(self) -> None:
        """Take the shared cursor away."""
        self.cursor_mm = None
        self.update()

    def report_cursor(self, x: float, y: float) -> None:
        """Tell position and value under a screen position."""
        shot = self.shot
        if shot is None or self.content is None:
            return
        row, column = (int(np.floor(value + 0.5)) for value in shot.pixel_at(x, y))
        place = (shot.slice_index, row, column)
        voxel = shot.plane.array_index(place)
        value: float | tuple[float, ...] | None = None
        if shot.plane.contains(np.array(place)):
            found = self.content.image.volume.array[voxel]
            value = tuple(map(float, found)) if np.ndim(found) else float(found)
        self.cursor_read.emit(shot.mm_at(x, y), voxel, value)

    # --- boxes ---------------------------------------------------------------------------------------------------

    @property
    def selected_shape(self) -> BoxShape | None:
        """The selected box, None where there is none."""
        if self.content is None or not self.selected_box or not self.overlays_visible:
            return None
        return next((box for box in self.content.boxes if box.uid == self.selected_box), None)

    def select_box(self, uid: str, *, by_user: bool = False) -> None:
        """Select a box, or none with an empty uid; asked from outside, the pane goes to its slice."""
        changed, self.selected_box = uid != self.selected_box, uid
        self._mark_selected()
        box = self.selected_shape
        if not by_user and box is not None and self._plane is not None:
            place = slice_of(box, self._plane) if box.frame_of_reference_uid == self.frame_of_reference_uid else None
            if place is not None:
                self.set_slice(place)
        self.update()
        if by_user and changed:
            self.box_selected.emit(uid)

    def select_at(self, at: Gesture) -> None:
        """Select the box under a point, or none."""
        found = box_at(self, at)
        self.select_box(found.uid if found is not None else "", by_user=True)

    def show_draft(self, box: BoxShape) -> None:
        """Show a box as it is being changed."""
        if self.content is not None:
            boxes = tuple(box if known.uid == box.uid else known for known in self.content.boxes)
            self.content = replace(self.content, boxes=boxes)
            self._sync_layers()
            self.update()

    def finish_draft(self, before: BoxShape) -> None:
        """Report a finished change of a box, if it is one."""
        after = next((box for box in self.content.boxes if box.uid == before.uid), before) if self.content else before
        if after != before:
            self.box_edited.emit(before, after)

    def nudge(self, across: int, down: int) -> bool:
        """Move the selected box by screen pixels' worth of image pixels; one call is one edit."""
        shot, box = self.shot, self.selected_shape
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

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Forget held keys."""
        super().focusOutEvent(event)
        self._input.leave()

    def leaveEvent(self, event: QEvent) -> None:
        """Tell that nothing is under the pointer."""
        super().leaveEvent(event)
        self.cursor_read.emit(None, None, None)
