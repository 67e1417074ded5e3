"""Class map: each class in its own colour, by the nearest voxel; numbers that no class has are not drawn."""

from __future__ import annotations

import math

import numpy as np

from viewer.colours import rgb
from viewer.layers.types import ClassMapLayer
from viewer.layers.visual import RasterVisual, premultiplied
from viewer.sampling import same_frame
from viewer.shot import Shot
from viewer.slab_sampling import project_classes, slab_step

FINEST = 2048


class ClassMapVisual(RasterVisual):
    """Draws a :class:`~viewer.layers.types.ClassMapLayer`; in a slab the class with the highest number is seen.

    In a projection of the whole volume nothing is drawn: somewhere along nearly every line some voxel has a class.
    """

    smooth = False

    def __init__(self, layer: ClassMapLayer) -> None:
        super().__init__()
        self.layer = layer
        self._places: tuple[object, np.ndarray, int] | None = None  # which class is where: 0 for none, else 1, 2, …

    def succeed(self, previous: ClassMapVisual) -> None:
        """Take over what was sampled from the same classes before only their looks changed."""
        before, now = previous.layer, self.layer
        if before.volume is now.volume and [c.value for c in before.classes] == [c.value for c in now.classes]:
            self._places = previous._places

    def covers(self, shot: Shot) -> bool:
        """Whether a class is to be seen on this slice or in this slab."""
        if not self._drawn_on(shot):
            return False
        return bool(self._sampled(shot)[0].any())

    def _drawn_on(self, shot: Shot) -> bool:
        whole = shot.slab is not None and shot.projects and math.isinf(shot.slab.thickness_mm)
        return not whole and same_frame(self.layer.volume, shot.frame_uid)

    def _sampled(self, shot: Shot) -> tuple[np.ndarray, int]:
        if self._places is None or self._places[0] != shot.content_key:
            layer = self.layer
            step = slab_step(layer.volume, shot.plane, shot.span, FINEST)
            known = [one.value for one in layer.classes if one.value != 0] if shot.projects else None
            numbers = project_classes(layer.volume, shot.plane, shot.span, step, known=known)
            self._places = (shot.content_key, self._placed(numbers), step)
        return self._places[1], self._places[2]

    def _placed(self, numbers: np.ndarray) -> np.ndarray:
        """Return the place of each number in the list of classes, counted from 1; 0 for what is no class."""
        classes = [(place, one.value) for place, one in enumerate(self.layer.classes, start=1) if one.value != 0]
        if numbers.dtype == np.uint8:
            import cv2

            table = np.zeros(256, np.uint8)
            for place, value in classes:
                table[value if 0 <= value < 256 else 0] = place if 0 <= value < 256 else 0
            return cv2.LUT(np.ascontiguousarray(numbers), table)
        places = np.zeros(numbers.shape, np.uint8)
        for place, value in classes:
            places[numbers == value] = place
        return places

    def raster(self, shot: Shot) -> tuple[np.ndarray | None, int]:
        """Return the coloured classes on this slice or in this slab, None where there is none."""
        import cv2

        if not self._drawn_on(shot):
            return None, 1
        places, step = self._sampled(shot)
        if not places.any():
            return None, step
        table = np.zeros((1, 256, 4), np.uint8)
        colours = np.array([[rgb(one.colour) for one in self.layer.classes]], np.uint8)
        opacity = np.full(colours.shape[:2], float(np.clip(self.layer.opacity, 0, 1)))
        table[:, 1 : 1 + colours.shape[1]] = premultiplied(colours, opacity)
        return cv2.LUT(cv2.merge([places] * 4), table), step
