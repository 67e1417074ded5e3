"""Data with one accessor: model cards and weights, taxonomies, icons and theme."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def folder(name: str) -> Path:
    """Return a folder of bundled data.

    Parameters
    ----------
    name
        ``"models"``, ``"taxonomies"``, ``"icons"`` or ``"theme"``.

    Raises
    ------
    FileNotFoundError
        Where the installation is incomplete.
    """
    path = Path(str(files("resources"))) / name
    if not path.is_dir():
        raise FileNotFoundError(f"The bundled folder {name!r} is missing from the installation ({path}).")
    return path
