"""Tools of looking: window and level, pan, zoom, magnifier."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from viewer.camera import Camera
from viewer.presentation import Presentation, VoiFunction, Window
from viewer.presets import as_window
from viewer.tools.base import Gesture, Tool

if TYPE_CHECKING:
    from viewer.pane import Pane

TRAVEL = 400.0  # logical pixels of drag that add one width to the window
STEEPEST = 1e-6
LENS = 240  # logical pixels across
POWER = 2.5


class WindowLevelTool(Tool):
    """Drag across for width, up for brighter."""

    name = "window_level"
    cursor = Qt.CursorShape.SizeAllCursor
    needs_slice = False

    def __init__(self) -> None:
        self._start: tuple[Gesture, Presentation] | None = None

    def press(self, pane: Pane, at: Gesture) -> None:
        """Remember the window the drag starts from."""
        if pane.presentation is not None:
            self._start = (at, pane.presentation)

    def move(self, pane: Pane, at: Gesture) -> None:
        """Show the window of the drag so far."""
        if self._start is None:
            return
        start, presentation = self._start
        travel = TRAVEL * pane.ratio
        moved = dragged_window(presentation, (at.x - start.x) / travel, (start.y - at.y) / travel)
        pane.set_presentation(presentation.with_voi(moved))

    def release(self, pane: Pane, at: Gesture) -> None:
        """Keep the window."""
        self._start = None


def dragged_window(presentation: Presentation, across: float, up: float) -> Window:
    """Return the window after a drag, in fractions of a full travel; up is brighter on the screen."""
    window = as_window(presentation.voi)
    smallest = 1.0 if window.function is VoiFunction.LINEAR and window.width >= 1 else abs(window.width) * STEEPEST
    width = max(smallest, window.width * (1 + across) if across > 0 else window.width / (1 - across))
    towards = 1.0 if presentation.invert else -1.0
    center = window.center + towards * up * max(abs(window.width), STEEPEST)
    return replace(window, center=center, width=width, explanation="", origin="user")


class PanTool(Tool):
    """Drag the image."""

    name = "pan"
    cursor = Qt.CursorShape.OpenHandCursor
    needs_slice = False

    def __init__(self) -> None:
        self._last: Gesture | None = None

    def press(self, pane: Pane, at: Gesture) -> None:
        """Take hold."""
        self._last = at

    def move(self, pane: Pane, at: Gesture) -> None:
        """Drag along."""
        if self._last is not None:
            pane.set_camera(pane.camera.panned(at.x - self._last.x, at.y - self._last.y))
            self._last = at

    def release(self, pane: Pane, at: Gesture) -> None:
        """Let go."""
        self._last = None


class ZoomTool(Tool):
    """Drag up to enlarge about the point where the drag began."""

    name = "zoom"
    cursor = Qt.CursorShape.SizeVerCursor
    needs_slice = False

    def __init__(self) -> None:
        self._start: tuple[Gesture, Camera] | None = None

    def press(self, pane: Pane, at: Gesture) -> None:
        """Remember the point that stays in place."""
        self._start = (at, pane.camera)

    def move(self, pane: Pane, at: Gesture) -> None:
        """Zoom: 150 logical pixels double the size."""
        if self._start is not None:
            start, camera = self._start
            factor = 2.0 ** ((start.y - at.y) / (150.0 * pane.ratio))
            pane.set_camera(camera.zoomed(factor, (start.x, start.y)))

    def release(self, pane: Pane, at: Gesture) -> None:
        """Keep the zoom."""
        self._start = None


class MagnifyTool(Tool):
    """A round lens under the pointer while the button is held."""

    name = "magnify"
    cursor = Qt.CursorShape.CrossCursor
    needs_slice = False

    def __init__(self) -> None:
        self._at: Gesture | None = None

    def press(self, pane: Pane, at: Gesture) -> None:
        """Show the lens."""
        self._at = at
        pane.update()

    def move(self, pane: Pane, at: Gesture) -> None:
        """Carry the lens along."""
        self.press(pane, at)

    def release(self, pane: Pane, at: Gesture) -> None:
        """Put the lens away."""
        self._at = None
        pane.update()

    def cancel(self, pane: Pane) -> bool:
        """Put the lens away."""
        shown, self._at = self._at is not None, None
        return shown

    def draw(self, pane: Pane, painter: QPainter) -> None:
        """Draw the magnified pixels in a circle."""
        shot, visual = pane.shot, pane.image_visual
        if self._at is None or shot is None or visual is None:
            return
        side = round(LENS * pane.ratio)
        centre = shot.camera.to_plane(self._at.x, self._at.y)
        camera = replace(shot.camera, centre_mm=centre, zoom=shot.camera.zoom * POWER, size=(side, side))
        lens = visual.magnified(replace(shot, camera=camera))
        rect = QRectF(self._at.x - side / 2, self._at.y - side / 2, side, side)
        circle = QPainterPath()
        circle.addEllipse(rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipPath(circle)
        painter.drawImage(QPointF(round(rect.left()), round(rect.top())), lens)
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor("#c8ccd2"), 1.5 * pane.ratio))
        painter.drawEllipse(rect)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
