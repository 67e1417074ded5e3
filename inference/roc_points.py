"""Points of a ROC curve: sensitivity and specificity at every threshold, and thresholds that reach a given rate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Point = tuple[float, float, float]


def roc_points(scores: Sequence[float] | np.ndarray, is_case: Sequence[bool] | np.ndarray) -> tuple[Point, ...]:
    """Return (threshold, sensitivity, specificity) at every observed score, positive if score ≥ threshold.

    Highest first; the first threshold lies just above the highest score, where nothing is positive.

    Raises
    ------
    ValueError
        Where there is no case or no control, or a score is not finite.
    """
    values, cases = np.asarray(scores, np.float64), np.asarray(is_case, bool)
    if values.shape != cases.shape or not np.isfinite(values).all():
        raise ValueError("scores and labels must be as many, and all scores finite")
    if cases.all() or not cases.any():
        raise ValueError("a ROC needs cases and controls")
    thresholds = np.append(np.unique(values), np.nextafter(values.max(), np.inf))[::-1]
    positive = np.sort(values[cases]), np.sort(values[~cases])
    sensitivity, false_positive = (1 - np.searchsorted(side, thresholds, "left") / side.size for side in positive)
    points = zip(thresholds.tolist(), sensitivity.tolist(), (1 - false_positive).tolist(), strict=True)
    return tuple(points)


def rates_at(roc: Sequence[Point], threshold: float) -> tuple[float, float]:
    """Return sensitivity and specificity on the validation data of "positive if score ≥ threshold"."""
    reached = [point for point in roc if point[0] >= threshold]
    return (reached[-1][1], reached[-1][2]) if reached else (0.0, 1.0)


def threshold_at_sensitivity(roc: Sequence[Point], least: float) -> float:
    """Return the largest threshold whose sensitivity is at least ``least``."""
    return max(threshold for threshold, sensitivity, _ in roc if sensitivity >= least)


def threshold_at_specificity(roc: Sequence[Point], least: float) -> float:
    """Return the smallest threshold whose specificity is at least ``least``."""
    return min(threshold for threshold, _, specificity in roc if specificity >= least)
