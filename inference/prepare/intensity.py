"""Grey values to a fixed range, whatever the scanner's scale."""

from __future__ import annotations

import numpy as np

from inference.errors import EngineError


def robust_scale(values: np.ndarray, percentiles: tuple[float, float] = (0.5, 99.5)) -> np.ndarray:
    """Scale so that the two percentiles become 0 and 1, and clip.

    Parameters
    ----------
    values
        Any shape and real type; NaN and infinity are padding: they do not count and become 0.
    percentiles
        System 000 leaves the standardisation open; SYSTEMS.md §1.1 resolves it as p0.5 to p99.5.

    Raises
    ------
    EngineError
        Where no pixel is finite or all have the same value.
    """
    values = np.asarray(values, dtype=np.float32)
    finite = np.isfinite(values)
    inside = values[finite]
    if inside.size == 0:
        raise EngineError("The image has no valid pixel: all are padding.", "Choose another slice.")
    low, high = np.percentile(inside, percentiles)
    if high <= low:  # fewer than 0.5 % of the pixels differ from the rest: take what there is
        low, high = inside.min(), inside.max()
    if high <= low:
        raise EngineError("All pixels of the image have the same value.", "Choose another slice.")
    scaled = (np.where(finite, values, low) - np.float32(low)) / np.float32(high - low)
    return np.where(finite, np.clip(scaled, 0.0, 1.0), 0.0).astype(np.float32)
