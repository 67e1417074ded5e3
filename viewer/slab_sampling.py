"""Slab sampling: maps, masks and classes through a slab of slices, always through both affines. Qt-free.

A reader looks at a projection to see whether there is something anywhere in it, so layers are projected by their
maximum (of either sign for a signed map) whatever the image is projected by. Where a layer's grid runs along the
normal, which is nearly always, it is reduced on its own grid first and sampled once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from viewer.planes import Plane
from viewer.sampling import (
    EDGE,
    FINEST,
    NEGLIGIBLE,
    SLANTED,
    Index,
    Span,
    grid_index,
    linear,
    nearest,
    raster_shape,
    raster_step,
    sample_map,
    sample_nearest,
    to_layer,
)

if TYPE_CHECKING:
    from highdicom import Volume


def slab_step(volume: Volume, plane: Plane, span: Span, finest: int = FINEST) -> int:
    """Return image pixels per raster cell: coarser where a slab has to be sampled slice by slice."""
    slanted = span[0] != span[1] and _axis_along(volume, plane) is None
    return raster_step(plane, min(finest, SLANTED) if slanted else finest)


def project_map(volume: Volume, plane: Plane, span: Span, step: int = 1, *, signed: bool = False) -> np.ndarray:
    """Return the largest value of a map within a slab, float32, NaN where there is none.

    Parameters
    ----------
    span
        First and last displayed slice, from centre to centre.
    signed
        Whether values below zero say as much as those above: then it is the value farthest from zero.
    """
    if span[0] == span[1]:
        return sample_map(volume, plane, span[0], step)
    if not signed:
        return _extremum(volume, plane, span, step, np.fmax)
    return farthest(_extremum(volume, plane, span, step, np.fmax), _extremum(volume, plane, span, step, np.fmin))


def _extremum(
    volume: Volume, plane: Plane, span: Span, step: int, reduce: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    axis = _axis_along(volume, plane)
    if axis is None:
        return _slice_by_slice(volume, plane, span, partial(sample_map, volume, plane, step=step), reduce)
    array = np.moveaxis(np.asarray(volume.array), axis, 0)
    ends = _clipped(volume, plane, axis, span)
    if ends is None:
        return np.full(raster_shape(plane, step), np.nan, np.float32)
    low, high = ends
    cells = [array[k].astype(np.float32) for k in range(math.ceil(low), math.floor(high) + 1)]
    for end in ends:
        if end != int(end):
            share = np.float32(end - math.floor(end))
            cells.append(array[math.floor(end)] * (1 - share) + array[math.ceil(end)] * share)
    flat = cells[0]
    for cell in cells[1:]:
        flat = reduce(flat, cell)
    return linear(np.expand_dims(flat, axis), _flattened(volume, plane, axis, step), raster_shape(plane, step))


def project_classes(
    volume: Volume, plane: Plane, span: Span, step: int = 1, *, known: Collection[int] | None = None
) -> np.ndarray:
    """Return the highest number of a mask or class map within a slab, by the nearest voxels; 0 where there is none.

    ``known`` is a collection of the numbers that count; None counts all.
    """
    array = np.asarray(volume.array)
    if array.dtype.kind == "b":
        array = array.view(np.uint8)
    axis = _axis_along(volume, plane)
    if span[0] == span[1]:
        return _counted(sample_nearest(volume, plane, span[0], step), known)
    if axis is None:
        return _slice_by_slice(
            volume,
            plane,
            span,
            lambda slice_index: _counted(sample_nearest(volume, plane, slice_index, step), known),
            np.maximum,
        )
    ends = _clipped(volume, plane, axis, span)
    if ends is None:
        return np.zeros(raster_shape(plane, step), array.dtype)
    first, last = (math.floor(end + 0.5) for end in ends)
    part = np.moveaxis(array, axis, 0)[first : min(last, array.shape[axis] - 1) + 1]
    flat = np.expand_dims(_counted(part, known).max(axis=0), axis)
    return nearest(flat, _flattened(volume, plane, axis, step), raster_shape(plane, step))


def farthest(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return of two the one farther from zero, a number before NaN."""
    return np.where(np.isnan(one) | (np.abs(other) > np.abs(one)), other, one)


def _counted(values: np.ndarray, known: Collection[int] | None) -> np.ndarray:
    if known is None:
        return values
    if values.dtype == np.uint8:
        table = np.zeros(256, np.uint8)
        table[[number for number in known if 0 <= number < 256]] = [number for number in known if 0 <= number < 256]
        return table[values]
    return np.where(np.isin(values, list(known)), values, values.dtype.type(0))


def _axis_along(volume: Volume, plane: Plane) -> int | None:
    """Return the axis of the layer that runs along the slab while the other two lie across it, None if it slants."""
    matrix = np.abs(to_layer(volume, plane)[:3, :3])
    axis = int(np.argmax(matrix[:, 0] / np.maximum(matrix.sum(axis=1), 1e-12)))
    others = [a for a in range(3) if a != axis]
    aligned = (matrix[axis, 1:] < NEGLIGIBLE).all() and (matrix[others, 0] < NEGLIGIBLE).all()
    return axis if aligned else None


def _clipped(volume: Volume, plane: Plane, axis: int, span: Span) -> tuple[float, float] | None:
    """Return where a slab begins and ends in the layer's index, held to its outer cells; None where it misses it."""
    along, origin = to_layer(volume, plane)[axis][[0, 3]]
    low, high = sorted(round(float(origin + along * index), 6) for index in span)
    last = volume.array.shape[axis] - 1
    if high < -EDGE or low > last + EDGE:
        return None
    return min(max(low, 0.0), last), min(max(high, 0.0), last)


def _flattened(volume: Volume, plane: Plane, axis: int, step: int) -> Index:
    index = grid_index(volume, plane, 0, step)
    index[axis] = np.zeros((1, 1))
    return index


def _slice_by_slice(
    volume: Volume,
    plane: Plane,
    span: Span,
    sample: Callable[[float], np.ndarray],
    reduce: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> np.ndarray:
    """Sample a slab at distances of half the layer's finest voxel edge, or of the slices where these are wider."""
    finest = float(np.linalg.norm(np.asarray(volume.affine)[:3, :3], axis=0).min()) / 2
    first, last = span
    count = 1 + max(1, math.ceil((last - first) * plane.step_mm / max(finest, plane.step_mm)))
    result = sample(first)
    for place in np.linspace(first, last, count)[1:]:
        result = reduce(result, sample(float(place)))
    return result
