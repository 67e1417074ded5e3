"""Measurements are kept as boxes are: bit for bit, undone in one order with them, refused where they do not fit."""

from __future__ import annotations

import json
import math
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from alembic import command

from app.workspace import schema, tables
from app.workspace.box import Box, Edit
from app.workspace.database import Database
from app.workspace.documents import edit_as_dict, edit_from_dict
from app.workspace.errors import ConflictError, WorkspaceError
from app.workspace.measurement import Measurement, Quantity
from app.workspace.store import Workspace

STUDY = "1.2.840.1"
MakeBox = Callable[..., Box]
Make = Callable[..., Measurement]


def test_a_measurement_comes_back_bit_for_bit_after_a_restart(folder: Path, make_measurement: Make) -> None:
    one = make_measurement(note="“quoted”; =1+1")
    with Workspace.open(folder) as workspace:
        workspace.apply(Edit(None, one, "Draw ellipse"))
    with Workspace.open(folder) as workspace:
        assert workspace.measurements(STUDY) == (one,)
        assert workspace.boxes(STUDY) == ()
        assert workspace.check() == ()


def test_every_field_of_a_measurement_is_a_column() -> None:
    assert {column.name for column in tables.measurements.c} == {f.name for f in fields(Measurement)}


def test_one_history_in_order_over_both_kinds(folder: Path, make_box: MakeBox, make_measurement: Make) -> None:
    box, one = make_box(), make_measurement()
    moved = replace(one, points_mm=(*one.points_mm[:3], (9.0, 9.0, 9.0)))
    with Workspace.open(folder) as workspace:
        for edit in (Edit(None, box, "a"), Edit(None, one, "b"), Edit(one, moved, "c"), Edit(box, None, "d")):
            workspace.apply(edit)
    with Workspace.open(folder) as workspace:
        undone = []
        while (edit := workspace.undo(STUDY)) is not None:
            undone.append(edit.text)
        assert undone == ["d", "c", "b", "a"]
        assert (workspace.boxes(STUDY), workspace.measurements(STUDY)) == ((), ())
        while workspace.redo(STUDY) is not None:
            pass
        assert (workspace.boxes(STUDY), workspace.measurements(STUDY)) == ((), (moved,))
        assert workspace.check() == ()


def test_a_measurement_changed_elsewhere_is_not_overwritten(folder: Path, make_measurement: Make) -> None:
    one = make_measurement()
    with Workspace.open(folder) as first, Workspace.open(folder) as second:
        first.apply(Edit(None, one))
        second.apply(Edit(one, replace(one, note="other")))
        with pytest.raises(ConflictError, match=r"The measurement .* has been changed meanwhile"):
            first.apply(Edit(one, None))
        assert first.measurements(STUDY) == (replace(one, note="other"),)


def test_numpy_numbers_are_stored_as_the_same_number(workspace: Workspace, make_measurement: Make) -> None:
    point = tuple(np.float64(n) / 3 for n in (1, 2, 4))
    values = (Quantity("mean", np.float32(0.1), ""), Quantity("pixels", np.int64(5), ""))
    one = make_measurement(kind="length", points_mm=(point, point), values=values)
    workspace.apply(Edit(None, one))
    (stored,) = workspace.measurements(STUDY)
    assert stored.points_mm[0] == (1 / 3, 2 / 3, 4 / 3)
    assert stored.value("mean") == float(np.float32(0.1))
    assert stored.value("area") is None


@pytest.mark.parametrize(
    "bad",
    [
        {"points_mm": ((0.0, 0.0, math.nan), (0.0, 0.0, 0.0))},
        {"points_mm": ((0.0, 0.0, 0.0),)},
        {"points_mm": ((0.0, 0.0), (0.0, 0.0))},
        {"affine": (1.0,) * 11},
        {"values": (Quantity("sd", math.inf, ""),)},
        {"kind": "volume"},
    ],
)
def test_what_could_not_be_drawn_again_is_refused(bad: dict, workspace: Workspace, make_measurement: Make) -> None:
    with pytest.raises(WorkspaceError, match="cannot be stored"):
        workspace.apply(Edit(None, make_measurement(**bad)))
    assert workspace.history(STUDY).edits == ()


