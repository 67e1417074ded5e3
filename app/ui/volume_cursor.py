"""Volume cursor: joins the cursor of the volume view with that of the slices of the same frame of reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.ui.display import Display
from viewer.layers.types import Point
from viewer.pane import Pane
from viewer.volume3d.view import VolumeView


class VolumeCursor:
    """The shared cursor, which never passes from one frame of reference to another."""

    def __init__(self, display: Display, view: VolumeView) -> None:
        self._display, self._view = display, view
        for pane in display.grid.panes:
            self._take_pane(pane)
        display.grid.pane_added.connect(self._take_pane)
        view.point_picked.connect(self.point)

    @property
    def frame_uid(self) -> str:
        """Frame of reference of what the volume view shows, "" for none."""
        image = self._view.scene.image
        return str(image.volume.frame_of_reference_uid or "") if image is not None else ""

    def _take_pane(self, pane: Pane) -> None:
        pane.cursor_set.connect(self._follower(pane))

    def _follower(self, pane: Pane) -> Callable[[Any], None]:
        def follow(point_mm: Any) -> None:
            if self._view.isVisible() and self.frame_uid and pane.frame_of_reference_uid == self.frame_uid:
                self._view.set_cursor(point_mm)

        return follow

    def panes_in(self, frame_uid: str) -> list[Pane]:
        """Return the visible panes of a frame of reference, the active one first."""
        panes = sorted(self._display.grid.visible_panes, key=lambda pane: pane is not self._display.pane)
        return [pane for pane in panes if frame_uid and pane.frame_of_reference_uid == frame_uid]

    def in_slices(self, frame_uid: str) -> Point | None:
        """Return where the slices of a frame of reference have their cursor."""
        return next((pane.cursor_mm for pane in self.panes_in(frame_uid) if pane.cursor_mm is not None), None)

    def point(self, point_mm: Point) -> None:
        """Put the cursor at a point: here, and in the slices of the same frame of reference."""
        self._view.set_cursor(point_mm)
        panes = self.panes_in(self.frame_uid)
        for pane in panes:
            pane.go_to(point_mm)
        if panes:
            panes[0].cursor_set.emit(point_mm)
