"""Journal: what happened in a training, one JSON object a line, for panels and for reading later."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from inference.errors import EngineError

FILE = "run.jsonl"
Event = dict[str, Any]


class Journal:
    """Appends events to ``run.jsonl`` and passes them on.

    Parameters
    ----------
    folder
        Of the run; None writes nothing (processes of a distributed training but the first).
    listen
        Called with every event in the training's own thread: the live metrics of a panel.
    """

    def __init__(self, folder: Path | None, listen: Callable[[Event], None] | None = None) -> None:
        self._path = folder / FILE if folder is not None else None
        self._listen = listen

    def write(self, kind: str, **values: Any) -> None:
        """Write one event with its kind and the time.

        Raises
        ------
        EngineError
            Where the disk is full or may not be written.
        """
        event = {"event": kind, "time": round(time.time(), 3), **{key: _plain(value) for key, value in values.items()}}
        if self._path is not None:
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(event) + "\n")
            except OSError as error:
                raise not_written(self._path, error) from error
        if self._listen is not None:
            self._listen(event)


def read_journal(folder: Path) -> list[Event]:
    """Return the events of a run, oldest first; a line that a kill cut off is left out."""
    path = folder / FILE
    if not path.is_file():
        return []
    found = []
    for line in path.read_text("utf-8", errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


def epochs_of(events: list[Event]) -> list[Event]:
    """Return the last word on each epoch, in order: an epoch that was begun again after a kill is there once."""
    known = {event["epoch"]: event for event in events if event.get("event") == "epoch"}
    return [known[epoch] for epoch in sorted(known)]


def not_written(path: Path, error: Exception) -> EngineError:
    """Return what to tell where a file of the run could not be written."""
    why = getattr(error, "strerror", None) or str(error)
    return EngineError(
        f"{path} could not be written ({why}), so the training stopped.",
        "Make room on the disk and start it again: it goes on from the last checkpoint.",
    )


def _plain(value: Any) -> Any:
    """Return a value JSON has: numbers that are none become null."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
