"""Lesion: the connected voxels around a point that enhance by at least half of the lesion's own peak."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.kinetics.classes import KineticSettings
from inference.kinetics.maps import KineticMaps
from inference.kinetics.region import Region, mask_region
from inference.lesion_region import SEARCH_MM, around, grow, half_enhancement
from inference.progress import Progress

REACH_MM = 30.0  # a lesion larger than 6 cm is cut off and says so
STRAND_MM = 3.0  # feeding vessels are thinner, and so are thin spicules
TITLE = "Lesion at the cross"
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Lesion:
    """A lesion found at a point.

    Attributes
    ----------
    least_percent, own_percent
        The threshold used, and the enhancement of the lesion it is half of, per cent.
    cut_off
        Whether it reaches the greatest distance.
    in_breast
        Whether it was held to the breasts; False without a mask, or with the point outside it.
    """

    region: Region
    least_percent: float
    own_percent: float
    cut_off: bool
    in_breast: bool

    @property
    def rule(self) -> str:
        """By which rule it was found, and where that ends; sentences for the user."""
        where = "inside the breast" if self.in_breast else "not limited to the breast"
        said = [
            f"Lesion at the cross: enhancement of {self.least_percent:.0f} % or more, half of its own "
            f"({self.own_percent:.0f} %, the median within {SEARCH_MM:.0f} mm of the cross); "
            f"strands under {STRAND_MM:.0f} mm cut; {where}.",
            "A threshold, not a segmentation: what enhances alike and touches belongs to it, necrosis does not.",
        ]
        if self.cut_off:
            said.append(f"Cut off {REACH_MM:.0f} mm from the cross: vessels or skin may belong to it.")
        return " ".join(said)


def lesion_at(
    maps: KineticMaps,
    settings: KineticSettings,
    mm: Point,
    breasts: np.ndarray | None = None,
    progress: Progress | None = None,
) -> Lesion:
    """Return the lesion at a point.

    Parameters
    ----------
    settings
        ``gate`` says which enhancement counts, of the initial peak or the highest.
    mm
        LPS mm.
    breasts
        Where the breasts are, bool on the grid of the maps; None does not limit the lesion.

    Raises
    ------
    EngineError
        If nothing near the point enhances.
    """
    gate = maps.initial if settings.gate == "initial" else maps.highest
    there = maps.significant
    in_breast = breasts is not None and bool(around(maps.volume(breasts), mm, SEARCH_MM).array.any())
    near = around(maps.volume(gate), mm, REACH_MM + 5)
    sure = around(maps.volume(there), mm, REACH_MM + 5).array
    if breasts is not None and in_breast:
        sure = sure & around(maps.volume(breasts), mm, REACH_MM + 5).array
    enhancing = near.with_array(np.where(sure, near.array, np.float32(-100)))
    least, own = half_enhancement(enhancing, mm)
    grown = grow(enhancing, mm, least, REACH_MM, STRAND_MM, progress)
    return Lesion(mask_region(maps.geometry, grown.mask, TITLE), least, own, grown.cut_off, in_breast)
