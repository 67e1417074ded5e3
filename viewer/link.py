"""Links between panes: same frame of reference, same millimetres; another frame is never followed."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from viewer.pane import Pane

PARALLEL = 0.99


def linkable(leader: Pane, follower: Pane) -> bool:
    """Whether two different panes show images of the same, known frame of reference."""
    if leader is follower or leader.shot is None or follower.shot is None:
        return False
    return bool(leader.frame_of_reference_uid) and leader.frame_of_reference_uid == follower.frame_of_reference_uid


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
