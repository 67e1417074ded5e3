"""Dynamics: a dynamic contrast-enhanced examination as a model is given it: phases on one grid, times, T2, side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.analysis.fluid import t2_of
from app.analysis.subjects import Subject, modality_of, side_of
from app.studies.recipe import is_corrected
from app.studies.study import Dynamic
from inference.errors import OutOfScopeError
from inference.exam import DceExam, LesionInput
from inference.progress import Progress
from inference.result import Fact

if TYPE_CHECKING:
    from app.analysis.exams import Image
    from inference.card import ModelCard

_T2_SHARE = 0.15  # of the loading, where there is one


def dynamic_exam(
    card: ModelCard,
    subject: Subject,
    load: Callable[[str, Progress], Image],
    lesions: Sequence[LesionInput],
    progress: Progress,
) -> tuple[DceExam, tuple[str, ...], tuple[Fact, ...]]:
    """Return the exam, sentences for its result's warnings, and which images were read.

    Phases before the pre-contrast one are left out, as for kinetics. A T2-weighted volume is looked for unless the card
    says ``"t2": false``.

    Raises
    ------
    OutOfScopeError
        Where the phases do not lie on one grid.
    """
    study, dynamic = subject.study, subject.dynamic
    series, stack = study.series_of(subject.stack_uid)
    first = dynamic.pre_index or 0
    phases = dynamic.phases[first:]
    wanted, t2_note = t2_of(study, stack) if card.accepts.get("t2", True) else (None, "")
    share = 1.0 - _T2_SHARE * (wanted is not None)
    images = []
    for n, phase in enumerate(phases):
        part = progress.part(share * n / len(phases), share * (n + 1) / len(phases), f"{phase.label}: ")
        images.append(load(phase.stack_uid, part))
    check_one_grid(images)
    t2 = load(wanted.uid, progress.part(share, 1.0, "T2: ")) if wanted is not None else None
    start = phases[0].seconds
    seconds = tuple(None if start is None or one.seconds is None else one.seconds - start for one in phases)
    moved = [is_corrected(image.stack.uid) for image in images]
    exam = DceExam(
        phases=tuple(image.volume for image in images),
        pre_index=None if dynamic.pre_index is None else 0,
        seconds=seconds,
        t2=t2.volume if t2 is not None else None,
        lesions=tuple(lesions),
        orientation=stack.orientation,
        laterality=side_of(study, stack.uid),
        motion_corrected=len(moved) > 1 and sum(moved) == len(moved) - 1,
        modality=modality_of(series),
        has_spacing=all(image.spacing_known for image in images),
        is_fat_suppressed=stack.fat_suppressed,
    )
    notes = (*_notes(dynamic, first, images, moved), *((t2_note,) if t2_note else ()))
    return exam, notes, _facts(dynamic, first, moved, seconds, wanted.title if wanted is not None else "")


def check_one_grid(images: Sequence[Image]) -> None:
    """Raise OutOfScopeError with the reason where the phases do not lie on one grid."""
    from inference.kinetics import KineticsError, Phases, time_base

    if len(images) < 2:
        return
    timing = time_base([None] * len(images), 0)
    try:
        Phases(tuple(image.volume for image in images), timing)
    except KineticsError as error:
        raise OutOfScopeError(
            f"The phases of the dynamic series cannot be read together: {error}", error.hint
        ) from error


def _notes(dynamic: Dynamic, first: int, images: Sequence[Image], moved: Sequence[bool]) -> list[str]:
    found = []
    if first:
        left = ", ".join(phase.label for phase in dynamic.phases[:first])
        found.append(f"Phases before the pre-contrast one were left out: {left}.")
    for phase, image in zip(dynamic.phases[first:], images, strict=True):
        if image.blank_slices:
            listed = ", ".join(str(k + 1) for k in image.blank_slices)
            found.append(f"Slices missing from the study were read as black in “{phase.label}”: {listed}.")
    if any(moved) and sum(moved) < len(moved) - 1:
        found.append("Only some of the phases are motion-corrected.")
    return found


def _facts(
    dynamic: Dynamic, first: int, moved: Sequence[bool], seconds: Sequence[float | None], t2: str
) -> tuple[Fact, ...]:
    phases = dynamic.phases[first:]
    listed = [
        f"{phase.label} ({'time unknown' if at is None else f'{at:.0f} s'}{', motion-corrected' if is_moved else ''})"
        for phase, at, is_moved in zip(phases, seconds, moved, strict=True)
    ]
    text = f"{'; '.join(listed)}. Order by: {dynamic.key}. T2: {t2 or 'none used'}."
    return (Fact("Images read", text),)
