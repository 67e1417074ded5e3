"""Database: one SQLite file with short, durable transactions; what is peculiar to SQLite is here and in `backups`."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc

from app.workspace.documents import dumps
from app.workspace.errors import DamagedError, WorkspaceError

BUSY_TIMEOUT_S = 10.0

_REOPEN = "Close and reopen BreastLens: it then restores the newest good backup."
_HINTS = {
    "SQLITE_FULL": ("the disk is full", "Free some space and repeat the last step; everything saved before is safe."),
    "SQLITE_READONLY": ("it is read-only", "Give yourself write permission on the folder, or choose another one."),
    "SQLITE_PERM": ("it may not be written", "Give yourself write permission on the folder, or choose another one."),
    "SQLITE_CANTOPEN": ("it cannot be opened", "Check that the folder exists and that you may write in it."),
    "SQLITE_BUSY": (
        f"another program has held it for more than {BUSY_TIMEOUT_S:.0f} seconds",
        "Close other BreastLens windows on this workspace and repeat the last step.",
    ),
    "SQLITE_IOERR": ("the disk reports an error", "Check the disk and its free space, then repeat the last step."),
    "SQLITE_CORRUPT": ("its file is damaged", _REOPEN),
    "SQLITE_NOTADB": ("its file is damaged", _REOPEN),
}


def explain(error: sqlite3.Error, path: Path) -> WorkspaceError:
    """Return the sentence for an error of SQLite, with what the user may try."""
    name = getattr(error, "sqlite_errorname", "") or ""
    key = next((k for k in _HINTS if name.startswith(k)), "")
    if key == "" and "file is not a database" in str(error):
        key = "SQLITE_NOTADB"
    cause, hint = _HINTS.get(
        key, (f"SQLite says “{error}”", "Repeat the last step; if it fails again, reopen BreastLens.")
    )
    message = f"The workspace {path} cannot be used: {cause}."
    return DamagedError(message, hint) if key in ("SQLITE_CORRUPT", "SQLITE_NOTADB") else WorkspaceError(message, hint)


class Database:
    """One SQLite file, shared by the threads of this program and, through WAL, by other programs.

    Parameters
    ----------
    path
        The database file; made on the first transaction where it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.commits = 0
        self.commit_seconds: deque[float] = deque(maxlen=1000)
        self._writing = threading.RLock()
        self._engine = _engine(path)
        # A transaction that will write takes the write lock at once: what it reads cannot change under it.
        self._writer = self._engine.execution_options(begin="IMMEDIATE")

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees one unchanging state of the database."""
        with self._explained(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection whose changes are on the disk when the block ends, or not made at all."""
        with self._writing, self._explained():
            start = time.perf_counter()
            with self._writer.begin() as connection:
                yield connection
            self.commit_seconds.append(time.perf_counter() - start)
            self.commits += 1

    def problems(self, *, deep: bool) -> tuple[str, ...]:
        """Return what SQLite's own check finds wrong: quick on every open, deep (indexes, foreign keys) on demand."""
        with self.reading() as connection:
            pragma = "integrity_check" if deep else "quick_check"
            found = [str(row[0]) for row in connection.exec_driver_sql(f"PRAGMA {pragma}(20)")]
            if deep:
                found += [f"row {row[1]} of {row[0]} points to nothing" for row in _dangling(connection)]
        return tuple(line for line in found if line != "ok")

    def close(self) -> None:
        """Close every connection; the last one folds the write-ahead log into the file."""
        self._engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except exc.DBAPIError as error:
            if isinstance(error.orig, sqlite3.Error):
                raise explain(error.orig, self.path) from error
            raise
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise DamagedError(
                f"The workspace {self.path} holds a record that is not readable ({error}).", _REOPEN
            ) from error


def _dangling(connection: Connection) -> list[Any]:
    return list(connection.exec_driver_sql("PRAGMA foreign_key_check"))


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": BUSY_TIMEOUT_S, "isolation_level": None},
        json_serializer=dumps,
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: sqlite3.Connection, _record: object) -> None:
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise WorkspaceError(
            "The workspace cannot be kept on this disk: it does not support write-ahead logging "
            f"(SQLite answers {mode!r}).",
            "Choose a folder on a local disk in the preferences.",
        )
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    # The driver would start transactions late and never for reads; we say BEGIN ourselves.
    kind = connection.get_execution_options().get("begin", "DEFERRED")
    connection.exec_driver_sql(f"BEGIN {kind}")
