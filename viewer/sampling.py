"""Sampling: values of a layer's own grid at the pixels of a displayed slice, always through both affines. Qt-free."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from viewer.planes import Plane

if TYPE_CHECKING:
    from highdicom import Volume

FINEST = 640  # pixels along the longer side of the raster that a smooth map is sampled on
EDGE = 0.5 + 1e-6  # a grid's footprint ends half a cell beyond its outer centres
NEGLIGIBLE = 1e-9  # cells per pixel
SLANTED = 320  # as FINEST, for a slab that runs slanting through a layer and is sampled slice by slice
Index = list[np.ndarray]  # layer k, j and i at each raster cell; each broadcasts to (rows, columns)
Span = tuple[int, int]  # first and last displayed slice


def same_frame(volume: Volume, frame_uid: str) -> bool:
    """Whether a volume lies in this frame of reference; sampling across frames is refused."""
    return str(volume.frame_of_reference_uid or "") == frame_uid


def raster_step(plane: Plane, finest: int = FINEST) -> int:
    """Return how many image pixels make one raster cell, so that the raster stays within ``finest``."""
    return max(1, -(-max(plane.shape[1:]) // finest))


def to_layer(volume: Volume, plane: Plane) -> np.ndarray:
    """Return the 4×4 from displayed (slice, row, column, 1) to the layer's (k, j, i, 1)."""
    return np.linalg.inv(np.asarray(volume.affine, dtype=float)) @ plane.affine


def grid_index(volume: Volume, plane: Plane, slice_index: float, step: int = 1) -> Index:
    """Return the layer's (k, j, i) at each raster cell centre of a slice.

    Where grids are parallel each index varies along one side of the raster only, and is held as a column or a row.
    """
    middle = (step - 1) / 2
    rows = (np.arange(-(-plane.shape[1] // step)) * step + middle)[:, None]
    columns = (np.arange(-(-plane.shape[2] // step)) * step + middle)[None, :]
    index = []
    for along_slice, along_row, along_column, origin in to_layer(volume, plane)[:3]:
        place = np.full((1, 1), origin + along_slice * slice_index)
        for factor, steps in ((along_row, rows), (along_column, columns)):
            if abs(factor) > NEGLIGIBLE:
                place = place + factor * steps
        index.append(place)
    return index


def inside(index: Index, shape: tuple[int, ...]) -> np.ndarray:
    """Return where an index lies within the half-cell footprint of a grid."""
    k, j, i = ((place >= -EDGE) & (place <= size - 1 + EDGE) for place, size in zip(index, shape, strict=False))
    return k & j & i


def raster_shape(plane: Plane, step: int) -> tuple[int, int]:
    """Return rows and columns of the raster of a slice."""
    return -(-plane.shape[1] // step), -(-plane.shape[2] // step)


def sample_map(volume: Volume, plane: Plane, slice_index: float, step: int = 1) -> np.ndarray:
    """Return float32 values of a map on a slice, linear between cells, held to the edge cells; NaN outside it."""
    index = grid_index(volume, plane, slice_index, step)
    return linear(np.asarray(volume.array), index, raster_shape(plane, step))


def linear(array: np.ndarray, index: Index, shape: tuple[int, int]) -> np.ndarray:
    """Return float32 values at an index, linear between cells; NaN outside the array's footprint."""
    within = np.broadcast_to(inside(index, array.shape), shape)
    if not within.any():
        return np.full(within.shape, np.nan, dtype=np.float32)
    array = np.asarray(array, dtype=np.float32)
    ends = [_ends(place, size) for place, size in zip(index, array.shape, strict=True)]
    values = np.zeros(within.shape, dtype=np.float32)
    for (k, k_share), (j, j_share), (i, i_share) in product(*ends):
        values += array[k, j, i] * (k_share * j_share * i_share)
    return np.where(within, values, np.float32(np.nan))


def _ends(place: np.ndarray, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the cells below and above a place on one axis with their shares; one cell where there is but one."""
    held = np.clip(place, 0, size - 1)
    lower = np.floor(held).astype(np.intp)
    share = (held - lower).astype(np.float32)
    if not share.any():
        return [(lower, np.ones_like(share))]
    return [(lower, 1 - share), (np.minimum(lower + 1, size - 1), share)]


def sample_mask(volume: Volume, plane: Plane, slice_index: float, step: int = 1) -> np.ndarray:
    """Return a mask on a slice by the nearest voxel; False outside its grid."""
    return sample_nearest(volume, plane, slice_index, step) != 0


def sample_nearest(volume: Volume, plane: Plane, slice_index: float, step: int = 1) -> np.ndarray:
    """Return the values of a volume of numbers that mean something each, by the nearest voxel; 0 outside its grid."""
    return nearest(volume.array, grid_index(volume, plane, slice_index, step), raster_shape(plane, step))


def nearest(array: np.ndarray, index: Index, shape: tuple[int, int]) -> np.ndarray:
    """Return values at an index by the nearest cell; 0 outside the array's footprint."""
    within = np.broadcast_to(inside(index, array.shape), shape)
    if not within.any():
        return np.zeros(within.shape, dtype=array.dtype)
    k, j, i = (
        np.clip(np.floor(place + 0.5).astype(np.intp), 0, size - 1)
        for place, size in zip(index, array.shape, strict=True)
    )
    if k.size == 1 and j.shape[1] == 1 and i.shape[0] == 1:  # parallel grids: whole rows and columns are taken
        values = np.take(np.take(array[int(k[0, 0])], j[:, 0], axis=0), i[0], axis=1)
    else:
        values = array[k, j, i]
    return values if values.shape == shape and within.all() else np.where(within, values, array.dtype.type(0))
