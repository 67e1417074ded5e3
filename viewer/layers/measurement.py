"""Measurement: thin lines with a dark edge, end ticks, handles when selected, and its values beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen, QPolygonF

from viewer.furniture.text import draw_text, font, width_of
from viewer.layers.types import MeasurementShape
from viewer.measuring import Place, outline, places_on, slice_of_shape
from viewer.shot import Shot

HANDLE, SMALL = 7.0, 5.0  # logical pixels across; an outline has many
TICK = 4.0  # logical pixels each way
GAP = 16.0  # logical pixels between shape and label
MARGIN = 6.0
SELECTED, QUIET = "#ffffff", "#d8dde2"


class MeasurementVisual:
    """Draws a :class:`~viewer.layers.types.MeasurementShape` on the slice it lies on."""

    def __init__(self, layer: MeasurementShape) -> None:
        self.layer = layer
        self.selected = False

    def draw(self, painter: QPainter, shot: Shot) -> None:
        """Draw lines, label and handles."""
        places = places_in_sight(self.layer, shot)
        if places is None:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colour = QColor(self.layer.colour)
        points = screen_points(places, shot)
        paths = screen_lines(self.layer, points, shot)
        draw_lines(painter, paths, colour, shot.ratio)
        if self.layer.lines:
            draw_label(painter, paths, self.layer.lines, colour, shot)
        if self.selected and not shot.projects:  # on a slab nothing can be pulled
            _handles(painter, points, shot.ratio, SMALL if self.layer.kind == "freehand" else HANDLE)
        painter.restore()


def places_in_sight(shape: MeasurementShape, shot: Shot) -> list[Place] | None:
    """Return (row, column) of each point as a slice, or a slab that the shape lies in, shows it; else None."""
    place = slice_of_shape(shape, shot.plane) if shot.projects else shot.slice_index
    if place is None or not shot.span[0] <= place <= shot.span[1]:
        return None
    return places_on(shape, shot.plane, place, shot.frame_uid)


def screen_points(places: Sequence[Place], shot: Shot) -> list[QPointF]:
    """Return (row, column) places on the screen."""
    return [QPointF(*shot.screen_of(*place)) for place in places]


def screen_lines(shape: MeasurementShape, points: list[QPointF], shot: Shot) -> list[list[QPointF]]:
    """Return the lines of a shape on the screen, each as its points in order."""
    if shape.kind == "ellipse" and len(points) == 4:
        index = [shot.plane.to_index(point) for point in outline(shape)]
        ring = [QPointF(*shot.screen_of(float(place[1]), float(place[2]))) for place in index]
        return [[*ring, ring[0]]]
    if shape.kind == "freehand" and len(points) > 2:
        return [[*points, points[0]]]
    if shape.kind == "bidimensional":
        return [points[n : n + 2] for n in range(0, len(points), 2)]
    return [points]


def draw_lines(painter: QPainter, paths: list[list[QPointF]], colour: QColor, ratio: float) -> None:
    """Draw thin lines with a dark edge, legible on white and on black; single lines end in ticks."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(QColor(0, 0, 0, 170), 3.2 * ratio), QPen(colour, 1.3 * ratio)):
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        for path in paths:
            painter.drawPolyline(QPolygonF(path))
            if len(path) == 2:
                for tick in _ticks(path[0], path[1], ratio):
                    painter.drawLine(tick)


def _ticks(first: QPointF, second: QPointF, ratio: float) -> list[QLineF]:
    line = QLineF(first, second)
    if line.length() < 1:
        return []
    normal = line.normalVector().unitVector()
    arm = QPointF(normal.dx(), normal.dy()) * TICK * ratio
    return [QLineF(end - arm, end + arm) for end in (first, second)]


