"""Framing: where mammograms lie in their panes: chest wall at the edge, one level in a row, one scale. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from viewer.camera import Camera, Turn
from viewer.layers.types import Framing

QUADRANTS = ("upper left", "upper right", "lower left", "lower right")
_WALLS = {"left": (-1, 0), "right": (1, 0)}
_LEAST_MM = 1e-3


class Reach(NamedTuple):
    """How far the breast reaches from its anchor on the screen, in mm."""

    left: float
    up: float
    right: float
    down: float


@dataclass(frozen=True)
class Framed:
    """A mammogram in a pane.

    Attributes
    ----------
    framing
        As it lies on the screen now, see :func:`as_turned`.
    size
        Width and height of the pane in device pixels.
    row
        Row of the pane in the grid; panes of one row share the level.
    """

    framing: Framing
    size: tuple[int, int]
    row: int = 0


def as_turned(framing: Framing, turn: Turn) -> Framing:
    """Return a framing after the user turned or mirrored the image; a chest wall that is now up or down is centred."""
    if turn == framing.turn:
        return framing
    by = np.array(turn) @ np.array(framing.turn).T
    wall = _WALLS.get(framing.chest_wall)
    now = tuple(int(n) for n in by @ wall) if wall is not None else None
    edge = "left" if now == _WALLS["left"] else "right" if now == _WALLS["right"] else ""
    return replace(framing, turn=turn, chest_wall=edge)


def reach_of(framing: Framing) -> Reach:
    """Return how far the breast reaches from its anchor; an anchor outside the breast is kept in view with it."""
    left, top, right, bottom = framing.region_mm
    corners = np.array(((left, top), (right, bottom), framing.anchor_mm)) - framing.anchor_mm
    seen = corners @ np.array(framing.turn, dtype=float).T
    low, high = seen.min(axis=0), seen.max(axis=0)
    return Reach(-float(low[0]), -float(low[1]), float(high[0]), float(high[1]))


def same_scale(group: Sequence[Framed]) -> float:
    """Return the largest scale, in screen pixels for a mm, at which every breast of a group fits into its pane."""
    zoom = np.inf
    for one in group:
        reach = reach_of(one.framing)
        above, below, height = _row(group, one.row)
        across = max(reach.left + reach.right, _LEAST_MM)
        zoom = min(zoom, one.size[0] / across, height / max(above + below, _LEAST_MM))
    return float(zoom)


def cameras(group: Sequence[Framed], zoom: float | None = None) -> tuple[Camera, ...]:
    """Return the camera of each pane of a group.

    Parameters
    ----------
    zoom
        Screen pixels for a mm; None takes :func:`same_scale`. At a larger one the chest wall stays at the edge of the
        pane and the breasts of a row keep their common level, in the middle.
    """
    zoom = same_scale(group) if zoom is None else zoom
    return tuple(_camera(one, zoom, _row(group, one.row)) for one in group)


def quadrant(framing: Framing, size: tuple[int, int], name: str) -> Camera:
    """Return the camera that fills a pane with a quarter of the breast, named by where it lies on the screen."""
    if name not in QUADRANTS:
        raise ValueError(f"quadrant {name!r} is not one of {', '.join(QUADRANTS)}")
    vertical, side = name.split(" ")
    reach = reach_of(framing)
    x = _half(-reach.left, reach.right, first=side == "left")
    y = _half(-reach.up, reach.down, first=vertical == "upper")
    turn = np.array(framing.turn, dtype=float)
    corners = np.array(((x[0], y[0]), (x[1], y[1]))) @ turn + framing.anchor_mm
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    middle = (float(left + right) / 2, float(top + bottom) / 2)
    wall = framing.chest_wall if framing.chest_wall == side else ""
    region = (float(left), float(top), float(right), float(bottom))
    return cameras((Framed(replace(framing, region_mm=region, anchor_mm=middle, chest_wall=wall), size),))[0]


def followed(leader: Camera, home: Camera, own_home: Camera, walls: tuple[str, str]) -> Camera:
    """Return the camera of a pane that follows another of its group.

    Parameters
    ----------
    home, own_home
        Cameras that fit the leader's and the follower's breast: what the leader moved away from.
    walls
        Edges at which the leader's and the follower's chest wall lie. At opposite ones, a pan towards the one wall is
        a pan towards the other.
    """
    across, down = _wall_point(home, walls[0])
    x, y = leader.to_screen(*home.to_plane(across, down))
    mirrored = set(walls) == {"left", "right"}
    shift = np.array((across - x if mirrored else x - across, y - down))
    own_across, own_down = _wall_point(own_home, walls[1])
    held = np.array(own_home.to_plane(own_across, own_down))
    from_held = np.array(own_home.size) / 2 - (own_across, own_down) - shift
    centre = held + np.array(own_home.turn, dtype=float).T @ from_held / leader.zoom
    return replace(own_home, centre_mm=(float(centre[0]), float(centre[1])), zoom=leader.zoom)


def _wall_point(camera: Camera, wall: str) -> tuple[float, float]:
    """Return the screen position at the middle of the pane's edge where the chest wall lies."""
    width, height = camera.size
    return {"left": 0.0, "right": float(width)}.get(wall, width / 2), height / 2


def facing(left: Framing | None, right: Framing | None) -> bool:
    """Whether the chest walls of two neighbouring panes meet, so that there is no gap between them."""
    return left is not None and right is not None and left.chest_wall == "right" and right.chest_wall == "left"


def _row(group: Sequence[Framed], row: int) -> tuple[float, float, int]:
    """Return how far a row's breasts reach above and below their level in mm, and the height of its lowest pane."""
    members = [one for one in group if one.row == row]
    reaches = [reach_of(one.framing) for one in members]
    height = min(one.size[1] for one in members)
    return max(reach.up for reach in reaches), max(reach.down for reach in reaches), height


def _camera(one: Framed, zoom: float, row: tuple[float, float, int]) -> Camera:
    framing, (width, height), reach = one.framing, one.size, reach_of(one.framing)
    above, below, lowest = row
    if framing.chest_wall == "left":
        x = zoom * reach.left
    elif framing.chest_wall == "right":
        x = width - zoom * reach.right
    else:
        x = width / 2 + zoom * (reach.left - reach.right) / 2
    y = lowest / 2 + zoom * (above - below) / 2
    from_anchor = np.array(framing.turn, dtype=float).T @ (width / 2 - x, height / 2 - y) / zoom
    centre = (float(framing.anchor_mm[0] + from_anchor[0]), float(framing.anchor_mm[1] + from_anchor[1]))
    return Camera(centre, zoom, framing.turn, one.size)


def _half(low: float, high: float, *, first: bool) -> tuple[float, float]:
    middle = (low + high) / 2
    return (low, middle) if first else (middle, high)
