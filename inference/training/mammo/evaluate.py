"""Scores of windows and of whole films: truth and score of each, and how they are calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.training.mammo.dataset import Film
from inference.training.mammo.labels import CASE, CONTROL
from inference.training.statistics.calibration import BINS
from inference.training.statistics.temperature import TemperatureScaling, logit, temperature_scaling

_LEAST = 5  # cases of each class, for a temperature of other patients


@dataclass(frozen=True)
class Scores:
    """Scores of windows, or of the films that are case or control images of a module.

    Attributes
    ----------
    truth
        1 for cases, 0 for controls, NaN for windows that are neither.
    score
        0 to 1.
    patient
        Whose they are.
    """

    truth: np.ndarray
    score: np.ndarray
    patient: np.ndarray


def image_score(scores: np.ndarray, rule: str = "max") -> float:
    """Return the score of a film from those of its windows; 0 where it has none.

    Parameters
    ----------
    rule
        ``"max"`` (SYSTEMS.md §1.2), or ``"top3"``: the mean of the three highest.
    """
    if len(scores) == 0:
        return 0.0
    highest = np.sort(scores)[::-1]
    return float(highest[:3].mean() if rule == "top3" else highest[0])


def image_scores(
    module: str, films: Sequence[Film], film_of_window: np.ndarray, scores: np.ndarray, rule: str = "max"
) -> Scores:
    """Return the scores of case images (a malignant lesion of the module) and control images (no lesion at all).

    Films with benign lesions or with malignant ones of the other module are neither (paper 001, Statistical analysis).
    """
    chosen = [row for row, film in enumerate(films) if film.is_read(module)]
    return Scores(
        np.array([float(films[row].is_case(module)) for row in chosen]),
        np.array([image_score(scores[film_of_window == row], rule) for row in chosen]),
        np.array([films[row].patient for row in chosen]),
    )


def window_truth(labels: np.ndarray) -> np.ndarray:
    """Return 1 for case windows, 0 for control windows and NaN for the others."""
    truth = np.full(len(labels), np.nan)
    truth[labels == CASE], truth[labels == CONTROL] = 1.0, 0.0
    return truth


def scaling(scores: Scores, bins: int = BINS) -> TemperatureScaling | None:
    """Return temperature and calibration; None with fewer than 5 patients with cases, or without."""
    known = ~np.isnan(scores.truth)
    truth, values, patient = scores.truth[known], logit(scores.score[known]), scores.patient[known]
    if min(len(np.unique(patient[truth == kind])) for kind in (0, 1)) < _LEAST:
        return None
    return temperature_scaling(truth, values, patient, bins=bins)
