"""Measuring: lengths, angles, areas and pixel statistics of shapes in an image plane. Numpy only, Qt-free."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from viewer.layers.types import Cosines, MeasurementShape, Point
from viewer.planes import Plane, is_aligned, plane_of
from viewer.presentation import Padding

PARALLEL = 0.9998  # cosine of 1.1 degrees: two planes are the same one
ON_SLICE = 0.5 + 1e-6  # slices: a shape lies on the slice whose slab it is in
OUTLINE_POINTS = 180  # of an ellipse drawn or filled: 2 degrees each
ALONG_THE_ARRAY = ("native", "axial", "sagittal", "coronal")
Place = tuple[float, float]  # row, column


# --- geometry in the plane -------------------------------------------------------------------------------------------


def axes_of(orientation: Cosines) -> tuple[np.ndarray, np.ndarray]:
    """Return the unit vectors along the rows and down the columns of a plane."""
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    return row / np.linalg.norm(row), column / np.linalg.norm(column)


def flat(points_mm: Sequence[Point], orientation: Cosines) -> np.ndarray:
    """Return in-plane coordinates (n, 2) in mm, along the rows and down the columns, from the first point."""
    row, column = axes_of(orientation)
    offsets = np.subtract(points_mm, points_mm[0])
    return np.column_stack((offsets @ row, offsets @ column))


def length_mm(points_mm: Sequence[Point]) -> float:
    """Return the distance of the first two points."""
    return float(np.linalg.norm(np.subtract(points_mm[1], points_mm[0])))


def diameters_mm(points_mm: Sequence[Point]) -> tuple[float, float]:
    """Return both diameters of a two-diameter measurement, the longer first (RECIST 1.1, Eur J Cancer 2009;45:228)."""
    first, second = length_mm(points_mm[:2]), length_mm(points_mm[2:4])
    return max(first, second), min(first, second)


def angle_degrees(points_mm: Sequence[Point]) -> float:
    """Return the angle at the middle of three points, 0 to 180; 0 where an arm has no length."""
    one, other = np.subtract(points_mm[0], points_mm[1]), np.subtract(points_mm[2], points_mm[1])
    across = float(np.linalg.norm(np.cross(one, other)))
    return math.degrees(math.atan2(across, float(one @ other)))


def ellipse_axes_mm(points_mm: Sequence[Point]) -> tuple[float, float]:
    """Return the two axes (whole lengths) of an ellipse given by both ends of both."""
    return length_mm(points_mm[:2]), length_mm(points_mm[2:4])


def outline(shape: MeasurementShape) -> np.ndarray:
    """Return the closed outline (n, 3) of a region in mm, without the first point repeated at the end."""
    points = np.array(shape.points_mm, float)
    if shape.kind != "ellipse":
        return points
    centre = points.mean(axis=0)
    first, second = (points[1] - points[0]) / 2, (points[3] - points[2]) / 2
    turn = np.arange(OUTLINE_POINTS) * (2 * math.pi / OUTLINE_POINTS)
    return centre + np.cos(turn)[:, None] * first + np.sin(turn)[:, None] * second


def area_mm2(shape: MeasurementShape) -> float:
    """Return the area of a region: exact for an ellipse, shoelace formula for an outline."""
    if shape.kind == "ellipse":
        first, second = (np.subtract(shape.points_mm[n + 1], shape.points_mm[n]) / 2 for n in (0, 2))
        return float(math.pi * np.linalg.norm(np.cross(first, second)))
    x, y = flat(shape.points_mm, shape.orientation).T
    return float(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)


def perimeter_mm(shape: MeasurementShape) -> float:
    """Return the length of a region's outline."""
    points = outline(shape)
    return float(np.linalg.norm(np.roll(points, -1, axis=0) - points, axis=1).sum())


# --- shapes on slices ------------------------------------------------------------------------------------------------


def places_on(shape: MeasurementShape, plane: Plane, slice_index: int, frame_uid: str) -> list[Place] | None:
    """Return (row, column) of each point, None where the shape lies on another slice, plane or frame of reference."""
    if shape.frame_of_reference_uid != frame_uid or not _same_plane(shape.orientation, plane):
        return None
    index = [plane.to_index(point) for point in shape.points_mm]
    if any(abs(float(place[0]) - slice_index) > ON_SLICE for place in index):
        return None
    return [(float(place[1]), float(place[2])) for place in index]


def _same_plane(orientation: Cosines, plane: Plane) -> bool:
    return abs(float(np.cross(*axes_of(orientation)) @ plane.normal)) >= PARALLEL


def slice_of_shape(shape: MeasurementShape, plane: Plane) -> int | None:
    """Return the slice of a plane that a shape lies on, None where it lies on none."""
    if not _same_plane(shape.orientation, plane):
        return None
    index = math.floor(float(np.mean([plane.to_index(point)[0] for point in shape.points_mm])) + 0.5)
    return index if 0 <= index < plane.shape[0] else None


