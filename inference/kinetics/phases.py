"""Phases: the volumes of one dynamic acquisition on one grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.kinetics.timing import KineticsError, TimeBase

if TYPE_CHECKING:
    from highdicom import Volume

_SAME_GRID = 0.1  # of a voxel: positions are stored as text of 16 characters (PS3.5 6.2, DS)


@dataclass(frozen=True)
class Phases:
    """Volumes of one grid and when they were acquired.

    Attributes
    ----------
    volumes
        One per phase, array (slice k, row j, column i), in the order of ``timing.times``.

    Raises
    ------
    KineticsError
        Where they are colour, or differ in matrix, position, orientation or frame of reference.
    """

    volumes: tuple[Volume, ...]
    timing: TimeBase

    def __post_init__(self) -> None:
        if len(self.volumes) != len(self.timing.times):
            raise KineticsError(f"{len(self.timing.times)} phases have a time but {len(self.volumes)} have pixels.")
        first = self.pre
        for index in self.timing.shown:
            why = _difference(first, self.volumes[index])
            if why:
                raise KineticsError(
                    f"Phase {index + 1} and the pre-contrast phase {why}, so they make no curve.",
                    "Motion correction (Ctrl+M) brings the phases onto one grid.",
                )

    @property
    def pre(self) -> Volume:
        """The pre-contrast phase."""
        return self.volumes[self.timing.pre]


def _difference(first: Volume, other: Volume) -> str:
    if first.array.ndim != 3 or other.array.ndim != 3:
        return "are colour images"
    if first.spatial_shape != other.spatial_shape:
        return "differ in matrix or number of slices"
    frames = (first.frame_of_reference_uid, other.frame_of_reference_uid)
    if all(frames) and frames[0] != frames[1]:
        return "have different frames of reference (the patient was positioned anew)"
    corners = np.array([(k, j, i, 1) for k in (0, 1) for j in (0, 1) for i in (0, 1)], float)
    corners[:, :3] *= np.asarray(first.spatial_shape, float) - 1
    apart = corners @ (np.asarray(first.affine, float) - np.asarray(other.affine, float))[:3].T
    millimetres = float(np.linalg.norm(apart, axis=1).max())
    return f"lie up to {millimetres:.1f} mm apart" if millimetres > _SAME_GRID * min(first.spacing) else ""


__all__ = ["KineticsError", "Phases"]
