"""Exam again: the exam that a stored result was made from, built anew in a job. Qt-free."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.analysis import Subject, build_exam, lesions_from
from app.session.pixels_for_models import load_for
from inference.exam import DceExam

if TYPE_CHECKING:
    from app.session import Session
    from app.studies.study import Study
    from app.workspace.history import StoredResult
    from inference.card import ModelCard
    from inference.exam import Exam
    from inference.progress import Progress


def exam_of(session: Session, card: ModelCard, study: Study, stored: StoredResult) -> Callable[[Progress], Exam]:
    """Return what makes the exam of a result, with the images, corrections and lesions of now.

    What it returns may be called in another thread; everything that belongs to the window is taken here.
    """
    subject = Subject(study, stored.stack_uid, stored.slice_index, "")
    load, sources = load_for(session.images, subject), session.readings.lesions().without(card.id)

    def make(progress: Progress) -> Exam:
        exam = build_exam(card, subject, load, (), progress)
        if isinstance(exam, DceExam) and card.accepts.get("needs_lesions"):
            return replace(exam, lesions=lesions_from(exam, sources, progress))
        return exam

    return make
