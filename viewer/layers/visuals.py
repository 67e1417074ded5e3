"""Visuals: which class draws which layer. A new kind of layer is one line here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from viewer.layers.box import BoxVisual
from viewer.layers.class_map import ClassMapVisual
from viewer.layers.heatmap import HeatmapVisual
from viewer.layers.image import ImageVisual
from viewer.layers.mask import MaskVisual
from viewer.layers.measurement import MeasurementVisual
from viewer.layers.types import BoxShape, ClassMapLayer, HeatmapLayer, ImageLayer, MaskLayer, MeasurementShape

VISUALS: dict[type, Any] = {
    ImageLayer: ImageVisual,
    HeatmapLayer: HeatmapVisual,
    MaskLayer: MaskVisual,
    ClassMapLayer: ClassMapVisual,
    BoxShape: BoxVisual,
    MeasurementShape: MeasurementVisual,
}


def visual_for(layer: object) -> Any:
    """Return a new visual for a layer."""
    return VISUALS[type(layer)](layer)


def visuals_for(layers: Iterable[Any], before: Sequence[Any]) -> list[Any]:
    """Return a visual for each visible layer; one that only changed its looks keeps what it had sampled."""
    known = {(type(visual), visual.layer.uid): visual for visual in before}
    visuals = []
    for layer in layers:
        if not getattr(layer, "visible", True):
            continue
        previous = known.get((VISUALS[type(layer)], layer.uid))
        if previous is not None and previous.layer == layer:  # volumes are equal only to themselves
            visuals.append(previous)
            continue
        visual = visual_for(layer)
        if previous is not None and hasattr(visual, "succeed"):
            visual.succeed(previous)
        visuals.append(visual)
    return visuals
