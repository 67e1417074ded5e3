"""Cross-validation of one module by patient: scores that no woman's own films have taught, and what they say."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from inference.grading import Scale, scale_of
from inference.nets.patch_resnet import PatchTail
from inference.training.mammo.dataset import Film
from inference.training.mammo.evaluate import ImageScores, image_area, image_scores, window_area
from inference.training.mammo.features import WindowFeatures
from inference.training.mammo.head import head_scores, pooled, with_head
from inference.training.mammo.labels import CASE, CONTROL, DISCARDED
from inference.training.mammo.tails import Recipe, probabilities, train_tail
from inference.training.statistics.points import youden_point
from inference.training.statistics.roc import Area

_DIGITS = 5  # of thresholds in the card; scores are not known better in bfloat16
BASELINE = (
    "logistic regression on the pooled features of the frozen trunk and ImageNet's last bottleneck; same windows, same "
    "folds"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Validation:
    """Out-of-fold scores of one module.

    Attributes
    ----------
    seen
        (n, 2048) what ImageNet's last bottleneck sees in each window, pooled.
    scores, baseline
        (n,) of the windows inference would read, by the tail and by logistic regression on pooled features; NaN
        elsewhere.
    """

    module: str
    films: tuple[Film, ...]
    windows: WindowFeatures
    seen: np.ndarray
    scores: np.ndarray
    baseline: np.ndarray

    def save(self, path: Path) -> None:
        """Keep the scores of windows, and which film and place they belong to, for a later look."""
        natural = self.windows.natural
        np.savez(
            path,
            film=np.array([film.path.stem for film in self.films])[self.windows.film[natural]],
            corners=self.windows.corners[natural],
            labels=self.windows.labels[natural],
            scores=self.scores[natural],
            baseline=self.baseline[natural],
        )

    def images(self, scores: np.ndarray, rule: str = "max") -> ImageScores:
        """Return the scores of case and control images."""
        natural = self.windows.natural
        return image_scores(self.module, self.films, self.windows.film[natural], scores[natural], rule)

    def metrics(self) -> dict[str, Any]:
        """Return areas under curves of windows and images, beside the baseline's, for the card."""
        return {
            "window": _area(self._window_area(self.scores)),
            "image": _area(image_area(self.images(self.scores))),
            "image_top3": _area(image_area(self.images(self.scores, "top3"))),
            "baseline": {
                "what": BASELINE,
                "window": _area(self._window_area(self.baseline)),
                "image": _area(image_area(self.images(self.baseline))),
            },
        }

    def scale(self) -> Scale:
        """Return the cut-offs of the grades from the images' scores, rounded before they are compared."""
        images = self.images(self.scores)
        return scale_of(np.round(images.score, _DIGITS), images.truth > 0)

    def grading(self) -> dict[str, Any]:
        """Return the entry of the card's ``interpretation["grading"]`` and the operating point (best Youden index)."""
        images = self.images(self.scores)
        point = youden_point(images.truth, np.round(images.score, _DIGITS))
        return {**self.scale().entry(), "operating_point": point}

    def _window_area(self, scores: np.ndarray) -> Area | None:
        natural = self.windows.natural
        labels = np.where(natural, self.windows.labels, DISCARDED)
        patients = np.array([film.patient for film in self.films])[self.windows.film]
        return window_area(labels[natural], scores[natural], patients[natural])


def cross_validate(
    module: str, films: Sequence[Film], windows: WindowFeatures, fold_of: np.ndarray, start: PatchTail, recipe: Recipe
) -> Validation:
    """Train a tail per fold on the others' windows and score the fold's own.

    Parameters
    ----------
    fold_of
        Fold of each film.
    start
        Tail that every fold starts from.
    """
    fold = fold_of[windows.film]
    learned = np.isin(windows.labels, (CASE, CONTROL))
    seen = pooled(start, windows.features)
    scores, baseline = np.full(len(fold), np.nan), np.full(len(fold), np.nan)
    for held_out in np.unique(fold_of):
        train = np.flatnonzero(learned & (fold != held_out))
        test = np.flatnonzero(windows.natural & (fold == held_out))
        first = with_head(start, seen[train], windows.labels[train])
        baseline[test] = head_scores(first, seen[test])
        tail = train_tail(first, windows, train, module, recipe)
        scores[test] = probabilities(tail, windows.features[test])
        _log.info("%s, fold %d: %d windows trained on, %d scored", module, held_out, len(train), len(test))
    return Validation(module, tuple(films), windows, seen, scores, baseline)


def final_tail(validation: Validation, start: PatchTail, recipe: Recipe) -> PatchTail:
    """Train the tail that is bundled, on every window that may be learned from, as each fold's was."""
    windows = validation.windows
    rows = np.flatnonzero(np.isin(windows.labels, (CASE, CONTROL)))
    first = with_head(start, validation.seen[rows], windows.labels[rows])
    return train_tail(first, windows, rows, validation.module, recipe)


def _area(area: Area | None) -> dict[str, Any] | None:
    return None if area is None else area.as_dict()