def shaped(shape: MeasurementShape, places: Sequence[Place], plane: Plane, slice_index: int) -> MeasurementShape:
    """Return the shape with its points at (row, column) of a slice."""
    points = [plane.to_mm((slice_index, row, column)) for row, column in places]
    cosines = (*map(float, plane.row_cosine), *map(float, plane.column_cosine))
    return replace(
        shape,
        points_mm=tuple((float(x), float(y), float(z)) for x, y, z in points),
        orientation=(cosines[0], cosines[1], cosines[2], cosines[3], cosines[4], cosines[5]),
    )


def plane_holding(shape: MeasurementShape, volume_shape: tuple[int, ...], affine: np.ndarray) -> Plane | None:
    """Return the plane of whole slices of a volume that a shape lies on, None where it cuts across slices."""
    for name in ALONG_THE_ARRAY if is_aligned(affine) else ALONG_THE_ARRAY[:1]:
        plane = plane_of(volume_shape, affine, name)
        index = slice_of_shape(shape, plane)
        if index is not None and places_on(shape, plane, index, shape.frame_of_reference_uid) is not None:
            return plane
    return None


# --- pixels ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Statistics:
    """Of the pixels whose centres lie inside a region; ``sd`` is the sample's (n - 1), NaN for a single pixel."""

    pixels: int
    mean: float
    sd: float
    minimum: float
    maximum: float


def inside(places: Sequence[Place], size: tuple[int, int]) -> np.ndarray:
    """Return a mask (rows, columns) of the pixel centres inside a closed outline (even-odd rule).

    A centre exactly on the outline belongs to one side only, so that regions that touch share no pixel.
    """
    mask = np.zeros(size, dtype=bool)
    corners = np.array(places, float)
    top = max(0, math.ceil(corners[:, 0].min()))
    bottom = min(size[0], math.floor(corners[:, 0].max()) + 1)
    columns = np.arange(size[1])
    for row in range(top, bottom):
        mask[row] = np.searchsorted(_crossings(corners, row), columns, side="right") % 2 == 1
    return mask


def _crossings(corners: np.ndarray, row: float) -> np.ndarray:
    """Return the columns, in order, at which an outline crosses a row of pixel centres."""
    ends = np.roll(corners, -1, axis=0)
    crossing = (corners[:, 0] <= row) != (ends[:, 0] <= row)
    start, end = corners[crossing], ends[crossing]
    share = (row - start[:, 0]) / (end[:, 0] - start[:, 0])
    return np.sort(start[:, 1] + share * (end[:, 1] - start[:, 1]))


def inside_ellipse(places: Sequence[Place], size: tuple[int, int]) -> np.ndarray:
    """Return a mask (rows, columns) of the pixel centres inside an ellipse given by both ends of both axes."""
    corners = np.array(places, float)
    axes = np.column_stack(((corners[1] - corners[0]) / 2, (corners[3] - corners[2]) / 2))
    if abs(np.linalg.det(axes)) < 1e-9:
        return np.zeros(size, dtype=bool)
    rows = np.arange(size[0])[:, None] - corners[:, 0].mean()
    columns = np.arange(size[1])[None, :] - corners[:, 1].mean()
    form = np.linalg.inv(axes @ axes.T)  # (row, column) form (row, column)ᵀ ≤ 1 inside
    middle = -form[0, 1] / form[1, 1] * rows
    room = (1 - (form[0, 0] - form[0, 1] ** 2 / form[1, 1]) * rows**2) / form[1, 1]
    reach = np.sqrt(np.maximum(room, 0))
    return (columns >= middle - reach) & (columns <= middle + reach) & (room >= 0)


def region_values(shape: MeasurementShape, array: np.ndarray, affine: np.ndarray) -> np.ndarray | None:
    """Return the values of the image's own pixels whose centres lie inside a region.

    Parameters
    ----------
    array
        Modality values (slices, rows, columns) of a grey image.
    affine
        4×4: (k, j, i, 1) of a voxel centre to LPS mm, in the shape's frame of reference.

    Returns
    -------
    ndarray or None
        None where the shape is no region, cuts across slices, or the image is in colour.
    """
    if shape.kind not in ("ellipse", "freehand") or array.ndim != 3:
        return None
    plane = plane_holding(shape, array.shape, affine)
    index = slice_of_shape(shape, plane) if plane is not None else None
    if plane is None or index is None:
        return None
    edge = np.array([plane.to_index(point)[1:] for point in outline(shape)])
    first = np.clip(np.floor(edge.min(axis=0)).astype(int), 0, plane.shape[1:])
    last = np.clip(np.ceil(edge.max(axis=0)).astype(int) + 1, 0, plane.shape[1:])
    part = plane.slice_of(array, index)[first[0] : last[0], first[1] : last[1]]
    places = [tuple(plane.to_index(point)[1:] - first) for point in shape.points_mm]
    mask = (inside_ellipse if shape.kind == "ellipse" else inside)(places, part.shape)
    return part[mask]


def statistics(values: np.ndarray, padding: Padding | None = None) -> Statistics | None:
    """Return statistics without padding and values that are not numbers; None where no value is left."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if padding is not None:
        values = values[(values < padding.low) | (values > padding.high)]
    if values.size == 0:
        return None
    sd = float(values.std(ddof=1)) if values.size > 1 else math.nan
    return Statistics(int(values.size), float(values.mean()), sd, float(values.min()), float(values.max()))
