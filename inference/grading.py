"""Grades on the quantusMM scale from the validation ROC of a module (paper 001; SYSTEMS.md §1.2, BIRADS-like grade).

The scale borrows numbers of ACR BI-RADS but means something else: its 6 is not "biopsy-proven", and it has no 2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from inference.errors import CardError, EngineError
from inference.result import CutOff, Grade
from inference.roc_points import Point, rates_at, roc_points, threshold_at_sensitivity, threshold_at_specificity

#: Paper 001, Online tool.
MEANING = {
    6: "malignant",
    5: "very high suspicion of malignancy",
    4: "suspicion of malignancy",
    3: "probably benign",
    1: "benign",
}
LOWEST = 1  # below every threshold
#: Grade, which rate it is chosen by, and the least that rate must be (paper 001).
TARGETS = ((6, "specificity", 0.99), (5, "specificity", 0.95), (4, "sensitivity", 0.95), (3, "sensitivity", 0.99))
GRADES = tuple(grade for grade, _, _ in TARGETS)
_ENOUGH = 100  # below as many controls (cases) 99 % specificity (sensitivity) rests on a single one: SYSTEMS.md §1.2


@dataclass(frozen=True)
class Scale:
    """The thresholds of one module and the validation data they come from; one entry of the card's ``grading``.

    Attributes
    ----------
    cut_offs
        Grades 6, 5, 4 and 3, highest first.
    cases, controls
        Images.
    roc
        (threshold, sensitivity, specificity), highest threshold first.
    caveats
        What is weak about it, one sentence each.
    """

    cut_offs: tuple[CutOff, ...]
    cases: int
    controls: int
    roc: tuple[Point, ...]
    caveats: tuple[str, ...] = ()

    def entry(self) -> dict[str, Any]:
        """Return what the card stores, for JSON."""
        return {
            "cut_offs": [asdict(item) for item in self.cut_offs],
            "cases": self.cases,
            "controls": self.controls,
            "roc": [list(point) for point in self.roc],
            "caveats": list(self.caveats),
        }

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Scale:
        """Read what :meth:`entry` stored.

        Raises
        ------
        CardError
            Where something is missing, of the wrong kind, or the thresholds do not fall.
        """
        try:
            cut_offs = tuple(CutOff(**item) for item in entry["cut_offs"])
            roc = tuple(
                (float(t), float(sensitivity), float(specificity)) for t, sensitivity, specificity in entry["roc"]
            )
            scale = cls(cut_offs, int(entry["cases"]), int(entry["controls"]), roc, tuple(entry.get("caveats", ())))
        except (KeyError, TypeError, ValueError) as error:
            raise CardError(f"the grading cannot be read: {error!r}.", "Install the model again.") from error
        thresholds = [item.threshold for item in scale.cut_offs]
        if [item.grade for item in scale.cut_offs] != list(GRADES) or thresholds != sorted(thresholds, reverse=True):
            raise CardError("the grading has not the grades 6, 5, 4, 3 with falling thresholds.")
        return scale


def scale_of(scores: Sequence[float] | np.ndarray, is_case: Sequence[bool] | np.ndarray) -> Scale:
    """Return the thresholds that validation scores of whole images give, exactly as SYSTEMS.md §1.2 states them.

    Grade 6 and 5 start at the smallest threshold whose specificity is at least 0.99 and 0.95; grade 4 and 3 at the
    largest whose sensitivity is at least 0.95 and 0.99. Where they cross, grade 4 is empty and the caveats say so. With
    fewer than 100 controls grade 6 starts just above the highest of them.
    """
    roc = roc_points(scores, is_case)
    cases = int(np.count_nonzero(is_case))
    controls = len(is_case) - cases
    values, is_control = np.asarray(scores, np.float64), ~np.asarray(is_case, bool)
    t6, t5 = (threshold_at_specificity(roc, least) for least in (0.99, 0.95))
    t4, t1 = (threshold_at_sensitivity(roc, least) for least in (0.95, 0.99))
    caveats = _caveats(cases, controls)
    if controls < _ENOUGH:
        t6 = float(np.nextafter(values[is_control].max(), np.inf))
        t5 = min(t5, t6)
    if t4 > t5:
        t4 = t5
        caveats.append("Grade 4 is empty: sensitivity 0.95 is reached where specificity is already 0.95.")
    t1 = min(t1, t4)
    cut_offs = (
        CutOff(grade, t, *rates_at(roc, t), f"{rate} ≥ {least:g}")
        for (grade, rate, least), t in zip(TARGETS, (t6, t5, t4, t1), strict=True)
    )
    return Scale(tuple(cut_offs), cases, controls, roc, tuple(caveats))


def _caveats(cases: int, controls: int) -> list[str]:
    found: list[str] = []
    if controls < _ENOUGH:
        found.append(
            f"The threshold of grade 6 rests on {controls} control images; at least {_ENOUGH} are needed to tell 99 %."
        )
    if cases < _ENOUGH:
        found.append(
            f"The threshold of grade 3 rests on {cases} case images; at least {_ENOUGH} are needed to tell 99 %."
        )
    return found


def grade(score: float, cut_offs: Sequence[CutOff]) -> int:
    """Return 6, 5, 4, 3 or 1: the highest grade whose threshold the score reaches.

    Raises
    ------
    EngineError
        Where the score is no number, which is not the lowest grade.
    """
    if not np.isfinite(score):
        raise EngineError("The model gave no number for this image, so there is no grade.")
    return next((item.grade for item in cut_offs if score >= item.threshold), LOWEST)


def grade_from(name: str, title: str, score: float, entry: Mapping[str, Any]) -> Grade:
    """Return the grade of a score by one entry of the card's ``interpretation["grading"]``."""
    scale = Scale.from_entry(entry)
    return Grade(
        name=name,
        title=title,
        value=grade(score, scale.cut_offs),
        score=score,
        cut_offs=scale.cut_offs,
        cases=scale.cases,
        controls=scale.controls,
        roc=scale.roc,
        caveats=scale.caveats,
    )


