"""Measuring: length, two diameters, angle, ellipse and freehand region; each tool stays armed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter

from viewer.layers.measurement import MeasurementVisual, draw_lines
from viewer.layers.types import MeasurementShape
from viewer.measuring import Place, shaped
from viewer.measuring_places import across, ellipse_in, held, perpendicular, simplified
from viewer.tools.base import Gesture, Tool
from viewer.tools.measure_edit import MeasurementEdit, live, measurement_at

if TYPE_CHECKING:
    from viewer.pane import Pane

COLOUR = "#7fd4ff"
SMALLEST = 4.0  # logical pixels; a shorter drag is a click
TOLERANCE = 0.7  # device pixels that a freehand outline may be off after simplifying
NONE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class MeasureTool(Tool):
    """What all share: points set by drags and clicks, the shape in the making, and editing of the selected one."""

    cursor = Qt.CursorShape.CrossCursor
    kind = ""
    wanted = 2  # points that complete it

    def __init__(self) -> None:
        self._edit = MeasurementEdit()
        self._places: list[Place] = []
        self._tip: Place | None = None
        self._slice: tuple[str, int] | None = None
        self._pressed: Gesture | None = None
        self._dragged = False

    # --- gestures ------------------------------------------------------------------------------------------------

    def press(self, pane: Pane, at: Gesture) -> None:
        """Take a point of the selected measurement, else set the first or the next point."""
        shot = pane.shot
        if shot is None:
            return
        where = (pane.plane, pane.slice_index)
        if self._slice != where:
            self._places = []  # a measurement never spans two slices
        if not self._places and self._edit.press(pane, at, inside=False):
            return
        self._slice, self._pressed, self._dragged = where, at, False
        self.set_point(pane, self.place(pane, at))
        pane.update()

    def move(self, pane: Pane, at: Gesture) -> None:
        """Pull the point that is being set."""
        if self._edit.move(pane, at) or self._pressed is None:
            return
        start = self._pressed
        self._dragged |= max(abs(at.x - start.x), abs(at.y - start.y)) >= SMALLEST * pane.ratio
        if self._dragged:
            self.drag(pane, self.place(pane, at))
            pane.update()

    def release(self, pane: Pane, at: Gesture) -> None:
        """End a drag; a first click on a measurement selects it instead."""
        start, self._pressed = self._pressed, None
        if self._edit.release(pane) or start is None:
            return
        if self._dragged:
            self.end_drag(pane, self.place(pane, at))
        elif len(self._places) == 1 and (found := measurement_at(pane, start)) is not None:
            self._drop()
            pane.select_box(found.uid, by_user=True)
        else:
            self.end_click(pane)
        pane.update()

    def hover(self, pane: Pane, at: Gesture) -> None:
        """Show what a click here would give, and by the pointer whether a point can be pulled."""
        if self._places:
            self._tip = self.place(pane, at)
            pane.update()
            return
        taken = self._edit.handle_at(pane, at, inside=False) is not None
        pane.setCursor(Qt.CursorShape.SizeAllCursor if taken else self.cursor)

    def cancel(self, pane: Pane) -> bool:
        """Drop what was begun."""
        begun = bool(self._places)
        self._drop()
        pane.update()
        return self._edit.cancel(pane) or begun

    def place(self, pane: Pane, at: Gesture) -> Place:
        """Return (row, column) under the pointer, held within the image."""
        shot = pane.shot
        assert shot is not None
        return held(shot.pixel_at(at.x, at.y), shot.plane.shape[1:])

    # --- what kinds do differently -------------------------------------------------------------------------------

    def set_point(self, pane: Pane, place: Place) -> None:
        """Take a point where the button went down."""
        self._places.append(place)
        self._tip = None

    def drag(self, pane: Pane, place: Place) -> None:
        """Show the shape with the next point at the pointer."""
        self._tip = place

    def end_drag(self, pane: Pane, place: Place) -> None:
        """Take the point where a drag ended."""
        self._places.append(place)
        self._finish_if_whole(pane, "drag")

    def end_click(self, pane: Pane) -> None:
        """Go on after a click."""
        self._finish_if_whole(pane, "clicks")

    def drawn(self, pane: Pane, places: Sequence[Place]) -> list[Place]:
        """Return the points of the shape from those set and the one at the pointer."""
        return list(places)

    # --- the shape in the making ---------------------------------------------------------------------------------

    def shape(self, pane: Pane, places: Sequence[Place]) -> MeasurementShape | None:
        """Return the shape of some points, without uid."""
        shot = pane.shot
        if shot is None:
            return None
        empty = MeasurementShape("", shot.frame_uid, self.kind, (), NONE, colour=COLOUR)  # type: ignore[arg-type]
        return shaped(empty, self.drawn(pane, places), shot.plane, shot.slice_index)

    def _finish_if_whole(self, pane: Pane, method: str) -> None:
        if len(self._places) < self.wanted:
            return
        shape = self.shape(pane, self._places)
        self._drop()
        if shape is not None and len(set(shape.points_mm)) == len(shape.points_mm):
            pane.measurement_drawn.emit(shape, method)

    def _drop(self) -> None:
        self._places, self._tip, self._pressed, self._slice = [], None, None, None

    def draw(self, pane: Pane, painter: QPainter) -> None:
        """Draw what is being set, with its live values."""
        shot = pane.shot
        places = [*self._places, *([self._tip] if self._tip else [])]
        if shot is None or not self._places or self._slice != (pane.plane, pane.slice_index):
            return
        shape = self.shape(pane, places) if len(places) >= self.wanted else None
        if shape is not None:
            MeasurementVisual(live(pane, shape)).draw(painter, shot)
        else:
            painter.save()
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            points = [QPointF(*shot.screen_of(*place)) for place in places]
            draw_lines(painter, [points, *self.marks(points, pane.ratio)], QColor(COLOUR), pane.ratio)
            painter.restore()

    def marks(self, points: list[QPointF], ratio: float) -> list[list[QPointF]]:
        """Return a small cross at each point set."""
        arm = 5 * ratio
        across_, down = QPointF(arm, 0), QPointF(0, arm)
        return [line for at in points for line in ([at - across_, at, at + across_], [at - down, at, at + down])]


class LengthTool(MeasureTool):
    """Drag from end to end, or click both ends."""

    name = kind = "length"


class AngleTool(MeasureTool):
    """Three clicks, the second at the vertex; the first arm may be dragged."""

    name = kind = "angle"
    wanted = 3


class BidimensionalTool(MeasureTool):
    """First the longest diameter, by drag or two clicks; then the one at right angles, by drag or one click."""

    name = kind = "bidimensional"
    wanted = 3

    def set_point(self, pane: Pane, place: Place) -> None:
        """Take a point; the third begins the second diameter."""
        super().set_point(pane, place)
        if len(self._places) > 2:
            self._places = self._places[:3]

    def drawn(self, pane: Pane, places: Sequence[Place]) -> list[Place]:
        """Return both diameters, the second at right angles to the first."""
        assert pane.shot is not None
        spacing = pane.shot.plane.spacing_mm[1:]
        first, second, start = places[:3]
        if len(places) > 3 and self._dragged:
            return [first, second, start, across(first, second, start, places[3], spacing)]
        return [first, second, *perpendicular(first, second, places[-1], spacing)]


class EllipseTool(MeasureTool):
    """Drag from corner to corner of the rectangle that holds the ellipse."""

    name = kind = "ellipse"

    def end_click(self, pane: Pane) -> None:
        """Drop a mere click; it unselects."""
        self._drop()
        pane.select_box("", by_user=True)

    def drawn(self, pane: Pane, places: Sequence[Place]) -> list[Place]:
        """Return both ends of both axes."""
        return ellipse_in(places[0], places[1])


class FreehandTool(MeasureTool):
    """Drag along the border of a lesion; letting go closes the outline."""

    name = kind = "freehand"
    wanted = 3

    def drag(self, pane: Pane, place: Place) -> None:
        """Add a point of the outline."""
        self._places.append(place)

    def end_drag(self, pane: Pane, place: Place) -> None:
        """Close the outline; points that change nothing on the screen go."""
        shot = pane.shot
        if shot is None or len(self._places) < self.wanted:
            self._drop()
            return
        tolerance = TOLERANCE * pane.ratio / max(abs(float(value)) for value in shot.to_screen[:, :2].ravel())
        self._places = simplified([*self._places, place], tolerance)
        if len(self._places) < self.wanted:
            self._drop()
            return
        self._finish_if_whole(pane, "freehand")

    def end_click(self, pane: Pane) -> None:
        """Drop a mere click; it unselects."""
        self._drop()
        pane.select_box("", by_user=True)


MEASURE_TOOLS = (LengthTool, BidimensionalTool, AngleTool, EllipseTool, FreehandTool)
