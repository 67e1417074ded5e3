"""Rescue: a broken database is kept under another name; its newest good backup takes its place and catches up."""

from __future__ import annotations

import shutil
from pathlib import Path

from app.workspace import schema
from app.workspace.annotations import Annotations
from app.workspace.backups import Backups, made, stamp
from app.workspace.database import Database
from app.workspace.errors import WorkspaceError
from app.workspace.files import sync_file, sync_folder
from app.workspace.journal import Journal, replay


def rescue(backups: Backups, journal: Journal, reason: str) -> str:
    """Replace a broken database and return what was done, for the user.

    The replacement is finished under another name before the broken file is touched, so that a rescue that is itself
    cut short starts again from the beginning.

    Parameters
    ----------
    reason
        What is wrong, as it follows the file's name in a sentence: ``"is damaged (…)"``.

    Raises
    ------
    WorkspaceError
        Where the disk is full or may not be written; the broken file then stays where it is.
    """
    path = backups.database
    moment = stamp()
    try:
        backup = backups.newest_sound()
        draft, again, left = _draft(path, backup, journal)
        broken = _set_aside(path, moment)
        draft.replace(path)
        sync_folder(path.parent)
        if left:
            backups.make()
            journal.set_aside(path.parent / "broken", f"journal-{moment}")
    except OSError as error:
        raise WorkspaceError(
            f"The workspace database {path} {reason}, and could not be restored ({error.strerror or error}).",
            f"Free some space or check that you may write in {path.parent}, then start again. Nothing was deleted.",
        ) from error
    return _sentence(f"The workspace database {path} {reason}", broken, backup, (again, left))


def _draft(path: Path, backup: Path | None, journal: Journal) -> tuple[Path, int, int]:
    """Make the replacement beside the broken file: the backup, then the journal's later edits."""
    draft = path.with_name(f".{path.name}.restoring")
    for suffix in ("", "-wal", "-shm"):
        draft.with_name(draft.name + suffix).unlink(missing_ok=True)
    if backup is not None:
        shutil.copyfile(backup, draft)
    database = Database(draft)
    try:
        with database.writing() as connection:
            schema.refuse_newer(schema.revision_of(connection))
            schema.upgrade(connection)
        again, left = replay(journal.changes(), Annotations(database))
    finally:
        database.close()
    sync_file(draft)
    return draft, again, left


def _set_aside(path: Path, moment: str) -> Path | None:
    """Rename the database with its log, so that nothing is lost or mistaken for the new one's; return the new name."""
    broken = path.parent / "broken" / f"workspace-{moment}.sqlite"
    found = path.exists()
    for suffix in ("", "-wal", "-shm"):  # the file first: without its log it might pass for a sound, older one
        part = path.with_name(path.name + suffix)
        if part.exists():
            broken.parent.mkdir(exist_ok=True)
            part.replace(broken.with_name(broken.name + suffix))
    return broken if found else None


def _sentence(what: str, broken: Path | None, backup: Path | None, replayed: tuple[int, int]) -> str:
    again, left = replayed
    parts = [f"{what}."]
    if backup is None:
        parts.append(
            "There is no sound backup, so a new workspace was started; model results saved before are not in it."
        )
    else:
        when = made(backup).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        parts.append(f"It was restored from the backup of {when}, {backup}.")
    if again:
        parts.append(f"{again} edits made after that were carried out again from the journal.")
    elif backup is None:
        parts.append("Boxes and measurements drawn before are not in it either.")
    if left:
        parts.append(f"{left} edits of the journal could not be carried out again; the journal is kept in “broken”.")
    if broken is not None:
        parts.append(f"The broken file is kept as {broken}.")
    return " ".join(parts)
