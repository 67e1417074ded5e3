"""Drawing a box: by dragging from corner to corner, or by clicking the four extreme points of a lesion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from viewer.layers.box import draw_outline, screen_rect
from viewer.layers.rectangle import Rectangle, new_box
from viewer.tools.base import Gesture, Tool
from viewer.tools.edit_box import SHAPES, BoxEdit

if TYPE_CHECKING:
    from viewer.pane import Pane

COLOUR = "#ffd166"
SMALLEST = 4.0  # logical pixels; a shorter drag is a click
POINTS = 4
Place = tuple[float, float]


class DrawTool(Tool):
    """What both ways of drawing share: editing the selected box by its handles, and the box in the making."""

    cursor = Qt.CursorShape.CrossCursor
    method = ""

    def __init__(self) -> None:
        self._edit = BoxEdit()
        self._points: list[Place] = []
        self._tip: Place | None = None
        self._slice: tuple[object, ...] | None = None

    def hover(self, pane: Pane, at: Gesture) -> None:
        """Show by the pointer whether a handle is near."""
        pane.setCursor(SHAPES.get(self._edit.part_at(pane, at, inside=False), self.cursor))

    def cancel(self, pane: Pane) -> bool:
        """Drop the half-drawn box."""
        begun = bool(self._points)
        self._points, self._tip = [], None
        pane.update()
        return self._edit.cancel(pane) or begun

    def begin(self, pane: Pane, place: Place) -> None:
        """Add a point; a box never spans two slices, so a point on another slice starts anew."""
        where = pane.shot.content_key if pane.shot is not None else None
        if self._slice != where:
            self._points = []
        self._slice = where
        self._points.append(place)
        pane.update()

    def finish(self, pane: Pane, points: list[Place]) -> None:
        """Report the box."""
        self._points, self._tip = [], None
        shot = pane.shot
        if shot is not None:
            edges = Rectangle.around(points, shot.plane)
            pane.box_drawn.emit(new_box(edges, shot.plane, shot.slice_index, shot.frame_uid), self.method)
        pane.update()

    def draw(self, pane: Pane, painter: QPainter) -> None:
        """Draw the box in the making."""
        shot = pane.shot
        points = [*self._points, *([self._tip] if self._tip else [])]
        if shot is None or not self._points or self._slice != shot.content_key:
            return
        if len(points) > 1:
            rect = screen_rect(Rectangle.around(points, shot.plane), shot)
            draw_outline(painter, rect, QColor(COLOUR), dashed=False, ratio=pane.ratio)
        painter.setPen(QPen(QColor(COLOUR), 1.5 * pane.ratio))
        arm = 5 * pane.ratio
        for place in self._points:
            x, y = shot.screen_of(*place)
            painter.drawLine(QPointF(x - arm, y), QPointF(x + arm, y))
            painter.drawLine(QPointF(x, y - arm), QPointF(x, y + arm))


class BoxTool(DrawTool):
    """Drag from one corner to the other; the tool stays armed."""

    name = "box"
    method = "drag"

    def __init__(self) -> None:
        super().__init__()
        self._start: Gesture | None = None

    def press(self, pane: Pane, at: Gesture) -> None:
        """Take a handle of the selected box, else begin a new one."""
        if pane.shot is None or self._edit.press(pane, at, inside=False):
            return
        self._points = []
        self._start = at
        self.begin(pane, pane.shot.pixel_at(at.x, at.y))

    def move(self, pane: Pane, at: Gesture) -> None:
        """Pull the opposite corner."""
        if not self._edit.move(pane, at) and self._points and pane.shot is not None:
            self._tip = pane.shot.pixel_at(at.x, at.y)
            pane.update()

    def release(self, pane: Pane, at: Gesture) -> None:
        """Report the box; a mere click selects what lies there instead."""
        start, self._start = self._start, None
        if self._edit.release(pane) or start is None or not self._points or pane.shot is None:
            return
        if max(abs(at.x - start.x), abs(at.y - start.y)) < SMALLEST * pane.ratio:
            self.cancel(pane)
            pane.select_at(at)
            return
        self.finish(pane, [self._points[0], pane.shot.pixel_at(at.x, at.y)])


class ExtremePointsTool(DrawTool):
    """Click the top, bottom, left and right of a lesion in any order; the tool stays armed."""

    name = "extreme_points"
    method = "extreme points"

    def press(self, pane: Pane, at: Gesture) -> None:
        """Add a point; the fourth makes the box."""
        if pane.shot is None or (not self._points and self._edit.press(pane, at, inside=False)):
            return
        self.begin(pane, pane.shot.pixel_at(at.x, at.y))
        if len(self._points) == POINTS:
            self.finish(pane, list(self._points))

    def move(self, pane: Pane, at: Gesture) -> None:
        """Drag a handle, if one is held."""
        self._edit.move(pane, at)

    def release(self, pane: Pane, at: Gesture) -> None:
        """Let the handle go."""
        self._edit.release(pane)

    def hover(self, pane: Pane, at: Gesture) -> None:
        """Show the box that a click here would give."""
        super().hover(pane, at)
        if self._points and pane.shot is not None:
            self._tip = pane.shot.pixel_at(at.x, at.y)
            pane.update()
