"""Two models on the same cases: the difference of their areas under ROC curves, with interval and p-value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.training.statistics.bootstrap import SEED, percentiles
from inference.training.statistics.delong import areas_and_covariance
from inference.training.statistics.roc import area, drawn_areas


@dataclass(frozen=True)
class Difference:
    """How much larger the first area is.

    Attributes
    ----------
    first, second
        Areas under the two curves.
    low, high
        Interval of first − second.
    p
        Two-sided, of no difference.
    method
        ``"DeLong"``, or ``"bootstrap over patients"``.
    """

    first: float
    second: float
    low: float
    high: float
    p: float
    method: str

    @property
    def value(self) -> float:
        """First area − second area."""
        return self.first - self.second

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds; p is None where there is no test."""
        return {
            "difference": round(self.value, 3),
            "interval_95": [round(self.low, 3), round(self.high, 3)],
            "p": None if np.isnan(self.p) else float(f"{self.p:.3g}"),
            "method": self.method,
        }


def difference_delong(
    truth: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    patient: np.ndarray | None = None,
    confidence: float = 0.95,
) -> Difference | None:
    """Return the difference of two correlated areas by DeLong's test; None where it has no variance estimate.

    Where both models rank all pairs of cases alike p is 1; where the variance is 0 although areas differ it is NaN.

    Parameters
    ----------
    truth, first, second
        (n,) truth, and the scores of either model.
    patient
        Where given, cases of a patient may be correlated (see :mod:`.delong`).
    """
    from scipy.stats import norm

    known = ~np.isnan(truth)
    if len(np.unique(truth[known])) < 2:
        return None
    scores = np.stack([first[known], second[known]])
    areas, covariance = areas_and_covariance(truth[known], scores, None if patient is None else patient[known])
    variance = float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    if np.isnan(variance):
        return None
    error = float(np.sqrt(variance)) if variance > 1e-14 else 0.0  # rounding of a sum that cancels
    value = float(areas[0] - areas[1])
    same = 1.0 if abs(value) < 1e-12 else float("nan")
    p = 2 * float(norm.sf(abs(value) / error)) if error else same
    half = float(norm.ppf((1 + confidence) / 2)) * error
    return Difference(float(areas[0]), float(areas[1]), value - half, value + half, p, "DeLong")


def difference_bootstrap(
    truth: np.ndarray, first: np.ndarray, second: np.ndarray, patient: np.ndarray, draws: int = 2000, seed: int = SEED
) -> Difference | None:
    """Return the difference of two areas by a paired bootstrap over patients; None where one class is missing.

    The interval is that of percentiles; p is twice the smaller share of draws on either side of 0, counted with the
    sample itself, so that it is never below 2 / (draws + 1).
    """
    known = ~np.isnan(truth)
    truth, first, second, patient = truth[known], first[known], second[known], patient[known]
    if len(np.unique(truth)) < 2:
        return None
    drawn = drawn_areas(truth, np.stack([first, second]), patient, draws, seed)
    difference = drawn[0] - drawn[1]
    below, above = np.count_nonzero(difference <= 0), np.count_nonzero(difference >= 0)
    p = min(1.0, 2 * (1 + min(below, above)) / (draws + 1))
    low, high = percentiles(difference)
    return Difference(area(truth, first), area(truth, second), low, high, p, "bootstrap over patients")
