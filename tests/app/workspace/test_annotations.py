"""Boxes: committed, undone, redone, never overwritten."""

from __future__ import annotations

import json
import math
import resource
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from app.workspace.box import Box, Edit
from app.workspace.errors import ConflictError, WorkspaceError
from app.workspace.store import Workspace
from app.workspace.tables import boxes as boxes_table

STUDY = "1.2.840.1"
MakeBox = Callable[..., Box]


def test_a_box_comes_back_bit_for_bit_after_a_restart(folder: Path, make_box: MakeBox) -> None:
    box = make_box(0.1 + 0.2, label="IDC", note="ärztlich · 良性", author="AB", source="model x", method="accepted")
    with Workspace.open(folder) as workspace:
        workspace.apply(Edit(None, box, "draw"))
    with Workspace.open(folder) as workspace:
        assert workspace.boxes(STUDY) == (box,)
        assert workspace.boxes("another study") == ()


def test_every_field_of_a_box_is_a_column() -> None:
    assert {column.name for column in boxes_table.c} == {field.name for field in fields(Box)}


def test_move_relabel_delete_and_their_undo(workspace: Workspace, make_box: MakeBox) -> None:
    box = make_box()
    moved = replace(box, corner_mm=(9.0, 9.0, 9.0))
    labelled = replace(moved, label="OB-cyst", taxonomy="mri")
    steps = [Edit(None, box, "draw"), Edit(box, moved, "move"), Edit(moved, labelled, "label"), Edit(labelled, None)]
    for edit in steps:
        workspace.apply(edit)
    assert workspace.boxes(STUDY) == ()
    for edit, left in zip(reversed(steps), [(labelled,), (moved,), (box,), ()], strict=True):
        assert workspace.undo(STUDY) == edit.reversed()
        assert workspace.boxes(STUDY) == left
    assert workspace.undo(STUDY) is None
    for edit in steps:
        assert workspace.redo(STUDY) == edit
    assert workspace.redo(STUDY) is None
    assert workspace.check() == ()


def test_undo_of_a_study_that_has_no_edits(workspace: Workspace) -> None:
    assert workspace.undo("unknown") is None
    assert workspace.redo("unknown") is None
    assert workspace.history("unknown").edits == ()


def test_undo_and_redo_survive_a_restart(folder: Path, make_box: MakeBox) -> None:
    box = make_box()
    moved = replace(box, label="MG")
    with Workspace.open(folder) as workspace:
        workspace.apply(Edit(None, box, "draw"))
        workspace.apply(Edit(box, moved, "label"))
        workspace.undo(STUDY)
    with Workspace.open(folder) as workspace:
        history = workspace.history(STUDY)
        assert history.edits == (Edit(None, box, "draw"), Edit(box, moved, "label"))
        assert (history.position, history.can_undo, history.can_redo) == (1, True, True)
        assert workspace.redo(STUDY) == Edit(box, moved, "label")
        assert workspace.boxes(STUDY) == (moved,)


def test_a_new_edit_after_undo_cuts_the_redo_tail(workspace: Workspace, make_box: MakeBox) -> None:
    first, second, third = make_box(1.0), make_box(2.0), make_box(3.0)
    workspace.apply(Edit(None, first))
    workspace.apply(Edit(None, second))
    workspace.undo(STUDY)
    workspace.apply(Edit(None, third))
    assert workspace.redo(STUDY) is None
    assert workspace.history(STUDY).edits == (Edit(None, first), Edit(None, third))
    assert {box.uid for box in workspace.boxes(STUDY)} == {first.uid, third.uid}


@pytest.mark.parametrize("stored", ["moved", "deleted", "there"])
def test_a_conflict_is_refused_and_changes_nothing(stored: str, folder: Path, make_box: MakeBox) -> None:
    box = make_box()
    theirs = {"moved": replace(box, label="theirs"), "deleted": None, "there": replace(box, label="theirs")}[stored]
    mine = Edit(None if stored == "there" else box, replace(box, label="mine"))
    with Workspace.open(folder) as one, Workspace.open(folder) as two:
        one.apply(Edit(None, box))
        one.apply(Edit(box, theirs))
        before = two.history(STUDY)
        with pytest.raises(ConflictError, match="was not saved over it") as caught:
            two.apply(mine)
        assert "Reopen the study" in caught.value.hint
        assert two.boxes(STUDY) == (() if theirs is None else (theirs,))
        assert two.history(STUDY) == before
        assert two.check() == ()


def test_undo_of_another_window_is_seen(folder: Path, make_box: MakeBox) -> None:
    box = make_box()
    with Workspace.open(folder) as one, Workspace.open(folder) as two:
        one.apply(Edit(None, box))
        assert two.undo(STUDY) == Edit(box, None)
        assert one.boxes(STUDY) == ()
        assert one.redo(STUDY) == Edit(None, box)
        assert two.boxes(STUDY) == (box,)


def test_an_undo_that_no_longer_fits_is_refused(workspace: Workspace, folder: Path, make_box: MakeBox) -> None:
    workspace.apply(Edit(None, make_box()))
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as other, other:
        other.execute("UPDATE boxes SET label = 'changed by hand'")
    with pytest.raises(ConflictError, match="changed meanwhile"):
        workspace.undo(STUDY)
    assert workspace.boxes(STUDY)[0].label == "changed by hand"
    (problem,) = workspace.check()
    assert f"The boxes and measurements of study {STUDY} are not what its edit history says" in problem


