"""A damaged database: said so, kept, restored from the newest good backup, and brought up to the last stroke."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.workspace.box import Box, Edit
from app.workspace.errors import WorkspaceError
from app.workspace.store import Workspace

STUDY = "1.2.840.1"
Damage = Callable[[Path], None]


def overwrite_header(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[:100] = b"\xa5" * 100
    file.write_bytes(content)


def truncate(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def scatter(file: Path) -> None:
    """Random bytes over the first bytes of many pages, where SQLite keeps their structure."""
    chance = random.Random(1)
    content = bytearray(file.read_bytes())
    for page in range(4096, len(content), 8192):
        content[page : page + 40] = chance.randbytes(40)
    file.write_bytes(content)


def text_file(file: Path) -> None:
    file.write_text("This was a database before somebody saved notes over it.\n" * 50)


def unreadable_record(file: Path) -> None:
    """One byte in a stored coordinate list: SQLite's own check does not see it."""
    content = file.read_bytes()
    assert content.count(b"[1.0,0.0,0.0,0.0,1.0,0.0]") >= 60
    file.write_bytes(content.replace(b"[1.0,0.0,0.0,0.0,1.0,0.0]", b"{1.0,0.0,0.0,0.0,1.0,0.0]", 1))


DAMAGES = [overwrite_header, truncate, empty, scatter, text_file, unreadable_record]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__)
@pytest.mark.parametrize("last_backup", [True, False], ids=["fresh backup", "old backup and journal"])
def test_every_box_comes_back(damage: Damage, last_backup: bool, folder: Path, drawn: tuple[Box, ...]) -> None:
    database = folder / "workspace.sqlite"
    backups = sorted((folder / "backups").iterdir())
    if not last_backup:
        for newer in backups[1:]:
            newer.unlink()
    newest = sorted((folder / "backups").iterdir())[-1]
    damage(database)
    broken = database.read_bytes()
    with Workspace.open(folder) as workspace:
        assert workspace.boxes(STUDY) == drawn
        assert workspace.history(STUDY).position == 60
        (notice,) = workspace.notices
        assert workspace.check() == ()
    (kept,) = (folder / "broken").glob("workspace-*.sqlite")
    assert kept.read_bytes() == broken
    assert str(newest) in notice
    assert str(kept) in notice
    assert "restored" in notice
    assert "\n" not in notice
    assert ("carried out again from the journal" in notice) is not last_backup
    with Workspace.open(folder) as workspace:  # said once, not for ever
        assert workspace.notices == ()
        assert workspace.boxes(STUDY) == drawn


def test_a_lost_file_is_restored_not_replaced_by_an_empty_one(folder: Path, drawn: tuple[Box, ...]) -> None:
    (folder / "workspace.sqlite").unlink()
    with Workspace.open(folder) as workspace:
        assert workspace.boxes(STUDY) == drawn
        assert "is missing" in workspace.notices[0]


def test_the_newest_backup_is_broken_too(folder: Path, drawn: tuple[Box, ...]) -> None:
    backups = sorted((folder / "backups").iterdir())
    truncate(backups[-1])
    truncate(folder / "workspace.sqlite")
    with Workspace.open(folder) as workspace:
        assert str(backups[-2]) in workspace.notices[0]
        assert workspace.boxes(STUDY) == drawn


def test_no_backup_at_all_is_rebuilt_from_the_journal(folder: Path, drawn: tuple[Box, ...]) -> None:
    shutil.rmtree(folder / "backups")
    overwrite_header(folder / "workspace.sqlite")
    with Workspace.open(folder) as workspace:
        assert "There is no sound backup" in workspace.notices[0]
        assert "60 edits" in workspace.notices[0]
        assert workspace.boxes(STUDY) == drawn


def test_nothing_left_is_said_honestly(folder: Path, drawn: tuple[Box, ...]) -> None:
    shutil.rmtree(folder / "backups")
    (folder / "journal.jsonl").unlink()
    overwrite_header(folder / "workspace.sqlite")
    with Workspace.open(folder) as workspace:
        (notice,) = workspace.notices
        assert "a new workspace was started" in notice
        assert "Boxes and measurements drawn before are not in it" in notice
        assert str(next((folder / "broken").iterdir())) in notice
        assert workspace.boxes(STUDY) == ()
        workspace.apply(Edit(None, drawn[0]))


def test_a_damaged_journal_is_used_up_to_its_gap(folder: Path, drawn: tuple[Box, ...]) -> None:
    """A line that does not match its checksum is never carried out, nor anything that builds on it."""
    shutil.rmtree(folder / "backups")
    overwrite_header(folder / "workspace.sqlite")
    journal = folder / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(drawn[40].uid.encode(), b"9" * len(drawn[40].uid)))
    with Workspace.open(folder) as workspace:
        assert "19 edits of the journal could not be carried out again" in workspace.notices[0]
        assert workspace.boxes(STUDY) == drawn[:40]
        workspace.apply(Edit(None, drawn[50]))
    assert len(list((folder / "broken").glob("journal-*"))) == 1
    (folder / "workspace.sqlite").unlink()
    with Workspace.open(folder) as workspace:  # the new journal starts clean
        assert workspace.boxes(STUDY) == (*drawn[:40], drawn[50])


