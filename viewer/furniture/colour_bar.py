"""Colour bar: what the colours of a heat map mean, with its unit and threshold."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QColor, QPen

from viewer.colours import OUTLINE, TEXT, is_diverging, shown_range, strength, table
from viewer.furniture.corners import MARGIN, Sheet
from viewer.furniture.text import draw_text, elided, width_of
from viewer.layers.types import HeatmapLayer
from viewer.layers.visual import to_qimage

WIDTH, HEIGHT = 11.0, 150.0  # logical pixels
ROOM = 0.45  # of the pane's width for the title, so that those of two sides do not meet
CLEAR = 26.0  # logical pixels kept free at the edge for the orientation letter


def draw_colour_bar(sheet: Sheet, layer: HeatmapLayer, side: str = "right") -> None:
    """Draw the bar at the right or left edge, largest value on top; it is dim where the map is clear.

    That is below the threshold, and around the zero of a signed map.
    """
    ratio = sheet.ratio
    height = bar_height(sheet)
    inset = (MARGIN + CLEAR) * ratio
    left = inset if side == "left" else sheet.width - inset - WIDTH * ratio
    top = (sheet.height - height) / 2
    bar = QRectF(left, top, WIDTH * ratio, height)
    low, high = shown_range(layer.value_range, layer.table)
    colours = table(layer.table)[::-1] * (0.25 + 0.75 * _shown(layer)[:, None])
    sheet.painter.drawImage(bar, to_qimage(np.repeat(colours.astype(np.uint8)[:, None, :], 2, axis=1)))
    sheet.painter.setPen(QPen(QColor(OUTLINE), ratio))
    sheet.painter.drawRect(bar)
    signed = is_diverging(layer.table)
    between = (-layer.threshold, 0.0, layer.threshold) if signed and layer.threshold > 0 else (0.0,)
    marks = [(1.0, high), (0.0, low)]
    for value in between if signed else (layer.threshold,):
        fraction = float(np.clip((value - low) / ((high - low) or 1.0), 0, 1))
        marks += [(fraction, value)] if 0.08 < fraction < 0.92 else []
    for place, value in marks:
        text = f"{value:+.3g}" if signed and value else f"{value:.3g}"
        _mark(sheet, text, bar, top + (1 - place) * height, side)
    title = f"{layer.title} ({layer.unit})" if layer.unit else layer.title
    title = elided(title, sheet.width * ROOM, ratio, 11)
    room = width_of(title, ratio, 11)
    at = QPointF(MARGIN * ratio if side == "left" else sheet.width - MARGIN * ratio - room, top - 12 * ratio)
    draw_text(sheet.painter, at, title, QColor(TEXT), ratio, 11)


def bar_height(sheet: Sheet) -> float:
    """Return the height of the bar in device pixels; it is centred in the pane."""
    return min(HEIGHT * sheet.ratio, sheet.height * 0.4)


def _shown(layer: HeatmapLayer) -> np.ndarray:
    """Return 0–1 how far each of 256 values is drawn, the largest first."""
    low, high = shown_range(layer.value_range, layer.table)
    fraction = np.linspace(1, 0, 256)
    threshold = layer.threshold if is_diverging(layer.table) else (layer.threshold - low) / ((high - low) or 1.0)
    values = low + (high - low) * fraction if is_diverging(layer.table) else fraction
    return strength(values, layer.value_range, layer.table, threshold)


def _mark(sheet: Sheet, text: str, bar: QRectF, y: float, side: str) -> None:
    """Draw a tick and its value on the side of the bar that looks into the pane."""
    ratio = sheet.ratio
    edge, inwards = (bar.right(), 1) if side == "left" else (bar.left(), -1)
    sheet.painter.setPen(QPen(QColor(TEXT), ratio))
    sheet.painter.drawLine(QPointF(edge, y), QPointF(edge + inwards * 4 * ratio, y))
    x = edge + 7 * ratio if side == "left" else edge - 7 * ratio - width_of(text, ratio, 11)
    at = QPointF(x, y + 4 * ratio)
    draw_text(sheet.painter, at, text, QColor(TEXT), ratio, 11)
