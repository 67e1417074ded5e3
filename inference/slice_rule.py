"""Slice rule: the mask of a tumour in one slice, by a share of the slice's largest probability (Hirsch et al. 2021)."""

from __future__ import annotations

import numpy as np

RULES = ("paper", "code")
FRACTION = 0.6  # of the largest probability in the slice; doi 10.1148/ryai.200231, chosen there on 16 test exams
FRACTIONS = {"paper": FRACTION, "code": 0.5}  # "code": MAX_THRESHOLD_FACTOR of the authors' CrossVal_TestSet.py
SEED_SHARE = 0.95  # the rest: HalfMax_MaxSeed in the same file
SEED_RADIUS = 10  # pixels; seeds are looked for that far from the slice's edges
_NEIGHBOURS = np.ones((3, 3))


def slice_mask(probability: np.ndarray, fraction: float = FRACTION, rule: str = "paper") -> np.ndarray:
    """Return the mask of one slice: pixels from ``fraction`` of the maximum upwards, joined to the seeds.

    The rule presumes that there is a tumour: it marks something in nearly every slice with any probability.

    Parameters
    ----------
    probability
        0 to 1, shape (rows, columns); NaN where nothing was read.
    fraction
        Above 0, up to 1.
    rule
        What the seeds are. ``"paper"``: the pixels that reach the maximum. ``"code"`` (the authors' code): discs of 10
        pixels' radius around pixels above 0.95 of the maximum that lie at least 10 pixels from the slice's edges, so
        that parts nearby stay that touch the maximum nowhere; and no mask at all in a slice that lies above the
        threshold throughout.

    Returns
    -------
    numpy.ndarray
        Bool, same shape; components are joined over edges and corners (3 × 3).

    Notes
    -----
    The authors' code counts the places of its seeds from the inner part and draws the discs on the whole slice, 10 rows
    and 10 columns away from them. Here the discs lie around their pixels.
    """
    from scipy import ndimage

    values = np.nan_to_num(np.asarray(probability, np.float32))
    largest = float(values.max(initial=0.0))
    if largest <= 0:
        return np.zeros(values.shape, bool)
    labels = np.zeros(values.shape, np.int32)
    ndimage.label(values >= fraction * largest, structure=_NEIGHBOURS, output=labels)
    if rule == "paper":
        seeds = values == largest
    elif values[np.isfinite(probability)].min() > fraction * largest:
        return np.zeros(values.shape, bool)
    else:
        seeds = _discs(values > SEED_SHARE * largest)
    reached = np.unique(labels[seeds])
    return np.isin(labels, reached[reached > 0])


def _discs(peaks: np.ndarray) -> np.ndarray:
    """Return which pixels lie within 10 of a peak; peaks nearer than that to the slice's edges do not count."""
    from scipy import ndimage

    inner = np.zeros(peaks.shape, bool)
    part = (slice(SEED_RADIUS, -SEED_RADIUS),) * 2
    inner[part] = peaks[part]
    if not inner.any():
        return inner
    return np.asarray(ndimage.distance_transform_edt(~inner)) <= SEED_RADIUS


def in_words(fraction: float, rule: str) -> str:
    """Return which pixels of a slice the mask holds, as the end of a sentence."""
    share = f"pixels of at least {100 * fraction:.0f} % of its highest probability"
    if rule == "paper":
        return f"{share} that are joined to it (the paper's rule)"
    return (
        f"{share} in regions that come within {SEED_RADIUS} pixels of those above {100 * SEED_SHARE:.0f} % of it "
        "(the rule of the authors' code)"
    )
