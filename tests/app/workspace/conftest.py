"""Boxes and workspaces for the tests of this folder."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.workspace.box import Box, Edit
from app.workspace.measurement import Measurement, Quantity
from app.workspace.store import Workspace

STUDY = "1.2.840.1"


@pytest.fixture
def make_box() -> Callable[..., Box]:
    """Build a box of the test study; keyword arguments replace fields."""

    def make(x: float = 0.1, **values: object) -> Box:
        fields = {
            "study_uid": STUDY,
            "stack_uid": "1.2.840.2#1",
            "sop_instance_uid": "1.2.840.3",
            "frame_of_reference_uid": "1.2.840.4",
            "corner_mm": (x, -20.3, 7.0),
            "opposite_mm": (x + 1 / 3, 1e-17, 7.0),
            "orientation": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        }
        return Box(**{**fields, **values})  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_measurement() -> Callable[..., Measurement]:
    """Build a measurement of the test study; keyword arguments replace fields."""

    def make(x: float = 0.1, **values: object) -> Measurement:
        fields = {
            "study_uid": STUDY,
            "stack_uid": "1.2.840.2#1",
            "sop_instance_uid": "1.2.840.3",
            "frame_of_reference_uid": "1.2.840.4",
            "image": "subtraction:1.2.840.2#1|1.2.840.2#0",
            "kind": "ellipse",
            "points_mm": ((x, 0.0, 7.0), (x + 1 / 3, 0.0, 7.0), (x, -1e-17, 7.0), (x, 0.1 + 0.2, 7.0)),
            "orientation": (1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
            "affine": (0.0, 0.0, 0.7, 1.0, 0.0, 0.7, 0.0, 2.0, 3.0, 0.0, 0.0, 4.0),
            "basis": "patient",
            "values": (Quantity("area", 12.3, "mm²"), Quantity("pixels", 31, "")),
        }
        return Measurement(**{**fields, **values})  # type: ignore[arg-type]

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


@pytest.fixture
def workspace(folder: Path) -> Iterator[Workspace]:
    with Workspace.open(folder, "AB") as opened:
        yield opened


@pytest.fixture
def drawn(folder: Path, make_box: Callable[..., Box]) -> tuple[Box, ...]:
    """Sixty boxes drawn in an earlier session that was closed: fifty are in a backup for sure."""
    boxes = tuple(make_box(float(n), label="IDC", created=f"2026-01-01T00:00:{n:02}") for n in range(60))
    with Workspace.open(folder) as workspace:
        for box in boxes:
            workspace.apply(Edit(None, box, "draw"))
    return boxes


@pytest.fixture
def integrity() -> Callable[[Path], str]:
    """Ask SQLite itself, without our code, what it thinks of a database file."""

    def ask(file: Path) -> str:
        with closing(sqlite3.connect(file)) as connection:
            return connection.execute("PRAGMA integrity_check").fetchone()[0]

    return ask
