"""What the workspace hands out besides boxes: the history of a study, stored results, recent studies."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.workspace.box import Edit

if TYPE_CHECKING:
    from inference.result import Result


@dataclass(frozen=True)
class History:
    """All edits of a study, oldest first; the first `position` are in force, the rest can be redone."""

    edits: tuple[Edit, ...]
    position: int

    @property
    def can_undo(self) -> bool:
        """Whether an edit can be taken back."""
        return self.position > 0

    @property
    def can_redo(self) -> bool:
        """Whether an undone edit can be carried out again."""
        return self.position < len(self.edits)


@dataclass(frozen=True)
class StoredResult:
    """A model's result and the image it belongs to.

    Attributes
    ----------
    slice_index
        Native slice of the stack, from 0.
    saved
        UTC, ISO 8601.
    result
        As it was saved; where its arrays are missing or altered it comes without heat maps and with a warning.
    """

    uid: str
    study_uid: str
    stack_uid: str
    sop_instance_uid: str
    slice_index: int
    saved: str
    result: Result


@dataclass(frozen=True)
class RecentStudy:
    """A study that was opened before: where it lies, what it is called, when (UTC, ISO 8601)."""

    path: Path
    study_uid: str
    title: str
    opened: str
