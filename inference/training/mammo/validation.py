"""What the runs of one module's splits say: scores that no woman's own films have taught, beside the baseline's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.errors import EngineError
from inference.grading import Scale, scale_of
from inference.training.mammo.evaluate import Scores, image_scores, scaling, window_truth
from inference.training.mammo.part import scored_rows
from inference.training.mammo.recipe import BASELINE, PROVEN, Recipe
from inference.training.mammo.tables import WindowTable
from inference.training.split_sets import TEST, Split
from inference.training.statistics.compare import Difference, difference_bootstrap
from inference.training.statistics.points import points_at, youden_point
from inference.training.statistics.reliability_plot import reliability_svg
from inference.training.statistics.roc import Area, area_with_interval

_DIGITS = 5  # of thresholds in the card; scores are not known better in bfloat16
DRAWS = 1000
WHAT = (
    "logistic regression on the pooled features of the frozen trunk and ImageNet's last bottleneck; same windows, same "
    "folds"
)
#: Windows learned from, and images scored, each second; both from cached features.
SPEEDS = ("windows_per_second", "images_per_second")
#: Paper 001, Results (SYSTEMS.md §2): AUC of patches and of images.
PAPER = {"nodule": (0.955, 0.904), "calcification": (0.990, 0.900)}


@dataclass(frozen=True)
class Validation:
    """Scores of one module's tested windows.

    Attributes
    ----------
    tested
        (films,) whether a film was tested; one without any window that is read has score 0.
    scores, baseline
        (n,) by the tail and by logistic regression on pooled features; NaN for windows that were not tested.
    parts
        What :func:`inference.training.mammo.part.train_part` gave for each split.
    """

    table: WindowTable
    tested: np.ndarray
    scores: np.ndarray
    baseline: np.ndarray
    parts: tuple[Mapping[str, Any], ...]

    def windows(self, scores: np.ndarray) -> Scores:
        """Return the scores of the tested windows."""
        own = ~np.isnan(scores)
        return Scores(window_truth(self.table.labels[own]), scores[own], self.table.patient[own])

    def images(self, scores: np.ndarray, rule: str = "max") -> Scores:
        """Return the scores of the tested case and control images."""
        rows, own = np.flatnonzero(self.tested), ~np.isnan(scores)
        films, place = [self.table.films[row] for row in rows], np.searchsorted(rows, self.table.film[own])
        return image_scores(self.table.module, films, place, scores[own], rule)

    def difference(self, level: str) -> Difference | None:
        """Return how far the tail is above the baseline at the level of windows or images, with a paired interval."""
        first, second = (getattr(self, level)(scores) for scores in (self.scores, self.baseline))
        return difference_bootstrap(first.truth, first.score, second.score, first.patient, DRAWS)

    def bundled(self, recipe: Recipe) -> str:
        """Return which is published, ``"tail"`` or ``"baseline"``."""
        if recipe.bundle != PROVEN:
            return recipe.bundle
        found = self.difference("images")
        return "tail" if found is not None and found.low > 0 else BASELINE

    def of(self, which: str) -> np.ndarray:
        """Return the scores of the tail or of the baseline."""
        return self.baseline if which == BASELINE else self.scores

    def metrics(self, which: str) -> dict[str, Any]:
        """Return the figures of what is published, beside those of tail and baseline, for the card."""
        scores, images = self.of(which), self.images(self.of(which))
        scaled = {"window": scaling(self.windows(scores)), "image": scaling(images)}
        plot = scaled["image"]
        return {
            "window": _dict(area(self.windows(scores))),
            "image": _dict(area(images)),
            "image_top3": _dict(area(self.images(scores, "top3"))),
            "bundled": which,
            "trained": self._areas(self.scores),
            "baseline": {"what": WHAT, **self._areas(self.baseline)},
            "trained_minus_baseline": {
                name: None if found is None else found.as_dict()
                for name, found in (("window", self.difference("windows")), ("image", self.difference("images")))
            },
            "paper": dict(zip(("window", "image"), PAPER[self.table.module], strict=True)),
            "cut_offs": self.cut_offs(which),
            "calibration": {name: None if found is None else found.as_dict() for name, found in scaled.items()},
            "calibration_plot": "" if plot is None else reliability_svg(plot.after, plot.before, self._title),
            "seconds_per_fold": [part["seconds"] for part in self.parts],
            **{name: [part[name] for part in self.parts if name in part] for name in SPEEDS},
        }

    def cut_offs(self, which: str) -> list[dict[str, Any]]:
        """Return the rows of the paper's Tables 1 and 2: what each grade's cut-off does to the images."""
        scale = self.scale(which)
        if scale is None:
            return []
        images = self.images(self.of(which))
        points = points_at(images.truth, np.round(images.score, _DIGITS), [cut.threshold for cut in scale.cut_offs])
        return [{"grade": cut.grade, **point.as_dict()} for cut, point in zip(scale.cut_offs, points, strict=True)]

    def scale(self, which: str) -> Scale | None:
        """Return the cut-offs of the grades from the images' scores, rounded before they are compared."""
        images = self.images(self.of(which))
        if len(np.unique(images.truth)) < 2:
            return None
        return scale_of(np.round(images.score, _DIGITS), images.truth > 0)

    def grading(self, which: str) -> dict[str, Any]:
        """Return the entry of the card's ``interpretation["grading"]`` and the operating point (best Youden index).

        Raises
        ------
        EngineError
            Where no case image or no control image was tested.
        """
        scale, images = self.scale(which), self.images(self.of(which))
        if scale is None:
            raise EngineError(
                f"Grades of the {self.table.module} module need tested images with and without a malignant lesion.",
                "Add films, or ask for another number of folds.",
            )
        return {**scale.entry(), "operating_point": youden_point(images.truth, np.round(images.score, _DIGITS))}

    @property
    def _title(self) -> str:
        return f"{self.table.module.capitalize()} images"

    def _areas(self, scores: np.ndarray) -> dict[str, Any]:
        return {"window": _dict(area(self.windows(scores))), "image": _dict(area(self.images(scores)))}


def validation_of(table: WindowTable, splits: Sequence[Split], parts: Sequence[Mapping[str, Any]]) -> Validation:
    """Return the scores of several splits' runs, put together.

    Raises
    ------
    EngineError
        Where a run scored other windows than the split tests.
    """
    scores, baseline = np.full(len(table.film), np.nan), np.full(len(table.film), np.nan)
    tested, patients = np.zeros(len(table.films), bool), [film.patient for film in table.films]
    for split, part in zip(splits, parts, strict=True):
        tested |= split.sides(patients) == TEST
        rows = scored_rows(table, split)
        if len(rows) != len(part["scores"]):
            raise EngineError(
                f"The results of {split.name} are of other windows.", "Choose another --work folder, or empty it."
            )
        scores[rows], baseline[rows] = part["scores"], part["baseline"]
    return Validation(table, tested, scores, baseline, tuple(parts))


def area(scores: Scores) -> Area | None:
    """Return the AUC with its interval over patients; None where a class is missing."""
    return area_with_interval(scores.truth, scores.score, scores.patient, DRAWS)


def _dict(found: Area | None) -> dict[str, Any] | None:
    return None if found is None else found.as_dict()
