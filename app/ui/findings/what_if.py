"""What if: the grade an image would have with other thresholds; the stored grade stays as it is. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass

from app.ui.findings.texts import digits_for
from inference.grading import LOWEST, regrade
from inference.result import Grade


@dataclass(frozen=True)
class Point:
    """An operating point of the validation set: what calling an image positive from a threshold upwards is worth."""

    threshold: float
    sensitivity: float
    specificity: float


def points(grade: Grade) -> tuple[Point, ...]:
    """Return the operating points to choose from, lowest threshold first: the validation ROC and the cut-offs."""
    known = [Point(*one) for one in grade.roc]
    known += [Point(cut.threshold, cut.sensitivity, cut.specificity) for cut in grade.cut_offs]
    by_threshold = {one.threshold: one for one in known}
    return tuple(by_threshold[threshold] for threshold in sorted(by_threshold))


def moved(grade: Grade, position: int, threshold: float) -> Grade:
    """Return the grade with one threshold elsewhere; those it would pass, up or down, are taken along.

    Parameters
    ----------
    position
        Index into ``grade.cut_offs``, highest first.
    """
    above = {cut.grade: max(cut.threshold, threshold) for cut in grade.cut_offs[:position]}
    return regrade(grade, {**above, grade.cut_offs[position].grade: threshold})


def arithmetic(grade: Grade) -> str:
    """Return why the score has its grade: the thresholds on both sides of it."""
    digits = digits_for([grade.score, *(cut.threshold for cut in grade.cut_offs)])
    number = lambda value: f"{value:.{digits}f}"  # noqa: E731
    reached = next((cut for cut in grade.cut_offs if grade.score >= cut.threshold), None)
    missed = [cut for cut in grade.cut_offs if grade.score < cut.threshold]
    score = f"Image score {number(grade.score)}"
    if reached is None:
        lowest = f" < {number(missed[-1].threshold)}, the lowest threshold" if missed else ""
        return f"{score}{lowest} → grade {LOWEST}"
    from_here = f"{score} ≥ {number(reached.threshold)} (grade {reached.grade})"
    if not missed:
        return f"{from_here}, the highest threshold → grade {reached.grade}"
    return f"{from_here} and < {number(missed[-1].threshold)} (grade {missed[-1].grade}) → grade {reached.grade}"
