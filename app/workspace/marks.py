"""Marks: boxes and measurements as rows of their tables; a row is only changed if it still is what an edit says."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from app.workspace import tables
from app.workspace.box import Box, Edit, Mark
from app.workspace.errors import ConflictError, WorkspaceError
from app.workspace.measurement import Measurement


def boxes_of(connection: Connection, study_uid: str) -> tuple[Box, ...]:
    """Return the boxes of a study in the order in which they were drawn."""
    return tuple(_mark(tables.boxes, row) for row in _rows(connection, tables.boxes, study_uid))  # type: ignore[misc]


def measurements_of(connection: Connection, study_uid: str) -> tuple[Measurement, ...]:
    """Return the measurements of a study in the order in which they were drawn."""
    table = tables.measurements
    return tuple(_mark(table, row) for row in _rows(connection, table, study_uid))  # type: ignore[misc]


def marks_of(connection: Connection, study_uid: str) -> tuple[Mark, ...]:
    """Return everything drawn in a study."""
    return (*boxes_of(connection, study_uid), *measurements_of(connection, study_uid))


def write_mark(connection: Connection, edit: Edit) -> None:
    """Put the mark of an edit from `before` to `after`; ConflictError where the stored one is not `before`."""
    table = tables.measurements if isinstance(edit.mark, Measurement) else tables.boxes
    row = connection.execute(select(table).where(table.c.uid == edit.mark_uid)).first()
    stored = None if row is None else _mark(table, row)
    if stored != edit.before:
        raise _conflict(stored, edit)
    if edit.after is None:
        connection.execute(delete(table).where(table.c.uid == edit.mark_uid))
    elif edit.before is None:
        connection.execute(insert(table).values(**edit.after.as_dict()))
    else:
        connection.execute(update(table).where(table.c.uid == edit.mark_uid).values(**edit.after.as_dict()))


def _rows(connection: Connection, table: Table, study_uid: str) -> Any:
    query = select(table).where(table.c.study_uid == study_uid)
    return connection.execute(query.order_by(table.c.created, table.c.uid)).all()


def _mark(table: Table, row: Row[Any]) -> Mark:
    kind = Measurement if table is tables.measurements else Box
    return kind.from_dict({column.name: row._mapping[column.name] for column in table.c})


def _conflict(stored: Mark | None, edit: Edit) -> WorkspaceError:
    if stored is None:
        what = "has been deleted meanwhile"
    elif edit.before is None:
        what = "is already there"
    else:
        what = "has been changed meanwhile"
    name = "measurement" if isinstance(edit.mark, Measurement) else "box"
    return ConflictError(
        f"The {name} {edit.mark_uid} {what}, in another window or program, so this edit was not saved over it.",
        f"Reopen the study to see the {name} as it is stored, then repeat the edit.",
    )
