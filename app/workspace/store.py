"""Workspace: every box, result and view a user has made, safe on the disk before the next paint. Thread-safe."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from app.workspace.box import Box, Edit
from app.workspace.history import History, RecentStudy, StoredResult
from app.workspace.measurement import Measurement

if TYPE_CHECKING:
    from app.studies.study import Study
    from app.workspace.opened import OpenWorkspace
    from inference.result import Result


class Workspace:
    """A folder with a database of annotations and results. Images stay where the user keeps them.

    Made by :meth:`open`. All methods may be called from any thread and raise
    :class:`~app.workspace.errors.WorkspaceError` with a sentence where the disk or the database refuses;
    nothing is half-done then. SQLAlchemy is imported by :meth:`open`, not by this module, which the window imports.
    """

    def __init__(self, parts: OpenWorkspace) -> None:
        self._parts = parts

    @classmethod
    def open(cls, folder: Path | str, author: str = "") -> Workspace:
        """Open the workspace in a folder, made where it is missing; restored from its backup where it is damaged.

        Parameters
        ----------
        folder
            Folder on a local disk, or an SQLAlchemy URL such as ``sqlite:////home/me/workspace.sqlite``.
        author
            Initials written beside each edit.
        """
        from app.workspace.opened import OpenWorkspace

        return cls(OpenWorkspace(folder, author))

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        """Where the workspace lies."""
        return self._parts.folder

    @property
    def notices(self) -> tuple[str, ...]:
        """Sentences for the user: restored from a backup, a backup that failed, a result that cannot be read."""
        return tuple(self._parts.notices)

    @property
    def commit_seconds(self) -> tuple[float, ...]:
        """How long each of the last 1,000 transactions took until it was on the disk."""
        return tuple(self._parts.database.commit_seconds)

    def close(self) -> None:
        """Make a backup if anything changed, then close; may be called twice."""
        self._parts.close()

    def boxes(self, study_uid: str) -> tuple[Box, ...]:
        """Return the boxes of a study in the order in which they were drawn."""
        return self._parts.annotations.boxes(study_uid)

    def measurements(self, study_uid: str) -> tuple[Measurement, ...]:
        """Return the measurements of a study in the order in which they were drawn."""
        return self._parts.annotations.measurements(study_uid)

    def apply(self, edit: Edit) -> None:
        """Carry out and commit an edit; ConflictError where what is stored is not what `before` says."""
        self._parts.annotations.apply(edit)

    def undo(self, study_uid: str) -> Edit | None:
        """Take back the newest edit of a study; return what was done, None where nothing was left."""
        return self._parts.annotations.undo(study_uid)

    def redo(self, study_uid: str) -> Edit | None:
        """Carry out again the edit undone last; None where there is nothing to redo."""
        return self._parts.annotations.redo(study_uid)

    def history(self, study_uid: str) -> History:
        """Return all edits of a study and how many of them are in force."""
        return self._parts.annotations.history(study_uid)

    def save_result(
        self, study_uid: str, stack_uid: str, sop_instance_uid: str, slice_index: int, result: Result
    ) -> StoredResult:
        """Store what a model said about one native slice (from 0) of a stack."""
        return self._parts.results.save((study_uid, stack_uid, sop_instance_uid, slice_index), result)

    def results(self, study_uid: str, newest: bool = False) -> tuple[StoredResult, ...]:
        """Return the results of a study, newest last; one whose maps are gone comes with scores and a warning.

        Parameters
        ----------
        newest
            Of several results of one image and model only the newest; the maps of the others are not read.
        """
        stored, unread = self._parts.results.of_study(study_uid, newest)
        self._parts.say(*unread)
        return stored

    def delete_result(self, uid: str) -> None:
        """Delete a stored result and its arrays."""
        self._parts.results.delete(uid)

    def remember(self, study: Study, path: Path) -> None:
        """Note that a study was opened just now from a folder or file."""
        self._parts.shelf.remember(study, path)

    def recent(self, limit: int = 20) -> tuple[RecentStudy, ...]:
        """Return the studies opened last, newest first."""
        return self._parts.shelf.recent(limit)

    def save_view_state(self, study_uid: str, state: dict[str, Any]) -> None:
        """Store how a study was being viewed, as JSON values."""
        self._parts.shelf.save(study_uid, "view_state", state)

    def view_state(self, study_uid: str) -> dict[str, Any]:
        """Return the stored view of a study; empty where there is none."""
        return self._parts.shelf.read(study_uid, "view_state")

    def save_override(self, study_uid: str, values: dict[str, Any]) -> None:
        """Store what the user corrected about a study (order of phases, spacing), as JSON values."""
        self._parts.shelf.save(study_uid, "override", values)

    def override(self, study_uid: str) -> dict[str, Any]:
        """Return what the user corrected about a study; empty where nothing."""
        return self._parts.shelf.read(study_uid, "override")

    def backup(self) -> Path:
        """Make a backup now and return its file."""
        return self._parts.backup()

    def check(self) -> tuple[str, ...]:
        """Check everything deeply and return a sentence per problem; empty where all is well."""
        return self._parts.check()
