"""Pointing game and energy in the boxes of a reader, for any map, in millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import ndimage

from inference.errors import EngineError
from inference.peak import peak_index

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.result import Heatmap

_FINER = 4  # a cell is cut into 4 along each axis in the plane, so that a box may end between cell centres
_MOST_POINTS = 1_000_000  # the slices of a full-size probability volume are not cut finer than they are
_NARROWEST_MM = 0.1  # a box without width must not ask for endlessly fine cells
_ROUNDING = 1e-6  # mm, parts of a cell
_NOT_COVERED = "No box lies on the part of the image that the map covers."

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
        Where the maximum lies, LPS millimetres: the centre of a cell.
    boxes
        How many boxes lie on the map; others were left out.
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
    the map says on others is neither right nor wrong. Boxes beside the map are left out, as those of the other breast
    are where each breast has a map of its own.

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
        Where there is no box, no box lies on the map, or the map has no positive value in the slices of the boxes.
    """
    if not boxes:
        raise EngineError("There is no box to compare the map with.", "Draw a box around the lesion first.")
    part = _cut(heatmap.volume, boxes)
    values, points = _fine(part, boxes)
    places = [(box, _outside_mm(points, box, _depth_mm(part, box))) for box in boxes]
    known = np.isfinite(values)
    covers = [known & (across == 0) & (along == 0) for _, (across, along) in places]
    on_map = [(place, inside) for place, inside in zip(places, covers, strict=True) if inside.any()]
    if not on_map:
        raise EngineError(_NOT_COVERED)
    read = known & np.any([along == 0 for (_, (_, along)), _ in on_map], axis=0)
    inside = np.any([inside for _, inside in on_map], axis=0)
    energies = np.where(read, np.clip(values, 0, None), 0.0)
    if not energies.any():
        raise EngineError(f"The map “{heatmap.title}” is empty in the slices of the boxes.")
    maximum_mm, distance = _maximum(part, [box for (box, _), _ in on_map])
    return MapQuality(
        hit=distance <= tolerance_mm,
        distance_mm=distance,
        energy=float(energies[inside].sum() / energies.sum()),
        uniform=float(inside.sum() / read.sum()),
        maximum_mm=maximum_mm,
        boxes=len(on_map),
    )


def _cut(volume: Volume, boxes: Sequence[Rectangle]) -> Volume:
    """Return the cells of a map that the planes of the boxes cut and one more around them; the rest is not looked at.

    Raises
    ------
    EngineError
        Where no plane cuts the map.
    """
    cut = np.zeros(volume.spatial_shape, np.uint8)
    index = np.meshgrid(*map(np.arange, cut.shape), indexing="ij", sparse=True)
    for box in boxes:
        normal = _normal(box)
        height_mm = normal @ (volume.affine[:3, 3] - np.array(box.corner_mm))
        for steps, step_mm in zip(index, normal @ volume.affine[:3, :3], strict=True):
            height_mm = height_mm + steps * step_mm
        cut |= np.abs(height_mm) <= _reach_mm(volume, box) + _ROUNDING
    if not cut.any():
        raise EngineError(_NOT_COVERED)
    (where,) = ndimage.find_objects(cut)
    slices, rows, columns = (
        slice(max(0, along.start - 1), min(along.stop + 1, count))
        for along, count in zip(where, cut.shape, strict=True)
    )
    return volume[slices, rows, columns]


def _maximum(part: Volume, boxes: Sequence[Rectangle]) -> tuple[Point, float]:
    """Return the centre of the highest cell that the planes of the boxes cut, and how far it lies from the nearest box.

    Of the cells themselves: between their centres the map is interpolated, so it is nowhere higher.
    """
    centres = _centres(part)
    offsets = [_outside_mm(centres, box, _reach_mm(part, box)) for box in boxes]
    cut = np.any([along == 0 for _, along in offsets], axis=0).reshape(part.spatial_shape)
    top = int(np.ravel_multi_index(peak_index(np.where(cut, part.array, np.nan)), part.spatial_shape))
    x, y, z = (float(value) for value in centres[top])
    return (x, y, z), min(float(np.hypot(across[top], along[top])) for across, along in offsets)


