"""Backups: made on time, sound, without keeping a writer waiting, and thinned out sensibly."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.workspace import backups as backups_module
from app.workspace.backups import Backups, is_sound, made, to_keep
from app.workspace.box import Box, Edit
from app.workspace.errors import WorkspaceError
from app.workspace.store import Workspace

STUDY = "1.2.840.1"
MOMENTS = st.lists(
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 3, 1)),
    unique=True,
    max_size=60,
)


def files(folder: Path) -> list[Path]:
    return sorted((folder / "backups").glob("*.sqlite"))


def uids(file: Path) -> set[str]:
    with closing(sqlite3.connect(file)) as connection:
        return {row[0] for row in connection.execute("SELECT uid FROM boxes")}


def test_a_backup_is_a_whole_database_of_its_own(
    workspace: Workspace, integrity: Callable[[Path], str], make_box: Callable[..., Box]
) -> None:
    box = make_box()
    workspace.apply(Edit(None, box))
    backup = workspace.backup()
    workspace.apply(Edit(box, None))
    assert integrity(backup) == "ok"
    assert uids(backup) == {box.uid}
    assert [path.name for path in backup.parent.iterdir() if backup.name in path.name] == [backup.name]


def test_backups_on_open_every_fifty_edits_and_on_close(folder: Path, make_box: Callable[..., Box]) -> None:
    with Workspace.open(folder) as workspace:
        workspace._parts._background.submit(lambda: None).result()  # wait for the first backup
        assert len(files(folder)) == 1
        for n in range(50):
            workspace.apply(Edit(None, make_box(float(n))))
        workspace._parts._background.submit(lambda: None).result()
        assert [len(uids(file)) for file in files(folder)] == [0, 50]
        workspace.apply(Edit(None, make_box()))
    assert [len(uids(file)) for file in files(folder)] == [0, 50, 51]
    Workspace.open(folder).close()
    assert len(files(folder)) == 3  # nothing changed, nothing to back up


def test_a_backup_older_than_a_day_is_renewed_on_open(folder: Path) -> None:
    Workspace.open(folder).close()
    (only,) = files(folder)
    old = datetime.now(UTC) - timedelta(days=1, minutes=1)
    only.rename(only.with_name(f"workspace-{old:%Y%m%dT%H%M%S%fZ}.sqlite"))
    Workspace.open(folder).close()
    assert len(files(folder)) == 2


def test_drawing_goes_on_while_a_backup_is_made(workspace: Workspace, make_box: Callable[..., Box]) -> None:
    """A reader's snapshot, held open, is all a backup is to the writer."""
    first, second = make_box(1.0), make_box(2.0)
    workspace.apply(Edit(None, first))
    with workspace._parts.database.reading() as connection:
        seen = connection.exec_driver_sql("SELECT count(*) FROM boxes").scalar()
        workspace.apply(Edit(None, second))
        assert connection.exec_driver_sql("SELECT count(*) FROM boxes").scalar() == seen == 1
        assert uids(workspace.backup()) == {first.uid, second.uid}


def test_a_failing_backup_is_said_and_stops_nothing(
    folder: Path, make_box: Callable[..., Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Workspace.open(folder) as workspace:
        workspace._parts._background.submit(lambda: None).result()

        def full(path: Path) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(backups_module, "sync_file", full)
        for n in range(50):
            workspace.apply(Edit(None, make_box(float(n))))
        workspace._parts._background.submit(lambda: None).result()
        assert "No backup could be made" in workspace.notices[0]
        assert "No space left" in workspace.notices[0]
        with pytest.raises(WorkspaceError, match="No space left"):
            workspace.backup()
    assert len(files(folder)) == 1
    assert not list((folder / "backups").glob(".*"))
    with Workspace.open(folder) as workspace:
        assert len(workspace.boxes(STUDY)) == 50


def test_a_copy_that_is_not_sound_replaces_nothing(folder: Path) -> None:
    with Workspace.open(folder) as workspace:
        workspace.backup()
    before = files(folder)
    content = (folder / "workspace.sqlite").read_bytes()
    damaged = folder / "damaged.sqlite"
    damaged.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with pytest.raises(WorkspaceError):
        Backups(damaged, folder / "backups").make()
    assert files(folder) == before


def test_soundness(tmp_path: Path, workspace: Workspace) -> None:
    backup = workspace.backup()
    assert is_sound(backup)
    content = backup.read_bytes()
    for name, wrong in (("empty", b""), ("half", content[: len(content) // 2]), ("text", b"hello" * 1000)):
        (tmp_path / name).write_bytes(wrong)
        assert not is_sound(tmp_path / name)
    assert not is_sound(tmp_path / "missing")


def test_check_names_a_broken_backup(workspace: Workspace) -> None:
    backup = workspace.backup()
    backup.write_bytes(b"x")
    assert workspace.check() == (f"The backup {backup} is not sound.",)


@given(MOMENTS)
def test_the_newest_seven_and_seven_days_are_kept(moments: list[datetime]) -> None:
    names = [Path(f"workspace-{moment:%Y%m%dT%H%M%S%fZ}.sqlite") for moment in sorted(moments)]
    kept = to_keep(names)
    assert set(names[-7:]) <= kept <= set(names)
    assert len(kept) <= 14
    days = sorted({made(name).date() for name in names})[-7:]
    assert {made(name).date() for name in kept} >= set(days)


def test_old_backups_go_and_strange_files_stay(folder: Path, workspace: Workspace) -> None:
    workspace.backup()
    for minute in range(20):
        (folder / "backups" / f"workspace-20200101T00{minute:02}00000000Z.sqlite").write_bytes(b"")
    (folder / "backups" / "my own copy.sqlite").write_bytes(b"")
    newest = workspace.backup()
    left = files(folder)
    assert newest in left
    assert len([file for file in left if "20200101" in file.name]) <= 6
    assert (folder / "backups" / "my own copy.sqlite").exists()
