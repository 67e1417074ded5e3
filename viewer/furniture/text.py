"""Text: small quiet type with a dark edge, legible on black and on white."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

SIZE = 12  # logical pixels
PLATE = QColor(0, 0, 0, 165)


@lru_cache(maxsize=64)
def font(ratio: float, size: int = SIZE, *, bold: bool = False) -> QFont:
    """Return the pane's font at a device pixel ratio."""
    chosen = QFont()
    chosen.setStyleHint(QFont.StyleHint.SansSerif)
    chosen.setPixelSize(max(1, round(size * ratio)))
    chosen.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
    return chosen


@lru_cache(maxsize=64)
def _measures(ratio: float, size: int) -> QFontMetricsF:
    return QFontMetricsF(font(ratio, size))


@lru_cache(maxsize=2048)
def width_of(text: str, ratio: float, size: int = SIZE) -> float:
    """Return the width of a line in device pixels."""
    return _measures(ratio, size).horizontalAdvance(text)


def draw_text(painter: QPainter, at: QPointF, text: str, colour: QColor, ratio: float, size: int = SIZE) -> None:
    """Draw a line of text with its base line at a point, on a plate that keeps it readable over a bright image."""
    chosen = font(ratio, size)
    painter.setFont(chosen)
    measures = _measures(ratio, size)
    width = width_of(text, ratio, size) + 6 * ratio
    painter.fillRect(
        QRectF(at.x() - 3 * ratio, at.y() - measures.ascent(), width, measures.ascent() + measures.descent()), PLATE
    )
    painter.setPen(colour)
    painter.drawText(at, text)


def wrapped(text: str, room: float, ratio: float, size: int = SIZE, lines: int = 2) -> list[str]:
    """Return a text broken between words into at most so many lines of a width in device pixels; the last is cut."""
    words, found = text.split(" "), []
    while words and len(found) < lines - 1:
        count = next((n for n in range(len(words), 1, -1) if width_of(" ".join(words[:n]), ratio, size) <= room), 1)
        found.append(" ".join(words[:count]))
        words = words[count:]
    return [elided(line, room, ratio, size) for line in (*found, " ".join(words)) if line]


@lru_cache(maxsize=2048)
def elided(text: str, room: float, ratio: float, size: int = SIZE) -> str:
    """Return a line cut to a width in device pixels, with an ellipsis where something is missing."""
    return _measures(ratio, size).elidedText(text, Qt.TextElideMode.ElideRight, room)
