"""Scope: what of a study a model reads, and a sentence for what it does not, from the headers alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from app.analysis.candidates import candidates
from app.analysis.sketch import sketched_exam
from app.analysis.subjects import (
    Subject,
    exam_wanted,
    image_subject,
    is_unnamed,
    subject_for,
    whole_subjects,
)
from app.studies.derived import base_uid
from app.studies.errors import StudyError
from app.studies.series.views import is_mammographic
from app.studies.study import SeriesKind, Study
from inference.errors import EngineError
from inference.scope import check_scope

if TYPE_CHECKING:
    from inference.card import ModelCard

_NONE = {
    "DceExam": "a dynamic breast MRI (phases before and after contrast); this study has none",
    "Mammogram": "mammograms; this study has none",
    "MriSlice": "slices of breast MRI; this study has none",
}
_OTHER = {
    "DceExam": "a dynamic breast MRI; the image on show is no phase of one",
    "Mammogram": "mammograms; the image on show is none",
    "MriSlice": "slices of breast MRI; the image on show is a mammogram",
}


def subjects(card: ModelCard, study: Study, *, has_lesions: bool = True) -> tuple[Subject, ...]:
    """Return what a model reads of a study when nobody named an image.

    A model of whole examinations reads every dynamic series, one of mammograms every mammogram, one of slices every
    slice of the stacks that :func:`app.analysis.candidates` offers.

    Parameters
    ----------
    has_lesions
        Whether lesions can be given to a model that classifies lesions.
    """
    return tuple(subject for subject, why in _survey(card, study, has_lesions) if not why)


def refusals(card: ModelCard, study: Study, *, has_lesions: bool = True) -> tuple[str, ...]:
    """Return a sentence for each part of a study that a model does not read, or for a study with nothing for it."""
    surveyed = list(_survey(card, study, has_lesions))
    if not surveyed:
        return (f"{card.title} reads {_NONE[exam_wanted(card)]}.",)
    return tuple(dict.fromkeys(f"{subject.title}: {why}" for subject, why in surveyed if why))


def refusal_of(card: ModelCard, subject: Subject, *, has_lesions: bool = True) -> str:
    """Return why a model does not read a subject, with what to try, as its headers tell; ``""`` where it may.

    What only the pixels tell (colour, a picture without contrast) is answered when the model runs.
    """
    try:
        check_scope(card, sketched_exam(card, subject, has_lesions=has_lesions))
    except (EngineError, StudyError) as error:
        return f"{error} {error.hint}".strip()
    except StopIteration:  # a stack with no file at all
        return "The stack has no image that can be read."
    return ""


def refusal_for(card: ModelCard, study: Study, stack_uid: str, slice_index: int, *, has_lesions: bool = True) -> str:
    """Return why a model does not read the image a user looks at, ``""`` where it may; see :func:`refusal_of`."""
    subject = subject_for(card, study, stack_uid, slice_index)
    if subject is None:
        series, _ = study.series_of(base_uid(stack_uid))
        if exam_wanted(card) == "MriSlice" or series.kind is not SeriesKind.MR or study.dynamics:
            return f"{card.title} reads {_OTHER[exam_wanted(card)]}."
        return f"{card.title} reads {_NONE[exam_wanted(card)]}."
    return refusal_of(card, subject, has_lesions=has_lesions)


def _survey(card: ModelCard, study: Study, has_lesions: bool) -> Iterator[tuple[Subject, str]]:
    """Yield every subject that may be meant for a model, with the reason where it is not read."""
    wanted = exam_wanted(card)
    if wanted == "DceExam":
        for subject in whole_subjects(study):
            yield subject, refusal_of(card, subject, has_lesions=has_lesions)
    elif wanted == "Mammogram":
        yield from _mammograms(card, study)
    else:
        yield from _slices(card, study)


def _mammograms(card: ModelCard, study: Study) -> Iterator[tuple[Subject, str]]:
    for series in study.series:
        for stack in series.stacks:
            first = image_subject(study, stack, 0)
            if is_unnamed(series):
                yield first, "Neither the file nor its name says what it shows; name the series to have it read."
            if not is_mammographic(series):
                continue
            why = refusal_of(card, first)
            yield (first, why)
            if not why:
                yield from ((image_subject(study, stack, k), "") for k in range(1, len(stack.frames)))


def _slices(card: ModelCard, study: Study) -> Iterator[tuple[Subject, str]]:
    for candidate in candidates(study):
        stack = candidate.stack
        there = [k for k, frame in enumerate(stack.frames) if frame.index >= 0]
        series, _ = study.series_of(stack.uid)
        if not there or is_mammographic(series):
            continue
        middle = image_subject(study, stack, there[len(there) // 2])
        if why := candidate.refusal or refusal_of(card, middle):
            yield Subject(study, stack.uid, middle.slice_index, candidate.title), why
        else:
            yield from ((image_subject(study, stack, k), "") for k in there)
