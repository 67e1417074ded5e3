"""Backups: dated copies of the database made through SQLite's backup API while the program goes on writing."""

from __future__ import annotations

import re
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.workspace.database import explain
from app.workspace.errors import WorkspaceError
from app.workspace.files import sync_file, sync_folder

KEEP_NEWEST = 7
KEEP_DAYS = 7
DUE_AFTER = timedelta(days=1)

_STAMP = "%Y%m%dT%H%M%S%fZ"
_NAME = re.compile(r"workspace-(\d{8}T\d{12}Z)\.sqlite")


def stamp() -> str:
    """Return the present moment in UTC as it stands in file names."""
    return datetime.now(UTC).strftime(_STAMP)


def made(backup: Path) -> datetime:
    """Return when a backup was made, read from its name."""
    match = _NAME.fullmatch(backup.name)
    if match is None:
        raise ValueError(f"{backup.name} is not the name of a backup")
    return datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)


def to_keep(backups: list[Path]) -> set[Path]:
    """Return which of the backups (oldest first) to keep: the newest seven, and the last of each of seven days.

    A busy hour alone makes more than seven; without the daily ones, yesterday would be gone by noon.
    """
    last_of_day = {made(backup).date(): backup for backup in backups}
    days = sorted(last_of_day)[-KEEP_DAYS:]
    return {*backups[-KEEP_NEWEST:], *(last_of_day[day] for day in days)}


def is_sound(path: Path) -> bool:
    """Return whether a file is a whole database with our tables."""
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            answer = connection.execute("PRAGMA quick_check(1)").fetchone()
            connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error:
        return False
    return answer == ("ok",)


class Backups:
    """The backups of one database file.

    Parameters
    ----------
    database
        The file that is backed up.
    folder
        Where the copies lie; made with the first one.
    """

    def __init__(self, database: Path, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self._making = threading.Lock()

    def files(self) -> list[Path]:
        """Return the backups, oldest first."""
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))

    def due(self) -> bool:
        """Return whether the last backup is older than a day, or there is none."""
        files = self.files()
        return not files or datetime.now(UTC) - made(files[-1]) > DUE_AFTER

    def make(self) -> Path:
        """Copy the database as it is now; the copy is checked before it counts and before an older one goes.

        Raises
        ------
        WorkspaceError
            Where the disk is full or the copy is not sound; every earlier backup is untouched.
        """
        with self._making:
            partial = self.folder / f".workspace-{stamp()}.part"
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._copy(partial)
                target = self.folder / f"workspace-{stamp()}.sqlite"
                sync_file(partial)
                partial.replace(target)
                sync_folder(self.folder)
            except sqlite3.Error as error:
                raise explain(error, self.database) from error
            except OSError as error:
                raise WorkspaceError(
                    f"No backup could be made in {self.folder} ({error.strerror or error}).",
                    "Free some disk space or check that you may write in this folder.",
                ) from error
            finally:
                partial.unlink(missing_ok=True)
            self._rotate()
            return target

    def newest_sound(self) -> Path | None:
        """Return the newest backup that is a whole database; None where there is none."""
        return next((backup for backup in reversed(self.files()) if is_sound(backup)), None)

    def _copy(self, target: Path) -> None:
        # All pages in one step: a reader's snapshot, which in WAL mode keeps no writer waiting.
        with closing(sqlite3.connect(self.database)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one self-contained file
            if copy.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
                raise WorkspaceError(
                    f"The backup of {self.database} is not sound, so it was not kept.",
                    "Close and reopen BreastLens: it then checks the workspace and restores an earlier backup.",
                )

    def _rotate(self) -> None:
        files = self.files()
        for old in set(files) - to_keep(files):
            old.unlink(missing_ok=True)
