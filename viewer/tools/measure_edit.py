"""Editing a measurement: pick it, pull one of its points, move it; one finished drag is one edit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QPolygonF

from viewer.layers.measurement import nearest_on, screen_lines, screen_points
from viewer.layers.types import MeasurementShape
from viewer.measuring import Place, area_mm2, places_on, region_values, shaped, statistics
from viewer.measuring_places import held, moved, pulled
from viewer.measuring_text import mean_text, size_text
from viewer.shot import Shot
from viewer.tools.base import Gesture

if TYPE_CHECKING:
    from viewer.pane import Pane

REACH = 7.0  # logical pixels around a point or a line
MOVE = -1  # the handle that moves all
REGIONS = ("ellipse", "freehand")
LIVE_PIXELS = 500_000  # a larger region is measured when it is let go: its statistics would make the drag jerk


@dataclass
class Grab:
    """A drag of a measurement: which one, by what, from where."""

    shape: MeasurementShape
    places: list[Place]
    handle: int
    start: Place


class MeasurementEdit:
    """The drag of a selected measurement, shared by the tools that allow it."""

    def __init__(self) -> None:
        self._grab: Grab | None = None

    def handle_at(self, pane: Pane, at: Gesture, *, inside: bool) -> int | None:
        """Return the point under the pointer, :data:`MOVE` on a line or, if asked for, inside; else None."""
        shape, shot = pane.selected_measurement, pane.shot
        places = places_of(shape, shot)
        if shape is None or shot is None or places is None:
            return None
        reach, here = REACH * pane.ratio, QPointF(at.x, at.y)
        gaps = [QLineF(point, here).length() for point in screen_points(places, shot)]
        nearest = min(range(len(gaps)), key=gaps.__getitem__)
        if gaps[nearest] <= reach:
            return nearest
        return MOVE if inside and distance(shape, places, shot, here) <= reach else None

    def press(self, pane: Pane, at: Gesture, *, inside: bool) -> bool:
        """Take hold of the selected measurement; False where there is nothing to hold."""
        handle = self.handle_at(pane, at, inside=inside)
        shape, shot = pane.selected_measurement, pane.shot
        places = places_of(shape, shot)
        if handle is None or shape is None or shot is None or places is None:
            return False
        self._grab = Grab(shape, places, handle, shot.pixel_at(at.x, at.y))
        return True

    def move(self, pane: Pane, at: Gesture) -> bool:
        """Show the measurement as dragged so far, with its live values; False while nothing is held."""
        grab, shot = self._grab, pane.shot
        if grab is None or shot is None:
            return False
        row, column = shot.pixel_at(at.x, at.y)
        size, spacing = shot.plane.shape[1:], shot.plane.spacing_mm[1:]
        if grab.handle == MOVE:
            places = moved(grab.places, row - grab.start[0], column - grab.start[1], size)
        else:
            places = pulled(grab.shape.kind, grab.places, grab.handle, held((row, column), size), spacing)
        pane.show_draft(live(pane, shaped(grab.shape, places, shot.plane, shot.slice_index)))
        return True

    def release(self, pane: Pane) -> bool:
        """Report the edit, once, if the measurement changed."""
        grab, self._grab = self._grab, None
        if grab is None:
            return False
        pane.finish_draft(grab.shape)
        return True

    def cancel(self, pane: Pane) -> bool:
        """Put the measurement back where it was."""
        grab, self._grab = self._grab, None
        if grab is None:
            return False
        pane.show_draft(grab.shape)
        return True


def places_of(shape: MeasurementShape | None, shot: Shot | None) -> list[Place] | None:
    """Return (row, column) of the points of a shape on the slice shown, None where it is not on it; None on a slab."""
    if shape is None or shot is None or shot.projects:
        return None
    return places_on(shape, shot.plane, shot.slice_index, shot.frame_uid)


def nudged(shape: MeasurementShape, shot: Shot, rows: float, columns: float) -> MeasurementShape | None:
    """Return a shape moved by pixels within the image, None where it does not lie on the slice."""
    places = places_of(shape, shot)
    if places is None:
        return None
    size = shot.plane.shape[1:]
    return shaped(shape, moved(places, rows, columns, size), shot.plane, shot.slice_index)


def distance(shape: MeasurementShape, places: list[Place], shot: Shot, here: QPointF) -> float:
    """Return how far a screen position is from a shape's lines, in device pixels; 0 inside a region."""
    paths = screen_lines(shape, screen_points(places, shot), shot)
    if shape.kind in REGIONS and QPolygonF(paths[0]).containsPoint(here, Qt.FillRule.OddEvenFill):
        return 0.0
    return min(QLineF(here, nearest_on(a, b, here)).length() for path in paths for a, b in pairwise(path))


def measurement_at(pane: Pane, at: Gesture) -> MeasurementShape | None:
    """Return the measurement under a point: the one with the nearest line, of nested regions the smaller one."""
    shot = pane.shot
    if shot is None or pane.content is None or not pane.overlays_visible:
        return None
    here, found = QPointF(at.x, at.y), []
    for shape in pane.content.measurements:
        places = places_of(shape, shot)
        if places is None:
            continue
        gap = distance(shape, places, shot, here)
        if gap <= REACH * pane.ratio:
            size = QPolygonF(screen_points(places, shot)).boundingRect()
            found.append((gap, size.width() * size.height(), len(found), shape))
    return min(found)[3] if found else None


def live(pane: Pane, shape: MeasurementShape) -> MeasurementShape:
    """Return a shape in the making with its values beside it: plain mm, or px where the spacing is unknown."""
    content, shot = pane.content, pane.shot
    if content is None or shot is None:
        return shape
    pixel = max(shot.plane.spacing_mm[1:])
    lines = [size_text(shape, pixel, "mm" if content.image.spacing_known else "px")]
    volume = content.image.volume
    small = shape.kind in REGIONS and area_mm2(shape) <= LIVE_PIXELS * math.prod(shot.plane.spacing_mm[1:])
    values = region_values(shape, volume.array, volume.affine) if small else None
    if values is not None:
        lines.append(mean_text(statistics(values, content.image.presentation.padding)))
    return replace(shape, lines=tuple(line for line in lines if line))
