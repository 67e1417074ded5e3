"""Scores of windows and of whole films: areas under curves with intervals over patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.training.mammo.dataset import Film
from inference.training.mammo.labels import CASE, CONTROL
from inference.training.statistics.roc import Area, area_with_interval

DRAWS = 1000


@dataclass(frozen=True)
class ImageScores:
    """Scores of the films that are case or control images of a module.

    Attributes
    ----------
    truth
        1 for case images, 0 for control images.
    score
        Score of each film, 0 to 1.
    patient
        Whose film it is.
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
) -> ImageScores:
    """Return the scores of case images (a malignant lesion of the module) and control images (no lesion at all).

    Films with benign lesions or with malignant ones of the other module are neither (paper 001, Statistical analysis).
    """
    chosen = [row for row, film in enumerate(films) if film.is_read(module)]
    return ImageScores(
        np.array([float(films[row].is_case(module)) for row in chosen]),
        np.array([image_score(scores[film_of_window == row], rule) for row in chosen]),
        np.array([films[row].patient for row in chosen]),
    )


def image_area(scores: ImageScores) -> Area | None:
    """Return the AUC of films with its interval over patients."""
    return area_with_interval(scores.truth, scores.score, scores.patient, DRAWS)


def window_area(labels: np.ndarray, scores: np.ndarray, patient: np.ndarray) -> Area | None:
    """Return the AUC of windows with its interval over patients; discarded windows do not count."""
    truth = np.full(len(labels), np.nan)
    truth[labels == CASE], truth[labels == CONTROL] = 1.0, 0.0
    return area_with_interval(truth, scores, patient, DRAWS)
