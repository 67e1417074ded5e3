"""Sides: which breast an MR volume shows, and where the two breasts lie in one that shows both."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from app.studies.study import Dynamic, Series, Stack, Study
from viewer.slab import Slab

Point = tuple[float, float, float]
# Patient x in mm (LPS: right is negative). A volume reaches into a breast when it goes this far beyond the midline:
# sagittal volumes of one breast end within a few cm of it, fields of view of one breast are about 200 mm wide.
_INTO_BREAST_MM = {"sagittal": 40.0, "axial": 60.0, "coronal": 60.0}
_CENTRE_MM = 20.0  # closer to the midline than this no side can be told
_NAMED = re.compile(r"(?<![a-z])(?:(rt|right|r)|(lt|left|l))(?![a-z])", re.IGNORECASE)


WHOLE = Slab("max")


@dataclass(frozen=True)
class Breast:
    """One row of the hanging: what it shows of a volume.

    Attributes
    ----------
    side
        ``"R"``, ``"L"``, or "" for both in one image or not known.
    start_mm
        Point whose slice is shown at first; None for the middle of the volume.
    slab
        Projection through this breast alone.
    """

    side: str = ""
    start_mm: Point | None = None
    slab: Slab = WHOLE


def breasts_of(series: Series, stack: Stack) -> tuple[Breast, ...]:
    """Return what to hang of a volume: it as it is, or, of a sagittal volume of both breasts, right and left.

    The position in the patient tells; Laterality (0020,0060) only for a volume of one breast, the description last.
    """
    box = box_mm(stack)
    if box is None:
        return (Breast(_stated(series)),)
    low, high = box
    beyond = _INTO_BREAST_MM.get(stack.orientation, 60.0)
    if low[0] < -beyond and high[0] > beyond:
        return _both(low, high) if stack.orientation == "sagittal" else (Breast(),)
    middle = float(low[0] + high[0]) / 2
    by_place = "R" if middle < -_CENTRE_MM else "L" if middle > _CENTRE_MM else ""
    stated = series.laterality if series.laterality in ("R", "L") else ""
    return (Breast(stated or by_place or _stated(series)),)


def _both(low: np.ndarray, high: np.ndarray) -> tuple[Breast, ...]:
    found = []
    for side, (left, right) in (("R", (low[0], 0.0)), ("L", (0.0, high[0]))):
        start = (float(left + right) / 2, *(float(v) for v in (low[1:] + high[1:]) / 2))
        found.append(Breast(side, start, Slab("max", float(right - left))))  # type: ignore[arg-type]
    return tuple(found)


def side_note(series: Series, stack: Stack) -> str:
    """Return a sentence where the stated side contradicts the position in the patient, "" else."""
    box = box_mm(stack)
    if box is None or series.laterality not in ("R", "L"):
        return ""
    low, high = float(box[0][0]), float(box[1][0])
    if (series.laterality == "R" and low > _CENTRE_MM) or (series.laterality == "L" and high < -_CENTRE_MM):
        other = "left" if series.laterality == "R" else "right"
        return f"“{series.label}” is marked {series.laterality}, but lies on the patient's {other}: check the side."
    return ""


def partner_of(study: Study, dynamic: Dynamic) -> Dynamic | None:
    """Return the dynamic series of the other breast in the same plane, for one of a single breast; None else."""
    mine = breasts_of(*study.series_of(dynamic.phases[0].stack_uid))
    if len(mine) != 1 or not mine[0].side:
        return None
    plane = study.stack(dynamic.phases[0].stack_uid).orientation
    for other in study.dynamics:
        series, stack = study.series_of(other.phases[0].stack_uid)
        found = breasts_of(series, stack)
        opposite = len(found) == 1 and {found[0].side, mine[0].side} == {"R", "L"}
        if opposite and stack.orientation == plane and len(other.phases) > 1:
            return other
    return None


def side_shown(series: Series, stack: Stack, slice_index: int | None, plane: str, thickness_mm: float = 0.0) -> str:
    """Return ``"R"`` or ``"L"`` where an image shows one breast, "" where it shows both or that is not known.

    Parameters
    ----------
    slice_index
        Stored slice on show, None where the plane is reformatted.
    plane
        ``"native"`` or the plane it is reformatted to.
    thickness_mm
        Of a projection.
    """
    breasts = breasts_of(series, stack)
    if len(breasts) == 1:
        return breasts[0].side
    if plane not in ("native", stack.orientation) or slice_index is None or not stack.frames:
        return ""
    place = stack.frames[min(slice_index, len(stack.frames) - 1)].position_mm
    if place is None or thickness_mm / 2 > abs(place[0]) + _CENTRE_MM:
        return ""
    return "R" if place[0] < 0 else "L"


def _stated(series: Series) -> str:
    if series.laterality in ("R", "L"):
        return series.laterality
    sides = {"R" if right else "L" for right, _ in _NAMED.findall(series.description.replace("_", " "))}
    return sides.pop() if len(sides) == 1 else ""


def box_mm(stack: Stack) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the least and greatest x, y, z (LPS mm) of the voxel centres; None without a place in the patient."""
    placed = [frame for frame in stack.frames if frame.position_mm is not None and frame.orientation is not None]
    if not placed or stack.spacing_mm is None:
        return None
    _, row_mm, column_mm = stack.spacing_mm
    corners = []
    for frame in (placed[0], placed[-1]):
        origin, cosines = np.asarray(frame.position_mm, float), np.asarray(frame.orientation, float)
        along, down = cosines[:3] * column_mm * (stack.columns - 1), cosines[3:] * row_mm * (stack.rows - 1)
        corners += [origin, origin + along, origin + down, origin + along + down]
    return np.min(corners, axis=0), np.max(corners, axis=0)
