"""Picture: the rendered part of the volume view as an image, made when it is stale, as fine as time allows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtGui import QImage

from viewer.volume3d.orbit import Orbit
from viewer.volume3d.pace import Pace
from viewer.volume3d.scene import Scene3D, SceneImage, VolumeViewError

if TYPE_CHECKING:
    from viewer.volume3d.renderer import Renderer


class Picture:
    """Holds the renderer, which is made with the first scene.

    Attributes
    ----------
    renderer
        None before the first scene, and where there is no OpenGL.
    image
        The picture drawn last.
    stale
        Whether something has changed since.
    """

    def __init__(self) -> None:
        self.renderer: Renderer | None = None
        self.image: QImage | None = None
        self.stale = False
        self.pace = Pace()
        self._way: object = None

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
        self.stale = True

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
        """Show nothing."""
        self.image, self.stale = None, False

    def draw(self, orbit: Orbit, width: int, height: int, *, moving: bool, full: bool = False) -> None:
        """Draw if stale: coarse while moving, and at full resolution whatever it costs where ``full``."""
        if not self.stale or self.renderer is None:
            return
        self.stale = False
        reduction = 1.0 if full else self.pace.reduction(width * height, moving=moving)
        wide, high = max(2, round(width / reduction)), max(2, round(height / reduction))
        begun = time.perf_counter()
        pixels = self.renderer.draw(orbit, wide, high, coarse=moving)
        self.pace.took(time.perf_counter() - begun, wide * high, moving=moving)
        self.image = QImage(pixels.data, wide, high, 3 * wide, QImage.Format.Format_RGB888).copy()


def _way(image: SceneImage | None) -> object:
    """Return what makes one volume slower to draw than another."""
    return None if image is None else (image.mode, image.volume.spatial_shape)
