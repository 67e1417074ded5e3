"""The parts of an open workspace: database, backups in the background, annotations, results, shelf."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from app.workspace import place
from app.workspace.annotations import Annotations
from app.workspace.backups import Backups, is_sound
from app.workspace.errors import WorkspaceError
from app.workspace.journal import Journal
from app.workspace.opening import open_database
from app.workspace.presence import Presence
from app.workspace.results import Results
from app.workspace.seal import close_seal
from app.workspace.shelf import Shelf

EDITS_PER_BACKUP = 50


class OpenWorkspace:
    """An open workspace; `notices` are sentences for the user."""

    def __init__(self, where: Path | str, author: str) -> None:
        self.folder = place.folder_of(where)
        place.prepare(self.folder)
        self.backups = Backups(self.folder / place.DATABASE_NAME, self.folder / "backups")
        self._presence = Presence(self.folder)
        journal = Journal(self.folder)
        try:
            with self._presence.opening():
                self.database, found = open_database(self.backups, journal, self._presence)
                self._presence.stay()
        except BaseException:
            self._presence.leave()
            raise
        self.notices = list(found)
        self.annotations = Annotations(self.database, author, journal.append, self._count)
        self.results = Results(self.database, self.folder / "arrays")
        self.shelf = Shelf(self.database)
        self._lock = threading.Lock()
        self._edits = 0
        self._backed_up_at = self.database.commits
        self._closed = False
        self._background = ThreadPoolExecutor(1, thread_name_prefix="workspace-backup")
        self._running: Future[None] | None = None
        if self.backups.due():
            self._backup_in_background()

    def say(self, *sentences: str) -> None:
        """Add notices that are not there yet."""
        self.notices.extend(sentence for sentence in sentences if sentence not in self.notices)

    def backup(self) -> Path:
        """Make a backup now."""
        at = self.database.commits
        made = self.backups.make()
        self._backed_up_at = at
        return made

    def check(self) -> tuple[str, ...]:
        """Return a sentence per problem of database, annotations, array files and backups."""
        found = [f"The database reports: {line}." for line in self.database.problems(deep=True)]
        if not found:
            found += [*self.annotations.problems(), *self.results.problems()]
        found += [f"The backup {file} is not sound." for file in self.backups.files() if not is_sound(file)]
        return tuple(found)

    def close(self) -> None:
        """Wait for a running backup, make the last one if anything changed, close."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._background.shutdown(wait=True)
        try:
            if self.database.commits != self._backed_up_at:
                self.backup()
        except WorkspaceError as error:
            self.say(str(error))  # a full disk must not keep the program from closing
        finally:
            self.database.close()
            close_seal(self.backups.database)
            self._presence.leave()

    def _count(self) -> None:
        with self._lock:
            self._edits += 1
            due = self._edits % EDITS_PER_BACKUP == 0
        if due:
            self._backup_in_background()

    def _backup_in_background(self) -> None:
        with self._lock:
            busy = self._running is not None and not self._running.done()
            if not busy and not self._closed:
                self._running = self._background.submit(self._backup_quietly)

    def _backup_quietly(self) -> None:
        try:
            self.backup()
        except WorkspaceError as error:
            self.say(f"{error} {error.hint}".strip())
