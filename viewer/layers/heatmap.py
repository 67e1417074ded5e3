"""Heat map: colour carries the value, opacity is one number, nothing is drawn below the threshold or off its grid."""

from __future__ import annotations

import math

import numpy as np

from viewer.colours import is_diverging, map_colours, strength
from viewer.layers.types import HeatmapLayer
from viewer.layers.visual import RasterVisual, premultiplied
from viewer.sampling import same_frame
from viewer.shot import Shot
from viewer.slab_sampling import project_map, slab_step


class HeatmapVisual(RasterVisual):
    """Draws a :class:`~viewer.layers.types.HeatmapLayer`."""

    def __init__(self, layer: HeatmapLayer) -> None:
        super().__init__()
        self.layer = layer
        self._values: tuple[object, np.ndarray] | None = None

    def succeed(self, previous: HeatmapVisual) -> None:
        """Take over what was sampled from the same map before only its looks changed."""
        if previous.layer.volume is self.layer.volume:
            self._values = previous._values

    def covers(self, shot: Shot) -> bool:
        """Whether the map reaches into this slice, above its threshold or not."""
        if not self._drawn_on(shot):
            return False
        return bool(np.isfinite(self._sampled(shot)[0]).any())

    def _drawn_on(self, shot: Shot) -> bool:
        whole = shot.slab is not None and shot.projects and math.isinf(shot.slab.thickness_mm)
        return (self.layer.through_all or not whole) and same_frame(self.layer.volume, shot.frame_uid)

    def _sampled(self, shot: Shot) -> tuple[np.ndarray, int]:
        step = slab_step(self.layer.volume, shot.plane, shot.span)
        signed = is_diverging(self.layer.table)
        key = (*shot.content_key, signed)
        if self._values is None or self._values[0] != key:
            self._values = (key, project_map(self.layer.volume, shot.plane, shot.span, step, signed=signed))
        return self._values[1], step

    def raster(self, shot: Shot) -> tuple[np.ndarray | None, int]:
        """Return the coloured map on this slice or, at its largest, in this slab; None where it has nothing to show."""
        if not self._drawn_on(shot):
            return None, 1
        values, step = self._sampled(shot)
        layer = self.layer
        shown = np.isfinite(values) * strength(values, layer.value_range, layer.table, layer.threshold)
        if not shown.any():
            return None, step
        colours = map_colours(values, layer.value_range, layer.table)
        return premultiplied(colours, shown * float(np.clip(layer.opacity, 0, 1))), step