def test_an_edit_does_not_make_a_box_of_a_measurement(
    workspace: Workspace, make_box: MakeBox, make_measurement: Make
) -> None:
    one = make_measurement()
    workspace.apply(Edit(None, one))
    with pytest.raises(WorkspaceError, match="two different"):
        workspace.apply(Edit(one, make_box(uid=one.uid)))


def test_documents_of_boxes_are_as_before(make_box: MakeBox, make_measurement: Make) -> None:
    box, one = make_box(), make_measurement()
    document = edit_as_dict(Edit(None, box, "draw"))
    assert set(document["after"]) == {f.name for f in fields(Box)}
    for edit in (Edit(None, box), Edit(one, None, "x"), Edit(one, replace(one, note="n"))):
        assert edit_from_dict(json.loads(json.dumps(edit_as_dict(edit)))) == edit


def test_an_altered_measurement_is_said(folder: Path, make_measurement: Make) -> None:
    with Workspace.open(folder) as workspace:
        workspace.apply(Edit(None, make_measurement()))
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as connection:
        connection.execute("UPDATE measurements SET note = 'forged'")
        connection.commit()
    with Workspace.open(folder) as workspace:
        (sentence,) = workspace.check()
        assert "measurements of study" in sentence


def test_a_lost_database_comes_back_with_both_kinds(folder: Path, make_box: MakeBox, make_measurement: Make) -> None:
    box, one = make_box(), make_measurement()
    with Workspace.open(folder) as workspace:
        workspace.apply(Edit(None, box))
        workspace.apply(Edit(None, one))
    (folder / "workspace.sqlite").write_bytes(b"broken")
    for backup in (folder / "backups").iterdir():
        backup.unlink()
    with Workspace.open(folder) as workspace:
        assert "2 edits" in workspace.notices[0]
        assert (workspace.boxes(STUDY), workspace.measurements(STUDY)) == ((box,), (one,))


@pytest.fixture
def of_version_1(folder: Path, make_box: MakeBox) -> tuple[Box, Box]:
    """A workspace as version 0.1 wrote it: tables of 0001, the second box only in the journal."""
    first, second = make_box(1.0, created="2026-01-01"), make_box(2.0, created="2026-01-02")
    folder.mkdir()
    database = Database(folder / "workspace.sqlite")
    with database.writing() as connection:
        command.upgrade(schema.configuration(connection), "0001")
    database.close()
    columns = [f.name for f in fields(Box)]
    values = [json.dumps(v) if isinstance(v, tuple) else v for v in (getattr(first, name) for name in columns)]
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as connection:
        connection.execute("INSERT INTO studies (uid, title, position, changes) VALUES (?, '', 1, 1)", (STUDY,))
        marks = ", ".join("?" * len(columns))
        connection.execute(f"INSERT INTO boxes ({', '.join(columns)}) VALUES ({marks})", values)
        connection.execute(
            "INSERT INTO edits (study_uid, number, after, text, author, made) VALUES (?, 1, ?, 'draw', '', '2026')",
            (STUDY, json.dumps(first.as_dict())),
        )
        connection.commit()
    lines = []
    for number, box in enumerate((first, second), start=1):
        text = json.dumps([STUDY, number, "apply", {"before": None, "after": box.as_dict(), "text": "draw"}])
        lines.append(f"\n{zlib.crc32(text.encode()):08x} {text}\n")
    (folder / "journal.jsonl").write_text("".join(lines))
    return first, second


def test_a_workspace_of_version_1_is_taken_up(
    folder: Path, of_version_1: tuple[Box, Box], make_measurement: Make
) -> None:
    one = make_measurement()
    with Workspace.open(folder) as workspace:
        assert workspace.boxes(STUDY) == of_version_1  # the second from the journal of that version
        assert workspace.measurements(STUDY) == ()
        workspace.apply(Edit(None, one, "Draw ellipse"))
        assert workspace.check() == ()
        assert len(list((folder / "backups").iterdir())) >= 1  # of before the migration
    with Workspace.open(folder) as workspace:
        assert [workspace.undo(STUDY) is not None for _ in range(4)] == [True, True, True, False]
