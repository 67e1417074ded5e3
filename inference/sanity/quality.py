"""Pointing game and energy in the boxes of a reader, for any map, in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import ndimage

from inference.errors import EngineError

if TYPE_CHECKING:
    from inference.result import Heatmap

_FINER = 4  # a cell is cut into 4 along each axis in the plane, so that a box may end between cell centres
_MOST_POINTS = 4_000_000  # a full-size probability volume is not cut finer than it is

Point = tuple[float, float, float]


class Rectangle(Protocol):
    """Two opposite corners (outer edges) in LPS millimetres and the direction cosines of the plane; boxes, findings."""

    @property
    def corner_mm(self) -> Point: ...  # noqa: D102
    @property
    def opposite_mm(self) -> Point: ...  # noqa: D102
    @property
    def orientation(self) -> tuple[float, float, float, float, float, float]: ...  # noqa: D102


@dataclass(frozen=True)
class MapQuality:
    """How well a map agrees with a reader's boxes.

    Attributes
    ----------
    hit
        Pointing game (Zhang et al., IJCV 2018;126:1084): whether the maximum lies in a box, give or take the tolerance.
    distance_mm
        From the maximum to the nearest box; 0 inside.
    energy
        Share of the map's positive values inside the boxes (Wang et al., Score-CAM, CVPRW 2020), 0 to 1.
    uniform
        The same share for a map that says nothing: the boxes' share of the map's area. Energy near it is chance.
    maximum_mm
        Where the maximum lies, LPS millimetres.
    boxes
        How many boxes were looked at.
    """

    hit: bool
    distance_mm: float
    energy: float
    uniform: float
    maximum_mm: Point
    boxes: int

    @property
    def gain(self) -> float:
        """Energy over that of a uniform map; 1 is chance."""
        return self.energy / self.uniform if self.uniform > 0 else float("nan")


def map_quality(heatmap: Heatmap, boxes: Sequence[Rectangle], tolerance_mm: float = 0.0) -> MapQuality:
    """Compare a map with boxes of the same frame of reference.

    Only the part of the map in the slices of the boxes is looked at: a reader boxes a lesion on some slices, and what
    the map says on others is neither right nor wrong.

    Parameters
    ----------
    heatmap
        Shape (slices, rows, columns) on its own grid; NaN is "not read" and left out.
    boxes
        At least one.
    tolerance_mm
        How far beside a box the maximum still counts as a hit.

    Raises
    ------
    EngineError
        Where there is no box, the map has no positive value there, or no box lies on the map.
    """
    if not boxes:
        raise EngineError("There is no box to compare the map with.", "Draw a box around the lesion first.")
    values, points = _fine(heatmap)
    depth_mm = _depths(heatmap, boxes)
    offsets = [_outside_mm(points, box, depth) for box, depth in zip(boxes, depth_mm, strict=True)]
    read = np.isfinite(values) & np.any([along == 0 for _, along in offsets], axis=0)
    if not read.any():
        raise EngineError("No box lies on the part of the image that the map covers.")
    energies = np.where(read, np.clip(np.nan_to_num(values), 0, None), 0.0)
    if not energies.any():
        raise EngineError(f"The map “{heatmap.title}” is empty in the slices of the boxes.")
    inside = np.any([(across == 0) & (along == 0) for across, along in offsets], axis=0) & read
    top = int(np.argmax(np.where(read, np.nan_to_num(values, nan=-np.inf), -np.inf)))
    distance = min(float(np.hypot(across[top], along[top])) for across, along in offsets)
    x, y, z = (float(value) for value in points[top])
    return MapQuality(
        hit=distance <= tolerance_mm,
        distance_mm=distance,
        energy=float(energies[inside].sum() / energies.sum()),
        uniform=float(inside.sum() / read.sum()),
        maximum_mm=(x, y, z),
        boxes=len(boxes),
    )


def _fine(heatmap: Heatmap) -> tuple[np.ndarray, np.ndarray]:
    """Return the map's values, linear between cell centres, and their places: shapes (n,) and (n, 3)."""
    array = heatmap.volume.array.astype(np.float64)
    finer = _FINER if array.size * _FINER**2 <= _MOST_POINTS else 1
    axes = [np.arange(array.shape[0], dtype=float)]
    axes += [(np.arange(count * finer) + 0.5) / finer - 0.5 for count in array.shape[1:]]
    index = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
    known = np.isfinite(array)
    values = ndimage.map_coordinates(np.where(known, array, 0.0), index, order=1, mode="nearest")
    nearest = ndimage.map_coordinates(known.astype(np.uint8), index, order=0, mode="nearest").astype(bool)
    affine = heatmap.volume.affine
    return np.where(nearest, values, np.nan), index.T @ affine[:3, :3].T + affine[:3, 3]


def _depths(heatmap: Heatmap, boxes: Sequence[Rectangle]) -> list[float]:
    """Return half the thickness a flat box is given along its normal: half a cell of the map in that direction."""
    steps = heatmap.volume.affine[:3, :3]
    return [float(np.abs(_normal(box) @ steps).max()) / 2 for box in boxes]


def _normal(box: Rectangle) -> np.ndarray:
    row, column = np.array(box.orientation[:3]), np.array(box.orientation[3:])
    return np.cross(row, column)


def _outside_mm(points: np.ndarray, box: Rectangle, depth_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how far points lie outside a box: in its plane and along its normal, millimetres, 0 inside."""
    corner, opposite = np.array(box.corner_mm), np.array(box.opposite_mm)
    middle, half = (corner + opposite) / 2, (opposite - corner) / 2
    frame = np.stack([np.array(box.orientation[:3]), np.array(box.orientation[3:]), _normal(box)])
    reach = np.abs(frame @ half) + np.array([0.0, 0.0, depth_mm + 1e-6])
    beyond = np.clip(np.abs((points - middle) @ frame.T) - reach, 0, None)
    return np.hypot(beyond[:, 0], beyond[:, 1]), beyond[:, 2]
