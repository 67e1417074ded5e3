"""Region: which voxels of a grid a neighbourhood, rectangle, ellipse, outline, sphere or mask takes in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.kinetics.timing import KineticsError

if TYPE_CHECKING:
    from highdicom import Volume, VolumeGeometry

    Grid = Volume | VolumeGeometry

Point = tuple[float, float, float]
Inside = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Region:
    """Voxels of one grid.

    Attributes
    ----------
    title
        What a user reads.
    voxels
        Stored (slice k, row j, column i), int64 (n, 3), each once, n ≥ 1.

    Raises
    ------
    KineticsError
        If it is empty.
    """

    title: str
    voxels: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.voxels):
            raise KineticsError(f"{self.title} takes in no voxel of the dynamic series.", "Choose a place inside it.")

    @property
    def index(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the voxels as an index into an array."""
        return self.voxels[:, 0], self.voxels[:, 1], self.voxels[:, 2]

    def cut(self, array: np.ndarray) -> tuple[tuple[slice, ...], np.ndarray]:
        """Return the box around the region, and the values of an array in it, 0 outside the region."""
        low, high = self.voxels.min(axis=0), self.voxels.max(axis=0) + 1
        inside = np.zeros(tuple(high - low), array.dtype)
        inside[tuple((self.voxels - low).T)] = array[self.index]
        return _window(low, high), inside

    def __len__(self) -> int:
        return len(self.voxels)


