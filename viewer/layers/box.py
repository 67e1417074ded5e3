"""Box: a reader's rectangle or a model's dashed proposal, with its label and, when selected, eight handles."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from viewer.furniture.text import draw_text, font, width_of
from viewer.layers.rectangle import HANDLES, Rectangle, shown_rectangle
from viewer.layers.types import BoxShape
from viewer.shot import Shot

HANDLE = 7.0  # logical pixels across


class BoxVisual:
    """Draws a :class:`~viewer.layers.types.BoxShape` on the slice it lies on."""

    def __init__(self, layer: BoxShape) -> None:
        self.layer = layer
        self.selected = False

    def draw(self, painter: QPainter, shot: Shot) -> None:
        """Draw outline, label and handles."""
        edges = shown_rectangle(self.layer, shot)
        if edges is None:
            return
        rect = screen_rect(edges, shot)
        draw_outline(painter, rect, QColor(self.layer.colour), dashed=self.layer.proposal, ratio=shot.ratio)
        if self.layer.text:
            self._label(painter, rect, shot)
        if self.selected:
            self._handles(painter, edges, shot)

    def _label(self, painter: QPainter, rect: QRectF, shot: Shot) -> None:
        ratio, measures = shot.ratio, QFontMetricsF(font(shot.ratio))
        size = (width_of(self.layer.text, ratio) + 6 * ratio, measures.ascent() + measures.descent())
        taken = [QRectF(*one) for one in shot.labels]
        place = label_spot(rect, size, shot.camera.size, ratio, taken)
        if place is None and (self.selected or not self.layer.proposal):
            place = label_spot(rect, size, shot.camera.size, ratio)
        if place is None:
            return  # out of sight, or a proposal in a crowd: the list of findings names it
        shot.labels.append((place.left(), place.top(), place.width(), place.height()))
        at = QPointF(place.left() + 3 * ratio, place.top() + measures.ascent())
        draw_text(painter, at, self.layer.text, QColor(self.layer.colour), ratio)

    def _handles(self, painter: QPainter, edges: Rectangle, shot: Shot) -> None:
        side = HANDLE * shot.ratio
        painter.setPen(QPen(QColor(0, 0, 0), shot.ratio))
        painter.setBrush(QColor("#ffffff" if not self.layer.proposal else "#808080"))
        for name in HANDLES:
            x, y = shot.screen_of(*edges.handle(name))
            painter.drawRect(QRectF(x - side / 2, y - side / 2, side, side))
        painter.setBrush(Qt.BrushStyle.NoBrush)


def screen_rect(edges: Rectangle, shot: Shot) -> QRectF:
    """Return the screen rectangle of a rectangle of pixels."""
    first = QPointF(*shot.screen_of(edges.top, edges.left))
    return QRectF(first, QPointF(*shot.screen_of(edges.bottom, edges.right))).normalized()


def label_spot(
    box: QRectF, size: tuple[float, float], pane: tuple[int, int], ratio: float, taken: Sequence[QRectF] = ()
) -> QRectF | None:
    """Return where the label of a box lies: above, below or within it, at its left or right edge, always in the pane.

    None where the box is out of sight or all these places are taken.

    Parameters
    ----------
    size, pane
        Width and height in device pixels.
    taken
        Other labels, which are kept free.
    """
    inside = QRectF(0, 0, *pane)
    if not box.intersects(inside):
        return None
    width, height = size
    gap = 2 * ratio
    lefts = (box.left() - 3 * ratio, box.right() - width + 3 * ratio)
    tops = (box.top() - gap - height, box.bottom() + gap, box.top() + gap, box.bottom() - gap - height)
    spots = (
        QRectF(min(max(left, 0), inside.right() - width), min(max(top, 0), inside.bottom() - height), width, height)
        for top in tops
        for left in lefts
    )
    return next((spot for spot in spots if not any(spot.intersects(other) for other in taken)), None)


def draw_outline(painter: QPainter, rect: QRectF, colour: QColor, *, dashed: bool, ratio: float) -> None:
    """Draw a thin rectangle with a dark edge, legible on white and on black."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 160), 3.4 * ratio))
    painter.drawRect(rect)
    pen = QPen(colour, 1.6 * ratio)
    if dashed:
        pen.setDashPattern([5, 4])
    painter.setPen(pen)
    painter.drawRect(rect)
