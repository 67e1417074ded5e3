"""Whether the phantoms are useful for training: the acceptance criteria of SYSTEMS.md §4.3, measured and printed.

``python -m inference.phantoms.acceptance [--exams FOLDER]`` measures (a) and (b) on examinations (drawn at half size
without FOLDER, see :mod:`inference.training.phantom_exams`) and reads (c), (d) and (e) from the cards of the models.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.acceptance_cards import Criterion, curriculum, segmentation, subsets
from inference.training.phantom_exams import PhantomExam, make_exam, read_exam
from inference.training.statistics.roc import Area, area, area_with_interval

if TYPE_CHECKING:
    from highdicom import Volume

TRIVIAL_AT_MOST = 0.75
KINETICS_BETWEEN = (0.85, 0.92)
_HALF_SIZE = (32, 200, 200)
_FOLDS = 5
# Fewer voxels hold no trustworthy curve at half size.
_SMALLEST = 6


@dataclass(frozen=True)
class LesionMeasures:
    """What can be measured on one lesion without a model.

    Attributes
    ----------
    size
        Volume (ml) and longest side of the box (mm).
    brightness
        Mean signal before contrast and in the first phase after it; the latter also over that of the whole exam (99th
        percentile), and the first enhancement, relative to before contrast.
    curve
        Enhancement of the first and of the last phase, and the last and the second phase over the first.
    """

    exam: int
    malignant: bool
    size: tuple[float, ...]
    brightness: tuple[float, ...]
    curve: tuple[float, ...]


SIZE_RULES = ("volume", "longest side")
BRIGHTNESS_RULES = ("signal before contrast", "signal after contrast", "signal over that of the exam", "enhancement")


def measure(phantom: PhantomExam) -> Iterator[LesionMeasures]:
    """Yield the measures of every lesion with enough voxels, from the images within the true mask."""
    pre, posts = phantom.exam.phases[0], phantom.exam.posts
    reference = float(np.percentile(posts[0].array[:, ::4, ::4], 99))
    for lesion in phantom.lesions:
        box = lesion.box
        if box is None or lesion.mask.sum() < _SMALLEST:
            continue
        before, *after = (_mean(volume, lesion.mask) for volume in (pre, *posts))
        sides = [(part.stop - part.start) * step for part, step in zip(box, pre.spacing, strict=True)]
        yield LesionMeasures(
            exam=phantom.seed,
            malignant=lesion.malignant,
            size=(float(lesion.mask.sum() * np.prod(pre.spacing) / 1000), max(sides)),
            brightness=(before, after[0], after[0] / reference, after[0] / before),
            curve=(after[0] / before, after[-1] / before, after[-1] / after[0], after[1] / after[0]),
        )


def _mean(volume: Volume, mask: np.ndarray) -> float:
    return float(volume.array[mask].mean())


def trivial_rules(measured: Sequence[LesionMeasures]) -> dict[str, Area]:
    """Return the AUC of each rule of size or brightness, in its better direction, and of size and brightness together.

    Together: logistic regression of log volume and enhancement, cross-validated by examination.
    """
    truth, exam = _truth(measured)
    found: dict[str, Area] = {}
    for names, part in ((SIZE_RULES, "size"), (BRIGHTNESS_RULES, "brightness")):
        for column, name in enumerate(names):
            values = np.array([getattr(one, part)[column] for one in measured])
            sign = 1 if area(truth, values) >= 0.5 else -1
            found[name] = _interval(truth, sign * values, exam)
    both = np.log([(one.size[0], one.brightness[3]) for one in measured])
    found["volume and enhancement together"] = _interval(truth, cross_validated(both, truth, exam), exam)
    return found


def kinetics_rule(measured: Sequence[LesionMeasures]) -> Area:
    """Return the AUC of a logistic regression of the logarithms of the curve, cross-validated by examination."""
    truth, exam = _truth(measured)
    values = np.log(np.clip([one.curve for one in measured], 1e-3, None))
    return _interval(truth, cross_validated(values, truth, exam), exam)


def _truth(measured: Sequence[LesionMeasures]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([one.malignant for one in measured], float), np.array([one.exam for one in measured])


def _interval(truth: np.ndarray, score: np.ndarray, exam: np.ndarray) -> Area:
    found = area_with_interval(truth, score, exam)
    if found is None:
        raise ValueError("Both malignant and benign lesions are needed; give more examinations.")
    return found


def cross_validated(values: np.ndarray, truth: np.ndarray, exam: np.ndarray) -> np.ndarray:
    """Return for each lesion the score of a logistic regression that saw no lesion of the same examination.

    Parameters
    ----------
    values
        Shape (lesions, features).
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    predict: Any = cast("Any", cross_val_predict)  # untyped: without the cast pyright infers through all of the library
    model = cast("Any", make_pipeline)(StandardScaler(), LogisticRegression())
    folds = GroupKFold(_FOLDS)
    # Log-odds, centred per fold, so that folds with other intercepts can be pooled in one curve.
    scores = np.asarray(predict(model, values, truth, groups=exam, cv=folds, method="decision_function"))
    for _train, held_out in folds.split(values, truth, exam):
        scores[held_out] -= np.median(scores[held_out])
    return scores


def criteria(measured: Sequence[LesionMeasures]) -> tuple[Criterion, Criterion]:
    """Return criteria (a) and (b)."""
    rules = trivial_rules(measured)
    strongest = max(rules, key=lambda name: rules[name].value)
    details = tuple(f"{name}: {_said(found)}" for name, found in rules.items())
    trivial = Criterion(
        "a",
        f"no trivial rule of brightness or size above AUC {TRIVIAL_AT_MOST}",
        f"{_said(rules[strongest])} ({strongest})",
        rules[strongest].value <= TRIVIAL_AT_MOST,
        details,
    )
    kinetics = kinetics_rule(measured)
    low, high = KINETICS_BETWEEN
    wanted = f"logistic regression of the curve alone reaches AUC {low} to {high}"
    return trivial, Criterion("b", wanted, _said(kinetics), low <= kinetics.value <= high)


def _said(found: Area) -> str:
    return f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})"


def _exams(folder: Path | None, seeds: Iterable[int]) -> Iterator[PhantomExam]:
    """Yield the examinations of a folder, or draw them at half size."""
    if folder is None:
        yield from (make_exam(seed, _HALF_SIZE) for seed in seeds)
    else:
        yield from (read_exam(path) for path in sorted(folder.glob("*.npz")))


def main() -> int:
    """Print the table of the five criteria; the exit code is 1 when one fails."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--exams", type=Path, help="folder that phantom_exams wrote; drawn at half size when absent")
    parser.add_argument("--first", type=int, default=10_000)
    parser.add_argument("--count", type=int, default=160)
    options = parser.parse_args()
    measured: list[LesionMeasures] = []
    for phantom in _exams(options.exams, range(options.first, options.first + options.count)):
        measured += measure(phantom)
    exams, malignant = len({one.exam for one in measured}), sum(one.malignant for one in measured)
    table = (*criteria(measured), curriculum(), segmentation(), subsets())
    lines = [
        f"Phantom generator {GENERATOR_VERSION}: {len(measured)} lesions ({malignant} malignant) of {exams} exams."
    ]
    for criterion in table:
        lines += [criterion.line, *(f"       {detail}" for detail in criterion.details)]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(any(criterion.met is False for criterion in table))


if __name__ == "__main__":
    sys.exit(main())
