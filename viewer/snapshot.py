"""Snapshot: what a pane shows, saved as PNG."""

from __future__ import annotations

from pathlib import Path

from viewer.pane import Pane


def save(pane: Pane, path: Path, *, furniture: bool = True) -> None:
    """Save a pane as PNG in device pixels; OSError where it cannot be written."""
    if not pane.image(furniture=furniture).save(str(path)):
        raise OSError(f"The picture could not be written to {path}. Check that the folder exists and is writable.")
