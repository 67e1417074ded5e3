"""Colour bar: what the colours of a heat map mean, with its unit and threshold."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPen

from viewer.colours import OUTLINE, TEXT, table
from viewer.furniture.corners import MARGIN, Sheet
from viewer.furniture.text import draw_text, width_of
from viewer.layers.types import HeatmapLayer
from viewer.layers.visual import to_qimage

WIDTH, HEIGHT = 11.0, 150.0  # logical pixels
CLEAR = 26.0  # logical pixels kept free at the edge for the orientation letter


def draw_colour_bar(sheet: Sheet, layer: HeatmapLayer) -> None:
    """Draw the bar at the right edge, largest value on top; below the threshold, where the map is clear, it is dim."""
    ratio = sheet.ratio
    height = min(HEIGHT * ratio, sheet.height * 0.4)
    left = sheet.width - (MARGIN + WIDTH + CLEAR) * ratio
    top = (sheet.height - height) / 2
    bar = QRectF(left, top, WIDTH * ratio, height)
    low, high = layer.value_range
    fraction = float(np.clip((layer.threshold - low) / ((high - low) or 1.0), 0, 1))
    colours = table(layer.table)[::-1].astype(np.float64)
    colours[np.linspace(1, 0, 256) < fraction] *= 0.25
    sheet.painter.drawImage(bar, to_qimage(np.repeat(colours.astype(np.uint8)[:, None, :], 2, axis=1)))
    sheet.painter.setPen(QPen(QColor(OUTLINE), ratio))
    sheet.painter.drawRect(bar)
    marks = [(1.0, high), (0.0, low)] + ([(fraction, layer.threshold)] if 0.08 < fraction < 0.92 else [])
    for place, value in marks:
        _mark(sheet, f"{value:.3g}", left, top + (1 - place) * height)
    title = f"{layer.title} ({layer.unit})" if layer.unit else layer.title
    at = QPointF(sheet.width - MARGIN * ratio - width_of(title, ratio, 11), top - 12 * ratio)
    draw_text(sheet.painter, at, title, QColor(TEXT), ratio, 11)


def _mark(sheet: Sheet, text: str, left: float, y: float) -> None:
    ratio = sheet.ratio
    sheet.painter.setPen(QPen(QColor(TEXT), ratio))
    sheet.painter.drawLine(QPointF(left - 4 * ratio, y), QPointF(left, y))
    at = QPointF(left - 7 * ratio - width_of(text, ratio, 11), y + 4 * ratio)
    draw_text(sheet.painter, at, text, QColor(TEXT), ratio, 11)
