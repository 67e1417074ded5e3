"""Peak: where a map is largest, one place also where several cells share the maximum."""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def peak_index(values: np.ndarray) -> tuple[int, ...]:
    """Return the index of the maximum; of a plateau the cell nearest to its middle.

    Parameters
    ----------
    values
        Map of any shape; NaN stands for cells that were not read.

    Returns
    -------
    tuple of int
        Of several plateaus of one height, a cell of the first.
    """
    known = np.nan_to_num(values, nan=-np.inf)
    first = np.unravel_index(int(np.argmax(known)), known.shape)
    level = known == known[first]
    if np.count_nonzero(level) == 1:
        return tuple(int(n) for n in first)
    pieces = np.empty(known.shape, np.int32)
    ndimage.label(level, np.ones((3,) * known.ndim), output=pieces)
    cells = np.argwhere(pieces == pieces[first])
    nearest = np.square(cells - cells.mean(axis=0)).sum(axis=1).argmin()
    return tuple(int(n) for n in cells[nearest])
