"""AI state: what the AI says of one image, always explicit; silence never looks like “no finding”. Qt-free."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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

Place = tuple[str, int]
"""Stack uid and slice index."""


@dataclass(frozen=True)
class Reading:
    """State, its reason where there is one, and the stored result where there is one."""

    state: AiState
    reason: str = ""
    stored: StoredResult | None = None

    @property
    def result(self) -> Result | None:
        """The result itself."""
        return self.stored.result if self.stored is not None else None

    @property
    def text(self) -> str:
        """The line on the view, with model and version."""
        line = f"AI: {self.state}"
        if self.result is not None:
            made = self.result.provenance
            line += f" · {made.model_id} {made.model_version}"
        return f"{line} · {self.reason}" if self.reason else line

    @property
    def tone(self) -> str:
        """How loud the line is."""
        return TONES[self.state]


def reading_of(place: Place, passing: Mapping[Place, Reading], stored: Iterable[StoredResult]) -> Reading:
    """Return what the AI says of one slice.

    Parameters
    ----------
    passing
        States that are not in the workspace: running, failed, out of scope. They win over an older result.
    stored
        Results of the study, newest last.
    """
    if place in passing:
        return passing[place]
    of_stack = [one for one in stored if one.stack_uid == place[0]]
    here = [one for one in of_stack if one.slice_index == place[1]]
    if here:
        found = here[-1].result.status is Status.FINDINGS
        return Reading(AiState.FINDINGS if found else AiState.NO_FINDING, stored=here[-1])
    elsewhere = sorted({one.slice_index + 1 for one in of_stack})
    if elsewhere:
        slices = ", ".join(str(n) for n in elsewhere[:6]) + (" …" if len(elsewhere) > 6 else "")
        return Reading(AiState.NOT_RUN, f"analysed: slice {slices}")
    return Reading(AiState.NOT_RUN)