def test_numpy_numbers_are_stored_as_the_same_number(workspace: Workspace, make_box: MakeBox) -> None:
    corner = tuple(np.float32([0.1, 0.2, 0.3]))
    box = make_box(corner_mm=corner)
    workspace.apply(Edit(None, box))
    assert workspace.boxes(STUDY)[0].corner_mm == tuple(float(value) for value in corner)
    workspace.apply(Edit(box, None))  # and the gesture's own box still fits
    assert workspace.boxes(STUDY) == ()


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_coordinate_that_is_no_number_is_refused(bad: float, workspace: Workspace, make_box: MakeBox) -> None:
    with pytest.raises(WorkspaceError, match="not a number"):
        workspace.apply(Edit(None, make_box(corner_mm=(0.0, bad, 0.0))))
    assert workspace.history(STUDY).edits == ()


def test_an_edit_of_two_different_boxes_is_refused(workspace: Workspace, make_box: MakeBox) -> None:
    box = make_box()
    workspace.apply(Edit(None, box))
    with pytest.raises(WorkspaceError, match="two different boxes"):
        workspace.apply(Edit(box, make_box()))
    assert workspace.boxes(STUDY) == (box,)


def test_the_author_is_written_beside_each_edit(workspace: Workspace, folder: Path, make_box: MakeBox) -> None:
    workspace.apply(Edit(None, make_box()))
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as other:
        assert other.execute("SELECT author FROM edits").fetchall() == [("AB",)]


def test_threads_draw_at_once_and_nothing_is_lost(workspace: Workspace, make_box: MakeBox) -> None:
    drawn = [[make_box(float(n), study_uid=f"1.{study % 2}") for n in range(25)] for study in range(4)]
    failed: list[BaseException] = []

    def draw(boxes: list[Box]) -> None:
        try:
            for box in boxes:
                workspace.apply(Edit(None, box))
                workspace.boxes(box.study_uid)
        except WorkspaceError as error:
            failed.append(error)

    threads = [threading.Thread(target=draw, args=(boxes,)) for boxes in drawn]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    stored = {box.uid for study in ("1.0", "1.1") for box in workspace.boxes(study)}
    assert stored == {box.uid for boxes in drawn for box in boxes}
    assert workspace.check() == ()


def test_looking_for_problems_while_another_window_draws_finds_none(
    workspace: Workspace, folder: Path, make_box: MakeBox
) -> None:
    def draw() -> None:
        with Workspace.open(folder) as other:
            for n in range(120):
                other.apply(Edit(None, make_box(float(n)), "draw"))

    window = threading.Thread(target=draw)
    window.start()
    looked = 0
    while window.is_alive():
        assert workspace.check() == ()
        looked += 1
    window.join()
    assert looked > 0
    assert len(workspace.boxes(make_box().study_uid)) == 120


def test_a_full_disk_loses_nothing_and_says_so(workspace: Workspace, make_box: MakeBox) -> None:
    """The operating system itself refuses to let any file grow, which is what a full disk does."""
    saved: list[Box] = []
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    error = None
    resource.setrlimit(resource.RLIMIT_FSIZE, (128 * 1024, limits[1]))
    try:
        for n in range(200):
            box = make_box(float(n), created=f"2026-01-01T00:00:00.{n:03}")
            workspace.apply(Edit(None, box))
            saved.append(box)
    except WorkspaceError as raised:
        error = raised
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert error is not None
    assert "disk" in str(error)
    assert error.hint
    assert saved
    assert workspace.boxes(STUDY) == tuple(saved)
    workspace.apply(Edit(None, box))  # space again: the same stroke goes through
    assert workspace.boxes(STUDY) == (*saved, box)
    assert workspace.check() == ()


def test_every_stroke_is_one_transaction_that_is_timed(workspace: Workspace, make_box: MakeBox) -> None:
    before = len(workspace.commit_seconds)
    workspace.apply(Edit(None, make_box()))
    workspace.undo(STUDY)
    workspace.redo(STUDY)
    times = workspace.commit_seconds[before:]
    assert len(times) == 3
    assert all(0 < seconds < 60 for seconds in times)


def test_a_commit_is_synchronous_and_checked(workspace: Workspace) -> None:
    with workspace._parts.database.reading() as connection:
        ask = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")}
        foreign = connection.exec_driver_sql("PRAGMA foreign_keys").scalar()
        patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    assert ask == {"journal_mode": "wal", "synchronous": 2}  # 2 is FULL
    assert foreign == 1
    assert patience == 10_000


def test_the_journal_holds_each_stroke_before_it_is_announced(
    workspace: Workspace, folder: Path, make_box: MakeBox
) -> None:
    box = make_box()
    workspace.apply(Edit(None, box, "draw"))
    workspace.undo(STUDY)
    lines = [line.split(" ", 1)[1] for line in (folder / "journal.jsonl").read_text().splitlines() if line]
    kinds = [(json.loads(line)[1], json.loads(line)[2]) for line in lines]
    assert kinds == [(1, "apply"), (2, "undo")]
