"""Regions of kinetics: what the reader drew, as voxels of the series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference.kinetics import KineticsError, Region
from inference.kinetics import region as regions

if TYPE_CHECKING:
    from highdicom import Volume, VolumeGeometry

    from app.session.kinetic_work import Computed, Find
    from app.ui.display import Display
    from inference.kinetics import KineticSettings
    from inference.progress import Progress


def region_of(shape: Any, grid: Volume | VolumeGeometry, title: str = "") -> Region:
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


def drawn(shape: Any) -> Find:
    """Return what finds the voxels of a box, an ellipse or a freehand region."""

    def find(computed: Computed, _settings: KineticSettings, _progress: Progress) -> tuple[Region, str]:
        return region_of(shape, computed.maps.geometry), ""

    return find
