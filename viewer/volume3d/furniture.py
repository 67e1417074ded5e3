"""Furniture of the volume view: outline, boxes, cursor, letters and texts, drawn by Qt over the rendered picture.

They follow the projection exactly and cost no new rendering.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from viewer.colours import CROSSHAIR, FAINT, SECOND, TEXT
from viewer.furniture.text import draw_text, elided, font
from viewer.planes import letters_of
from viewer.volume3d.orbit import Orbit
from viewer.volume3d.scene import BoxShape, Scene3D

OUTLINE_COLOUR = "#5b6470"
ARM, GAP, EDGE, LINE = 16.0, 4.0, 10.0, 17.0  # logical pixels
SCALE_BARS_MM = (200, 100, 50, 20, 10, 5, 2, 1)
# edges of a block of eight corners numbered by their three bits, and the faces as four corners
EDGES = tuple((a, a | bit) for bit in (1, 2, 4) for a in range(8) if not a & bit)


@dataclass(frozen=True)
class Canvas:
    """Where to draw: device pixels, and how many of them make a logical one."""

    painter: QPainter
    orbit: Orbit
    width: int
    height: int
    ratio: float

    def place(self, points_mm: np.ndarray) -> np.ndarray:
        """Return x, y and depth of (n, 3) LPS points."""
        return self.orbit.screen_of(points_mm, self.width, self.height)

    def line(self, one: np.ndarray, other: np.ndarray) -> None:
        """Draw a line between two projected points."""
        self.painter.drawLine(QPointF(one[0], one[1]), QPointF(other[0], other[1]))


def volume_corners(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """Return the eight corners (8, 3) of a volume in LPS mm: outer edges of its voxels; bit 0, 1, 2 for k, j, i."""
    ends = np.array([[-0.5, size - 0.5] for size in shape[:3]])
    index = np.array([[ends[axis, corner >> axis & 1] for axis in range(3)] for corner in range(8)])
    return index @ affine[:3, :3].T + affine[:3, 3]


def box_lines(box: BoxShape) -> tuple[np.ndarray, tuple[tuple[int, int], ...]]:
    """Return the corners (8, 3) of a box in LPS mm and its edges; those of a flat box are the four of its rectangle."""
    row, column = np.array(box.orientation[:3]), np.array(box.orientation[3:])
    axes = np.stack((row, column, np.cross(row, column)))
    corner = np.array(box.corner_mm)
    size = axes @ (np.array(box.opposite_mm) - corner)
    bits = np.array([[corner_number >> n & 1 for n in range(3)] for corner_number in range(8)])
    corners = corner + (bits * size) @ axes
    flat = abs(size[2]) < 1e-3
    return corners, tuple(edge for edge in EDGES if not flat or max(edge) < 4)


def draw_furniture(canvas: Canvas, scene: Scene3D, *, interacting: bool = False) -> None:
    """Draw everything over the picture."""
    painter = canvas.painter
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if scene.image is not None:
        affine = np.asarray(scene.image.volume.affine, float)
        draw_outline(canvas, volume_corners(scene.image.volume.spatial_shape, affine))
    for box in scene.boxes:
        draw_box(canvas, box)
    if scene.cursor_mm is not None:
        draw_cursor(canvas, np.array(scene.cursor_mm))
    draw_letters(canvas)
    draw_scale(canvas)
    draw_texts(canvas, scene)


def draw_outline(canvas: Canvas, corners: np.ndarray) -> None:
    """Draw the edges of the volume; those that meet at the farthest corner are behind it, and dotted."""
    places = canvas.place(corners)
    behind = int(np.argmin(places[:, 2]))
    colour = QColor(OUTLINE_COLOUR)
    for a, b in EDGES:
        hidden = behind in (a, b)
        colour.setAlpha(110 if hidden else 200)
        style = Qt.PenStyle.DotLine if hidden else Qt.PenStyle.SolidLine
        canvas.painter.setPen(QPen(colour, canvas.ratio, style))
        canvas.line(places[a], places[b])


def draw_box(canvas: Canvas, box: BoxShape) -> None:
    """Draw a box with its text at the uppermost corner; a proposal is dashed."""
    corners, edges = box_lines(box)
    places = canvas.place(corners)
    style = Qt.PenStyle.DashLine if box.proposal else Qt.PenStyle.SolidLine
    for pen in (QPen(QColor(0, 0, 0, 150), 3.2 * canvas.ratio), QPen(QColor(box.colour), 1.6 * canvas.ratio, style)):
        canvas.painter.setPen(pen)
        for a, b in edges:
            canvas.line(places[a], places[b])
    if box.text:
        used = places[sorted({n for edge in edges for n in edge})]
        top = used[np.argmin(used[:, 1])]
        at = QPointF(top[0] + 6 * canvas.ratio, top[1] - 6 * canvas.ratio)
        draw_text(canvas.painter, at, box.text, QColor(box.colour), canvas.ratio)


def draw_cursor(canvas: Canvas, point_mm: np.ndarray) -> None:
    """Draw the shared cursor: a cross along the patient's axes with an open middle, and a ring around it."""
    at = canvas.place(point_mm[None])[0]
    mm = canvas.orbit.height_mm / canvas.height * canvas.ratio
    colour = QColor(CROSSHAIR)
    for pen in (QPen(QColor(0, 0, 0, 160), 3.4 * canvas.ratio), QPen(colour, 1.6 * canvas.ratio)):
        canvas.painter.setPen(pen)
        for axis in np.eye(3):
            for sign in (-1, 1):
                canvas.line(*canvas.place(point_mm + np.outer((GAP * mm, ARM * mm), sign * axis)))
        radius = 1.5 * GAP * canvas.ratio
        canvas.painter.drawEllipse(QPointF(at[0], at[1]), radius, radius)


