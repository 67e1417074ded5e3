"""Difference of two maps on the grid of the first, shown with a signed table. Qt-free."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from viewer.colours import DIVERGING
from viewer.layers.types import HeatmapLayer
from viewer.planes import plane_of
from viewer.sampling import grid_index, linear, same_frame

if TYPE_CHECKING:
    from highdicom import Volume

SAME = 1e-6  # cells by which two grids may differ and still be one


def subtracted(one: Volume, other: Volume) -> np.ndarray:
    """Return the first volume minus the second, float32 on the grid of the first.

    The second is sampled through both affines, linear between its voxels; NaN where either has no value. Volumes of two
    frames of reference have no place in common: NaN everywhere.
    """
    first = np.asarray(one.array, dtype=np.float32)
    if not same_frame(other, str(one.frame_of_reference_uid or "")):
        return np.full(first.shape, np.nan, np.float32)
    relative = np.linalg.inv(np.asarray(other.affine, dtype=float)) @ np.asarray(one.affine, dtype=float)
    if one.array.shape == other.array.shape and np.allclose(relative, np.eye(4), atol=SAME):
        return first - np.asarray(other.array, dtype=np.float32)
    plane = plane_of(one.array.shape, one.affine)
    second = np.asarray(other.array, dtype=np.float32)
    rows = (first.shape[1], first.shape[2])
    return first - np.stack([linear(second, grid_index(other, plane, k), rows) for k in range(first.shape[0])])


def difference_of(one: HeatmapLayer, other: HeatmapLayer) -> HeatmapLayer | None:
    """Return a layer with the first map minus the second on the grid of the first; None where they do not meet.

    The range is symmetric about zero and as wide as the wider of the two maps' ranges, so that full colour means a
    difference as large as a map can have; the threshold is zero. The unit stays where both have the same, else the
    difference of the two numbers would mean nothing and None is returned too.
    """
    if one.unit != other.unit:
        return None
    values = subtracted(one.volume, other.volume)
    if not np.isfinite(values).any():
        return None
    limit = max(abs(high - low) for low, high in (one.value_range, other.value_range)) or 1.0
    return replace(
        one,
        uid=f"{one.uid}-{other.uid}",
        title=f"{one.title} − {other.title}",
        volume=one.volume.with_array(values),
        value_range=(-limit, limit),
        table=DIVERGING[0],
        threshold=0.0,
        visible=True,
    )
