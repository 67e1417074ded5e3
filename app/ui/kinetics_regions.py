"""Regions of kinetics: what the reader drew, or the lesion that grows around the cross, as voxels of the series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.kinetics import KineticsError, Region
from inference.kinetics import region as regions

if TYPE_CHECKING:
    from highdicom import Volume

    from app.ui.display import Display
    from inference.kinetics import KineticMaps, KineticSettings

REACH_MM = 30.0  # a lesion larger than 6 cm is cut off and says so
Point = tuple[float, float, float]


def region_of(shape: Any, grid: Volume, title: str = "") -> Region:
    """Return the voxels of a box, an ellipse or a freehand region.

    Parameters
    ----------
    shape
        A box (``corner_mm``, ``opposite_mm``, ``orientation``), or a measurement (``kind``, ``points_mm``,
        ``orientation``).

    Raises
    ------
    KineticsError
        For what has no area, lies in another frame of reference, or outside the series.
    """
    frame_uid = grid.frame_of_reference_uid or ""
    if shape.frame_of_reference_uid != frame_uid:
        raise KineticsError("The region was drawn on another examination.", "Draw one on the dynamic series.")
    if hasattr(shape, "corner_mm"):
        return regions.rectangle(grid, shape.corner_mm, shape.opposite_mm, shape.orientation, title or "Box")
    if shape.kind == "ellipse":
        return regions.ellipse(grid, shape.points_mm, title or "Ellipse")
    if shape.kind == "freehand":
        return regions.outline(grid, shape.points_mm, shape.orientation, title or "Freehand region")
    raise KineticsError("A length or an angle has no area.", "Select a box, an ellipse or a freehand region.")


def selected_shape(display: Display) -> Any:
    """Return the box, ellipse or freehand region that is selected, else the one drawn last.

    Raises
    ------
    KineticsError
        If there is none.
    """
    annotations = display.session.annotations
    areas = [one for one in getattr(annotations, "measurements", ()) if one.kind in ("ellipse", "freehand")]
    drawn = [*annotations.boxes, *areas]
    chosen = [one for one in drawn if one.uid == display.marks.selected]
    if not drawn:
        raise KineticsError("No region is drawn yet.", "Draw a box (B), an ellipse (Shift+E) or freehand (Shift+F).")
    return chosen[0] if chosen else max(drawn, key=lambda one: getattr(one, "created", ""))


def lesion_at(maps: KineticMaps, settings: KineticSettings, mm: Point) -> tuple[Region, str]:
    """Return the connected voxels around a point whose enhancement reaches the threshold, and a note on its limits.

    Raises
    ------
    EngineError
        If nothing near the point enhances enough.
    """
    from inference.lesion_region import around, grow

    gate = maps.initial if settings.gate == "initial" else maps.highest
    near, sure = around(maps.volume(gate), mm, REACH_MM + 5), around(maps.volume(maps.significant), mm, REACH_MM + 5)
    enhancing = near.with_array(np.where(sure.array, near.array, np.float32(-100)))
    grown = grow(enhancing, mm, settings.peak_percent, REACH_MM)
    note = f"Cut off {REACH_MM:.0f} mm from the cross: vessels or skin may belong to it." if grown.cut_off else ""
    return regions.mask_region(maps.geometry, grown.mask, "Lesion at the cross"), note