def regrade(given: Grade, thresholds: Mapping[int, float] | None = None, *, score: float | None = None) -> Grade:
    """Return what the grade would be with other thresholds or another score; the given one is not changed.

    Parameters
    ----------
    thresholds
        New threshold of some of the grades 6, 5, 4, 3. A lower grade's threshold that would lie above a higher one's is
        lowered to it; sensitivity and specificity are read from the validation ROC.
    """
    wanted = dict(thresholds or {})
    highest = np.inf
    moved: list[CutOff] = []
    for item in given.cut_offs:
        highest = min(highest, wanted.get(item.grade, item.threshold))
        if highest == item.threshold:
            moved.append(item)
        else:
            moved.append(CutOff(item.grade, float(highest), *rates_at(given.roc, highest), "chosen by hand"))
    value = given.score if score is None else score
    return replace(given, value=grade(value, moved), score=value, cut_offs=tuple(moved))


def explain(given: Grade) -> tuple[str, ...]:
    """Return the arithmetic of a grade in sentences: the comparison, where each threshold comes from, what is weak."""
    lines = [f"{_comparison(given)}: grade {given.value}, {MEANING[given.value]}."]
    lines += [
        f"Grade {item.grade} ({MEANING[item.grade]}) from {_decimals(item.threshold)}: {item.target}; there "
        f"sensitivity was {item.sensitivity:.1%} and specificity {item.specificity:.1%}."
        for item in given.cut_offs
    ]
    lines.append(f"Thresholds from {given.cases} images with and {given.controls} without a malignant lesion.")
    lines.append("quantusMM scale, not ACR BI-RADS: 6 does not mean biopsy-proven, and there is no 2.")
    return (*lines, *given.caveats)


def _comparison(given: Grade) -> str:
    """Return the score between the thresholds of its grade and the next: "0.412 lies from 0.311 to below 0.646"."""
    bounds = [item for item in given.cut_offs if given.score >= item.threshold]
    above = [item for item in given.cut_offs if given.score < item.threshold]
    parts = [f"score {_decimals(given.score)}"]
    if bounds:
        parts.append(f"≥ {_decimals(bounds[0].threshold)} (grade {bounds[0].grade})")
    if above:
        parts.append(f"{'and ' if bounds else ''}< {_decimals(above[-1].threshold)} (grade {above[-1].grade})")
    return " ".join(parts).capitalize()


def _decimals(value: float) -> str:
    """Return a probability with enough digits to tell it from the thresholds beside it."""
    return f"{value:.4f}"
