"""Journal: every change once more, one line of text each, so that a restored backup can catch up to the last stroke."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path

from app.workspace.annotations import Annotations, Change
from app.workspace.documents import dumps, edit_as_dict, edit_from_dict
from app.workspace.errors import WorkspaceError

# Some 4,000 edits; two such files are kept, and a backup is made every 50 edits.
LARGEST_BYTES = 8 * 1024 * 1024


class Journal:
    """An append-only text file beside the database.

    A line is written while the change's transaction is open, and is on the disk before the transaction commits. A line
    whose commit failed is superseded by the next one with its number.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.jsonl"
        self._older = folder / "journal-older.jsonl"

    @property
    def empty(self) -> bool:
        """Whether nothing was ever written."""
        return not self._path.exists() and not self._older.exists()

    def append(self, change: Change) -> None:
        """Write one change and wait until it is on the disk.

        Raises
        ------
        WorkspaceError
            Where the disk is full or may not be written; the transaction is then rolled back.
        """
        text = dumps([change.study_uid, change.number, change.kind, edit_as_dict(change.edit)])
        # A crash can leave a torn line; the line break in front keeps it from swallowing this one.
        line = f"\n{zlib.crc32(text.encode()):08x} {text}\n".encode()
        try:
            if self._path.exists() and self._path.stat().st_size > LARGEST_BYTES:
                self._path.replace(self._older)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
            try:
                _write(handle, line)
            finally:
                os.close(handle)
        except OSError as error:
            raise WorkspaceError(
                f"The edit could not be saved: {self._path} cannot be written ({error.strerror or error}).",
                "Free some disk space or check that you may write in the workspace folder, then repeat the edit.",
            ) from error

    def changes(self) -> tuple[Change, ...]:
        """Return the changes in the order they were made; lines that are torn or damaged are left out."""
        found: dict[tuple[str, int], Change] = {}
        for path in (self._older, self._path):
            for change in _read(path):
                found.pop((change.study_uid, change.number), None)  # the later line also takes the later place
                found[change.study_uid, change.number] = change
        return tuple(found.values())

    def set_aside(self, folder: Path, name: str) -> Path:
        """Move the journal to a folder, so that a new history does not continue an old one; return the folder."""
        for index, path in enumerate((self._older, self._path)):
            if path.exists():
                folder.mkdir(exist_ok=True)
                path.replace(folder / f"{name}-{index}.jsonl")
        return folder


def replay(changes: tuple[Change, ...], annotations: Annotations) -> tuple[int, int]:
    """Carry out the changes that a restored database lacks.

    Returns
    -------
    made, left
        How many were carried out, and how many could not be because one before them is missing or does not fit.
    """
    made = left = 0
    stored = annotations.changes()
    for change in changes:
        has = stored.get(change.study_uid, 0)
        if change.number <= has:
            continue
        if change.number == has + 1 and _carry_out(change, annotations):
            stored[change.study_uid] = change.number
            made += 1
        else:
            left += 1
    return made, left


def _carry_out(change: Change, annotations: Annotations) -> bool:
    try:
        if change.kind == "apply":
            annotations.apply(change.edit)
            return True
        step = annotations.undo if change.kind == "undo" else annotations.redo
        return step(change.study_uid) == change.edit
    except WorkspaceError:
        return False


def _write(handle: int, line: bytes) -> None:
    size = os.fstat(handle).st_size
    written = 0
    try:
        while written < len(line):
            written += os.write(handle, line[written:])
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, size)
        raise


def _read(path: Path) -> Iterator[Change]:
    if not path.exists():
        return
    for raw in path.read_bytes().split(b"\n"):
        checksum, _, text = raw.partition(b" ")
        if len(checksum) != 8 or checksum != b"%08x" % zlib.crc32(text):
            continue
        study_uid, number, kind, edit = json.loads(text)
        yield Change(study_uid, number, kind, edit_from_dict(edit))
