"""Sketch: the exam of a subject without its pixels, so that a model's card can refuse it before anything is read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.analysis.subjects import Subject
from app.studies.series.geometry import geometry_of
from app.studies.study import Stack, Study
from inference.exam import DceExam, LesionInput
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.card import ModelCard
    from inference.exam import Exam


@dataclass(frozen=True)
class Sketch:
    """What the headers say of a stack; every voxel is 0 and takes no memory."""

    stack: Stack
    volume: Volume
    spacing_known: bool
    blank_slices: tuple[int, ...] = ()
    presentation: None = None


def sketched(study: Study, stack_uid: str) -> Sketch:
    """Return a stack as its headers describe it."""
    from highdicom import Volume

    series, stack = study.series_of(stack_uid)
    affine, frame_of_reference_uid, _ = geometry_of(series, stack)
    nothing = np.broadcast_to(np.zeros(1, np.uint16), (len(stack.frames), stack.rows, stack.columns))
    volume = Volume(nothing, affine, "PATIENT", frame_of_reference_uid=frame_of_reference_uid or None)
    blank = tuple(k for k, frame in enumerate(stack.frames) if frame.index < 0)
    return Sketch(stack, volume, stack.spacing_mm is not None, blank)


def sketched_exam(card: ModelCard, subject: Subject, *, has_lesions: bool = True) -> Exam:
    """Return the exam of a subject without pixels.

    Parameters
    ----------
    has_lesions
        Whether lesions will be given to a model that needs them.
    """
    from app.analysis.exams import build_exam

    def load(uid: str, _: Progress) -> Sketch:
        return sketched(subject.study, uid)

    exam = build_exam(card, subject, load)
    if has_lesions and isinstance(exam, DceExam):
        return replace(exam, lesions=(LesionInput("sketch", "", "sketch", exam.image),))
    return exam
