"""Volume view: a widget that shows a scene, turns it with mouse and keys, and reports clicks in millimetres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from viewer.colours import BACKGROUND, SECOND
from viewer.furniture.text import font
from viewer.layers.types import Point
from viewer.volume3d.furniture import Canvas, draw_furniture, volume_corners
from viewer.volume3d.navigation import Navigation
from viewer.volume3d.orbit import STANDARD, Orbit, orbit_around
from viewer.volume3d.picture import Picture
from viewer.volume3d.scene import Scene3D, SceneImage, VolumeViewError
from viewer.volume3d.sharpening import Sharpening

if TYPE_CHECKING:
    from viewer.volume3d.surface import Mesh

EMPTY = "No volume to show"


class VolumeView(QWidget):
    """A scene in three dimensions.

    VTK draws off-screen and Qt paints the picture: no native child window, so that splitters, scaling and pictures of
    the window work as for any other widget. Every change is drawn coarse at once, and sharp, band by band, as soon as
    the view is left alone.

    Attributes
    ----------
    point_picked
        LPS mm of what was clicked.
    mode_toggled
        The user wants MIP for shaded, or the other way round.
    message
        Why nothing is drawn, "" where something is.
    """

    point_picked = Signal(object)
    mode_toggled = Signal()
    orbit_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setAccessibleName("Volume view")
        self.scene = Scene3D()
        self.message = EMPTY
        self.orbit: Orbit | None = None
        self._picture = Picture()
        self._fitted = True
        self._sharpening = Sharpening(self, self._band)
        self._navigation = Navigation(self)

    # -- scene -----------------------------------------------------------------------------------------------------

    def set_scene(self, scene: Scene3D) -> None:
        """Show a scene; the viewpoint stays while the volume covers the same place."""
        old, self.scene = self.scene, scene
        if scene.image is None:
            self._fail(EMPTY)
            return
        if _place(old.image) != _place(scene.image) or self.orbit is None:
            self.orbit, self._fitted = self._first_look(old.image, scene.image), True
        if (old.image, old.masks) != (scene.image, scene.masks) or self.message:
            self._take(scene)
        self.update()

    def _take(self, scene: Scene3D) -> None:
        try:
            self._picture.take(scene)
        except VolumeViewError as error:
            self._fail(str(error))
            return
        self.message = ""
        self.redraw()

    def _fail(self, message: str) -> None:
        self.message = message
        self._picture.drop()
        self._sharpening.stop()
        self.update()

    def set_message(self, message: str) -> None:
        """Show a sentence instead of a volume."""
        self.scene = Scene3D()
        self._fail(message or EMPTY)

    def set_cursor(self, point_mm: Point | None) -> None:
        """Show the shared cursor; the picture under it is kept."""
        if point_mm != self.scene.cursor_mm:
            self.scene = replace(self.scene, cursor_mm=point_mm)
            self.update()

    def mesh(self, uid: str) -> Mesh | None:
        """Return the surface of a mask that is drawn."""
        renderer = self._picture.renderer
        return renderer.mesh(uid) if renderer is not None else None

    @property
    def device(self) -> str:
        """What draws: the name of the graphics card or of the software that stands in for it."""
        return self._picture.renderer.device if self._picture.renderer is not None else ""

    # -- viewpoint -------------------------------------------------------------------------------------------------

    def _home(self, image: SceneImage, name: str = "foot") -> Orbit:
        corners = volume_corners(image.volume.spatial_shape, np.asarray(image.volume.affine, float))
        return orbit_around(corners, self.width() / max(self.height(), 1), name)

    def _first_look(self, old: SceneImage | None, image: SceneImage) -> Orbit:
        """Return the view of another volume; the same patient is seen from where he was seen before."""
        home = self._home(image)
        same = old is not None and old.volume.frame_of_reference_uid == image.volume.frame_of_reference_uid
        return replace(home, axes=self.orbit.axes) if same and self.orbit is not None else home

    def set_orbit(self, orbit: Orbit) -> None:
        """Look from elsewhere."""
        old, self.orbit = self.orbit, orbit
        if old is not None and (old.height_mm, old.pan_mm) != (orbit.height_mm, orbit.pan_mm):
            self._fitted = False
        self.redraw()
        self.orbit_changed.emit()

    def look_from(self, name: str) -> None:
        """Look from a standard side: anterior, posterior, left, right, head or foot."""
        if name not in STANDARD:
            raise ValueError(f"{name!r} is not one of {', '.join(STANDARD)}")
        if self.orbit is None or self.scene.image is None:
            return
        fitted = self._fitted
        self.set_orbit(self._home(self.scene.image, name) if fitted else self.orbit.seen_from(name))
        self._fitted = fitted

    def reset(self) -> None:
        """Show the whole volume from the foot, as axial slices are shown."""
        if self.scene.image is not None:
            self.set_orbit(self._home(self.scene.image))
            self._fitted = True

    def redraw(self) -> None:
        """Render anew with the next paint."""
        self._picture.stale = self.scene.image is not None and not self.message
        if self._picture.stale:
            self._sharpening.start()
        self.update()

    def _band(self) -> bool:
        """Draw a band of the sharp picture; return whether there are more."""
        if self.orbit is None or self._picture.stale:  # it is not painted while it is hidden
            return False
        more = self._picture.sharpen(self.orbit, *self._size()[:2])
        self.update()
        return more

    def when_sharp(self, then: Callable[[], object]) -> None:
        """Call a function as soon as the picture is drawn in full, at once where it is or where there is none."""
        self._sharpening.wait(then)
        if self.message or self.orbit is None or (self._picture.sharp and not self._picture.stale):
            self._sharpening.done()

    # -- picking ---------------------------------------------------------------------------------------------------

    def point_at(self, x: float, y: float) -> Point | None:
        """Return the LPS point that is seen at logical widget coordinates, None where there is nothing."""
        from viewer.volume3d.ray import seen

        image = self.scene.image
        if image is None or self.orbit is None or self.message:
            return None
        start, direction = self.orbit.ray(x, y, self.width(), self.height())
        meshes = self._picture.renderer.meshes if self._picture.renderer is not None else ()
        found = seen(image, meshes, start, direction)
        return (float(found[0]), float(found[1]), float(found[2])) if found is not None else None

    def pick(self, x: float, y: float) -> None:
        """Report what was clicked."""
        found = self.point_at(x, y)
        if found is not None:
            self.point_picked.emit(found)

    # -- painting --------------------------------------------------------------------------------------------------

    def image(self) -> QImage:
        """Return what the view shows, sharp, in device pixels; it waits for bands not drawn yet."""
        width, height, ratio = self._size()
        image = QImage(width, height, QImage.Format.Format_RGB32)
        painter = QPainter(image)
        if self.orbit is not None and not self.message:
            self._picture.draw(self.orbit, width, height)
            while not self._picture.sharp and self._picture.sharpen(self.orbit, width, height):
                pass
        self._paint(painter, width, height, ratio)
        painter.end()
        return image

    def _size(self) -> tuple[int, int, float]:
        ratio = self.devicePixelRatioF()
        return max(1, round(self.width() * ratio)), max(1, round(self.height() * ratio)), ratio

    def paintEvent(self, event: QPaintEvent) -> None:
        """Render if something has changed, then draw picture and furniture."""
        width, height, ratio = self._size()
        painter = QPainter(self)
        painter.scale(1 / ratio, 1 / ratio)
        self._paint(painter, width, height, ratio)
        painter.end()

    def _paint(self, painter: QPainter, width: int, height: int, ratio: float) -> None:
        painter.fillRect(0, 0, width, height, QColor(BACKGROUND))
        if self.orbit is not None:
            self._picture.draw(self.orbit, width, height)
        if self.message or self._picture.image is None or self.orbit is None:
            painter.setPen(QColor(SECOND))
            painter.setFont(font(ratio, 13))
            room = QRectF(0, 0, width, height).adjusted(24 * ratio, 24 * ratio, -24 * ratio, -24 * ratio)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.message)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(0, 0, width, height), self._picture.image)
        draw_furniture(Canvas(painter, self.orbit, width, height, ratio), self.scene)

    # -- Qt --------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: Any) -> None:
        """Render at the new size."""
        if self._fitted and self.orbit is not None and self.scene.image is not None:
            self.orbit = replace(self.orbit, height_mm=self._home(self.scene.image).height_mm)
        self.redraw()

    def event(self, event: QEvent) -> bool:
        """Keep the keys of the view from the window's shortcuts."""
        if event.type() is QEvent.Type.ShortcutOverride and self._navigation.knows(event):  # type: ignore[arg-type]
            event.accept()
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a drag."""
        self._navigation.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn or move."""
        self._navigation.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End a drag; a click that was none picks."""
        self._navigation.release(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        self._navigation.wheel(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Turn, zoom, standard views."""
        if not self._navigation.key(event):
            super().keyPressEvent(event)


def _place(image: SceneImage | None) -> object:
    """Return what tells one place of a volume from another: another phase lies in the same."""
    if image is None:
        return None
    return image.volume.frame_of_reference_uid, image.volume.spatial_shape, tuple(np.ravel(image.volume.affine))
