"""A lesion's mask, of whatever grid, on the slices of an exam."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import EngineError

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.exam import LesionInput

_ALMOST_HALF = 0.5 + 1e-4  # of a voxel: rounding errors of affines must not move an edge that lies on a voxel's edge


@dataclass(frozen=True)
class PlacedLesion:
    """A lesion on an exam's grid.

    Attributes
    ----------
    voxels
        (slice, row, column) of each voxel, shape (n, 3), sorted by slice.
    is_cut
        Whether a part of the lesion lies outside the exam.
    """

    lesion: LesionInput
    voxels: np.ndarray
    is_cut: bool

    @property
    def slices(self) -> tuple[int, ...]:
        """The slices it lies in."""
        return tuple(int(k) for k in np.unique(self.voxels[:, 0]))

    def on_slice(self, k: int) -> np.ndarray:
        """Return (row, column) of its voxels in a slice, shape (n, 2)."""
        return self.voxels[self.voxels[:, 0] == k, 1:]

    def centre(self, k: int) -> np.ndarray:
        """Return row and column of its centre of mass in a slice: of a box that is the box's centre."""
        return self.on_slice(k).mean(axis=0)


def place_lesion(lesion: LesionInput, grid: Volume) -> PlacedLesion:
    """Return the voxels of a grid whose centre lies in a lesion's mask.

    Where the mask is so thin that it lies between the voxels' centres, the voxels that its own centres lie in.

    Raises
    ------
    EngineError
        Where the mask is empty, lies outside the grid, or belongs to another frame of reference.
    """
    frames = lesion.mask.frame_of_reference_uid, grid.frame_of_reference_uid
    if all(frames) and frames[0] != frames[1]:
        raise EngineError(
            f"{lesion.title} was marked in another frame of reference (the patient was positioned anew), "
            "so its place in this series is not known.",
            "Mark the lesion in this series.",
        )
    inside = np.argwhere(np.asarray(lesion.mask.array) > 0)
    if not len(inside):
        raise EngineError(f"{lesion.title} is empty: it marks no voxel.", "Mark the lesion anew.")
    to_grid = np.linalg.inv(grid.affine) @ np.asarray(lesion.mask.affine, float)
    shape = np.array(grid.spatial_shape)
    centres = inside @ to_grid[:3, :3].T + to_grid[:3, 3]
    outside = ((centres < -_ALMOST_HALF) | (centres > shape - 1 + _ALMOST_HALF)).any(axis=1)
    voxels = _holding(np.asarray(lesion.mask.array) > 0, inside, to_grid, shape)
    if not len(voxels):
        voxels = np.unique(np.rint(centres[~outside]).clip(0, shape - 1).astype(int), axis=0)
    if not len(voxels):
        raise EngineError(
            f"{lesion.title} lies outside the slices of this series.", "Mark the lesion where this series shows it."
        )
    return PlacedLesion(lesion, voxels, bool(outside.any()))


def _holding(mask: np.ndarray, inside: np.ndarray, to_grid: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Return the grid's voxels (n, 3) whose centre lies in the mask, looking slice by slice at its surroundings."""
    low, high = inside.min(axis=0) - 0.5, inside.max(axis=0) + 0.5
    corners = np.array([[a, b, c] for a in (low[0], high[0]) for b in (low[1], high[1]) for c in (low[2], high[2])])
    corners = corners @ to_grid[:3, :3].T + to_grid[:3, 3]
    first = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    last = np.minimum(np.ceil(corners.max(axis=0)), shape - 1).astype(int)
    if (first > last).any():
        return np.empty((0, 3), int)
    from_grid = np.linalg.inv(to_grid)
    rows, columns = (np.arange(first[axis], last[axis] + 1) for axis in (1, 2))
    plane = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2)
    found = []
    for k in range(first[0], last[0] + 1):
        index = np.column_stack([np.full(len(plane), k), plane])
        at = np.floor(index @ from_grid[:3, :3].T + from_grid[:3, 3] + _ALMOST_HALF).astype(int)
        there = ((at >= 0) & (at < mask.shape)).all(axis=1)
        index, at = index[there], at[there]
        found.append(index[mask[at[:, 0], at[:, 1], at[:, 2]]])
    return np.concatenate(found)
