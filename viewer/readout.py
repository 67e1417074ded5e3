"""Readout: what lies under the cursor. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass


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
