"""Joint intensity scale of a dynamic series: one mean and standard deviation for all phases, so kinetics stay true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEAST_VOXELS = 1000  # fewer say nothing about a breast's brightness


@dataclass(frozen=True)
class Scale:
    """A linear intensity scale: ``(value − mean) / deviation``."""

    mean: float
    deviation: float

    def apply(self, values: np.ndarray) -> None:
        """Scale float values in place."""
        values -= self.mean
        values /= self.deviation


def joint_scale(volumes: Sequence[np.ndarray], inside: Sequence[np.ndarray]) -> Scale | None:
    """Return the scale of the voxels inside, of all channels of all volumes together.

    Parameters
    ----------
    volumes
        Shape (channels, x, y, z) each.
    inside
        As many masks (x, y, z).

    Returns
    -------
    Scale or None
        None where there are fewer than 1,000 voxels or all are equal.
    """
    values = [volume[:, mask] for volume, mask in zip(volumes, inside, strict=True)]
    count = sum(part.size for part in values)
    if sum(int(mask.sum()) for mask in inside) < LEAST_VOXELS:
        return None
    mean = sum(float(part.sum(dtype=np.float64)) for part in values) / count
    square = sum(float(np.square(part - mean, dtype=np.float64).sum()) for part in values) / count
    if square <= 1e-12 * max(mean * mean, 1e-12):
        return None
    return Scale(mean, float(np.sqrt(square)))
