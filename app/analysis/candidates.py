"""Candidates: which stacks of a study a model that reads single images is offered when the user named none."""

from __future__ import annotations

from dataclasses import dataclass

from app.studies.study import Dynamic, Series, Stack, Study


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


def candidates(study: Study) -> tuple[Candidate, ...]:
    """Return the stacks of a study that are offered to a model when the user named none.

    Of a dynamic series that is its first phase after contrast, and then no other series of the study is offered;
    derived images (subtractions, projections) are left out, because a model trained on acquired images has not seen
    them.
    """
    found = [_of_dynamic(study, dynamic) for dynamic in study.dynamics]
    dynamic_stacks = {phase.stack_uid for dynamic in study.dynamics for phase in dynamic.phases}
    read_instead = any(not one.refusal for one in found)
    for series in study.series:
        found += [_other(series, one, read_instead) for one in series.stacks if one.uid not in dynamic_stacks]
    return tuple(found)


def _of_dynamic(study: Study, dynamic: Dynamic) -> Candidate:
    title = f"DCE-MRI, {len(dynamic.phases)} phases"
    if dynamic.pre_index is None or dynamic.pre_index + 1 >= len(dynamic.phases):
        why = "The pre-contrast phase is not known, so the first phase after contrast cannot be chosen."
        return Candidate(study.stack(dynamic.phases[0].stack_uid), title, why)
    phase = dynamic.phases[dynamic.pre_index + 1]
    return Candidate(study.stack(phase.stack_uid), f"{title}: {phase.label}")


def _other(series: Series, stack: Stack, read_instead: bool) -> Candidate:
    why = ""
    if read_instead:
        why = "The study has a dynamic series, which is read instead; name this series to read it."
    elif stack.derived:
        why = "It is derived from other images (a subtraction or projection)."
    return Candidate(stack, series.label, why)
