"""What the header of a research image says, in the axes of the program: (slice, row, column), LPS millimetres."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class ResearchImage:
    """What the header of a research image says.

    Attributes
    ----------
    shape
        (slices, rows, columns) or (slices, rows, columns, 3).
    spacing_mm
        Slice, row and column spacing in mm; None where the file does not say.
    affine
        (4, 4) from (slice, row, column, 1) to LPS mm of the voxel centre; None where the file has none.
    dtype
        Type of the values that reading returns.
    colour
        Whether the values are RGB.
    """

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    spacing_mm: tuple[float, float, float] | None = None
    affine: np.ndarray | None = None
    colour: bool = False


def from_xyz(affine: np.ndarray) -> np.ndarray:
    """Turn an affine of (column, row, slice) into one of (slice, row, column)."""
    return np.ascontiguousarray(affine[:, [2, 1, 0, 3]])
