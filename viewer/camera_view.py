"""Camera view: a widget that looks at an image plane through a camera and keeps it fitted, turned or zoomed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from viewer.camera import CLOCKWISE, MIRROR, UPRIGHT, UPSIDE_DOWN, Camera, Turn
from viewer.planes import Plane

CLOSEST, FARTHEST = 256.0, 1 / 256  # screen pixels per image pixel


class CameraView(QWidget):
    """Holds the camera; what is looked at is its subclass's business."""

    camera_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.camera = Camera()
        self._plane: Plane | None = None
        self.placing = "fit"  # how the image keeps to the pane when that changes its size; "" keeps centre and zoom

    @property
    def ratio(self) -> float:
        """Device pixels per logical pixel."""
        return self.devicePixelRatioF()

    @property
    def home_turn(self) -> Turn:
        """Which way round the image lies at first."""
        return UPRIGHT

    def set_camera(self, camera: Camera, *, placing: str = "", quietly: bool = False) -> None:
        """Look through another camera, within sensible zoom; quietly, linked panes are not told."""
        if self._plane is not None:
            pixel = max(self._plane.spacing_mm[1:])
            camera = replace(camera, zoom=min(max(camera.zoom, FARTHEST / pixel), CLOSEST / pixel))
        self.camera, self.placing = camera, placing
        self.update()
        if not quietly:
            self.camera_changed.emit()

    @property
    def fitted(self) -> bool:
        """Whether the whole image is fitted to the pane and follows its size."""
        return self.placing == "fit"

    def fit(self, *, quietly: bool = False) -> None:
        """Show the whole image as large as the pane allows; quietly, linked panes are not told."""
        self.camera = replace(self.camera, size=self._device_size())
        if self._plane is not None:
            _, row_mm, column_mm = self._plane.spacing_mm
            _, rows, columns = self._plane.shape
            self.set_camera(self.camera.fitted(columns * column_mm, rows * row_mm), placing="fit", quietly=quietly)

    def one_to_one(self) -> None:
        """Show one image pixel per screen pixel; of pixels that are not square, the shorter side."""
        if self._plane is not None:
            self.set_camera(replace(self.camera, zoom=1.0 / min(self._plane.spacing_mm[1:])))

    def rotate(self) -> None:
        """Turn the image clockwise by a right angle."""
        self._turn(CLOCKWISE)

    def flip_horizontal(self) -> None:
        """Swap left and right of the screen."""
        self._turn(MIRROR)

    def flip_vertical(self) -> None:
        """Swap top and bottom of the screen."""
        self._turn(UPSIDE_DOWN)

    def _turn(self, by: np.ndarray) -> None:
        turned = self.camera.turned(by)
        if self.placing:
            self.camera = turned
            self.place(self.placing)
        else:
            self.set_camera(turned)

    def place(self, placing: str, *, quietly: bool = False) -> None:
        """Put the image where a way of placing it wants it; this view knows ``"fit"``."""
        if placing == "fit":
            self.fit(quietly=quietly)

    def _device_size(self) -> tuple[int, int]:
        return max(1, round(self.width() * self.ratio)), max(1, round(self.height() * self.ratio))

    def _follow_size(self) -> None:
        if self.camera.size != self._device_size():
            self.camera = replace(self.camera, size=self._device_size())
            if self.placing:
                self.place(self.placing, quietly=True)

    def sizeHint(self) -> QSize:
        """Prefer a square."""
        return QSize(512, 512)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit again, or keep centre and zoom."""
        self._follow_size()
