"""Operating points: what a threshold does to cases, in counts and rates with intervals, and how one is chosen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference import roc_points
from inference.training.statistics.proportion import Proportion, proportion


@dataclass(frozen=True)
class OperatingPoint:
    """The two-by-two table of "positive if score ≥ threshold"; rates carry Wilson's 95 % interval.

    Attributes
    ----------
    true_positives, false_positives, true_negatives, false_negatives
        Cases.
    """

    threshold: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def sensitivity(self) -> Proportion:
        """True positives of diseased cases."""
        return proportion(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> Proportion:
        """True negatives of cases without disease."""
        return proportion(self.true_negatives, self.true_negatives + self.false_positives)

    @property
    def ppv(self) -> Proportion:
        """Positive predictive value at the prevalence of these cases."""
        return proportion(self.true_positives, self.true_positives + self.false_positives)

    @property
    def npv(self) -> Proportion:
        """Negative predictive value at the prevalence of these cases."""
        return proportion(self.true_negatives, self.true_negatives + self.false_negatives)

    @property
    def accuracy(self) -> Proportion:
        """Rightly classified of all cases."""
        right = self.true_positives + self.true_negatives
        return proportion(right, right + self.false_positives + self.false_negatives)

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds: one row of Tables 1 and 2 of paper 001."""
        rates = ("sensitivity", "specificity", "ppv", "npv", "accuracy")
        return {"threshold": self.threshold, **{name: getattr(self, name).as_dict() for name in rates}}


def point_at(truth: np.ndarray, score: np.ndarray, threshold: float) -> OperatingPoint:
    """Return what a threshold does to the cases with a known truth.

    Parameters
    ----------
    truth, score
        (n,) of cases.
    """
    sick, well = truth > 0, truth <= 0  # unknown (NaN) is neither
    positive = score >= threshold
    tables = (sick & positive, well & positive, well & ~positive, sick & ~positive)
    return OperatingPoint(float(threshold), *(int(np.count_nonzero(cells)) for cells in tables))


def points_at(truth: np.ndarray, score: np.ndarray, thresholds: Iterable[float]) -> tuple[OperatingPoint, ...]:
    """Return a point for each threshold, such as the four cut-offs of system 001's grades."""
    return tuple(point_at(truth, score, threshold) for threshold in thresholds)


def youden_point(truth: np.ndarray, score: np.ndarray) -> float | None:
    """Return the threshold with the highest sensitivity + specificity, the highest of several; None without a class.

    Youden, Cancer 1950;3:32.
    """
    points = _points(truth, score)
    if not points:
        return None
    best = max(points, key=lambda point: (round(point[1] + point[2], 12), point[0]))
    return float(np.clip(best[0], 0.0, 1.0))


def threshold_for_sensitivity(truth: np.ndarray, score: np.ndarray, least: float) -> float | None:
    """Return the largest threshold with at least this sensitivity; None where one class is missing."""
    points = _points(truth, score)
    return roc_points.threshold_at_sensitivity(points, least) if points else None


def threshold_for_specificity(truth: np.ndarray, score: np.ndarray, least: float) -> float | None:
    """Return the smallest threshold with at least this specificity; None where one class is missing."""
    points = _points(truth, score)
    return roc_points.threshold_at_specificity(points, least) if points else None


def _points(truth: np.ndarray, score: np.ndarray) -> tuple[roc_points.Point, ...]:
    known = ~np.isnan(truth)
    if len(np.unique(truth[known])) < 2:
        return ()
    return roc_points.roc_points(score[known], truth[known] > 0)