def _fine(part: Volume, boxes: Sequence[Rectangle]) -> tuple[np.ndarray, np.ndarray]:
    """Return a map's values, linear between cell centres, and their places: shapes (n,) and (n, 3)."""
    array, divisions = part.array.astype(np.float64), _divisions(part, boxes)
    if (divisions == 1).all():
        return array.ravel(), _centres(part)
    axes = [(np.arange(count * finer) + 0.5) / finer - 0.5 for count, finer in zip(array.shape, divisions, strict=True)]
    index = np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")])
    known = np.isfinite(array)
    values = ndimage.map_coordinates(np.where(known, array, 0.0), index, order=1, mode="nearest")
    nearest = ndimage.map_coordinates(known.astype(np.uint8), index, order=0, mode="nearest").astype(bool)
    return np.where(nearest, values, np.nan), _in_patient(part, index)


def _divisions(part: Volume, boxes: Sequence[Rectangle]) -> np.ndarray:
    """Return into how many parts a cell is cut along each axis of the map: only along the planes of the boxes.

    At least ``_FINER``, and so many that the narrowest box is as many parts wide, while there are not too many points.
    """
    steps = part.affine[:3, :3]
    cell_mm = np.linalg.norm(steps, axis=0)
    finer = np.ones(3, int)
    for box in boxes:
        narrow_mm = max(2 * float(_half_mm(box)[:2].min()), _NARROWEST_MM)
        wanted = np.ceil(_FINER * np.maximum(1, cell_mm / narrow_mm) - _ROUNDING).astype(int)
        wanted[np.argmax(np.abs(_normal(box) @ (steps / cell_mm)))] = 1
        finer = np.maximum(finer, wanted)
    most = int((_MOST_POINTS / part.array.size) ** (1 / np.count_nonzero(finer > 1)))
    return np.minimum(finer, most) if most >= _FINER else np.ones(3, int)


def _centres(part: Volume) -> np.ndarray:
    """Return the centres of all cells in LPS millimetres, shape (n, 3)."""
    return _in_patient(part, np.indices(part.spatial_shape).reshape(3, -1))


def _in_patient(part: Volume, index: np.ndarray) -> np.ndarray:
    """Return places (n, 3) in LPS millimetres of positions (3, n) on the map's grid."""
    return index.T @ part.affine[:3, :3].T + part.affine[:3, 3]


def _depth_mm(part: Volume, box: Rectangle) -> float:
    """Return half the thickness a flat box is given along its normal: half a cell of the map in that direction."""
    return float(np.abs(_normal(box) @ part.affine[:3, :3]).max()) / 2


def _reach_mm(part: Volume, box: Rectangle) -> float:
    """Return how far from its centre a cell reaches along a box's normal; more than the depth where it lies oblique."""
    return float(np.abs(_normal(box) @ part.affine[:3, :3]).sum()) / 2


def _normal(box: Rectangle) -> np.ndarray:
    row, column = np.array(box.orientation[:3]), np.array(box.orientation[3:])
    return np.cross(row, column)


def _frame(box: Rectangle) -> np.ndarray:
    """Return the directions along which a box's corners lie apart, and its normal, as rows."""
    return np.stack([np.array(box.orientation[:3]), np.array(box.orientation[3:]), _normal(box)])


def _half_mm(box: Rectangle) -> np.ndarray:
    """Return half the size of a box along the rows of its frame; 0 along the normal."""
    return np.abs(_frame(box) @ (np.array(box.opposite_mm) - np.array(box.corner_mm))) / 2


def _outside_mm(points: np.ndarray, box: Rectangle, depth_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """Return how far points lie outside a box: in its plane and along its normal, millimetres, 0 inside."""
    middle = (np.array(box.corner_mm) + np.array(box.opposite_mm)) / 2
    reach = _half_mm(box) + np.array([0.0, 0.0, depth_mm + _ROUNDING])
    beyond = np.clip(np.abs((points - middle) @ _frame(box).T) - reach, 0, None)
    return np.hypot(beyond[:, 0], beyond[:, 1]), beyond[:, 2]
