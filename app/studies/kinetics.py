"""Kinetics of a study on disk: loads the phases of a dynamic series with their times. Qt-free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.studies.errors import StudyError
from app.studies.load import load_stack
from app.studies.study import Dynamic, Study
from inference.progress import Progress

if TYPE_CHECKING:
    from inference.kinetics import Phases


def load_phases(
    study: Study, dynamic: Dynamic, injected_before_s: float | None = None, progress: Progress | None = None
) -> Phases:
    """Return the phases of a dynamic series as stored, not motion-corrected.

    Raises
    ------
    KineticsError
        Where they make no curve: no phase after contrast, or other grids.
    """
    from inference.kinetics import Phases, time_base

    progress = progress or Progress()
    timing = time_base([phase.seconds for phase in dynamic.phases], dynamic.pre_index, injected_before_s)
    count = len(dynamic.phases)
    parts = [progress.part(n / count, (n + 1) / count) for n in range(count)]
    pairs = zip(dynamic.phases, parts, strict=True)
    return Phases(tuple(load_stack(study, phase.stack_uid, part).volume for phase, part in pairs), timing)


def dynamic_named(studies: tuple[Study, ...], number: int) -> tuple[Study, Dynamic]:
    """Return the dynamic series with that number, counted from 1 over all studies.

    Raises
    ------
    StudyError
        Where there is none.
    """
    found = [(study, dynamic) for study in studies for dynamic in study.dynamics]
    if not 1 <= number <= len(found):
        there = f"there are {len(found)}" if found else "there is none"
        raise StudyError(
            f"There is no dynamic series {number}; {there}.",
            "Give a breast MRI with phases before and after contrast; breastlens scan PATH lists them.",
        )
    return found[number - 1]
