"""Place mark: a quiet ring about where a point of another image of the same breast lies."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPen

from viewer.colours import OUTLINE, REFERENCE
from viewer.furniture.corners import Sheet
from viewer.furniture.text import draw_text, width_of
from viewer.layers.types import PlaceMark
from viewer.shot import Shot

RADIUS = 9.0  # logical pixels
SIZE = 11


def place_on_screen(shot: Shot, mark: PlaceMark) -> tuple[float, float] | None:
    """Return where a mark lies in device pixels; None on a plane that is not the stored one."""
    if shot.plane.name != "native":
        return None
    _, row_mm, column_mm = shot.plane.spacing_mm
    return shot.screen_of(mark.point_mm[1] / row_mm - 0.5, mark.point_mm[0] / column_mm - 0.5)


def draw_place_marks(sheet: Sheet, shot: Shot, marks: Iterable[PlaceMark]) -> None:
    """Draw each mark as a dashed ring, since the place is not exact, with its text."""
    for mark in marks:
        place = place_on_screen(shot, mark)
        if place is not None:
            _draw(sheet, QPointF(*place), mark.text)


def _draw(sheet: Sheet, at: QPointF, text: str) -> None:
    painter, radius = sheet.painter, RADIUS * sheet.ratio
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(0, 0, 0, 0))
    dashes = QPen(QColor(REFERENCE), 1.4 * sheet.ratio)
    dashes.setDashPattern((3.0, 2.0))
    for pen in (QPen(QColor(OUTLINE), 3.2 * sheet.ratio), dashes):
        painter.setPen(pen)
        painter.drawEllipse(at, radius, radius)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
    gap = radius + 6 * sheet.ratio
    width = width_of(text, sheet.ratio, SIZE)
    x = at.x() + gap if at.x() + gap + width < sheet.width else at.x() - gap - width
    draw_text(painter, QPointF(x, at.y() + 4 * sheet.ratio), text, QColor(REFERENCE), sheet.ratio, SIZE)
