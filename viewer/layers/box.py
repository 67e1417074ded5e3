"""Box: a reader's rectangle or a model's dashed proposal, with its label and, when selected, eight handles."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from viewer.furniture.text import draw_text
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
            self._label(painter, rect, shot.ratio)
        if self.selected:
            self._handles(painter, edges, shot)

    def _label(self, painter: QPainter, rect: QRectF, ratio: float) -> None:
        above = rect.top() > 18 * ratio and not self.layer.text_below
        at = QPointF(rect.left(), rect.top() - 4 * ratio if above else rect.bottom() + 14 * ratio)
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
