"""Slice rule: the mask of a tumour in one slice, by a share of the slice's largest probability (Hirsch et al. 2021)."""

from __future__ import annotations

import numpy as np

FRACTION = 0.6  # of the largest probability in the slice; doi 10.1148/ryai.200231, chosen there on 16 test exams


def slice_mask(probability: np.ndarray, fraction: float = FRACTION) -> np.ndarray:
    """Return the mask of one slice: pixels from ``fraction`` of the maximum upwards, joined to the maximum.

    The rule presumes that there is a tumour: it marks something in every slice whose probability is not 0 throughout.

    Parameters
    ----------
    probability
        0 to 1, shape (rows, columns); NaN where nothing was read.
    fraction
        Above 0, up to 1.

    Returns
    -------
    numpy.ndarray
        Bool, same shape; components are joined over edges and corners (3 × 3).
    """
    from scipy import ndimage

    values = np.nan_to_num(np.asarray(probability, np.float32))
    largest = float(values.max(initial=0.0))
    if largest <= 0:
        return np.zeros(values.shape, bool)
    labels = np.zeros(values.shape, np.int32)
    ndimage.label(values >= fraction * largest, structure=np.ones((3, 3)), output=labels)
    reached = np.unique(labels[values == largest])
    return np.isin(labels, reached[reached > 0])
