"""JSON files that a kill leaves whole: written to a temporary name, moved into place, read back with a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from inference.errors import EngineError


def write_json(path: Path, value: Any) -> None:
    """Write a value; a kill leaves the old file or the new one. Folders are made.

    Raises
    ------
    EngineError
        Where the file cannot be written, as on a full disk.
    """
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise EngineError(f"{path} cannot be written: {error}.", "Free some space or choose another folder.") from error


def read_json(path: Path) -> Any:
    """Return the value of a file.

    Raises
    ------
    EngineError
        Where there is no such file, or where it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineError(f"{path} cannot be read: {error}.", "Choose another file, or make it again.") from error