@dataclass(frozen=True, eq=False)
class MaskedRegion:
    """A large region of one grid, such as a breast: a mask in place of a list of its voxels.

    Attributes
    ----------
    mask
        bool, as the stored array.

    Raises
    ------
    KineticsError
        If it is empty.
    """

    title: str
    mask: np.ndarray

    def __post_init__(self) -> None:
        if not self.mask.any():
            raise KineticsError(f"{self.title} takes in no voxel of the dynamic series.", "Choose another region.")

    @property
    def index(self) -> np.ndarray:
        """Return the mask as an index into an array."""
        return self.mask

    def cut(self, array: np.ndarray) -> tuple[tuple[slice, ...], np.ndarray]:
        """Return the box around the region, and the values of an array in it, 0 outside the region."""
        seen = [np.flatnonzero(self.mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
        window = _window(np.array([one[0] for one in seen]), np.array([one[-1] + 1 for one in seen]))
        return window, np.where(self.mask[window], array[window], array.dtype.type(0))

    def __len__(self) -> int:
        return int(np.count_nonzero(self.mask))


AnyRegion = Region | MaskedRegion


def _window(low: np.ndarray, high: np.ndarray) -> tuple[slice, ...]:
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def neighbourhood(grid: Grid, centre_mm: Point, in_plane: int = 3, slices: int = 1, title: str = "Cursor") -> Region:
    """Return ``in_plane`` × ``in_plane`` voxels on ``slices`` slices around a point, cut off at the edge of the image.

    Raises
    ------
    KineticsError
        If the point lies outside the image.
    """
    centre = np.rint(_to_index(grid, np.asarray([centre_mm], float))[0]).astype(int)
    shape = np.asarray(grid.spatial_shape)
    if (centre < 0).any() or (centre >= shape).any():
        raise KineticsError(f"{title} lies outside the dynamic series.", "Choose a place inside it.")
    half = np.array([slices // 2, in_plane // 2, in_plane // 2])
    low, high = np.maximum(centre - half, 0), np.minimum(centre + half + 1, shape)
    axes = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
    return Region(title, np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3))


def sphere(grid: Grid, centre_mm: Point, radius_mm: float, title: str = "Sphere") -> Region:
    """Return the voxels whose centres lie within a distance of a point."""
    centre = np.asarray(centre_mm, float)
    corners = np.stack([centre - radius_mm, centre + radius_mm])
    voxels, places = _candidates(grid, _box_corners(corners))
    return Region(title, voxels[np.linalg.norm(places - centre, axis=1) <= radius_mm])


def cuboid(grid: Grid, corner_mm: Sequence[float], opposite_mm: Sequence[float], title: str = "Box") -> Region:
    """Return the voxels whose centres lie in a box along the patient's axes, given by two opposite corners."""
    corners = np.sort(np.asarray([corner_mm, opposite_mm], float), axis=0)
    voxels, places = _candidates(grid, _box_corners(corners))
    return Region(title, voxels[((places >= corners[0]) & (places <= corners[1])).all(axis=1)])


def rectangle(grid: Grid, corner_mm: Point, opposite_mm: Point, orientation: Sequence[float], title: str) -> Region:
    """Return the voxels whose centres lie in a flat rectangle: a box of the reader.

    Parameters
    ----------
    corner_mm, opposite_mm
        Opposite corners, LPS mm.
    orientation
        Row and column direction cosines of its plane (0020,0037).
    """
    first, second = np.asarray(orientation, float).reshape(2, 3)
    middle = (np.asarray(corner_mm, float) + np.asarray(opposite_mm, float)) / 2
    reach = np.abs([np.subtract(opposite_mm, corner_mm) @ first, np.subtract(opposite_mm, corner_mm) @ second]) / 2

    def inside(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return (np.abs(u) <= reach[0]) & (np.abs(v) <= reach[1])

    return _flat(grid, (middle, first, second), float(np.hypot(*reach)), inside, title)


def ellipse(grid: Grid, points_mm: Sequence[Point], title: str) -> Region:
    """Return the voxels in an ellipse given by both ends of both axes."""
    ends = np.asarray(points_mm, float)
    middle = ends.mean(axis=0)
    axes = np.array([ends[1] - ends[0], ends[3] - ends[2]]) / 2
    lengths = np.linalg.norm(axes, axis=1)
    if (lengths <= 0).any():
        raise KineticsError(f"{title} is flat.", "Draw it larger.")
    first, second = axes / lengths[:, None]

    def inside(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return (u / lengths[0]) ** 2 + (v / lengths[1]) ** 2 <= 1

    return _flat(grid, (middle, first, second), float(lengths.max()), inside, title)


def outline(grid: Grid, points_mm: Sequence[Point], orientation: Sequence[float], title: str) -> Region:
    """Return the voxels in a closed outline drawn freehand in a plane (even–odd rule)."""
    points = np.asarray(points_mm, float)
    first, second = np.asarray(orientation, float).reshape(2, 3)
    middle = points.mean(axis=0)
    flat = np.stack([(points - middle) @ first, (points - middle) @ second], axis=1)

    def inside(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        hit = np.zeros(u.shape, bool)
        for (u0, v0), (u1, v1) in zip(flat, np.roll(flat, -1, axis=0), strict=True):
            if v0 != v1:
                hit ^= ((v0 > v) != (v1 > v)) & (u < (u1 - u0) * (v - v0) / (v1 - v0) + u0)
        return hit

    return _flat(grid, (middle, first, second), float(np.abs(flat).max() * np.sqrt(2)), inside, title)


def mask_region(grid: Grid, mask: Volume, title: str) -> Region:
    """Return the voxels whose centres lie in a mask (above 0) of any grid, sampled through its own affine."""
    inside = np.argwhere(np.asarray(mask.array) > 0)
    if not len(inside):
        raise KineticsError(f"{title} is empty.", "Choose another mask.")
    edges = np.stack([inside.min(axis=0) - 0.5, inside.max(axis=0) + 0.5])
    affine = np.asarray(mask.affine, float)
    voxels, places = _candidates(grid, _box_corners(edges) @ affine[:3, :3].T + affine[:3, 3])
    there = np.rint(_to_index(mask, places)).astype(int)
    fits = ((there >= 0) & (there < mask.array.shape)).all(axis=1)
    there[~fits] = 0
    return Region(title, voxels[fits & (np.asarray(mask.array)[tuple(there.T)] > 0)])


def _flat(grid: Grid, plane: tuple[np.ndarray, ...], reach_mm: float, inside: Inside, title: str) -> Region:
    """Return the voxels inside a figure of a plane, on the slice or slices the plane runs through.

    A voxel belongs to the plane where its centre is nearer than half its extent along the plane's normal.
    """
    middle, first, second = plane
    normal = np.cross(first, second)
    affine = np.asarray(grid.affine, float)
    half = float(np.abs(normal @ affine[:3, :3]).max()) / 2
    corners = [middle + a * first * reach_mm + b * second * reach_mm for a in (-1, 1) for b in (-1, 1)]
    voxels, places = _candidates(grid, np.asarray(corners))
    offset = places - middle
    height = offset @ normal
    on = (height > -half * (1 - 1e-6)) & (height <= half * (1 + 1e-6))
    return Region(title, voxels[on & inside(offset @ first, offset @ second)])


def _candidates(grid: Grid, corners_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the voxels of the index box around some points, and their centres in mm."""
    index = _to_index(grid, corners_mm)
    low = np.maximum(np.floor(index.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(index.max(axis=0)).astype(int) + 2, grid.spatial_shape)
    axes = [np.arange(a, b) for a, b in zip(low, high, strict=True)]
    voxels = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    affine = np.asarray(grid.affine, float)
    return voxels, _apply(affine, voxels.astype(float))  # floats: numpy multiplies whole numbers slowly


def _to_index(grid: Grid, points_mm: np.ndarray) -> np.ndarray:
    return _apply(np.linalg.inv(np.asarray(grid.affine, float)), points_mm)


def _apply(affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ np.ascontiguousarray(affine[:3, :3].T) + affine[:3, 3]


def _box_corners(edges: np.ndarray) -> np.ndarray:
    return np.array([(x, y, z) for x in edges[:, 0] for y in edges[:, 1] for z in edges[:, 2]])
