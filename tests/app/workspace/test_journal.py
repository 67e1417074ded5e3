"""The journal: what failed to commit is superseded, what grew too long is split, nothing is carried out twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.workspace import journal as journal_module
from app.workspace.annotations import Change
from app.workspace.box import Box, Edit
from app.workspace.errors import WorkspaceError
from app.workspace.journal import Journal
from app.workspace.store import Workspace

STUDY = "1.2.840.1"


def test_changes_come_back_in_order(tmp_path: Path, make_box: Callable[..., Box]) -> None:
    journal = Journal(tmp_path)
    assert journal.empty
    box = make_box(note="two\nlines")
    changes = (Change(STUDY, 1, "apply", Edit(None, box, "draw")), Change(STUDY, 2, "undo", Edit(box, None, "draw")))
    for change in changes:
        journal.append(change)
    assert not journal.empty
    assert journal.changes() == changes


def test_a_change_that_was_never_committed_is_superseded(
    folder: Path, make_box: Callable[..., Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed, drawn = make_box(1.0), make_box(2.0)
    with Workspace.open(folder) as workspace:
        append = workspace._parts.annotations._before_commit

        def fail(change: Change) -> None:
            append(change)
            raise WorkspaceError("The disk is full.")

        with monkeypatch.context() as patch:
            patch.setattr(workspace._parts.annotations, "_before_commit", fail)
            with pytest.raises(WorkspaceError, match="disk is full"):
                workspace.apply(Edit(None, failed))
        assert workspace.boxes(STUDY) == ()
        workspace.apply(Edit(None, drawn))
    for backup in (folder / "backups").iterdir():
        backup.unlink()
    (folder / "workspace.sqlite").unlink()
    with Workspace.open(folder) as workspace:
        assert workspace.boxes(STUDY) == (drawn,)


def test_a_long_journal_is_split_and_both_halves_are_used(
    folder: Path, make_box: Callable[..., Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = tuple(make_box(float(n), created=str(n)) for n in range(8))
    monkeypatch.setattr(journal_module, "LARGEST_BYTES", 3000)
    with Workspace.open(folder) as workspace:
        for box in boxes:
            workspace.apply(Edit(None, box))
    assert 0 < (folder / "journal.jsonl").stat().st_size <= 4500
    assert (folder / "journal-older.jsonl").exists()
    for backup in (folder / "backups").iterdir():
        backup.unlink()
    (folder / "workspace.sqlite").unlink()
    with Workspace.open(folder) as workspace:
        assert workspace.boxes(STUDY) == boxes


def test_a_full_disk_leaves_no_half_line(
    tmp_path: Path, make_box: Callable[..., Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    change = Change(STUDY, 1, "apply", Edit(None, make_box()))
    journal.append(change)
    content = (tmp_path / "journal.jsonl").read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(journal_module.os, "fsync", full)
        with pytest.raises(WorkspaceError, match="No space left") as caught:
            journal.append(Change(STUDY, 2, "apply", Edit(None, make_box())))
    assert "disk space" in caught.value.hint
    assert (tmp_path / "journal.jsonl").read_bytes() == content
    assert journal.changes() == (change,)
