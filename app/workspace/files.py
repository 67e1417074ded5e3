"""Files: written whole or not at all, and on the disk when the call returns."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from app.workspace.errors import WorkspaceError


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under a temporary name in the same folder, then put it in place of the old one.

    Raises
    ------
    WorkspaceError
        Where the disk is full or may not be written; the old file is untouched.
    """
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise WorkspaceError(
            f"The file {path} could not be written ({error.strerror or error}).",
            "Free some disk space or check that you may write in this folder, then repeat the last step.",
        ) from error


def sync_file(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Wait until a folder's names are on the disk; systems that cannot open a folder do this by themselves."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
