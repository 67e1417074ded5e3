"""AI state: what the AI says of one image, always explicit; silence never looks like “no finding”. Qt-free."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from inference.result import Result, Status

if TYPE_CHECKING:
    from app.workspace.store import StoredResult


class AiState(StrEnum):
    """The six things the AI can say."""

    NOT_RUN = "not run"
    RUNNING = "running"
    FAILED = "failed"
    OUT_OF_SCOPE = "out of scope"
    NO_FINDING = "no finding"
    FINDINGS = "findings"


TONES = {
    AiState.NOT_RUN: "quiet",
    AiState.RUNNING: "busy",
    AiState.FAILED: "alert",
    AiState.OUT_OF_SCOPE: "warn",
    AiState.NO_FINDING: "good",
    AiState.FINDINGS: "warn",
}
# Which of several models' states stands first: what goes on now, what somebody must see, what is missing.
LOUDEST = (
    AiState.RUNNING,
    AiState.FINDINGS,
    AiState.FAILED,
    AiState.OUT_OF_SCOPE,
    AiState.NO_FINDING,
    AiState.NOT_RUN,
)
WHOLE = -1
"""Slice index of a result that speaks of a whole examination, as in :mod:`app.analysis`."""

Place = tuple[str, int]
"""Stack uid and slice index."""
Asked = tuple[str, int, str]
"""Stack uid, slice index and model id (``""`` while it is not known which model answers)."""


@dataclass(frozen=True)
class Reading:
    """What one model says of an image: its state, the reason where there is one, and the stored result.

    Attributes
    ----------
    model_id
        ``""`` where no model is meant.
    others
        What the other models say that were asked about the same image, for the one line that speaks for all.
    """

    state: AiState
    reason: str = ""
    stored: StoredResult | None = None
    model_id: str = ""
    others: tuple[Reading, ...] = ()

    @property
    def result(self) -> Result | None:
        """The result itself."""
        return self.stored.result if self.stored is not None else None

    @property
    def is_whole(self) -> bool:
        """Whether it speaks of the whole examination, not of the slice on show alone."""
        return self.stored is not None and self.stored.slice_index == WHOLE

    @property
    def text(self) -> str:
        """The line on the view, with model and version, and the other models that were asked."""
        made = self.result.provenance if self.result is not None else None
        return self._line(f"{made.model_id} {made.model_version}" if made is not None else self.model_id)

    @property
    def brief(self) -> str:
        """The line on a view that is too narrow for it: the model's number stands for its id and version."""
        return self._line(short_name(self.model_id))

    def _line(self, model: str) -> str:
        parts = (f"AI: {self.state}", model, "whole exam" if self.is_whole else "", self.reason)
        return " · ".join(part for part in (*parts, *(one.short for one in self.others)) if part)

    @property
    def short(self) -> str:
        """Model and state in a few characters: ``"003: no finding"``."""
        return f"{short_name(self.model_id)}: {self.state}"

    @property
    def tone(self) -> str:
        """How loud the line is."""
        return TONES[self.state]


def short_name(model_id: str) -> str:
    """Return the number of a model where its id ends in one (``"mri-curriculum-003"`` is ``"003"``), else the id."""
    last = model_id.rpartition("-")[2]
    return last if last.isdigit() else model_id


def readings_of(
    place: Place,
    passing: Mapping[Asked, Reading],
    stored: Iterable[StoredResult],
    same_exam: Collection[str] = (),
) -> tuple[Reading, ...]:
    """Return what each model says of one slice, by model id; a model that was never asked is not among them.

    Parameters
    ----------
    passing
        States that are not in the workspace: running, failed, out of scope. They win over an older result of the same
        model.
    stored
        Results of the study, newest last.
    same_exam
        Uids of all phases of the dynamic series that the stack belongs to: what is said of the whole of it counts for
        every slice of each.
    """
    exam = {place[0], *same_exam}
    found: dict[str, Reading] = {}
    elsewhere: dict[str, set[int]] = {}
    for one in stored:
        model = _model_of(one)
        here = (one.stack_uid, one.slice_index) == place
        if here or (one.slice_index == WHOLE and one.stack_uid in exam):
            found[model] = _said(one, model)
        elif one.stack_uid == place[0]:
            elsewhere.setdefault(model, set()).add(one.slice_index + 1)
    for model, slices in elsewhere.items():
        found.setdefault(model, Reading(AiState.NOT_RUN, _analysed(slices), model_id=model))
    for (uid, index, model), reading in passing.items():
        if (uid, index) == place or (index == WHOLE and uid in exam):
            found[model] = replace(reading, model_id=model)
    return tuple(found[model] for model in sorted(found))


def reading_of(
    place: Place,
    passing: Mapping[Asked, Reading],
    stored: Iterable[StoredResult],
    same_exam: Collection[str] = (),
) -> Reading:
    """Return one reading that speaks for all models: the loudest, with the others beside it; see :func:`readings_of`.

    A model that looked at other slices only is mentioned where no model says anything of this one.
    """
    return spoken(readings_of(place, passing, stored, same_exam))


def spoken(readings: Iterable[Reading]) -> Reading:
    """Return the loudest of several models' readings, with the others beside it."""
    ranked = sorted(readings, key=lambda one: LOUDEST.index(one.state))
    if not ranked:
        return Reading(AiState.NOT_RUN)
    asked = [one for one in ranked if one.state is not AiState.NOT_RUN]
    if not asked:
        return replace(ranked[0], model_id="")
    return replace(asked[0], others=tuple(one for one in asked[1:] if one.model_id))


def _said(stored: StoredResult, model: str) -> Reading:
    found = stored.result.status is Status.FINDINGS
    return Reading(AiState.FINDINGS if found else AiState.NO_FINDING, stored=stored, model_id=model)


def _model_of(stored: StoredResult) -> str:
    return stored.result.provenance.model_id if stored.result is not None else ""


def _analysed(slices: set[int]) -> str:
    ordered = sorted(slices)
    return "analysed: slice " + ", ".join(str(n) for n in ordered[:6]) + (" …" if len(ordered) > 6 else "")
