"""Classes: persistent, plateau or washout, at thresholds the user can change."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Literal

import numpy as np

from inference.kinetics.timing import KineticsError

if TYPE_CHECKING:
    from inference.kinetics.maps import KineticMaps

Gate = Literal["initial", "highest"]


class KineticClass(IntEnum):
    """Type of the delayed phase, in order of suspicion (ACR BI-RADS 2013; Kuhl et al., Radiology 1999;211:101)."""

    NONE = 0
    PERSISTENT = 1
    PLATEAU = 2
    WASHOUT = 3

    @property
    def title(self) -> str:
        """Return the name a user reads."""
        return "Not classified" if self is KineticClass.NONE else self.name.capitalize()


TYPES = (KineticClass.PERSISTENT, KineticClass.PLATEAU, KineticClass.WASHOUT)


@dataclass(frozen=True)
class KineticSettings:
    """Thresholds.

    Attributes
    ----------
    peak_percent
        Least enhancement of a voxel that is classified, per cent of pre-contrast.
    change_percent
        A delayed signal within this many per cent of the initial peak **signal** is plateau (both ends belong to it),
        above it persistent, below it washout; BI-RADS: 10.
    gate
        Which enhancement must reach ``peak_percent``: the ``initial`` peak, as computer-aided evaluation does, or the
        ``highest`` of all phases.
    cluster
        Least number of voxels, joined by faces, that make a class count for the worst curve: single voxels are noise.

    Raises
    ------
    KineticsError
        For values that make no sense.
    """

    peak_percent: float = 50.0
    change_percent: float = 10.0
    gate: Gate = "initial"
    cluster: int = 3

    def __post_init__(self) -> None:
        if not 0 < self.peak_percent <= 1000:
            raise KineticsError(f"An enhancement threshold of {self.peak_percent:g} % is not above 0 and up to 1000 %.")
        if not 0 <= self.change_percent < 100:
            raise KineticsError(f"A delayed change of ±{self.change_percent:g} % is not between 0 and 100 %.")
        if self.cluster < 1:
            raise KineticsError("The smallest cluster must be at least 1 voxel.")


def kind_of(enhancement: float, change: float, settings: KineticSettings) -> KineticClass:
    """Return the class of one curve.

    Parameters
    ----------
    enhancement
        Per cent, of the initial peak or of the highest phase as ``settings.gate`` says; NaN is not classified.
    change
        Delayed signal against the initial peak signal, per cent.
    """
    if not enhancement >= settings.peak_percent or np.isnan(change):
        return KineticClass.NONE
    if change > settings.change_percent:
        return KineticClass.PERSISTENT
    return KineticClass.WASHOUT if change < -settings.change_percent else KineticClass.PLATEAU


def classify(maps: KineticMaps, settings: KineticSettings) -> np.ndarray:
    """Return the class of every voxel, uint8 (slice k, row j, column i) of :class:`KineticClass`; 0 not classified.

    A voxel is classified where it enhances enough, and by more than noise can.
    """
    gate = maps.initial if settings.gate == "initial" else maps.highest
    classes = np.empty(gate.shape, np.uint8)
    if maps.timing.delayed is None:
        classes.fill(0)
        return classes
    peak, change = np.float32(settings.peak_percent), np.float32(settings.change_percent)
    for k in range(len(classes)):  # a slice stays in the cache; comparisons with NaN are false
        kind = np.add(maps.change[k] <= change, maps.change[k] < -change, dtype=np.uint8)
        np.multiply(kind + np.uint8(1), (gate[k] >= peak) & maps.significant[k], out=classes[k])
    return classes
