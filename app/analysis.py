"""Analysis: turns the slice a reader looks at into the engine's exam, and runs a model on it. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.studies.study import Series, SeriesKind, Stack, Study
from inference.errors import OutOfScopeError
from inference.exam import Exam, Mammogram, MriSlice

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from inference.card import ModelCard
    from inference.progress import Progress
    from inference.result import Result


@dataclass(frozen=True)
class Candidate:
    """A stack that a model might read, and why it cannot where it cannot."""

    stack: Stack
    title: str
    refusal: str = ""


def is_post_contrast(study: Study, stack: Stack) -> bool | None:
    """Say whether a stack was acquired after contrast: True, False, or None where the study does not tell.

    A phase of a dynamic series is known by its place behind the pre-contrast phase; any other stack only by its
    Contrast/Bolus Agent (0018,0010), whose absence proves nothing.
    """
    place = study.phase_of(stack.uid)
    if place is not None:
        dynamic, index = place
        return None if dynamic.pre_index is None else index > dynamic.pre_index
    return True if stack.contrast_agent else None


def exam_for(study: Study, loaded: LoadedStack, slice_index: int) -> Exam:
    """Return what a model is given for one displayed slice.

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
    series, stack = study.series_of(loaded.stack.uid)
    count = loaded.volume.spatial_shape[0]
    if not 0 <= slice_index < count:
        raise IndexError(f"The stack has {count} slices; there is no slice {slice_index + 1}.")
    if slice_index in loaded.blank_slices:
        raise OutOfScopeError(f"Slice {slice_index + 1} is missing from the study; it is shown black and not analysed.")
    image = loaded.volume[slice_index : slice_index + 1]
    if series.kind in (SeriesKind.MAMMOGRAM, SeriesKind.TOMOSYNTHESIS):
        return Mammogram(image=image, laterality=series.laterality, view=series.view, modality=series.modality)
    return MriSlice(
        image=image,
        is_post_contrast=is_post_contrast(study, stack),
        orientation=stack.orientation,
        modality=_modality(series),
        has_spacing=loaded.spacing_known,
    )


def _modality(series: Series) -> str:
    """Return the DICOM modality, or ``""`` for a research format, which has none."""
    return series.modality if series.modality.isalpha() and len(series.modality) == 2 else ""


def analyse(
    card: ModelCard,
    study: Study,
    loaded: LoadedStack,
    slice_index: int,
    progress: Progress | None = None,
    device: str = "auto",
) -> Result:
    """Run a model on one displayed slice.

    Raises
    ------
    OutOfScopeError
        Where the model's card does not accept such an image; the message is the reason.
    EngineError
        Where the model cannot be run.
    """
    from inference.run import run  # torch is imported here, on first use

    return run(card, exam_for(study, loaded, slice_index), progress, device)


def refusal(card: ModelCard, study: Study, loaded: LoadedStack, slice_index: int) -> str:
    """Return why a model cannot read a slice, or ``""`` where it can."""
    from inference.run import check_scope

    try:
        check_scope(card, exam_for(study, loaded, slice_index))
    except OutOfScopeError as error:
        return str(error)
    return ""


def candidates(study: Study) -> tuple[Candidate, ...]:
    """Return the stacks of a study that are offered to a model when the user named none.

    Of a dynamic series that is its first phase after contrast, and then no other series of the study is offered;
    derived images (subtractions, projections) are left out, because a model trained on acquired images has not seen
    them.
    """
    found: list[Candidate] = []
    dynamic_stacks = {phase.stack_uid for dynamic in study.dynamics for phase in dynamic.phases}
    for dynamic in study.dynamics:
        title = f"DCE-MRI, {len(dynamic.phases)} phases"
        if dynamic.pre_index is None or dynamic.pre_index + 1 >= len(dynamic.phases):
            first = study.stack(dynamic.phases[0].stack_uid)
            why = "The pre-contrast phase is not known, so the first phase after contrast cannot be chosen."
            found.append(Candidate(first, title, why))
            continue
        phase = dynamic.phases[dynamic.pre_index + 1]
        found.append(Candidate(study.stack(phase.stack_uid), f"{title}: {phase.label}"))
    for series in study.series:
        for stack in series.stacks:
            if stack.uid in dynamic_stacks:
                continue
            why = ""
            if any(not one.refusal for one in found if one.stack.uid in dynamic_stacks):
                why = "The study has a dynamic series, which is read instead; name this series to read it."
            elif stack.derived:
                why = "It is derived from other images (a subtraction or projection)."
            found.append(Candidate(stack, series.label, why))
    return tuple(found)
