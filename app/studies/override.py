"""Overrides: what the user says of a study where the files are wrong or silent, as values the workspace keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from app.studies.errors import StudyError
from app.studies.load import spaced
from app.studies.series.mr import phase_labels
from app.studies.study import Dynamic, Phase, Series, Stack, Study

SET_BY_USER = "set by the user"


def reorder(
    dynamic: Dynamic,
    stack_uids: Sequence[str],
    pre_index: int | None,
    seconds: Sequence[float | None] | None = None,
) -> Dynamic:
    """Return a dynamic acquisition with phases, pre-contrast phase and times as the user says.

    Parameters
    ----------
    stack_uids
        The phases in time order; phases may be left out, none may be named twice.
    pre_index
        Place of the pre-contrast phase among them, None for not known.
    seconds
        After the first phase, one per phase; None keeps the times each phase has.

    Raises
    ------
    StudyError
        If a stack is named twice, the place does not exist or the times do not rise.
    """
    uids = tuple(stack_uids)
    if len(set(uids)) < len(uids) or not uids:
        raise StudyError("Each phase can be named once, and at least one is needed.")
    if pre_index is not None and not 0 <= pre_index < len(uids):
        raise StudyError(f"There is no phase {pre_index + 1}.")
    times = _kept_times(dynamic, uids) if seconds is None else tuple(seconds)
    _check_times(times, len(uids))
    labels = phase_labels(len(uids), pre_index)
    return replace(
        dynamic,
        phases=tuple(Phase(uid, time, label) for uid, time, label in zip(uids, times, labels, strict=True)),
        pre_index=pre_index,
        key=SET_BY_USER,
        pre_reason="" if pre_index is None else SET_BY_USER,
        notes=() if None not in times else ("The intervals are not known, please enter them.",),
    )


def _kept_times(dynamic: Dynamic, uids: Sequence[str]) -> tuple[float | None, ...]:
    """Return the times the files give, counted from the new first phase; none where they contradict the new order."""
    known = {phase.stack_uid: phase.seconds for phase in dynamic.phases}
    times = [known.get(uid) for uid in uids]
    present = [time for time in times if time is not None]
    if len(present) < len(times) or sorted(set(present)) != present:
        return (None,) * len(uids)
    return tuple(time - present[0] for time in present)


def _check_times(times: Sequence[float | None], count: int) -> None:
    known = [time for time in times if time is not None]
    if len(times) != count or any(later <= earlier for earlier, later in pairwise(known)):
        raise StudyError(
            "Times are seconds after the first phase, one per phase, each later than the one before.",
            "Enter for example 0, 90, 180.",
        )


def with_spacing(study: Study, stack_uid: str, spacing_mm: Sequence[float]) -> Study:
    """Return the study with a spacing given by the user: (row, column) or (row, column, slice) in mm.

    Raises
    ------
    StudyError
        If it is not two or three lengths above 0.
    """
    study.stack(stack_uid)  # KeyError where there is none
    return _with_stacks(study, lambda stack: spaced(stack, spacing_mm) if stack.uid == stack_uid else stack)


def _with_stacks(study: Study, change: Callable[[Stack], Stack]) -> Study:
    def changed(series: Series) -> Series:
        return replace(series, stacks=tuple(change(stack) for stack in series.stacks))

    return replace(study, series=tuple(changed(series) for series in study.series))


def as_dict(dynamic: Dynamic) -> dict[str, Any]:
    """Return a dynamic acquisition as JSON values."""
    return {
        "uid": dynamic.uid,
        "phases": [[phase.stack_uid, phase.seconds, phase.label] for phase in dynamic.phases],
        "pre_index": dynamic.pre_index,
        "key": dynamic.key,
        "pre_reason": dynamic.pre_reason,
        "notes": list(dynamic.notes),
    }


def from_dict(values: Mapping[str, Any]) -> Dynamic:
    """Return the dynamic acquisition :func:`as_dict` wrote.

    Raises
    ------
    StudyError
        If the values are not such a record.
    """
    try:
        return Dynamic(
            uid=str(values["uid"]),
            phases=tuple(
                Phase(str(uid), None if seconds is None else float(seconds), str(label))
                for uid, seconds, label in values["phases"]
            ),
            pre_index=None if values["pre_index"] is None else int(values["pre_index"]),
            key=str(values["key"]),
            pre_reason=str(values.get("pre_reason", "")),
            notes=tuple(str(note) for note in values.get("notes", ())),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StudyError(f"The stored phase order cannot be read: {error}.", "Set the order again.") from error


def overrides_of(study: Study) -> dict[str, Any]:
    """Return what the user has set in a study, as JSON values that :func:`apply_overrides` takes."""
    spacings = {
        stack.uid: [stack.spacing_mm[1], stack.spacing_mm[2], stack.spacing_mm[0]]
        for series in study.series
        for stack in series.stacks
        if stack.spacing_basis == "given by the user" and stack.spacing_mm is not None
    }
    dynamics = [as_dict(dynamic) for dynamic in study.dynamics if dynamic.key == SET_BY_USER]
    return {"dynamics": dynamics, "spacings": spacings} if dynamics or spacings else {}


def apply_overrides(study: Study, overrides: Mapping[str, Any]) -> Study:
    """Return a freshly scanned study with what the user said before; what no longer fits the files is left out.

    Parameters
    ----------
    overrides
        ``{"dynamics": [as_dict, …], "spacings": {stack uid: [row, column, slice] mm}}``; either may be absent.
    """
    known = {stack.uid for series in study.series for stack in series.stacks}
    for uid, spacing in dict(overrides.get("spacings") or {}).items():
        if uid in known:
            study = with_spacing(study, uid, spacing)
    for values in overrides.get("dynamics") or ():
        dynamic = from_dict(values)
        if all(phase.stack_uid in known for phase in dynamic.phases):
            study = with_dynamic(study, dynamic)
    return study


def with_dynamic(study: Study, dynamic: Dynamic) -> Study:
    """Return the study with a dynamic acquisition in the place of the one with the same uid, or added."""
    others = tuple(known for known in study.dynamics if known.uid != dynamic.uid)
    return replace(study, dynamics=(*others, dynamic))
