"""Resampling along the axes of an image: linear between voxels, averaging where the new grid is coarser."""

from __future__ import annotations

import numpy as np

_REACH = 1e-6


def axis_weights(count: int, centres: np.ndarray) -> np.ndarray:
    """Return the matrix that resamples one axis.

    Parameters
    ----------
    count
        Voxels along the axis.
    centres
        Evenly spaced places of the new voxels, in voxels of the old axis (0 is the first voxel's centre).

    Returns
    -------
    ndarray
        Float32, shape (new, old). A new voxel is a triangular mean as wide as its own step, or as one old voxel where
        the new grid is finer (plain linear interpolation). Within the image a row sums to 1; rows of places outside
        the image's outer edges are 0.
    """
    step = abs(float(centres[1] - centres[0])) if len(centres) > 1 else 1.0
    inside = (centres >= -0.5 - _REACH) & (centres <= count - 0.5 + _REACH)
    places = np.clip(centres, 0, count - 1) if step <= 1 else centres
    weights = np.clip(1 - np.abs(places[:, None] - np.arange(count)) / max(step, 1.0), 0, None)
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
    return np.where(inside[:, None], weights, 0.0).astype(np.float32)


def resample_axes(array: np.ndarray, weights: tuple[np.ndarray, np.ndarray, np.ndarray]) -> np.ndarray:
    """Return an array (a, b, c) resampled along each axis, float32; NaN counts as 0.

    Parameters
    ----------
    weights
        One matrix of :func:`axis_weights` per axis.
    """
    used = [_used(matrix) for matrix in weights]
    part = np.nan_to_num(array[tuple(used)].astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    growth = [len(matrix) / max(1, span.stop - span.start) for matrix, span in zip(weights, used, strict=True)]
    for axis in np.argsort(growth):  # what shrinks first leaves less to do
        matrix = weights[axis][:, used[axis]]
        part = np.moveaxis(np.tensordot(matrix, part, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(part)


def _used(matrix: np.ndarray) -> slice:
    columns = np.flatnonzero(matrix.any(axis=0))
    return slice(int(columns[0]), int(columns[-1]) + 1) if columns.size else slice(0, 1)