def draw_label(
    painter: QPainter, paths: Sequence[Sequence[QPointF]], lines: Sequence[str], colour: QColor, shot: Shot
) -> None:
    """Write lines beside a shape, where there is room without covering it, joined to it by a thin leader."""
    ratio = shot.ratio
    around = QPolygonF([point for path in paths for point in path]).boundingRect()
    if not around.adjusted(-1, -1, 1, 1).intersects(QRectF(0, 0, *shot.camera.size)):
        return
    measures = QFontMetricsF(font(ratio))
    height = measures.ascent() + measures.descent()
    size = (max(width_of(line, ratio) for line in lines) + 6 * ratio, height * len(lines))
    taken = [QRectF(*one) for one in shot.labels]
    place = label_place(around, size, shot.camera.size, (GAP * ratio, MARGIN * ratio), taken)
    shot.labels.append((place.left(), place.top(), place.width(), place.height()))
    if not place.intersects(around):
        near = min(
            (nearest_on(a, b, place.center()) for path in paths for a, b in pairwise(path)),
            key=lambda point: QLineF(point, place.center()).length(),
            default=around.center(),
        )
        edge = QPointF(min(max(near.x(), place.left()), place.right()), min(max(near.y(), place.top()), place.bottom()))
        for pen in (QPen(QColor(0, 0, 0, 140), 2.4 * ratio), QPen(colour, 0.8 * ratio, Qt.PenStyle.DotLine)):
            painter.setPen(pen)
            painter.drawLine(near, edge)
    for number, line in enumerate(lines):
        at = QPointF(place.left() + 3 * ratio, place.top() + measures.ascent() + number * height)
        draw_text(painter, at, line, colour if number == 0 else QColor(QUIET), ratio)


def nearest_on(start: QPointF, end: QPointF, here: QPointF) -> QPointF:
    """Return the point of a line between two ends that is nearest to a place."""
    along = end - start
    size = QPointF.dotProduct(along, along)
    share = min(max(QPointF.dotProduct(here - start, along) / size, 0.0), 1.0) if size > 0 else 0.0
    return start + along * share


def label_place(
    around: QRectF,
    size: tuple[float, float],
    pane: tuple[int, int],
    room: tuple[float, float],
    taken: Sequence[QRectF] = (),
) -> QRectF:
    """Return where a label lies: right, left, below or above the shape, the first that fits into the pane.

    Where none fits, it is held inside the pane and may cover a part of the shape.

    Parameters
    ----------
    room
        Pixels between shape and label, and between label and the pane's edge.
    taken
        Labels of other shapes, which are kept free where there is another place.
    """
    width, height = size
    gap, margin = room
    middle = QPointF(around.center().x() - width / 2, around.center().y() - height / 2)
    spots = (
        (around.right() + gap, middle.y()),
        (around.left() - gap - width, middle.y()),
        (middle.x(), around.bottom() + gap),
        (middle.x(), around.top() - gap - height),
        *((around.right() + gap, middle.y() + step * (height + gap)) for step in (1, -1)),
        *((around.left() - gap - width, middle.y() + step * (height + gap)) for step in (1, -1)),
    )
    inside = QRectF(0, 0, *pane).adjusted(margin, margin, -margin, -margin)
    held = [
        QRectF(
            min(max(x, inside.left()), max(inside.right() - width, inside.left())),
            min(max(y, inside.top()), max(inside.bottom() - height, inside.top())),
            width,
            height,
        )
        for x, y in spots
    ]
    beside = [place for place in held if not place.intersects(around)] or held[:1]
    return next((place for place in beside if not any(place.intersects(other) for other in taken)), beside[0])


def _handles(painter: QPainter, points: list[QPointF], ratio: float, size: float) -> None:
    side = size * ratio
    painter.setPen(QPen(QColor(0, 0, 0), ratio))
    painter.setBrush(QColor(SELECTED))
    for point in points:
        painter.drawRect(QRectF(point.x() - side / 2, point.y() - side / 2, side, side))
    painter.setBrush(Qt.BrushStyle.NoBrush)
