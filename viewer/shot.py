"""Shot: one slice of one plane seen through a camera; converts between millimetres, pixels and screen. Qt-free."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from viewer.camera import Camera
from viewer.planes import Plane, letters_of
from viewer.projection import span_of
from viewer.slab import Slab


@dataclass(frozen=True)
class Shot:
    """What a pane looks at: a slice, or a slab around it. Screen positions are device pixels from the top left."""

    plane: Plane
    slice_index: int
    camera: Camera
    frame_uid: str = ""
    ratio: float = 1.0  # device pixels per logical pixel, for the width of lines and letters
    slab: Slab | None = None

    @cached_property
    def span(self) -> tuple[int, int]:
        """First and last slice seen; twice the slice shown where nothing is projected."""
        return span_of(self.plane, self.slice_index, self.slab)

    @cached_property
    def labels(self) -> list[tuple[float, float, float, float]]:
        """Left, top, width and height of what was written into this picture so far, for the next to keep off."""
        return []

    @property
    def projects(self) -> bool:
        """Whether more than one slice is put together."""
        first, last = self.span
        return first != last

    @property
    def content_key(self) -> tuple[object, ...]:
        """Identity of what is looked at, however it lies on the screen."""
        mode = self.slab.mode if self.slab is not None and self.projects else ""
        return self.plane.key, self.span, mode

    @property
    def key(self) -> tuple[object, ...]:
        """Identity for caches of what was drawn."""
        return *self.content_key, self.camera

    @property
    def one_to_one(self) -> bool:
        """Whether each image pixel is one screen pixel."""
        _, row_mm, column_mm = self.plane.spacing_mm
        return abs(row_mm * self.camera.zoom - 1) < 1e-6 and abs(column_mm * self.camera.zoom - 1) < 1e-6

    @cached_property
    def to_screen(self) -> np.ndarray:
        """2×3 matrix from (column, row), pixel centres at whole numbers, to screen; at 1:1 on the screen's grid."""
        _, row_mm, column_mm = self.plane.spacing_mm
        view = self.camera.matrix
        linear = view[:, :2] * (column_mm, row_mm)
        corner = view[:, 2]  # where the outer corner of the first pixel goes
        if self.one_to_one:
            linear, corner = np.rint(linear), np.rint(corner)
        matrix = np.column_stack((linear, corner + linear.sum(axis=1) / 2))
        matrix.setflags(write=False)  # kept, and handed out again
        return matrix

    @property
    def from_screen(self) -> np.ndarray:
        """2×3 matrix from screen to (column, row)."""
        matrix = self.to_screen
        inverse = np.linalg.inv(matrix[:, :2])
        return np.column_stack((inverse, -inverse @ matrix[:, 2]))

    def screen_of(self, row: float, column: float) -> tuple[float, float]:
        """Return the screen position of (row, column)."""
        x, y = self.to_screen @ (column, row, 1.0)
        return float(x), float(y)

    def pixel_at(self, x: float, y: float) -> tuple[float, float]:
        """Return (row, column) under a screen position."""
        column, row = self.from_screen @ (x, y, 1.0)
        return float(row), float(column)

    def mm_at(self, x: float, y: float) -> tuple[float, float, float]:
        """Return the point in LPS mm under a screen position, on this slice."""
        row, column = self.pixel_at(x, y)
        point = self.plane.to_mm((self.slice_index, row, column))
        return float(point[0]), float(point[1]), float(point[2])

    def image_rect(self) -> tuple[int, int, int, int]:
        """Return x, y, width, height of the image on the screen in whole pixels, clipped to the pane."""
        _, rows, columns = self.plane.shape
        corners = [self.screen_of(r, c) for r in (-0.5, rows - 0.5) for c in (-0.5, columns - 0.5)]
        width, height = self.camera.size
        left = max(0, round(min(x for x, _ in corners)))
        top = max(0, round(min(y for _, y in corners)))
        right = min(width, round(max(x for x, _ in corners)))
        bottom = min(height, round(max(y for _, y in corners)))
        return left, top, max(0, right - left), max(0, bottom - top)

    def sampling(self, left: int, top: int) -> np.ndarray:
        """Return the 2×3 matrix from pixel index in a screen rectangle at (left, top) to image (column, row)."""
        matrix = self.from_screen
        matrix[:, 2] += matrix[:, :2] @ (left + 0.5, top + 0.5)
        return matrix

    def screen_directions(self) -> tuple[np.ndarray, np.ndarray]:
        """Return unit LPS vectors to the right of the screen and down the screen."""
        turn = np.array(self.camera.turn, dtype=float)
        axes = np.column_stack((self.plane.row_cosine, self.plane.column_cosine))
        return axes @ turn[0], axes @ turn[1]

    def edge_letters(self) -> tuple[str, str, str, str]:
        """Return patient letters at the left, right, top and bottom edge of the screen, from the affine."""
        right, down = self.screen_directions()
        return letters_of(-right), letters_of(right), letters_of(-down), letters_of(down)

    def turned_letters(self, letters: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
        """Return given (left, right, top, bottom) letters of the upright image as the camera shows them."""
        left, right, top, bottom = letters
        along = {(1, 0): right, (-1, 0): left, (0, 1): bottom, (0, -1): top}
        (a, b), (c, d) = self.camera.turn
        return along[-a, -b], along[a, b], along[-c, -d], along[c, d]


def scale_bar(zoom: float, room: float) -> tuple[float, float]:
    """Return a round length in mm (1, 2 or 5 × 10ⁿ) whose bar fits into ``room`` screen pixels, and its pixels."""
    longest = max(room / zoom, 1e-6)
    power = 10.0 ** math.floor(math.log10(longest))
    length = max(step * power for step in (1.0, 2.0, 5.0) if step * power <= longest * (1 + 1e-9))
    return length, length * zoom
