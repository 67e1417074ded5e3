"""Rectangle: a box in pixels of a displayed plane, and the way from and to millimetres. Qt-free."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from viewer.layers.types import BoxShape
from viewer.planes import Plane

if TYPE_CHECKING:
    from viewer.shot import Shot

PARALLEL = 0.999  # cosine between two planes' normals: 2.6 degrees
HANDLES = ("nw", "n", "ne", "e", "se", "s", "sw", "w")


@dataclass(frozen=True)
class Rectangle:
    """Edges in pixel coordinates of a plane; pixel n spans n − 0.5 to n + 0.5."""

    top: float
    left: float
    bottom: float
    right: float

    @classmethod
    def around(cls, points: list[tuple[float, float]], plane: Plane) -> Rectangle:
        """Return the rectangle of whole pixels that holds all (row, column) points, clipped to the image."""
        rows = [_edge(row, plane.shape[1]) for row, _ in points]
        columns = [_edge(column, plane.shape[2]) for _, column in points]
        top, left = math.floor(min(rows)) - 0.5, math.floor(min(columns)) - 0.5
        bottom, right = math.ceil(max(rows)) - 0.5, math.ceil(max(columns)) - 0.5
        return cls(top, left, max(bottom, top + 1), max(right, left + 1))

    def handle(self, name: str) -> tuple[float, float]:
        """Return (row, column) of a handle."""
        row = self.top if "n" in name else self.bottom if "s" in name else (self.top + self.bottom) / 2
        column = self.left if "w" in name else self.right if "e" in name else (self.left + self.right) / 2
        return row, column

    def moved(self, rows: float, columns: float, plane: Plane) -> Rectangle:
        """Return the rectangle moved by whole pixels, kept inside the image."""
        down = min(max(round(rows), -0.5 - self.top), plane.shape[1] - 0.5 - self.bottom)
        across = min(max(round(columns), -0.5 - self.left), plane.shape[2] - 0.5 - self.right)
        return Rectangle(self.top + down, self.left + across, self.bottom + down, self.right + across)

    def dragged(self, handle: str, row: float, column: float, plane: Plane) -> Rectangle:
        """Return the rectangle with a handle pulled to (row, column); it may be pulled through to the other side."""
        row = round(min(max(row, -0.5), plane.shape[1] - 0.5) + 0.5) - 0.5
        column = round(min(max(column, -0.5), plane.shape[2] - 0.5) + 0.5) - 0.5
        edges = replace(self)
        if "n" in handle:
            edges = replace(edges, top=row)
        if "s" in handle:
            edges = replace(edges, bottom=row)
        if "w" in handle:
            edges = replace(edges, left=column)
        if "e" in handle:
            edges = replace(edges, right=column)
        return edges.ordered()

    def ordered(self) -> Rectangle:
        """Return the rectangle with top above bottom, left of right, at least one pixel each way."""
        top, bottom = sorted((self.top, self.bottom))
        left, right = sorted((self.left, self.right))
        return Rectangle(top, left, max(bottom, top + 1), max(right, left + 1))

    def holds(self, row: float, column: float) -> bool:
        """Whether a point lies inside."""
        return self.top <= row <= self.bottom and self.left <= column <= self.right

    @property
    def area(self) -> float:
        """Area in pixels."""
        return (self.bottom - self.top) * (self.right - self.left)


def _edge(value: float, size: int) -> float:
    """Return a pixel coordinate counted from the outer edge, within the image."""
    return min(max(value + 0.5, 0.0), float(size))


def rectangle_of(box: BoxShape, plane: Plane, slice_index: int, frame_uid: str) -> Rectangle | None:
    """Return a box on a slice, None where it lies on another slice, in another plane or another frame of reference."""
    if box.frame_of_reference_uid != frame_uid or not _parallel(box, plane):
        return None
    first, second = plane.to_index(box.corner_mm), plane.to_index(box.opposite_mm)
    if not -0.5 <= (first[0] + second[0]) / 2 - slice_index < 0.5:
        return None
    return Rectangle(
        float(min(first[1], second[1])),
        float(min(first[2], second[2])),
        float(max(first[1], second[1])),
        float(max(first[2], second[2])),
    )


def shown_rectangle(box: BoxShape, shot: Shot) -> Rectangle | None:
    """Return a box as a slice, or a slab that it lies in, shows it; None where it is not in sight."""
    if not shot.projects:
        return rectangle_of(box, shot.plane, shot.slice_index, shot.frame_uid)
    place = slice_of(box, shot.plane) if box.frame_of_reference_uid == shot.frame_uid else None
    if place is None or not shot.span[0] <= place <= shot.span[1]:
        return None
    return rectangle_of(box, shot.plane, place, shot.frame_uid)


def _parallel(box: BoxShape, plane: Plane) -> bool:
    """Whether a box lies in the plane with its edges along rows and columns, so that two corners tell it."""
    row, column = np.array(box.orientation[:3]), np.array(box.orientation[3:])
    normal = np.cross(row, column)
    if abs(float(normal @ plane.normal)) < PARALLEL * float(np.linalg.norm(normal)):
        return False
    along = [abs(float(row @ other)) for other in (plane.row_cosine, plane.column_cosine)]
    return max(along) >= PARALLEL * float(np.linalg.norm(row))


def slice_of(box: BoxShape, plane: Plane) -> int | None:
    """Return the slice of a plane that a box lies on, None where it lies on none."""
    if not _parallel(box, plane):
        return None
    place = (plane.to_index(box.corner_mm)[0] + plane.to_index(box.opposite_mm)[0]) / 2
    index = math.floor(place + 0.5)
    return index if 0 <= index < plane.shape[0] else None


def placed(box: BoxShape, rectangle: Rectangle, plane: Plane, slice_index: int) -> BoxShape:
    """Return the box with the corners of a rectangle on a slice."""
    corner = plane.to_mm((slice_index, rectangle.top, rectangle.left))
    opposite = plane.to_mm((slice_index, rectangle.bottom, rectangle.right))
    cosines = (*map(float, plane.row_cosine), *map(float, plane.column_cosine))
    return replace(
        box,
        corner_mm=(float(corner[0]), float(corner[1]), float(corner[2])),
        opposite_mm=(float(opposite[0]), float(opposite[1]), float(opposite[2])),
        orientation=(cosines[0], cosines[1], cosines[2], cosines[3], cosines[4], cosines[5]),
    )


def new_box(rectangle: Rectangle, plane: Plane, slice_index: int, frame_uid: str) -> BoxShape:
    """Return a box without uid on a slice."""
    zero = (0.0, 0.0, 0.0)
    empty = BoxShape("", frame_uid, zero, zero, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))
    return placed(empty, rectangle, plane, slice_index)
