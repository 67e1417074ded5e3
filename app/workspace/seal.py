"""Seal: the hash of the database file as the last program left it, so that the next one notices any altered byte.

SQLite keeps no checksums: a flipped bit inside a stored number passes its own check.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.workspace.errors import WorkspaceError
from app.workspace.files import write_atomically


def _seal(database: Path) -> Path:
    return database.with_name(database.name + ".sha256")


def _in_use(database: Path) -> bool:
    # The log exists while anyone has the database open, and after a crash. The file must not be read then: it is not
    # all there is, and closing it again would drop this process's own locks on it (sqlite.org/howtocorrupt.html, 2.2).
    return database.with_name(database.name + "-wal").exists()


def _hash(database: Path) -> str:
    with database.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def close_seal(database: Path) -> None:
    """Write the seal after the last connection has closed; nothing where another program goes on."""
    if database.exists() and not _in_use(database):
        try:
            write_atomically(_seal(database), _hash(database).encode())
        except WorkspaceError:
            _seal(database).unlink(missing_ok=True)  # without a seal the next start checks more deeply, that is all


def break_seal(database: Path) -> bool:
    """Remove the seal before the database is used; return whether the file is byte for byte what was sealed."""
    seal = _seal(database)
    try:
        intact = not _in_use(database) and database.exists() and seal.read_text() == _hash(database)
    except (OSError, ValueError):
        intact = False
    seal.unlink(missing_ok=True)
    return intact
