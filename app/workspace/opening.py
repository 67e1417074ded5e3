"""Opening: finds the database sound and brings it to the newest schema, or hands it to `rescue`."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect

from app.workspace import schema, tables
from app.workspace.annotations import Annotations
from app.workspace.backups import Backups, stamp
from app.workspace.database import Database
from app.workspace.errors import DamagedError, WorkspaceError
from app.workspace.journal import Journal, replay
from app.workspace.presence import Presence
from app.workspace.rescue import rescue
from app.workspace.seal import break_seal


def open_database(backups: Backups, journal: Journal, presence: Presence) -> tuple[Database, tuple[str, ...]]:
    """Return the database, sound and at the newest schema, and sentences on what had to be done for that.

    Raises
    ------
    WorkspaceError
        Where the file was made by a newer program, belongs to another one, cannot be read or written, or is damaged
        while another program still has it open.
    """
    path = backups.database
    expected = bool(backups.files()) or not journal.empty
    sealed = break_seal(path)
    with _unaltered(path, presence) as file:
        reason, notices = _examine(file, sealed=sealed, expected=expected)
    if reason:
        if not presence.alone():
            raise WorkspaceError(
                f"The workspace database {path} {reason}, and another BreastLens window has it open.",
                "Close every BreastLens window, then start again: the newest good backup is restored then.",
            )
        # Another program may have rescued it just before we were alone.
        with _unaltered(path, presence) as file:
            reason, notices = _examine(file, sealed=False, expected=expected)
        if reason:
            notices = (rescue(backups, journal, reason),)
    database = Database(path)
    try:
        prepare(database, backups)
        if not sealed and presence.alone():
            notices += _catch_up(database, journal)
    except BaseException:
        database.close()
        raise
    return database, notices


def prepare(database: Database, backups: Backups) -> None:
    """Run the migrations that are missing; what was there before them is backed up first."""
    with database.reading() as connection:
        revision = schema.revision_of(connection)
    if revision == schema.HEAD:
        return
    if revision is not None:
        backups.make()
    with database.writing() as connection:
        schema.upgrade(connection)


@contextmanager
def _unaltered(path: Path, presence: Presence) -> Iterator[Path]:
    """Give a copy to examine after a crash: SQLite folds the log into what it opens, and a broken file is evidence."""
    log = path.with_name(path.name + "-wal")
    if not (path.exists() and log.exists() and presence.alone()):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix=".examined-", dir=path.parent) as folder:
        copy = Path(folder) / path.name
        try:
            shutil.copyfile(path, copy)
            shutil.copyfile(log, copy.with_name(log.name))
        except OSError:
            copy = path  # no room for a copy: better to look at the file itself than not to open
        yield copy


def _catch_up(database: Database, journal: Journal) -> tuple[str, ...]:
    """Carry out what the journal has and the database lacks after a crash, such as the strokes of a deleted log."""
    again, left = replay(journal.changes(), Annotations(database))
    notices = []
    if again > 1:  # one is the stroke in hand when the program died, which nobody was told was saved
        notices.append(f"{again} edits missing from the workspace were carried out again from the journal.")
    if left:
        kept = journal.set_aside(database.path.parent / "broken", f"journal-{stamp()}")
        notices.append(f"{left} edits of the journal do not fit the workspace; the journal is kept in {kept}.")
    return tuple(notices)


def _examine(path: Path, *, sealed: bool, expected: bool) -> tuple[str, tuple[str, ...]]:
    """Return what is wrong with the file (empty where nothing is) and what the user should know of it."""
    if not path.exists():
        return ("is missing" if expected else ""), ()
    if path.stat().st_size == 0:  # SQLite takes an empty file for a new database
        return ("is empty" if expected else ""), ()
    database = Database(path)
    try:
        problems = database.problems(deep=not sealed)
        if problems:
            return f"is damaged ({problems[0]})", ()
        with database.reading() as connection:
            revision = schema.revision_of(connection)
            reason = _strange(connection, path, revision, expected)
        if reason or sealed or revision != schema.HEAD:
            return reason, ()
        return "", Annotations(database).problems()
    except DamagedError as error:
        return f"is damaged ({getattr(error.__cause__, 'orig', error.__cause__)})", ()
    finally:
        database.close()


def _strange(connection: Connection, path: Path, revision: str | None, expected: bool) -> str:
    schema.refuse_newer(revision)
    names = set(inspect(connection).get_table_names())
    if revision is None and names:
        raise WorkspaceError(
            f"The file {path.name} in this workspace folder is a database of another program.",
            "Choose another workspace folder in the preferences.",
        )
    if revision is None:
        return "is empty" if expected else ""
    missing = set(tables.metadata.tables) - names
    return f"is damaged (the table {min(missing)} is gone)" if revision == schema.HEAD and missing else ""
