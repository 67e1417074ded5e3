"""Exams: what the engine is given for one subject, made of loaded stacks; every fact that scope needs comes along."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from app.analysis.candidates import is_post_contrast
from app.analysis.dynamics import dynamic_exam
from app.analysis.mammograms import mammogram_exam
from app.analysis.subjects import Subject, exam_wanted, image_subject, is_unnamed, modality_of
from app.studies.series.views import is_mammographic
from app.studies.study import Study
from inference.errors import OutOfScopeError
from inference.exam import Exam, LesionInput, MriSlice
from inference.progress import Progress
from inference.result import Fact

if TYPE_CHECKING:
    from highdicom import Volume

    from app.studies.load import LoadedStack
    from app.studies.study import Stack
    from inference.card import ModelCard
    from viewer.presentation import Presentation

Load = Callable[[str, Progress], "LoadedStack"]


class Image(Protocol):
    """What exams are made of: a loaded stack, or one without its pixels (:mod:`app.analysis.sketch`)."""

    @property
    def stack(self) -> Stack:
        """The stack."""
        ...

    @property
    def volume(self) -> Volume:
        """Modality values with their place."""
        ...

    @property
    def presentation(self) -> Presentation | None:
        """How values become grey; None of a sketch."""
        ...

    @property
    def spacing_known(self) -> bool:
        """False where distances are in pixels."""
        ...

    @property
    def blank_slices(self) -> tuple[int, ...]:
        """Slices without pixels."""
        ...


@dataclass(frozen=True)
class Built:
    """An exam, and what must be said with its result.

    Attributes
    ----------
    notes
        Sentences for ``Result.warnings``.
    facts
        Which images were read.
    """

    exam: Exam
    notes: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = field(default=())


def build(
    card: ModelCard,
    subject: Subject,
    load: Callable[[str, Progress], Image],
    lesions: Sequence[LesionInput] = (),
    progress: Progress | None = None,
) -> Built:
    """Return the exam of a subject with its notes; see :func:`build_exam`."""
    progress = progress or Progress()
    if subject.is_whole:
        exam, notes, facts = dynamic_exam(card, subject, load, lesions, progress)
        return Built(exam, notes, facts)
    loaded = load(subject.stack_uid, progress)
    exam = image_exam(subject.study, loaded, subject.slice_index, exam_wanted(card))
    return Built(exam, (), (Fact("Images read", _image_read(subject, loaded)),))


def build_exam(
    card: ModelCard,
    subject: Subject,
    load: Callable[[str, Progress], Image],
    lesions: Sequence[LesionInput] = (),
    progress: Progress | None = None,
) -> Exam:
    """Return what a model is given for a subject.

    Parameters
    ----------
    load
        ``load(uid, progress)`` returns the pixels of a stored stack; for a phase it may return the motion-corrected
        one, known by its uid.
    lesions
        What the user asks about, for a model that classifies lesions.
    progress
        Reports loading and cancels it.

    Raises
    ------
    OutOfScopeError
        Where the study cannot give such an exam; the message is the reason.
    StudyError
        Where the pixels cannot be read.
    IndexError
        Where the stack has no such slice.
    """
    return build(card, subject, load, lesions, progress).exam


def exam_for(study: Study, loaded: Image, slice_index: int) -> Exam:
    """Return what a model of single images is given for one displayed slice.

    Parameters
    ----------
    slice_index
        Index along the first axis of ``loaded.volume``.

    Raises
    ------
    IndexError
        Where the stack has no such slice.
    OutOfScopeError
        Where the slice is a gap in the study.
    """
    return image_exam(study, loaded, slice_index)


def image_exam(study: Study, loaded: Image, slice_index: int, wanted: str = "") -> Exam:
    """Return a slice or a mammogram; a picture that tells not what it shows is taken as what is wanted, with a doubt.

    The doubt is the engine's (:func:`inference.scope.doubts`): such a picture has no modality.
    """
    series, stack = study.series_of(loaded.stack.uid)
    count = loaded.volume.spatial_shape[0]
    if not 0 <= slice_index < count:
        raise IndexError(f"The stack has {count} slices; there is no slice {slice_index + 1}.")
    if slice_index in loaded.blank_slices:
        raise OutOfScopeError(f"Slice {slice_index + 1} is missing from the study; it is shown black and not analysed.")
    if is_mammographic(series) or (wanted == "Mammogram" and is_unnamed(series)):
        return mammogram_exam(series, loaded, slice_index)
    return MriSlice(
        image=loaded.volume[slice_index : slice_index + 1],
        is_post_contrast=is_post_contrast(study, stack),
        orientation=stack.orientation,
        modality=modality_of(series),
        has_spacing=loaded.spacing_known,
        is_fat_suppressed=stack.fat_suppressed,
    )


def _image_read(subject: Subject, loaded: Image) -> str:
    frames = loaded.stack.frames
    frame = frames[min(subject.slice_index, len(frames) - 1)]
    of = f" of {len(frames)}" if len(frames) > 1 else ""
    return f"{image_subject(subject.study, loaded.stack, subject.slice_index).title}{of}, {frame.sop_instance_uid}."