def draw_letters(canvas: Canvas) -> None:
    """Draw the patient's sides (PS3.3 C.7.6.1.1.1) at the four edges, and what the viewer looks at from where."""
    right, up = canvas.orbit.axes[0], canvas.orbit.axes[1]
    measures = QFontMetricsF(font(canvas.ratio, 14, bold=True))
    height, edge = measures.ascent(), EDGE * canvas.ratio
    x, y = canvas.width / 2, canvas.height / 2
    for direction, across, down in ((right, 1, 0), (-right, -1, 0), (up, 0, -1), (-up, 0, 1)):
        text = letters_of(direction)
        wide = measures.horizontalAdvance(text)
        left = {1: canvas.width - edge - wide, -1: edge, 0: x - wide / 2}[across]
        base = {1: canvas.height - edge, -1: edge + height, 0: y + height / 2}[down]
        draw_text(canvas.painter, QPointF(left, base), text, QColor(TEXT), canvas.ratio, 14)


def draw_scale(canvas: Canvas) -> None:
    """Draw a bar of round length; parallel projection makes it true at any depth."""
    pixels = canvas.height / canvas.orbit.height_mm
    length = next((mm for mm in SCALE_BARS_MM if mm * pixels < canvas.width / 4), SCALE_BARS_MM[-1])
    edge = EDGE * canvas.ratio
    bar = QRectF(canvas.width - edge - length * pixels, canvas.height - edge, length * pixels, 2 * canvas.ratio)
    canvas.painter.fillRect(bar, QColor(SECOND))
    at = QPointF(bar.left(), bar.top() - 5 * canvas.ratio)
    draw_text(canvas.painter, at, f"{length} mm", QColor(SECOND), canvas.ratio)


def draw_texts(canvas: Canvas, scene: Scene3D) -> None:
    """Draw what is shown (upper right) and how it was made (upper left)."""
    edge = EDGE * canvas.ratio
    for number, line in enumerate(scene.lines):
        at = QPointF(edge, edge + (number + 0.75) * LINE * canvas.ratio)
        room = canvas.width * 0.4 if number == 0 else canvas.width - 2 * edge
        shown = elided(line, room, canvas.ratio)
        draw_text(canvas.painter, at, shown, QColor(TEXT if number == 0 else FAINT), canvas.ratio)
    if scene.title:
        wide = QFontMetricsF(font(canvas.ratio)).horizontalAdvance(scene.title)
        at = QPointF(canvas.width - edge - wide, edge + 0.75 * LINE * canvas.ratio)
        draw_text(canvas.painter, at, scene.title, QColor(SECOND), canvas.ratio)
