"""Named keys of system 004's preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inference.errors import CardError
from inference.prepare.keys import check_choices, keys_from_card
from inference.prepare.motion import MODES
from inference.prepare.sagittal import COARSEST_MM, LATERAL_MM, PLANE_MM
from inference.prepare.slopes import CONSTANTS, WASH_IN

_CHOICES = {
    "units": ("s", "min"),
    "wash_in": WASH_IN,
    "wash_in_time": ("pause-aware", "clock"),
    "motion": MODES,
    "region": ("breast", "volume"),
    "precision": ("auto", "float32"),
}


@dataclass(frozen=True)
class SegmentationPreprocessing:
    """Named keys of system 004's preprocessing; the defaults are SYSTEMS.md §1.5's resolutions.

    Attributes
    ----------
    units, constants
        Slopes per second (authors' code) or per minute (paper), and the divisors of T1c, DCE-in and DCE-out that belong
        to them: 40 / 0.3 / 0.12 per second are 40 / 18 / 7.2 per minute.
    wash_in
        DCE-in is the slope (T1c − T1) / Δt (authors' code) or the difference T1c − T1 (paper).
    wash_in_time
        ``"pause-aware"`` or ``"clock"``; see :func:`inference.prepare.slopes.times_of`.
    percentile
        Of the pre-contrast volume, air included; everything is divided by it.
    coarsest_mm, plane_mm, lateral_mm
        See :func:`inference.prepare.sagittal.sagittal_grid`; a ``lateral_mm`` of null leaves the lateral spacing.
    motion, motion_threshold_mm
        See :func:`inference.prepare.motion.aligned`.
    region, margin_mm
        ``"breast"`` reads the breasts and a margin around them, ``"volume"`` everything.
    tile, tile_step
        Pixels of a tile and from one to the next; see :func:`inference.prepare.tiles.tiles_for`.
    precision
        ``"auto"``: bfloat16 where the device multiplies it fast; ``"float32"``.
    """

    units: str = "s"
    constants: tuple[float, float, float] = CONSTANTS
    wash_in: str = "slope"
    wash_in_time: str = "pause-aware"
    percentile: float = 95.0
    coarsest_mm: float = COARSEST_MM
    plane_mm: float = PLANE_MM
    lateral_mm: float | None = LATERAL_MM
    motion: str = "measure"
    motion_threshold_mm: float = 1.0
    region: str = "breast"
    margin_mm: float = 3.0
    tile: int = 69
    tile_step: int = 64
    precision: str = "auto"

    def __post_init__(self) -> None:
        check_choices(self, _CHOICES)
        if len(self.constants) != 3 or min(self.constants) <= 0:
            raise CardError("preprocessing constants are not three numbers above zero.")
        if self.tile < self.tile_step or self.tile_step < 1 or self.tile < 37 or (self.tile - 37) % 8:
            raise CardError(
                f"preprocessing tile {self.tile} with step {self.tile_step}: a tile has 37, 45, 53 … pixels."
            )

    @classmethod
    def from_card(cls, preprocessing: dict[str, Any]) -> SegmentationPreprocessing:
        """Read a card's ``preprocessing``: a ``preset`` (``"default"`` or ``"strict"``) and keys that replace its own.

        Raises
        ------
        CardError
            Where a key or value is unknown.
        """
        return keys_from_card(cls, preprocessing, PRESETS)


# The paper: differences, slopes per minute without further divisors, every image registered, patches of 37 that abut.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "strict": {
        "units": "min",
        "constants": (1.0, 1.0, 1.0),
        "wash_in": "difference",
        "wash_in_time": "clock",
        "motion": "always",
        "region": "volume",
        "tile": 37,
        "tile_step": 37,
    },
}
