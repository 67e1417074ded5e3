"""Heat map: colour carries the value, opacity is one number, nothing is drawn below the threshold or off its grid."""

from __future__ import annotations

import numpy as np

from viewer.colours import map_colours
from viewer.layers.types import HeatmapLayer
from viewer.layers.visual import RasterVisual, premultiplied
from viewer.sampling import raster_step, same_frame, sample_map
from viewer.shot import Shot


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
        if not same_frame(self.layer.volume, shot.frame_uid):
            return False
        return bool(np.isfinite(self._sampled(shot, raster_step(shot.plane))).any())

    def _sampled(self, shot: Shot, step: int) -> np.ndarray:
        key = (shot.plane.name, shot.plane.shape, shot.slice_index)
        if self._values is None or self._values[0] != key:
            self._values = (key, sample_map(self.layer.volume, shot.plane, shot.slice_index, step))
        return self._values[1]

    def raster(self, shot: Shot) -> tuple[np.ndarray | None, int]:
        """Return the coloured map on this slice, None where it has nothing to show."""
        if not same_frame(self.layer.volume, shot.frame_uid):
            return None, 1
        step = raster_step(shot.plane)
        values = self._sampled(shot, step)
        shown = np.isfinite(values) & (np.nan_to_num(values, nan=-np.inf) >= self.layer.threshold)
        if not shown.any():
            return None, step
        colours = map_colours(values, self.layer.value_range, self.layer.table)
        return premultiplied(colours, shown * float(np.clip(self.layer.opacity, 0, 1))), step
