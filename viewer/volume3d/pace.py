"""Pace: how much may be drawn at once: turning stays fluent, the window is never held up. Qt- and VTK-free."""

from __future__ import annotations

MOVING_S = 0.06  # a coarse picture: 16 a second
BAND_S = 0.035  # a band of the sharp one
DEARER = 2.5  # a pixel of the sharp picture against one of the coarse, whose samples are twice as far apart
COARSEST = 8.0
FIRST_REDUCTION, FIRST_ROWS, LEAST_ROWS = 4.0, 16, 8
GROWTH = 1.4  # of a band over the one before: the middle of a volume is slower than its edge


class Pace:
    """Learns from each picture how long a pixel takes, and from each band how long a row takes."""

    def __init__(self) -> None:
        self._per_pixel: float | None = None
        self._rows: float | None = None
        self._prepared = False

    def reduction(self, pixels: int) -> float:
        """Return by how much width and height of the coarse picture are divided, 1 for the full one."""
        if self._per_pixel is None:
            return FIRST_REDUCTION
        return min(max((self._per_pixel * pixels / MOVING_S) ** 0.5, 1.0), COARSEST)

    def took(self, seconds: float, pixels: int) -> None:
        """Learn from a picture; slow ones count at once, fast ones slowly, so that the picture does not flicker."""
        if not self._prepared:  # the first picture of a volume also pays for its tables and gradients
            self._prepared = True
            return
        measured, known = seconds / max(pixels, 1), self._per_pixel
        weight = 1.0 if known is None or measured > known else 0.3
        self._per_pixel = measured if known is None else known + weight * (measured - known)

    def rows(self, width: int) -> int:
        """Return how many rows of so many pixels the next band may have."""
        rows = FIRST_ROWS if self._rows is None else self._rows / width
        if self._per_pixel is not None:  # an empty band says nothing about the next
            rows = min(rows, BAND_S / (DEARER * self._per_pixel * width))
        return max(int(rows), LEAST_ROWS)

    def took_rows(self, seconds: float, width: int, rows: int) -> None:
        """Learn from a band."""
        allowed = min(BAND_S / max(seconds, 1e-6), GROWTH)
        self._rows = allowed * rows * width

    def forget(self) -> None:
        """Start anew: another volume, another way of drawing."""
        self._per_pixel = self._rows = None
        self._prepared = False
