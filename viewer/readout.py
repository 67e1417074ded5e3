"""Readout: what lies under the cursor. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CursorReading:
    """Position and value under the cursor.

    Attributes
    ----------
    pane
        Index of the pane in the grid.
    mm
        LPS millimetres; detector millimetres on a mammogram.
    voxel
        Stored (slice k, row j, column i), whole numbers.
    value
        Modality value, a tuple for RGB, None outside the image.
    unit
        Unit of the value where known.
    """

    pane: int
    frame_of_reference_uid: str
    mm: tuple[float, float, float]
    voxel: tuple[int, int, int]
    value: float | tuple[float, ...] | None
    unit: str = ""


def reading_of(pane: int, frame_uid: str, mm: Any, voxel: Any, value: Any) -> CursorReading:
    """Return a reading of what a pane reports: three mm, three whole numbers, and a value or None."""
    point = (float(mm[0]), float(mm[1]), float(mm[2]))
    return CursorReading(pane, frame_uid, point, (int(voxel[0]), int(voxel[1]), int(voxel[2])), value)
