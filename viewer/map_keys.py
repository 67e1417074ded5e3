"""Map keys: which colour bar and which legend a pane shows, and at which side of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from viewer.furniture.colour_bar import draw_colour_bar
from viewer.furniture.corners import Sheet
from viewer.furniture.legend import draw_legend
from viewer.layers.class_map import ClassMapVisual
from viewer.layers.heatmap import HeatmapVisual
from viewer.layers.mask import MaskVisual
from viewer.layers.types import ClassMapLayer, HeatmapLayer, MapClass, MaskLayer
from viewer.shot import Shot

if TYPE_CHECKING:
    from viewer.pane import Pane

Side = Literal["left", "right"]


def visible_heatmap(pane: Pane, shot: Shot) -> HeatmapLayer | None:
    """Return the topmost heat map of the pane that lies on this slice, None where none does or overlays are hidden."""
    return _topmost(pane, pane.layer_visuals, HeatmapVisual, shot)


def visible_class_map(pane: Pane, shot: Shot) -> ClassMapLayer | None:
    """Return the topmost class map that has a class on this slice, None where none has or overlays are hidden."""
    return _topmost(pane, pane.layer_visuals, ClassMapVisual, shot)


def _topmost(pane: Pane, visuals: Sequence[Any], kind: type, shot: Shot) -> Any:
    if not pane.overlays_visible:
        return None
    shown = [one.layer for one in visuals if isinstance(one, kind) and one.covers(shot)]
    return shown[-1] if shown else None


def draw_map_keys(sheet: Sheet, pane: Pane, shot: Shot, outer: str) -> None:
    """Draw colour bar and legend of what is on show.

    They lie at the right edge, on a mammogram at the outer one, away from the chest wall. Under a swipe line each side
    has its own at its edge; while blinking they are those of the side that is on.
    """
    comparing = pane.comparing
    if comparing.line is not None:
        _draw(sheet, pane, shot, pane.layer_visuals, "left")
        _draw(sheet, pane, shot, comparing.visuals(), "right")
        return
    visuals = comparing.visuals() if comparing.shown_alone else pane.layer_visuals
    _draw(sheet, pane, shot, visuals, "left" if outer == "left" else "right")


def _draw(sheet: Sheet, pane: Pane, shot: Shot, visuals: Sequence[Any], side: Side) -> None:
    heatmap = _topmost(pane, visuals, HeatmapVisual, shot)
    if heatmap is not None:
        others = sum(isinstance(one, HeatmapVisual) and one.covers(shot) for one in visuals) - 1
        more = f" and {others} more" if others else ""
        draw_colour_bar(sheet, replace(heatmap, title=f"{heatmap.title}{more}"), side)
    classes = _topmost(pane, visuals, ClassMapVisual, shot)
    named = with_masks(classes, visible_masks(pane, visuals, shot))
    if named is not None:
        draw_legend(sheet, named, beside_bar=heatmap is not None, side=side)


def visible_masks(pane: Pane, visuals: Sequence[Any], shot: Shot) -> tuple[MaskLayer, ...]:
    """Return the masks that are to be seen on this slice or in this slab."""
    if not pane.overlays_visible:
        return ()
    return tuple(one.layer for one in visuals if isinstance(one, MaskVisual) and one.covers(shot))


def with_masks(classes: ClassMapLayer | None, masks: Sequence[MaskLayer]) -> ClassMapLayer | None:
    """Return the legend of a class map with the masks under its classes, of the masks alone, or None."""
    named = tuple(MapClass(number, one.title, one.colour) for number, one in enumerate(masks, start=1))
    if classes is not None:
        return replace(classes, classes=(*classes.classes, *named))
    return ClassMapLayer("masks", "Masks", masks[0].volume, named) if masks else None
