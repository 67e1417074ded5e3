"""Mask: a tint with a crisp contour at screen resolution."""

from __future__ import annotations

import numpy as np

from viewer.colours import rgb
from viewer.layers.types import MaskLayer
from viewer.layers.visual import RasterVisual, premultiplied
from viewer.sampling import same_frame
from viewer.shot import Shot
from viewer.slab_sampling import project_classes, slab_step

FINEST = 2048
CONTOUR = 2.0  # the contour is this many times as opaque as the tint


class MaskVisual(RasterVisual):
    """Draws a :class:`~viewer.layers.types.MaskLayer`."""

    smooth = False

    def __init__(self, layer: MaskLayer) -> None:
        super().__init__()
        self.layer = layer

    def covers(self, shot: Shot) -> bool:
        """Whether the mask is to be seen on this slice or in this slab."""
        if self._raster[0] != shot.content_key:
            self._raster = (shot.content_key, *self.raster(shot))
        return self._raster[1] is not None

    def raster(self, shot: Shot) -> tuple[np.ndarray | None, int]:
        """Return 255 where the mask is on this slice or anywhere in this slab, None where it is empty."""
        if not same_frame(self.layer.volume, shot.frame_uid):
            return None, 1
        step = slab_step(self.layer.volume, shot.plane, shot.span, FINEST)
        mask = project_classes(self.layer.volume, shot.plane, shot.span, step) != 0
        return (mask.astype(np.uint8) * np.uint8(255) if mask.any() else None), step

    def finish(self, pixels: np.ndarray) -> np.ndarray:
        """Colour the mask and its inner edge, two screen pixels wide."""
        import cv2

        core = cv2.erode(pixels, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
        opacity = float(np.clip(self.layer.opacity, 0, 1))
        alpha = np.where(core > 0, opacity, np.where(pixels > 0, min(1.0, opacity * CONTOUR), 0.0))
        return premultiplied(np.broadcast_to(np.array(rgb(self.layer.colour), np.uint8), (*pixels.shape, 3)), alpha)
