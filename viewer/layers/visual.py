"""Visual: what draws one layer on a shot; the raster kind resamples to screen pixels once and then only blits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
from PySide6.QtGui import QImage, QPainter

from viewer.shot import Shot


class Visual(Protocol):
    """Draws a layer; the painter counts device pixels."""

    def draw(self, painter: QPainter, shot: Shot) -> None:
        """Draw the layer as this shot shows it."""
        ...


def to_qimage(pixels: np.ndarray, *, premultiplied: bool = False) -> QImage:
    """Return an image of uint8 grey (h, w), RGB (h, w, 3) or BGRA (h, w, 4) that owns its pixels' lifetime."""
    import cv2

    if pixels.ndim == 2:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGRA)
    elif pixels.shape[2] == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA)
    pixels = np.ascontiguousarray(pixels)
    kind = QImage.Format.Format_ARGB32_Premultiplied if premultiplied else QImage.Format.Format_RGB32
    height, width = pixels.shape[:2]
    image = QImage(pixels.data, width, height, width * 4, kind)
    image.pixels = pixels  # pyright: ignore[reportAttributeAccessIssue]  # the buffer lives as long as the image
    return image


class RasterVisual(ABC):
    """A layer sampled on a raster of the slice, then brought to the screen; both are kept until something changes."""

    smooth = True

    def __init__(self) -> None:
        self._raster: tuple[object, np.ndarray | None, int] = (None, None, 1)
        self._screen: tuple[object, QImage | None] = (None, None)

    @abstractmethod
    def raster(self, shot: Shot) -> tuple[np.ndarray | None, int]:
        """Return premultiplied BGRA (rows, columns, 4) of slice or slab, or None, and image pixels per raster cell."""

    def draw(self, painter: QPainter, shot: Shot) -> None:
        """Blit the layer over the image."""
        left, top, width, height = shot.image_rect()
        if width == 0 or height == 0:
            return
        if self._screen[0] != shot.key:
            self._screen = (shot.key, self._to_screen(shot, left, top, (width, height)))
        if self._screen[1] is not None:
            painter.drawImage(left, top, self._screen[1])

    def _to_screen(self, shot: Shot, left: int, top: int, size: tuple[int, int]) -> QImage | None:
        key = shot.content_key
        if self._raster[0] != key:
            self._raster = (key, *self.raster(shot))
        _, pixels, step = self._raster
        if pixels is None:
            return None
        shown = self.finish(warp_raster(pixels, shot.sampling(left, top), step, size, smooth=self.smooth))
        return to_qimage(shown, premultiplied=True)

    def finish(self, pixels: np.ndarray) -> np.ndarray:
        """Return premultiplied BGRA at screen pixels; the raster itself unless a layer has more to add."""
        return pixels


def warp_raster(
    pixels: np.ndarray, matrix: np.ndarray, step: int, size: tuple[int, int], *, smooth: bool
) -> np.ndarray:
    """Resample a raster whose cells cover ``step`` image pixels each way, by a matrix from screen to image pixels."""
    import cv2

    to_raster = matrix / step
    to_raster[:, 2] += 0.5 / step - 0.5
    flags = (cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST) | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(pixels, to_raster, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def premultiplied(colours: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return premultiplied BGRA uint8 of RGB uint8 (h, w, 3) and alpha 0–1 (h, w)."""
    pixels = np.empty((*alpha.shape, 4), np.uint8)
    share = alpha.astype(np.float32)
    pixels[..., :3] = np.rint(colours[..., ::-1] * share[..., None])
    pixels[..., 3] = np.rint(share * np.float32(255))
    return pixels
