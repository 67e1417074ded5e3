"""Compare: the other side of a pane, beyond a line that can be dragged or in turn with its own, through the affines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QTimer
from PySide6.QtGui import QColor, QPainter, QPen

from viewer.colours import ACTIVE, BACKGROUND, OUTLINE, TEXT
from viewer.furniture.corners import MARGIN, Sheet
from viewer.furniture.text import draw_text, elided, width_of
from viewer.layers.image import ImageVisual
from viewer.layers.types import Compare
from viewer.layers.visuals import visuals_for
from viewer.other_shot import shot_of_other
from viewer.presentation import Presentation
from viewer.shot import Shot

if TYPE_CHECKING:
    from viewer.framed_view import FramedView

BLINK_MS = 1000
GRIP = 7.0  # logical pixels either side of the line in which it can be taken
KNOB = 5.0
TITLE = 13
STRANGE = "“{title}” lies in another frame of reference: it cannot be laid over this image. Show both side by side."
BEYOND = "“{title}” does not reach this slice."


class Comparing:
    """What a view is compared with, where the line is, and which side blinks on.

    Attributes
    ----------
    at
        Where the line lies, as a share of the pane's width.
    other_shown
        While blinking, whether the other side is on.
    """

    def __init__(self, view: FramedView) -> None:
        self._view = view
        self.compare: Compare | None = None
        self.at = 0.5
        self.other_shown = False
        self._image: ImageVisual | None = None
        self._layers: list[Any] = []
        self._window: tuple[Presentation, Presentation, Presentation] | None = None  # own, other's, what is shown
        self.timer = QTimer(view, interval=BLINK_MS)
        self.timer.timeout.connect(self._blink)

    def take(self, compare: Compare | None) -> None:
        """Compare with something, or with nothing."""
        before, self.compare = self.compare, compare
        if compare is None:
            self._image, self._layers, self.other_shown = None, [], False
            self.timer.stop()
            return
        if before is None or before.mode != compare.mode:
            self.other_shown = False
        if compare.image is None:
            self._image = None
        elif self._image is None or self._image.layer.volume is not compare.image.volume:
            self._image = ImageVisual(compare.image)
        if self._image is not None and compare.image is not None:
            self._image.layer = compare.image
        self._layers = visuals_for((*compare.class_maps, *compare.heatmaps, *compare.masks), self._layers)
        self.follow_visibility()

    def follow_visibility(self) -> None:
        """Blink only while somebody can see it."""
        blinking = self.compare is not None and self.compare.mode == "blink" and self._view.isVisible()
        if blinking and not self.timer.isActive():
            self.timer.start()
        elif not blinking:
            self.timer.stop()

    def _blink(self) -> None:
        self.other_shown = not self.other_shown
        self._view.update()

    # --- the line ------------------------------------------------------------------------------------------------

    @property
    def line(self) -> float | None:
        """Screen x of the swipe line in device pixels; None where there is no line."""
        swiping = self.compare is not None and self.compare.mode == "swipe" and self._view.content is not None
        return float(round(self.at * self._view.camera.size[0])) if swiping else None

    def grips(self, x: float) -> bool:
        """Whether a screen position takes hold of the line."""
        return self.line is not None and abs(x - self.line) <= GRIP * self._view.ratio

    def drag_to(self, x: float) -> None:
        """Move the line to a screen position."""
        self.at = min(max(x / max(self._view.camera.size[0], 1), 0.0), 1.0)
        self._view.update()

    def nudge(self, share: float) -> bool:
        """Move the line by a share of the width; False where there is none."""
        if self.line is None:
            return False
        self.drag_to((self.at + share) * self._view.camera.size[0])
        return True

    # --- what is drawn -------------------------------------------------------------------------------------------

    @property
    def problem(self) -> str:
        """Why the other image cannot be shown on this slice, or nothing."""
        shot = self._view.shot
        if self.compare is None or self._image is None or shot is None:
            return ""
        frame = str(self._image.layer.volume.frame_of_reference_uid or "")
        if not frame or frame != shot.frame_uid:
            return STRANGE.format(title=self.compare.other_title)
        return "" if self._other_shot(shot) is not None else BEYOND.format(title=self.compare.other_title)

    @property
    def missing(self) -> int:
        """How many slices a slab of the other image still lacks; see :class:`ImageVisual`."""
        return self._image.missing if self._image is not None else 0

    def complete(self, shot: Shot) -> None:
        """Finish a slab of the other image, for a picture that is kept."""
        other = self._other_shot(shot) if self._image is not None else None
        if self._image is not None and other is not None:
            self._image.complete(other)

    def draw(self, painter: QPainter, shot: Shot) -> bool:
        """Draw what is on the other side of the line, or in turn; True where it takes the whole pane."""
        width, height = shot.camera.size
        if self.compare is None or (self.compare.mode == "blink" and not self.other_shown):
            return False
        left = self.line if self.line is not None else 0.0
        painter.save()
        painter.setClipRect(QRectF(left, 0, width - left, height))
        painter.fillRect(0, 0, width, height, QColor(BACKGROUND))
        if not self.problem:
            self._draw_image(painter, shot)
            if self._view.overlays_visible:
                for layer in self._layers:
                    layer.draw(painter, shot)
        painter.restore()
        if self.line is not None:
            self._draw_line(painter, left, height)
        return self.line is None

    def _draw_image(self, painter: QPainter, shot: Shot) -> None:
        own = self._view.image_visual
        if self._image is None:
            if own is not None:
                own.draw(painter, shot)
            return
        self._image.smooth = own.smooth if own is not None else True
        self._image.presentation = self._presentation()
        other = self._other_shot(shot)
        if other is not None:
            self._image.draw(painter, other)

    def _presentation(self) -> Presentation:
        """Return how the other image becomes grey: in the pane's own window and inversion if it is of the same kind."""
        own, compare = self._view.presentation, self.compare
        assert compare is not None
        assert compare.image is not None
        other = compare.image.presentation
        if own is None or not compare.same_window:
            return other
        if self._window is None or self._window[0] is not own or self._window[1] is not other:
            self._window = (own, other, replace(other.with_voi(own.voi), invert=own.invert))
        return self._window[2]

    def _draw_line(self, painter: QPainter, x: float, height: float) -> None:
        ratio = self._view.ratio
        for colour, width in ((OUTLINE, 3.4), (ACTIVE, 1.4)):
            painter.setPen(QPen(QColor(colour), width * ratio))
            painter.drawLine(QPointF(x, 0), QPointF(x, height))
        painter.setBrush(QColor(ACTIVE))
        painter.drawEllipse(QPointF(x, height * 0.62), KNOB * ratio, KNOB * ratio)
        painter.setBrush(QColor(0, 0, 0, 0))

    @property
    def shown_alone(self) -> bool:
        """Whether the other side takes the whole pane now."""
        return self.compare is not None and self.compare.mode == "blink" and self.other_shown

    def visuals(self) -> list[Any]:
        """Return what draws the maps and masks of the other side; nothing where that side cannot be shown."""
        return [] if self.compare is None or self.problem else self._layers

    def draw_titles(self, sheet: Sheet) -> None:
        """Draw the names of both sides at the line, or that of the side that is on."""
        compare, line = self.compare, self.line
        if compare is None:
            return
        margin, y = MARGIN * sheet.ratio, sheet.height * 0.16
        if line is None:
            text = compare.other_title if self.other_shown else compare.title
            x = (sheet.width - width_of(text, sheet.ratio, TITLE)) / 2
            draw_text(sheet.painter, QPointF(x, y), text, QColor(TEXT), sheet.ratio, TITLE)
            return
        own = elided(compare.title, max(line - 2 * margin, 1), sheet.ratio, TITLE)
        other = elided(compare.other_title, max(sheet.width - line - 2 * margin, 1), sheet.ratio, TITLE)
        x = line - margin - width_of(own, sheet.ratio, TITLE)
        draw_text(sheet.painter, QPointF(x, y), own, QColor(TEXT), sheet.ratio, TITLE)
        draw_text(sheet.painter, QPointF(line + margin, y), other, QColor(TEXT), sheet.ratio, TITLE)

    def _other_shot(self, shot: Shot) -> Shot | None:
        """Return the same place of the other image at the same camera; None where it has no slice there."""
        assert self._image is not None
        volume = self._image.layer.volume
        return shot_of_other(shot, volume.array.shape, np.asarray(volume.affine, dtype=float).tobytes())
