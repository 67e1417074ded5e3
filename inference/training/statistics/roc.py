"""ROC curves and areas under them, with intervals by bootstrap over patients or by DeLong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.roc_points import Point
from inference.training.statistics.bootstrap import DRAWS, SEED, patient_weights, percentiles
from inference.training.statistics.delong import areas_and_covariance


@dataclass(frozen=True)
class Area:
    """An area under a ROC curve with its 95 % interval and the numbers of cases behind it."""

    value: float
    low: float
    high: float
    positive: int
    negative: int

    def as_dict(self) -> dict[str, float | int | list[float]]:
        """Return what a card holds."""
        return {
            "auc": round(self.value, 3),
            "interval_95": [round(self.low, 3), round(self.high, 3)],
            "n_positive": self.positive,
            "n_negative": self.negative,
        }


def area(truth: np.ndarray, score: np.ndarray) -> float:
    """Return the AUC where the truth is known (not NaN); NaN where one class is missing. Ties count ½."""
    from sklearn.metrics import roc_auc_score

    known = ~np.isnan(truth)
    if len(np.unique(truth[known])) < 2:
        return float("nan")
    return float(roc_auc_score(truth[known], score[known]))


def curve(truth: np.ndarray, score: np.ndarray) -> tuple[Point, ...]:
    """Return the corners of the ROC curve as (threshold, sensitivity, specificity), highest threshold first.

    Points on a straight line between others are left out, so that a card can hold the curve of many cases; the first
    threshold is infinite. :func:`inference.roc_points.roc_points` keeps all. Empty where a class is missing.
    """
    from sklearn.metrics import roc_curve

    known = ~np.isnan(truth)
    if len(np.unique(truth[known])) < 2:
        return ()
    wrong, right, thresholds = roc_curve(truth[known], score[known])
    return tuple(zip(thresholds.tolist(), right.tolist(), (1 - wrong).tolist(), strict=True))


def area_with_interval(
    truth: np.ndarray, score: np.ndarray, patient: np.ndarray, draws: int = DRAWS, seed: int = SEED
) -> Area | None:
    """Return the AUC with a 95 % bootstrap interval over patients; None where one class is missing.

    Parameters
    ----------
    truth, score, patient
        (n,) of cases: breasts, images, lesions.
    draws, seed
        Of the bootstrap, which is stratified so that every draw holds both classes.
    """
    known = ~np.isnan(truth)
    truth, score, patient = truth[known], score[known], patient[known]
    value = area(truth, score)
    if np.isnan(value):
        return None
    drawn = drawn_areas(truth, score[None], patient, draws, seed)[0]
    positive = int(truth.sum())
    return Area(value, *percentiles(drawn), positive, len(truth) - positive)


def drawn_areas(
    truth: np.ndarray, scores: np.ndarray, patient: np.ndarray, draws: int = DRAWS, seed: int = SEED
) -> np.ndarray:
    """Return areas of bootstrap draws of patients, (models, draws); all models see the same draws.

    Parameters
    ----------
    truth
        (n,) 1 and 0, nothing unknown.
    scores
        (models, n).
    """
    blocks = [
        [weighted_areas(truth, score, weights) for score in scores]
        for weights in patient_weights(patient, truth, draws, seed)
    ]
    return np.concatenate(blocks, axis=1)


def weighted_areas(truth: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the AUC for each row of case weights (draws, n), as the Mann-Whitney statistic; ties count ½.

    One pass for all draws, where scikit-learn needs a call for each.
    """
    _, group = np.unique(score, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    weights, is_sick = weights[:, order], truth[order] > 0
    sick = np.add.reduceat(weights * is_sick, starts, axis=1).astype(float)
    well = np.add.reduceat(weights, starts, axis=1) - sick
    below = np.cumsum(well, axis=1) - well
    return (sick * (below + well / 2)).sum(axis=1) / (sick.sum(axis=1) * well.sum(axis=1))


def area_delong(
    truth: np.ndarray, score: np.ndarray, patient: np.ndarray | None = None, confidence: float = 0.95
) -> Area | None:
    """Return the AUC with DeLong's interval (normal, cut to 0 … 1).

    None where fewer than two patients of either class are there. Where the classes are separated the variance is 0 and
    the interval a point: it says nothing then.

    Parameters
    ----------
    patient
        Where given, cases of a patient may be correlated (see :mod:`.delong`).
    """
    from scipy.stats import norm

    known = ~np.isnan(truth)
    truth, score, patient = truth[known], score[known], None if patient is None else patient[known]
    positive = int(np.count_nonzero(truth > 0))
    if positive in (0, len(truth)):
        return None
    areas, covariance = areas_and_covariance(truth, score[None], patient)
    if np.isnan(covariance[0, 0]):
        return None
    half = float(norm.ppf((1 + confidence) / 2) * np.sqrt(max(covariance[0, 0], 0.0)))
    value = float(areas[0])
    return Area(value, max(0.0, value - half), min(1.0, value + half), positive, len(truth) - positive)
