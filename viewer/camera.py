"""Camera: which part of an image plane is seen, how large and which way round. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

UPRIGHT = ((1, 0), (0, 1))
CLOCKWISE = np.array(((0, -1), (1, 0)))  # y runs down the screen
MIRROR = np.array(((-1, 0), (0, 1)))
UPSIDE_DOWN = np.array(((1, 0), (0, -1)))
Turn = tuple[tuple[int, int], tuple[int, int]]


@dataclass(frozen=True)
class Camera:
    """Maps the plane's millimetres (x right, y down, origin at the outer corner of the first pixel) to screen pixels.

    Attributes
    ----------
    centre_mm
        The point of the plane in the middle of the pane.
    zoom
        Screen pixels (device, not logical) for a millimetre.
    turn
        2×2 signed permutation from the plane's axes to the screen's.
    size
        Width and height of the pane in device pixels.
    """

    centre_mm: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    turn: Turn = UPRIGHT
    size: tuple[int, int] = (1, 1)

    @property
    def matrix(self) -> np.ndarray:
        """2×3 matrix from plane mm to screen pixels."""
        linear = self.zoom * np.array(self.turn, dtype=float)
        middle = np.array(self.size, dtype=float) / 2
        return np.column_stack((linear, middle - linear @ np.array(self.centre_mm)))

    def to_screen(self, x_mm: float, y_mm: float) -> tuple[float, float]:
        """Return screen pixels of a point of the plane."""
        x, y = self.matrix @ (x_mm, y_mm, 1.0)
        return float(x), float(y)

    def to_plane(self, x: float, y: float) -> tuple[float, float]:
        """Return the point of the plane in mm under a screen pixel position."""
        turned = np.array(self.turn, dtype=float).T @ (np.array((x, y)) - np.array(self.size) / 2) / self.zoom
        return float(turned[0] + self.centre_mm[0]), float(turned[1] + self.centre_mm[1])

    def fitted(self, width_mm: float, height_mm: float) -> Camera:
        """Return the camera that shows a plane of this size whole."""
        across, down = np.abs(np.array(self.turn)) @ (width_mm, height_mm)
        zoom = min(self.size[0] / max(across, 1e-9), self.size[1] / max(down, 1e-9))
        return replace(self, centre_mm=(width_mm / 2, height_mm / 2), zoom=max(float(zoom), 1e-9))

    def zoomed(self, factor: float, at: tuple[float, float] | None = None) -> Camera:
        """Return the camera zoomed by a factor; the point under screen position ``at`` stays where it is."""
        if at is None:
            return replace(self, zoom=self.zoom * factor)
        held = self.to_plane(*at)
        nearer = replace(self, zoom=self.zoom * factor)
        now = nearer.to_plane(*at)
        centre = (self.centre_mm[0] + held[0] - now[0], self.centre_mm[1] + held[1] - now[1])
        return replace(nearer, centre_mm=centre)

    def panned(self, dx: float, dy: float) -> Camera:
        """Return the camera after dragging the image by screen pixels."""
        x, y = self.to_plane(self.size[0] / 2 - dx, self.size[1] / 2 - dy)
        return replace(self, centre_mm=(x, y))

    def turned(self, by: np.ndarray) -> Camera:
        """Return the camera with the screen turned or mirrored by a 2×2 signed permutation about the pane's middle."""
        turn = by @ np.array(self.turn)
        return replace(self, turn=((int(turn[0, 0]), int(turn[0, 1])), (int(turn[1, 0]), int(turn[1, 1]))))
