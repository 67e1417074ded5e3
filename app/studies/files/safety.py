"""Bounds for untrusted files, opening them without waiting, and saying what a file seems to be."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from app.studies.errors import StudyError, UnsafeFileError

MIB = 1 << 20
#: Decoded bytes of one frame: 16384 × 16384 at 16 bit.
MAX_FRAME_BYTES = 512 * MIB
#: Frames of one file; the longest tomosynthesis and dynamic series stay below a few thousand.
MAX_FRAMES = 100_000


@contextmanager
def open_regular(path: Path) -> Iterator[FileIO]:
    """Open a file for reading only if it is a regular one; a FIFO, device or folder is refused without waiting on it.

    Raises
    ------
    StudyError
        Where the file is missing, unreadable, empty or not a regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise StudyError(
            f"The file cannot be opened: {_reason(error)}.", "Check that it exists and may be read."
        ) from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "a device, pipe or socket"
            raise UnsafeFileError(f"This is {kind}, not a file.")
        if os.fstat(descriptor).st_size == 0:
            raise StudyError("The file is empty (0 bytes).", "Copy it again from its source.")
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            yield file
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".").lower()


#: First bytes of kinds of file that are often found among images, and what to call them.
_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"NRRD", "an NRRD volume"),
    (b"{", "a JSON text"),
    (b"<?xml", "an XML text"),
)


def kind_of(start: bytes) -> str:
    """Say in words what a file that is not DICOM seems to be, from its first bytes."""
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05" and len(start) > 1:
        return "a Python pickle, which is never opened"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:14].lower().startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML)"
    for magic, name in _KINDS:
        if text.startswith(magic) or start.startswith(magic):
            return name
    if start and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start[:512]):
        return "a text"
    return "of an unknown kind"
