"""Calibration: whether of cases with probability p a share of about p is diseased."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.training.statistics.proportion import Proportion, proportion

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Cases of similar probability.

    Attributes
    ----------
    low, high, mean
        Of the predicted probabilities.
    observed
        Diseased of all cases of the bin.
    """

    low: float
    high: float
    mean: float
    observed: Proportion

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds."""
        return {
            "from": round(self.low, 4),
            "to": round(self.high, 4),
            "mean": round(self.mean, 4),
            "observed": self.observed.as_dict(),
        }


@dataclass(frozen=True)
class Calibration:
    """How well probabilities are calibrated.

    Attributes
    ----------
    error
        Expected calibration error over the bins.
    brier
        Mean squared distance of probability and truth (Brier, Mon Weather Rev 1950;78:1).
    log_loss
        Mean negative log likelihood, in nats.
    """

    bins: tuple[Bin, ...]
    error: float
    brier: float
    log_loss: float

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds."""
        return {
            "expected_calibration_error": round(self.error, 4),
            "brier": round(self.brier, 4),
            "log_loss": round(self.log_loss, 4),
            "bins": [each.as_dict() for each in self.bins],
        }


def reliability(truth: np.ndarray, probability: np.ndarray, bins: int = BINS) -> tuple[Bin, ...]:
    """Return bins of about equally many cases, lowest probability first; equal probabilities share one.

    Parameters
    ----------
    truth, probability
        (n,) of cases.
    """
    known = ~np.isnan(truth)
    truth, probability = truth[known], probability[known]
    ordered = np.sort(probability)
    edges = np.unique(ordered[[len(ordered) * k // bins for k in range(1, bins)]]) if len(ordered) else ordered
    which = np.searchsorted(edges, probability, side="right")
    return tuple(_bin(truth[which == k], probability[which == k]) for k in np.unique(which))


def _bin(truth: np.ndarray, probability: np.ndarray) -> Bin:
    observed = proportion(int(np.count_nonzero(truth > 0)), len(truth))
    return Bin(float(probability.min()), float(probability.max()), float(probability.mean()), observed)


def expected_calibration_error(bins: Sequence[Bin]) -> float:
    """Return the mean over cases of |observed − mean probability| of their bins (Naeini et al., AAAI 2015)."""
    total = sum(each.observed.total for each in bins)
    return sum(each.observed.total * abs(each.observed.value - each.mean) for each in bins) / total


def calibration(truth: np.ndarray, probability: np.ndarray, bins: int = BINS) -> Calibration:
    """Return the reliability table and its figures for the cases with a known truth.

    Raises
    ------
    ValueError
        Where there is no such case.
    """
    from sklearn.metrics import brier_score_loss, log_loss

    known = ~np.isnan(truth)
    if not known.any():
        raise ValueError("calibration needs cases with a known truth")
    sick, p = truth[known] > 0, np.asarray(probability, np.float64)[known]
    table = reliability(truth, probability, bins)
    brier = float(brier_score_loss(sick, p, pos_label=True))
    return Calibration(table, expected_calibration_error(table), brier, float(log_loss(sick, p, labels=[False, True])))
