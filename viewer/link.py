"""Links: panes of one frame of reference share millimetres; mammograms of one group share scale and level."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from viewer.camera import Camera
from viewer.framing import Framed, cameras, followed

if TYPE_CHECKING:
    from viewer.grid import ViewerGrid
    from viewer.pane import Pane

PARALLEL = 0.99


def linkable(leader: Pane, follower: Pane) -> bool:
    """Whether two different panes show images of the same, known frame of reference, and are not kept apart."""
    if leader is follower or leader.shot is None or follower.shot is None or leader.link != follower.link:
        return False
    return bool(leader.frame_of_reference_uid) and leader.frame_of_reference_uid == follower.frame_of_reference_uid


def grouped(leader: Pane, follower: Pane) -> bool:
    """Whether two different panes show mammograms of one group."""
    one, other = leader.framing, follower.framing
    return leader is not follower and one is not None and other is not None and one.group == other.group != ""


def parallel(leader: Pane, follower: Pane) -> bool:
    """Whether the planes of two panes are parallel."""
    one, other = leader.shot, follower.shot
    return one is not None and other is not None and abs(float(one.plane.normal @ other.plane.normal)) > PARALLEL


def follow_slice(leader: Pane, follower: Pane) -> None:
    """Show the slice nearest to the leader's; a place beyond the follower's image leaves it where it is."""
    one, other = leader.shot, follower.shot
    if one is None or other is None or not parallel(leader, follower):
        return
    _, rows, columns = one.plane.shape
    middle = one.plane.to_mm((one.slice_index, (rows - 1) / 2, (columns - 1) / 2))
    place = math.floor(float(other.plane.to_index(middle)[0]) + 0.5)
    if 0 <= place < other.plane.shape[0]:
        follower.set_slice(place)


def follow_camera(leader: Pane, follower: Pane) -> None:
    """Look at the same millimetres at the same scale, where both panes show the same plane the same way round."""
    one, other = leader.shot, follower.shot
    if one is None or other is None or not parallel(leader, follower):
        return
    if float(one.plane.row_cosine @ other.plane.row_cosine) < PARALLEL:
        return
    if leader.fitted:
        follower.camera = replace(follower.camera, turn=leader.camera.turn)
        follower.fit()
        return
    width, height = leader.camera.size
    index = other.plane.to_index(one.mm_at(width / 2, height / 2))
    _, row_mm, column_mm = other.plane.spacing_mm
    centre = ((float(index[2]) + 0.5) * column_mm, (float(index[1]) + 0.5) * row_mm)
    camera = replace(follower.camera, centre_mm=centre, zoom=leader.camera.zoom, turn=leader.camera.turn)
    follower.set_camera(camera)


class Links:
    """Lets the visible panes of a grid follow each other, and places the mammograms of a group together."""

    def __init__(self, grid: ViewerGrid) -> None:
        self._grid = grid
        self._following = False

    def _others(self, leader: Pane) -> list[Pane]:
        """Return the visible panes of the leader's frame of reference; none while one is already following."""
        if self._following or not self._grid.linked:
            return []
        return [pane for pane in self._grid.visible_panes if linkable(leader, pane)]

    @contextmanager
    def _follow(self) -> Iterator[None]:
        self._following = True
        try:
            yield
        finally:
            self._following = False

    def point(self, leader: Pane, point_mm: tuple[float, float, float]) -> None:
        """Bring the others to the leader's cursor."""
        others = self._others(leader)
        with self._follow():
            for pane in others:
                pane.go_to(point_mm)

    def scrolled(self, leader: Pane) -> None:
        """Bring the others to the leader's slice."""
        if self._following:
            return
        others = self._others(leader)
        with self._follow():
            for pane in others:
                follow_slice(leader, pane)
        self.mark(leader)

    def moved(self, leader: Pane) -> None:
        """Bring the others to the leader's camera."""
        if self._following or not self._grid.linked:
            return
        visible = self._grid.visible_panes
        with self._follow():
            for pane in visible:
                if grouped(leader, pane):
                    self._follow_framed(leader, pane)
                elif linkable(leader, pane):
                    follow_camera(leader, pane)

    def _follow_framed(self, leader: Pane, follower: Pane) -> None:
        one, other = leader.framing, follower.framing
        home, own_home = self.home(leader, None), self.home(follower, None)
        if one is None or other is None or home is None or own_home is None:
            return
        if leader.placing in ("fit", "one_to_one", "true"):
            follower.true_scale = leader.true_scale
            follower.placing = follower.placing or "fit"  # it is justified anew, not kept where it was
            follower.place(leader.placing)
        else:
            follower.set_camera(followed(leader.camera, home, own_home, (one.chest_wall, other.chest_wall)))

    def join(self, pane: Pane) -> None:
        """Bring a pane that shows something new to the cursor of the panes it is linked with."""
        pointed = next((other for other in self._others(pane) if other.cursor_mm is not None), None)
        if pointed is not None and pointed.cursor_mm is not None:
            pane.go_to(pointed.cursor_mm)
        self.mark(self._grid.active_pane)

    # --- groups of mammograms ------------------------------------------------------------------------------------

    def home(self, pane: Pane, zoom: float | None) -> Camera | None:
        """Return the camera that justifies a mammogram together with its group, at their common or a given scale."""
        columns = self._grid.cells[1]
        panes: list[Pane] = []
        group: list[Framed] = []
        visible = self._grid.visible_panes
        for place, one in enumerate(visible if pane in visible else (pane,)):
            framed = one.in_frame(place // columns)
            if framed is not None and (one is pane or grouped(pane, one)):
                panes.append(one)
                group.append(framed)
        return cameras(group, zoom)[panes.index(pane)] if pane in panes else None

    def place_again(self) -> None:
        """Place what is placed by a rule anew: the panes have another size or show something else."""
        with self._follow():
            for pane in self._grid.visible_panes:
                if pane.placing:
                    pane.place(pane.placing, quietly=True)

    def same_size(self) -> None:
        """Show all visible images at one scale, the largest at which every breast, or image, fits."""
        with self._follow():
            shown = [pane for pane in self._grid.visible_panes if pane.shot is not None]
            for pane in shown:
                pane.fit()
            known = [pane for pane in shown if pane.content is not None and pane.content.image.spacing_known]
            zoom = min((pane.camera.zoom for pane in known), default=0.0)
            for pane in known:
                if pane.camera.zoom > zoom * (1 + 1e-9):
                    home = self.home(pane, zoom)
                    pane.set_camera(home or replace(pane.camera, zoom=zoom))

    def true_size(self, pixels_per_mm: float, *, calibrated: bool) -> None:
        """Show a mm of all visible images as a mm of the screen; one without millimetres says so."""
        with self._follow():
            for pane in self._grid.visible_panes:
                if pane.framing is not None:
                    pane.placing = pane.placing or "fit"
                pane.true_size(pixels_per_mm, calibrated=calibrated)

    # --- reference marks -----------------------------------------------------------------------------------------

    def mark(self, leader: Pane) -> None:
        """Let the panes whose planes the leader's slice cuts draw where it does."""
        if leader is not self._grid.active_pane:
            return
        for pane in self._grid.visible_panes:
            crosses = self._grid.linked and linkable(leader, pane) and not parallel(leader, pane)
            if crosses or pane.reference is not None:
                pane.reference = leader if crosses else None
                pane.update()
