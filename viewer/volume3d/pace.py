"""Pace: how fine the picture may be, so that turning stays fluent and standing still is sharp. Qt- and VTK-free."""

from __future__ import annotations

MOVING_S = 0.06  # 16 pictures a second
STILL_S = 0.3  # the longest the window may wait for the sharp picture
COARSEST_MOVING, COARSEST_STILL = 6.0, 2.5


class Pace:
    """Learns from each picture how long a pixel takes.

    Attributes
    ----------
    seconds_per_pixel
        Of the pictures drawn last; None before the first.
    """

    def __init__(self) -> None:
        self.seconds_per_pixel: dict[bool, float | None] = {True: None, False: None}
        self._prepared = False

    def reduction(self, pixels: int, *, moving: bool) -> float:
        """Return by how much width and height are divided, 1 for the full picture."""
        known = self.seconds_per_pixel[moving]
        if known is None:
            return 3.0 if moving else 1.5
        allowed = MOVING_S if moving else STILL_S
        coarsest = COARSEST_MOVING if moving else COARSEST_STILL
        return min(max((known * pixels / allowed) ** 0.5, 1.0), coarsest)

    def took(self, seconds: float, pixels: int, *, moving: bool) -> None:
        """Learn from a picture; slow ones count at once, fast ones slowly, so that the picture does not flicker."""
        if not self._prepared:  # the first picture of a volume also pays for its tables and gradients
            self._prepared = True
            return
        measured = seconds / max(pixels, 1)
        known = self.seconds_per_pixel[moving]
        weight = 1.0 if known is None or measured > known else 0.3
        self.seconds_per_pixel[moving] = measured if known is None else known + weight * (measured - known)

    def forget(self) -> None:
        """Start anew: another volume, another way of drawing."""
        self.seconds_per_pixel = {True: None, False: None}
        self._prepared = False
