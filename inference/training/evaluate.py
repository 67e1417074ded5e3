"""Figures of merit of system 000: areas under curves, the challenge score, the pointing game, operating points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score, roc_curve


@dataclass(frozen=True)
class Area:
    """An area under a ROC curve with its 95 % interval (bootstrap over patients) and the numbers behind it."""

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


def challenge_score(malignancy: float, types: tuple[float, float, float, float]) -> float:
    """Return the score of paper 000, eq. 3: 0.6 · AUC of malignancy + 0.4 · mean AUC of MG, OB, IDC and OM.

    The equation is garbled in the text; this reading reproduces the printed 0.817 from the printed areas.
    """
    return 0.6 * malignancy + 0.4 * sum(types) / len(types)


def area(truth: np.ndarray, score: np.ndarray) -> float:
    """Return the AUC where the truth is known (not NaN); NaN where one class is missing."""
    known = ~np.isnan(truth)
    if len(np.unique(truth[known])) < 2:
        return float("nan")
    return float(roc_auc_score(truth[known], score[known]))


def area_with_interval(truth: np.ndarray, score: np.ndarray, patient: np.ndarray, draws: int = 300) -> Area | None:
    """Return the AUC with a bootstrap interval over patients; None where one class is missing."""
    known = ~np.isnan(truth)
    truth, score, patient = truth[known], score[known], patient[known]
    value = area(truth, score)
    if np.isnan(value):
        return None
    rng = np.random.default_rng(300)
    names, which = np.unique(patient, return_inverse=True)
    rows_of = [np.flatnonzero(which == number) for number in range(len(names))]
    drawn = []
    for _ in range(draws):
        rows = np.concatenate([rows_of[k] for k in rng.integers(len(names), size=len(names))])
        drawn.append(area(truth[rows], score[rows]))
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    positive = int(truth.sum())
    return Area(value, float(low), float(high), positive, len(truth) - positive)


def pointing_hits(maps: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Return for each slice whether its highest attention cell holds lesion: maps and cells (n, rows, columns)."""
    flat = maps.reshape(len(maps), -1)
    return cells.reshape(len(cells), -1)[np.arange(len(maps)), flat.argmax(axis=1)] > 0


def youden_point(truth: np.ndarray, score: np.ndarray) -> float | None:
    """Return the threshold with the highest sensitivity + specificity; None where one class is missing."""
    known = ~np.isnan(truth)
    if len(np.unique(truth[known])) < 2:
        return None
    wrong, right, thresholds = roc_curve(truth[known], score[known])
    return float(np.clip(thresholds[np.argmax(right - wrong)], 0.0, 1.0))
