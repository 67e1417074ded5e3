"""Pane: one view of one image with the shared cursor, its boxes, and the tool in hand."""

from __future__ import annotations

import math
from collections.abc import Iterable
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

from viewer.layers.types import PlaceMark
from viewer.marked_view import MarkedView
from viewer.pane_actions import perform
from viewer.pane_input import PaneInput
from viewer.pane_painter import paint
from viewer.shot import Shot
from viewer.tools.base import Tool
from viewer.tools.catalogue import new_tool
from viewer.view_state import as_state, from_state


class Pane(MarkedView):
    """A view that a reader works in: it reports gestures and leaves their meaning to others."""

    box_drawn = Signal(object, str)
    measurement_drawn = Signal(object, str)
    box_delete_requested = Signal(str)
    cursor_read = Signal(object, object, object)  # mm, stored voxel, value or None
    cursor_set = Signal(object)  # LPS mm
    cursor_cleared = Signal()
    activated = Signal()
    action_requested = Signal(str)  # an action of the key table that concerns the whole grid

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tool: Tool = new_tool("navigate")
        self.reference: Pane | None = None  # the pane whose slice cuts this one's, drawn as a line
        self.place_marks: tuple[PlaceMark, ...] = ()
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
        there, self.cursor_mm = self.cursor_mm is not None, None
        self.update()
        if there:
            self.cursor_cleared.emit()

    def set_place_marks(self, marks: Iterable[PlaceMark]) -> None:
        """Mark about where places of other images lie on this one."""
        marks = tuple(marks)
        if marks != self.place_marks:
            self.place_marks = marks
            self.update()

    def report_cursor(self, x: float, y: float) -> None:
        """Tell position and value under a screen position."""
        reading = self.reading_at(x, y)
        if reading is not None:
            self.cursor_read.emit(reading.mm, reading.voxel, reading.value)

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
