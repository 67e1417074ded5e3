"""Slab: a projection through several slices, along the normal of the plane shown. Qt-free."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

SlabMode = Literal["max", "mean", "min"]


@dataclass(frozen=True)
class Slab:
    """How slices are put together.

    Attributes
    ----------
    mode
        Maximum (MIP), mean or minimum (MinIP) of the slices.
    thickness_mm
        Thickness around the slice shown; infinite takes the whole volume.
    """

    mode: SlabMode = "max"
    thickness_mm: float = math.inf

    @property
    def title(self) -> str:
        """Return what a pane writes, such as ``"MIP"`` or ``"Mean 5 mm"``."""
        name = {"max": "MIP", "mean": "Mean", "min": "MinIP"}[self.mode]
        return name if math.isinf(self.thickness_mm) else f"{name} {self.thickness_mm:.3g} mm"