def test_a_torn_last_line_hides_no_other(folder: Path, drawn: tuple[Box, ...], make_box: Callable[..., Box]) -> None:
    journal = folder / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(b'\n1234abcd ["1.2.840.1", 61, "app')
    late = make_box(created="2027")
    with Workspace.open(folder) as workspace:
        workspace.apply(Edit(None, late))
    shutil.rmtree(folder / "backups")
    (folder / "workspace.sqlite").unlink()
    with Workspace.open(folder) as workspace:
        assert workspace.boxes(STUDY) == (*drawn, late)


def test_damage_after_a_crash_with_the_log_still_there(
    workspace: Workspace, folder: Path, tmp_path: Path, make_box: Callable[..., Box]
) -> None:
    boxes = tuple(make_box(float(n), created=str(n)) for n in range(8))
    for box in boxes:
        workspace.apply(Edit(None, box))
    crashed = tmp_path / "crashed"
    shutil.copytree(folder, crashed, ignore=shutil.ignore_patterns("*.lock", "backups"))
    overwrite_header(crashed / "workspace.sqlite")
    log = b"not a log" * 100
    (crashed / "workspace.sqlite-wal").write_bytes(log)
    broken = (crashed / "workspace.sqlite").read_bytes()
    with Workspace.open(crashed) as restored:
        assert restored.boxes(STUDY) == boxes
    (kept,) = (crashed / "broken").glob("*.sqlite")
    assert kept.read_bytes() == broken
    assert kept.with_name(kept.name + "-wal").read_bytes() == log


def test_strokes_of_a_deleted_log_come_back(
    workspace: Workspace, folder: Path, tmp_path: Path, make_box: Callable[..., Box]
) -> None:
    """After a crash somebody tidies up: the database alone is sound, but it is of yesterday."""
    boxes = tuple(make_box(float(n), created=str(n)) for n in range(8))
    for box in boxes:
        workspace.apply(Edit(None, box))
    workspace.undo(STUDY)
    crashed = tmp_path / "crashed"
    shutil.copytree(folder, crashed, ignore=shutil.ignore_patterns("*.lock", "*-wal", "*-shm"))
    with (
        closing(sqlite3.connect(folder / "workspace.sqlite")) as whole,
        closing(sqlite3.connect(crashed / "workspace.sqlite")) as older,
        older,
    ):
        whole.backup(older)
        for table in ("boxes", "edits"):
            older.execute(f"DELETE FROM {table}")
        older.execute("UPDATE studies SET position = 0, changes = 0")
    with Workspace.open(crashed) as caught_up:
        assert caught_up.boxes(STUDY) == boxes[:7]
        assert caught_up.redo(STUDY) is not None
        assert caught_up.notices[0].startswith("9 edits missing")
        assert caught_up.check() == ()


def test_a_journal_of_another_history_is_set_aside(folder: Path, drawn: tuple[Box, ...]) -> None:
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as other, other:
        other.execute("UPDATE studies SET changes = changes - 2")
    with Workspace.open(folder) as workspace:
        assert "2 edits of the journal do not fit" in workspace.notices[0]
        assert workspace.boxes(STUDY) == drawn
        assert workspace.check() == ()
    assert not (folder / "journal.jsonl").exists()
    assert len(list((folder / "broken").glob("journal-*"))) == 1


def test_a_silently_altered_label_is_noticed(folder: Path, drawn: tuple[Box, ...]) -> None:
    """A bit flip that leaves a readable record is not undone on our own account, but said."""
    with closing(sqlite3.connect(folder / "workspace.sqlite")) as other, other:
        other.execute("UPDATE boxes SET label = 'IDB' WHERE uid = ?", (drawn[3].uid,))
    with Workspace.open(folder) as workspace:
        assert f"The boxes and measurements of study {STUDY} are not what its edit history says" in workspace.notices[0]
        assert workspace.boxes(STUDY)[3].label == "IDB"


def test_a_rescue_waits_until_other_programs_have_left(folder: Path, drawn: tuple[Box, ...]) -> None:
    database = folder / "workspace.sqlite"
    with Workspace.open(folder) as first:
        first.apply(Edit(drawn[0], None))
        # Another program would have to break the file under us; a rename stands for it.
        database.rename(folder / "elsewhere.sqlite")
        with pytest.raises(WorkspaceError, match="another BreastLens window has it open") as caught:
            Workspace.open(folder)
        assert "Close every BreastLens window" in caught.value.hint
        (folder / "elsewhere.sqlite").rename(database)
        assert len(first.boxes(STUDY)) == 59


def test_an_interrupted_rescue_starts_again(
    folder: Path, drawn: tuple[Box, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    overwrite_header(folder / "workspace.sqlite")

    def crash(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", crash)
        with pytest.raises(WorkspaceError, match="could not be restored"):
            Workspace.open(folder)
    with Workspace.open(folder) as workspace:
        assert workspace.boxes(STUDY) == drawn
