"""Sources: the files behind a path the user opens, be it a folder, a file, a zip or a DICOMDIR."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.studies.errors import StudyError
from app.studies.study import Skipped
from inference.progress import Progress

_ZIP_MAGIC = b"PK\x03\x04"
_NEVER_IMAGES = frozenset((".ds_store", "thumbs.db", "desktop.ini"))


@dataclass(frozen=True)
class Source:
    """The files to look at, those refused on the way, and the folder they lie in."""

    folder: Path
    files: tuple[Path, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    done: float = 0.0  # how much of the whole job finding the files was


def source_of(path: Path, progress: Progress, unpack_into: Path | None) -> Source:
    """Return the files behind a path.

    Raises
    ------
    StudyError
        If there is nothing at the path, or the archive cannot be opened.
    """
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise StudyError(
            f"{path} cannot be opened: {error.strerror or error}.", "Check that it may be read."
        ) from error
    if is_folder:
        files, skipped = _walked(path, progress)
        return Source(path, files, skipped)
    if not is_file:
        raise StudyError(f"There is nothing at {path}.", "Check the path; the disk may have been removed.")
    if _is_zip(path):
        return _unpacked(path, progress, unpack_into)
    if is_dicomdir(path):
        from app.studies.files.archives import dicomdir_files

        files, skipped = dicomdir_files(path)
        return Source(path.parent, tuple(files), tuple(skipped))
    return Source(path.parent, (path,))


def is_dicomdir(path: Path) -> bool:
    """Whether a file is a DICOMDIR, by its name as PS3.10 8.6 prescribes it."""
    return path.name.upper() == "DICOMDIR"


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == _ZIP_MAGIC and path.suffix.lower() not in (".npz", ".docx", ".xlsx")
    except OSError as error:
        raise StudyError(f"{path.name} cannot be opened: {error.strerror or error}.") from error


def _unpacked(path: Path, progress: Progress, unpack_into: Path | None) -> Source:
    from app.studies.files.archives import unpack

    into = unpack_into
    if into is None:
        into = Path(tempfile.mkdtemp(prefix="breastlens-"))
        atexit.register(shutil.rmtree, into, ignore_errors=True)
    folder, refused = unpack(path, into, progress.part(0.0, 0.4))
    files, skipped = _walked(folder, progress)
    return Source(folder, files, (*refused, *skipped), (f"Unpacked from {path.name}.",), done=0.4)


def _walked(folder: Path, progress: Progress) -> tuple[tuple[Path, ...], tuple[Skipped, ...]]:
    """Return every file below a folder in a stable order; links that leave it or loop are not followed."""
    skipped: list[Skipped] = []
    files: list[Path] = []
    for entry in _entries(folder, skipped, progress):
        if entry.name.lower() in _NEVER_IMAGES or entry.name.startswith("._"):
            skipped.append(Skipped(entry, "A file of the operating system, not an image."))
        else:
            files.append(entry)
    return tuple(sorted(files)), tuple(skipped)


def _entries(folder: Path, skipped: list[Skipped], progress: Progress) -> Iterator[Path]:
    pending = [folder]
    while pending:
        progress.check()
        current = pending.pop()
        try:
            with os.scandir(current) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            skipped.append(Skipped(current, f"The folder cannot be read: {error.strerror or error}."))
            continue
        folders = []
        for entry in entries:
            path = Path(entry.path)
            try:
                is_folder, is_file = entry.is_dir(follow_symlinks=False), entry.is_file()
            except OSError as error:  # a link to itself, a folder that vanished meanwhile
                skipped.append(Skipped(path, f"It cannot be opened: {error.strerror or error}."))
                continue
            if is_folder:
                folders.append(path)
            elif is_file:
                yield path
            else:
                skipped.append(Skipped(path, "Not a regular file (a link to a folder, a socket or a device)."))
        pending.extend(reversed(folders))
