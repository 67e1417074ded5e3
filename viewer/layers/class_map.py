"""Class map: each class in its own colour, by the nearest voxel; numbers that no class has are not drawn."""

from __future__ import annotations

import numpy as np

from viewer.colours import rgb
from viewer.layers.types import ClassMapLayer
from viewer.layers.visual import RasterVisual, premultiplied
from viewer.sampling import same_frame
from viewer.shot import Shot
from viewer.slab_sampling import project_classes, slab_step

FINEST = 2048


class ClassMapVisual(RasterVisual):
    """Draws a :class:`~viewer.layers.types.ClassMapLayer`; in a slab the class with the highest number is seen."""

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
        if not same_frame(self.layer.volume, shot.frame_uid):
            return False
        return bool(self._sampled(shot)[0].any())

    def _sampled(self, shot: Shot) -> tuple[np.ndarray, int]:
        if self._places is None or self._places[0] != shot.content_key:
            layer = self.layer
            step = slab_step(layer.volume, shot.plane, shot.span, FINEST)
            known = [one.value for one in layer.classes if one.value != 0]
            numbers = project_classes(layer.volume, shot.plane, shot.span, step, known=known)
            places = np.zeros(numbers.shape, np.uint8)
            for place, one in enumerate(layer.classes, start=1):
                if one.value != 0:
                    places[numbers == one.value] = place
            self._places = (shot.content_key, places, step)
        return self._places[1], self._places[2]

    def raster(self, shot: Shot) -> tuple[np.ndarray | None, int]:
        """Return the coloured classes on this slice or in this slab, None where there is none."""
        if not same_frame(self.layer.volume, shot.frame_uid):
            return None, 1
        places, step = self._sampled(shot)
        if not places.any():
            return None, step
        colours = np.array([(0, 0, 0), *(rgb(one.colour) for one in self.layer.classes)], np.uint8)
        return premultiplied(colours[places], (places > 0) * float(np.clip(self.layer.opacity, 0, 1))), step
