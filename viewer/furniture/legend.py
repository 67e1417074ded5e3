"""Legend: the classes of a map with their colours, where the colour bar would be, or beside it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPen

from viewer.colours import OUTLINE, TEXT
from viewer.furniture.colour_bar import bar_height
from viewer.furniture.corners import LINE, MARGIN, Sheet
from viewer.furniture.text import PLATE, draw_text, elided, width_of
from viewer.layers.types import ClassMapLayer

SIZE = 11  # logical pixels, as at the colour bar
PATCH = 10.0
CLEAR = 26.0  # logical pixels kept free at the edge for the orientation letter
BAR = 62.0  # logical pixels that the colour bar and its marks take up


def legend_rect(sheet: Sheet, layer: ClassMapLayer, *, beside_bar: bool = False, side: str = "right") -> QRectF:
    """Return where the legend lies, in device pixels: at the middle of the right or left edge; below a colour bar.

    In a pane without room below, it lies beside the bar.
    """
    ratio = sheet.ratio
    room = sheet.width * 0.45
    texts = [layer.title, *(f"{one.title}" for one in layer.classes)]
    widest = max(width_of(text, ratio, SIZE) for text in texts)
    width = min(widest + (PATCH + 16) * ratio, room)
    height = (LINE * len(texts) + 8) * ratio
    top = (sheet.height - height) / 2
    inset = (MARGIN + CLEAR) * ratio
    if beside_bar:
        below = (sheet.height + bar_height(sheet)) / 2 + LINE * ratio
        if below + height < sheet.height - 2 * LINE * ratio:  # the line of the corner stays free
            top, inset = below, MARGIN * ratio
        else:
            inset += BAR * ratio
    left = inset if side == "left" else sheet.width - inset - width
    return QRectF(left, top, width, height)


def draw_legend(sheet: Sheet, layer: ClassMapLayer, *, beside_bar: bool = False, side: str = "right") -> None:
    """Draw title, colours and names of the classes on a plate that keeps them readable over a bright image."""
    ratio, painter = sheet.ratio, sheet.painter
    rect = legend_rect(sheet, layer, beside_bar=beside_bar, side=side)
    painter.fillRect(rect, PLATE)
    left, base = rect.left() + 4 * ratio, rect.top() + (LINE - 1) * ratio
    room = rect.width() - 8 * ratio
    title = elided(layer.title, room, ratio, SIZE)
    draw_text(painter, QPointF(left, base), title, QColor(TEXT), ratio, SIZE)
    for number, one in enumerate(layer.classes, start=1):
        y = base + number * LINE * ratio
        patch = QRectF(left, y - (PATCH - 1) * ratio, PATCH * ratio, PATCH * ratio)
        painter.fillRect(patch, QColor(one.colour))
        painter.setPen(QPen(QColor(OUTLINE), ratio))
        painter.drawRect(patch)
        text = elided(one.title, room - (PATCH + 6) * ratio, ratio, SIZE)
        draw_text(painter, QPointF(left + (PATCH + 6) * ratio, y), text, QColor(TEXT), ratio, SIZE)
