"""Framing: what of a mammogram must be visible, which way round, and the level it shares with its neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.studies.breast_region import BreastRegion
from app.studies.series.views import is_mammographic
from app.studies.turning import Edge, hung_as, stored_edge
from viewer.layers.types import Framing

if TYPE_CHECKING:
    from app.studies.hanging.types import Slot
    from app.studies.load import EdgeLetters, LoadedStack
    from app.studies.study import Series

#: Air left around the breast, mm.
MARGIN_MM = 3.0


def framing_of(
    loaded: LoadedStack, series: Series, slot: Slot, flipped: str = ""
) -> tuple[Framing | None, tuple[str, ...]]:
    """Return how a mammogram lies in its pane, and notes for the user; (None, ()) for any other image.

    Parameters
    ----------
    slot
        Its ``chest_wall`` is the edge of the pane that the chest wall is to touch, its ``group`` shares the scale.
    flipped
        Side whose images are mirrored copies by the evidence of the exam, from :mod:`app.studies.exam_walls`.
    """
    if not is_mammographic(series):
        return None, ()
    hung = hung_as(loaded, series, slot, flipped)
    width_mm, height_mm = _size_mm(loaded)
    breast = loaded.breast or BreastRegion((0.0, 0.0, width_mm, height_mm), level_mm=height_mm / 2, found=False)
    left, top, right, bottom = breast.box_mm
    region = (
        max(0.0, left - MARGIN_MM),
        max(0.0, top - MARGIN_MM),
        min(width_mm, right + MARGIN_MM),
        min(height_mm, bottom + MARGIN_MM),
    )
    wall = stored_edge(hung.turn, hung.wall or "left")
    region = _cut_at_wall(region, breast.box_mm, wall if hung.wall and breast.found else "")
    anchor = _anchor(breast, wall, region)
    return Framing(region, anchor, hung.turn, hung.wall, slot.group), hung.notes


def letters_of(loaded: LoadedStack, series: Series, slot: Slot) -> EdgeLetters | None:
    """Return the letters at the edges of the stored picture; None where the picture proves them wrong."""
    if not is_mammographic(series) or loaded.edge_letters is None:
        return loaded.edge_letters
    return ("", "", "", "") if hung_as(loaded, series, slot).doubtful else loaded.edge_letters


def _size_mm(loaded: LoadedStack) -> tuple[float, float]:
    _, rows, columns = loaded.volume.spatial_shape
    _, row_mm, column_mm = loaded.volume.spacing
    return columns * column_mm, rows * row_mm


def _cut_at_wall(
    region: tuple[float, float, float, float], box: tuple[float, float, float, float], wall: str
) -> tuple[float, float, float, float]:
    """Return the region without margin at the chest wall: a film's black border beyond it would part the pair."""
    if not wall:
        return region
    cut = list(region)
    cut[("left", "top", "right", "bottom").index(wall)] = box[("left", "top", "right", "bottom").index(wall)]
    return cut[0], cut[1], cut[2], cut[3]


def _anchor(breast: BreastRegion, wall: Edge, region: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return the point of the chest wall at nipple level; at half height where no level was found along that wall."""
    left, top, right, bottom = region
    across = wall in ("left", "right")
    known = breast.found and breast.wall and (breast.wall in ("left", "right")) == across
    if across:
        return (left if wall == "left" else right), breast.level_mm if known else (top + bottom) / 2
    return breast.level_mm if known else (left + right) / 2, (top if wall == "top" else bottom)
