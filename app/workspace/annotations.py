"""Annotations: boxes, measurements and their one undoable history, one committed transaction per edit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from app.workspace import tables
from app.workspace.box import Box, Edit, Mark, now
from app.workspace.database import Database
from app.workspace.documents import edit_as_dict, edit_from_dict, plain_edit
from app.workspace.history import History
from app.workspace.marks import boxes_of, marks_of, measurements_of, write_mark
from app.workspace.measurement import Measurement


@dataclass(frozen=True)
class Change:
    """One apply, undo or redo: `number` counts them within a study, `edit` is what was done."""

    study_uid: str
    number: int
    kind: str
    edit: Edit


class Annotations:
    """The boxes and measurements of every study.

    Parameters
    ----------
    author
        Written beside each edit.
    before_commit, after_commit
        Told of each change while its transaction is still open, and again once it is on the disk.
    """

    def __init__(
        self,
        database: Database,
        author: str = "",
        before_commit: Callable[[Change], None] = lambda _: None,
        after_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._author = author
        self._before_commit = before_commit
        self._after_commit = after_commit

    def boxes(self, study_uid: str) -> tuple[Box, ...]:
        """Return the boxes of a study in the order in which they were drawn."""
        with self._database.reading() as connection:
            return boxes_of(connection, study_uid)

    def measurements(self, study_uid: str) -> tuple[Measurement, ...]:
        """Return the measurements of a study in the order in which they were drawn."""
        with self._database.reading() as connection:
            return measurements_of(connection, study_uid)

    def history(self, study_uid: str) -> History:
        """Return all edits of a study, oldest first, and how many of them are in force."""
        with self._database.reading() as connection:
            return _history(connection, study_uid)

    def apply(self, edit: Edit) -> None:
        """Carry out a new edit; edits that were undone before it can no longer be redone."""
        edit = plain_edit(edit)
        edits = tables.edits.c
        with self._database.writing() as connection:
            study = ensure_study(connection, edit.study_uid)
            connection.execute(
                delete(tables.edits).where(edits.study_uid == edit.study_uid, edits.number > study.position)
            )
            connection.execute(
                insert(tables.edits).values(
                    study_uid=edit.study_uid,
                    number=study.position + 1,
                    author=self._author,
                    made=now(),
                    **edit_as_dict(edit),
                )
            )
            self._carry_out(connection, study, "apply", edit, step=1)
        self._after_commit()

    def undo(self, study_uid: str) -> Edit | None:
        """Take back the newest edit in force; return what was done, None where there is nothing to undo."""
        with self._database.writing() as connection:
            study = _study(connection, study_uid)
            if study is None or study.position == 0:
                return None
            edit = _edit(connection, study_uid, study.position).reversed()
            self._carry_out(connection, study, "undo", edit, step=-1)
        self._after_commit()
        return edit

    def redo(self, study_uid: str) -> Edit | None:
        """Carry out again the edit that was undone last; None where there is nothing to redo."""
        with self._database.writing() as connection:
            study = _study(connection, study_uid)
            edit = None if study is None else _edit(connection, study_uid, study.position + 1)
            if study is None or edit is None:
                return None
            self._carry_out(connection, study, "redo", edit, step=1)
        self._after_commit()
        return edit

    def changes(self) -> dict[str, int]:
        """Return how many changes were ever made in each study."""
        with self._database.reading() as connection:
            query = select(tables.studies.c.uid, tables.studies.c.changes)
            return {row.uid: row.changes for row in connection.execute(query)}

    def problems(self) -> tuple[str, ...]:
        """Return a sentence for each study whose marks are not what its history says.

        All is read in one transaction: another program may be drawing meanwhile.
        """
        with self._database.reading() as connection:
            uids = connection.execute(select(tables.studies.c.uid)).scalars().all()
            found = (_problem(uid, _history(connection, uid), marks_of(connection, uid)) for uid in uids)
            return tuple(sentence for sentence in found if sentence)

    def _carry_out(self, connection: Connection, study: Row[Any], kind: str, edit: Edit, step: int) -> None:
        write_mark(connection, edit)
        connection.execute(
            update(tables.studies)
            .where(tables.studies.c.uid == study.uid)
            .values(position=study.position + step, changes=study.changes + 1)
        )
        self._before_commit(Change(study.uid, study.changes + 1, kind, edit))


def _problem(study_uid: str, history: History, marks: tuple[Mark, ...]) -> str:
    """Return a sentence where marks are not what the edits in force make of nothing, else an empty text."""
    expected: dict[str, Mark] = {}
    for edit in history.edits[: history.position]:
        if expected.get(edit.mark_uid) != edit.before:
            return f"The edit history of study {study_uid} does not fit together."
        expected.pop(edit.mark_uid, None)
        if edit.after is not None:
            expected[edit.mark_uid] = edit.after
    if expected == {mark.uid: mark for mark in marks}:
        return ""
    return (
        f"The boxes and measurements of study {study_uid} are not what its edit history says; "
        "the file was altered from outside. "
        "They are shown as they are; earlier states are in the folder “backups”."
    )


def ensure_study(connection: Connection, study_uid: str) -> Row[Any]:
    """Return the study's row, made where it is missing."""
    row = _study(connection, study_uid)
    if row is None:
        connection.execute(insert(tables.studies).values(uid=study_uid, title="", position=0, changes=0))
        row = _study(connection, study_uid)
    return row


def _history(connection: Connection, study_uid: str) -> History:
    query = select(tables.edits).where(tables.edits.c.study_uid == study_uid).order_by(tables.edits.c.number)
    edits = tuple(edit_from_dict(dict(row._mapping)) for row in connection.execute(query))
    return History(edits, _study(connection, study_uid).position if edits else 0)


def _study(connection: Connection, study_uid: str) -> Any:
    return connection.execute(select(tables.studies).where(tables.studies.c.uid == study_uid)).first()


def _edit(connection: Connection, study_uid: str, number: int) -> Any:
    edits = tables.edits
    query = select(edits).where(edits.c.study_uid == study_uid, edits.c.number == number)
    row = connection.execute(query).first()
    return None if row is None else edit_from_dict(dict(row._mapping))
