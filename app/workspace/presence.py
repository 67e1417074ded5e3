"""Presence: which programs have a workspace open, by locks that vanish with the program that held them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.workspace.database import explain

PATIENCE_S = 60.0


class Presence:
    """Locks on an empty SQLite file beside the database, the one portable lock that survives no crash.

    Whoever opens holds the write lock, so that only one program at a time creates, migrates or rescues.
    Whoever has the workspace open holds a read lock, so that a rescue knows that it is alone.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "workspace.lock"
        self._opening = self._connect()
        self._staying = self._connect()

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Wait until no other program is opening this workspace, then keep others out for the block."""
        try:
            self._opening.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            raise explain(error, self._path) from error
        try:
            yield
        finally:
            if self._opening.in_transaction:
                self._opening.execute("ROLLBACK")

    def alone(self) -> bool:
        """Return whether no other program has the workspace open; asked inside :meth:`opening`."""
        self._opening.execute("PRAGMA busy_timeout=0")
        alone = True
        try:
            # A commit needs every reader gone; it is refused while one stays.
            self._opening.execute("PRAGMA user_version=1")
            self._opening.execute("COMMIT")
        except sqlite3.OperationalError:
            alone = False
            self._opening.execute("ROLLBACK")  # the refused commit would keep new readers out
        self._opening.execute(f"PRAGMA busy_timeout={PATIENCE_S * 1000:.0f}")
        self._opening.execute("BEGIN IMMEDIATE")
        return alone

    def stay(self) -> None:
        """Hold the read lock until :meth:`leave`."""
        self._staying.execute("BEGIN")
        self._staying.execute("SELECT count(*) FROM sqlite_master").fetchall()

    def leave(self) -> None:
        """Let go of every lock."""
        self._staying.close()
        self._opening.close()

    def _connect(self) -> sqlite3.Connection:
        try:
            return sqlite3.connect(self._path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise explain(error, self._path) from error
