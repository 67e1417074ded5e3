"""Image: modality values to grey at screen resolution; each step is done again only when its own input changes."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from PySide6.QtGui import QImage, QPainter

from viewer.layers.types import ImageLayer
from viewer.layers.visual import to_qimage
from viewer.presentation import Presentation
from viewer.projection import Projector
from viewer.pyramid import Pyramid
from viewer.shot import Shot
from viewer.windowing import is_colour, render_grey

KEPT_BYTES = 96 << 20  # slices whose reduced levels are kept
PATIENCE_S = 0.012  # longest that one painting works at a thick slab of resampled slices


class ImageVisual:
    """Draws an :class:`~viewer.layers.types.ImageLayer` with the pane's own presentation."""

    def __init__(self, layer: ImageLayer) -> None:
        self.layer = layer
        self.presentation: Presentation = layer.presentation
        self.smooth = True
        self.missing = 0  # slices that a slab on show still lacks; painting again goes on with it
        self._projector = Projector(layer.volume.array, layer.presentation.padding)
        self._pyramids: OrderedDict[tuple[object, ...], Pyramid] = OrderedDict()
        self._sampled: tuple[object, np.ndarray, np.ndarray | None] | None = None
        self._screen: tuple[object, QImage] | None = None

    @property
    def colour(self) -> bool:
        """Whether the image is RGB."""
        return self.layer.volume.array.ndim == 4

    def slice_values(self, shot: Shot) -> np.ndarray:
        """Return the modality values of the slice or slab shown, (rows, columns[, 3]); NaN beyond the volume."""
        return self._projector.values(shot.plane, shot.slice_index, shot.slab)

    def probe(self, shot: Shot, row: int, column: int) -> tuple[int, float | tuple[float, ...] | None]:
        """Return the slice where the extremum of a projected pixel lies, else the slice shown, and the modality value.

        The value is that of whole (row, column) of what is shown, None beyond a volume that is resampled.
        """
        if self.colour:
            return shot.slice_index, tuple(map(float, self.slice_values(shot)[row, column]))
        depth, value = self._projector.probe(shot.plane, shot.slice_index, shot.slab, (row, column))
        return depth, None if np.isnan(value) and shot.plane.axes[0] < 0 else value

    def complete(self, shot: Shot) -> None:
        """Finish what a slab still lacks, for a picture that is kept."""
        self._projector.values(shot.plane, shot.slice_index, shot.slab)

    def draw(self, painter: QPainter, shot: Shot) -> None:
        """Blit the image."""
        left, top, width, height = shot.image_rect()
        if width and height:
            painter.drawImage(left, top, self._shown(shot, left, top, (width, height)))

    def _shown(self, shot: Shot, left: int, top: int, size: tuple[int, int]) -> QImage:
        pyramid = self._pyramid(shot)
        where = (shot.key, self.smooth, self.missing)
        if self._sampled is None or self._sampled[0] != where:
            self._sampled = (where, *pyramid.sample(shot.sampling(left, top), size, smooth=self.smooth))
        # the presentation is compared by identity: it is frozen, and holding it keeps the identity from being reused
        what = (where, _Same(self.presentation))
        if self._screen is None or self._screen[0] != what:
            self._screen = (what, to_qimage(self._grey(self._sampled[1], self._sampled[2])))
        return self._screen[1]

    def magnified(self, shot: Shot) -> QImage:
        """Return another shot of the same slice, such as the magnifier's, without touching what is kept."""
        left, top, width, height = shot.image_rect()
        view = QImage(*shot.camera.size, QImage.Format.Format_RGB32)
        view.fill(0)
        if width and height:
            values, share = self._pyramid(shot).sample(shot.sampling(left, top), (width, height), smooth=self.smooth)
            painter = QPainter(view)
            painter.drawImage(left, top, to_qimage(self._grey(values, share)))
            painter.end()
        return view

    def _grey(self, values: np.ndarray, padding_share: np.ndarray | None) -> np.ndarray:
        grey = render_grey(values, self.presentation, colour=self.colour and is_colour(values))
        if padding_share is None:
            return grey
        return (grey * (255 - padding_share.astype(np.uint16)) // 255).astype(np.uint8)

    def _pyramid(self, shot: Shot) -> Pyramid:
        key = shot.content_key
        if key not in self._pyramids:
            values, self.missing = self._projector.partial(shot.plane, shot.slice_index, shot.slab, PATIENCE_S)
            if self.missing:
                return Pyramid(values, self.presentation.padding)
            self._pyramids[key] = Pyramid(values, self.presentation.padding)
            size = self._pyramids[key].base.nbytes
            while len(self._pyramids) > max(2, KEPT_BYTES // max(size, 1)):
                self._pyramids.popitem(last=False)
        self.missing = 0
        self._pyramids.move_to_end(key)
        return self._pyramids[key]


class _Same:
    """Equal only to a wrapper of the very same object."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)
