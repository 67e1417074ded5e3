"""Running: one model on one subject, from loading to the result, the same for window and command line."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.analysis.exams import Built, Load, build, exam_for
from app.analysis.lesions import LesionSources, found_lesions
from app.analysis.scope import refusal_for, refusal_of
from app.analysis.subjects import Subject, exam_wanted
from inference.errors import OutOfScopeError
from inference.exam import DceExam
from inference.progress import Progress
from inference.scope import check_scope

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from app.studies.study import Study
    from inference.card import ModelCard
    from inference.result import Result

_LOADING = 0.25  # of the progress of a run
NO_LESIONS = LesionSources()

__all__ = ["NO_LESIONS", "Load", "analyse", "refusal", "run_subject"]


def run_subject(
    card: ModelCard,
    subject: Subject,
    load: Load,
    *,
    lesions: LesionSources = NO_LESIONS,
    progress: Progress | None = None,
    device: str = "auto",
) -> Result:
    """Run a model on a subject.

    Parameters
    ----------
    load
        See :func:`app.analysis.build_exam`.
    lesions
        Where lesions come from, for a model that classifies lesions.

    Returns
    -------
    Result
        With what was read as its first fact, and what was missing among its warnings.

    Raises
    ------
    OutOfScopeError
        Where the model's card does not accept it; before pixels are read where the headers tell.
    EngineError
        Where the model cannot be run.
    StudyError
        Where the pixels cannot be read.
    Cancelled
        Once the progress was cancelled.
    """
    from inference.run import run  # torch is imported when the model runs, not before

    progress = progress or Progress()
    why = refusal_of(card, subject, has_lesions=bool(lesions))
    if why:
        raise OutOfScopeError(why)
    built = build(card, subject, load, (), progress.part(0.0, _LOADING))
    if card.accepts.get("needs_lesions") and isinstance(built.exam, DceExam):
        built = _with_lesions(built, built.exam, card, lesions, progress)
    result = run(card, built.exam, progress.part(_LOADING, 1.0), device)
    warnings = tuple(dict.fromkeys((*built.notes, *result.warnings)))
    return replace(result, warnings=warnings, facts=(*built.facts, *result.facts))


def _with_lesions(built: Built, exam: DceExam, card: ModelCard, lesions: LesionSources, progress: Progress) -> Built:
    found, notes = found_lesions(exam, lesions.without(card.id), progress)
    return replace(built, exam=replace(exam, lesions=found), notes=(*built.notes, *notes))


def analyse(
    card: ModelCard,
    study: Study,
    loaded: LoadedStack,
    slice_index: int,
    progress: Progress | None = None,
    device: str = "auto",
) -> Result:
    """Run a model of single images on one displayed slice; whole examinations are read by :func:`run_subject`.

    Raises
    ------
    OutOfScopeError
        Where the model's card does not accept such an image; the message is the reason.
    EngineError
        Where the model cannot be run.
    """
    from inference.run import run

    return run(card, exam_for(study, loaded, slice_index), progress, device)


def refusal(card: ModelCard, study: Study, loaded: LoadedStack, slice_index: int) -> str:
    """Return why a model cannot read a loaded slice, or ``""`` where it can."""
    if exam_wanted(card) == "DceExam":
        return refusal_for(card, study, loaded.stack.uid, slice_index)
    try:
        check_scope(card, exam_for(study, loaded, slice_index))
    except OutOfScopeError as error:
        return str(error)
    return ""
