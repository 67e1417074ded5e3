"""Bootstrap over patients: women are drawn with replacement, each with all her cases, within strata of their truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

DRAWS = 1000
SEED = 300
_BLOCK = 2_000_000  # weights held at a time: 16 MB


def patient_weights(
    patient: np.ndarray, truth: np.ndarray | None = None, draws: int = DRAWS, seed: int = SEED
) -> Iterator[np.ndarray]:
    """Yield how often each case was drawn, in blocks of shape (draws of the block, n).

    Parameters
    ----------
    patient
        (n,) whose case it is.
    truth
        (n,) 1 and 0. Women with diseased cases only, with others only and with both are drawn each from their own, so
        that both classes are in every draw. Without it all women are one stratum.
    draws, seed
        Of the bootstrap; the same seed draws the same women.
    """
    names, which = np.unique(patient, return_inverse=True)
    stratum = np.zeros(len(names), int)
    if truth is not None:
        np.bitwise_or.at(stratum, which, np.where(truth > 0, 1, 2))
    rng = np.random.default_rng(seed)
    times = np.zeros((draws, len(names)), np.int32)
    for kind in np.unique(stratum):
        women = np.flatnonzero(stratum == kind)
        times[:, women] = rng.multinomial(len(women), np.full(len(women), 1 / len(women)), size=draws)
    step = max(1, _BLOCK // max(1, len(which)))
    for start in range(0, draws, step):
        yield times[start : start + step, which]


def percentiles(drawn: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    """Return the percentile interval of bootstrap draws."""
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, (tail, 100 - tail))
    return float(low), float(high)


def interval_over_patients(
    values: np.ndarray,
    patient: np.ndarray,
    statistic: Callable[[np.ndarray], float] | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> tuple[float, float]:
    """Return the 95 % interval of a statistic of per-case values (Dice, hits) by bootstrap over patients.

    Parameters
    ----------
    values, patient
        (n,) one value a case, and whose case it is.
    statistic
        Of an array of values; the median where it is not given.
    """
    reduce = np.median if statistic is None else statistic
    drawn = [reduce(np.repeat(values, row)) for block in patient_weights(patient, None, draws, seed) for row in block]
    return percentiles(np.array(drawn, float))
