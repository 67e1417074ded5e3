"""Picture: the rendered part of the volume view as an image: coarse at once, then sharp band by band.

No step takes longer than the pace allows, so that the window stays alive whatever draws.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter

from viewer.volume3d.orbit import Orbit
from viewer.volume3d.pace import Pace
from viewer.volume3d.scene import Scene3D, SceneImage, VolumeViewError

if TYPE_CHECKING:
    from viewer.volume3d.renderer import Renderer


MARGIN = 3  # rows of a band that are drawn and thrown away


class Picture:
    """Holds the renderer, which is made with the first scene.

    Attributes
    ----------
    renderer
        None before the first scene, and where there is no OpenGL.
    image
        The picture drawn last, coarse or partly sharp.
    stale
        Whether something has changed since.
    sharp
        Whether it is drawn in full.
    """

    def __init__(self) -> None:
        self.renderer: Renderer | None = None
        self.image: QImage | None = None
        self.stale = self.sharp = False
        self.pace = Pace()
        self._way: object = None
        self._orbit: Orbit | None = None
        self._next = -1  # first row of the next band, -1 when none is under way

    def take(self, scene: Scene3D) -> None:
        """Take a scene.

        Raises
        ------
        VolumeViewError
            If there is no OpenGL, or the image cannot be a volume.
        """
        if _way(scene.image) != self._way:
            self._way = _way(scene.image)
            self.pace.forget()
        self._ensure().show(scene)
        self.stale, self._next = True, -1

    def _ensure(self) -> Renderer:
        if self.renderer is None:
            try:
                from viewer.volume3d.renderer import Renderer
            except ImportError as error:
                raise VolumeViewError(
                    f"The volume view cannot start: {error}. On Linux install libgl1 and libegl1. "
                    "The slices are not affected."
                ) from error
            self.renderer = Renderer()
        return self.renderer

    def drop(self) -> None:
        """Show nothing, and give back the memory of volume and surfaces."""
        self.image, self.stale, self.sharp, self._next = None, False, False, -1
        if self.renderer is not None:
            self.renderer.show(Scene3D())

    def draw(self, orbit: Orbit, width: int, height: int) -> None:
        """Draw the coarse picture if stale."""
        if not self.stale or self.renderer is None:
            return
        self.stale, self.sharp, self._next = False, False, -1
        reduction = self.pace.reduction(width * height)
        wide, high = max(2, round(width / reduction)), max(2, round(height / reduction))
        begun = time.perf_counter()
        pixels = self.renderer.draw(orbit, wide, high, coarse=True)
        self.pace.took(time.perf_counter() - begun, wide * high)
        self.image = _image(pixels).copy()

    def sharpen(self, orbit: Orbit, width: int, height: int) -> bool:
        """Draw the next band of the sharp picture; return whether there is more to do."""
        if self.renderer is None or self.image is None:
            return False
        if self._next < 0 or self._orbit is not orbit or (width, height) != (self.image.width(), self.image.height()):
            self._orbit, self._next, self.sharp = orbit, 0, False
            self.image = self.image.scaled(
                width, height, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            )
        top, bottom = self._next, min(self._next + max(self.pace.rows(width) - 2 * MARGIN, MARGIN), height)
        begun = time.perf_counter()
        above, below = max(top - MARGIN, 0), bottom + MARGIN  # VTK leaves the edges of a picture out
        pixels = self.renderer.draw(orbit.band(above, below, height), width, below - above)
        painter = QPainter(self.image)
        painter.drawImage(0, top, _image(pixels[top - above : bottom - above]))
        painter.end()
        self.pace.took_rows(time.perf_counter() - begun, width, below - above)
        self._next = bottom if bottom < height else -1
        self.sharp = bottom >= height
        return not self.sharp


def _image(pixels: np.ndarray) -> QImage:
    """Return RGB pixels (rows, columns, 3) as an image that shares their memory."""
    high, wide = pixels.shape[:2]
    return QImage(pixels.data, wide, high, 3 * wide, QImage.Format.Format_RGB888)


def _way(image: SceneImage | None) -> object:
    """Return what makes one volume slower to draw than another."""
    return None if image is None else (image.mode, image.volume.spatial_shape)
