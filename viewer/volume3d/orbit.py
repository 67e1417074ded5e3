"""Orbit: where the volume view is looked at from, in parallel projection. Pure arithmetic, Qt- and VTK-free."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from viewer.layers.types import Point

# towards the viewer, and up on the screen, in LPS; from the foot the patient's right is on the left, as on axial slices
STANDARD: dict[str, tuple[Point, Point]] = {
    "anterior": ((0, -1, 0), (0, 0, 1)),
    "posterior": ((0, 1, 0), (0, 0, 1)),
    "left": ((1, 0, 0), (0, 0, 1)),
    "right": ((-1, 0, 0), (0, 0, 1)),
    "head": ((0, 0, 1), (0, -1, 0)),
    "foot": ((0, 0, -1), (0, -1, 0)),
}
DEGREES_PER_PIXEL = 0.4  # of a drag, in logical pixels
CLOSEST_MM, FARTHEST_MM = 2.0, 5000.0


@dataclass(frozen=True, eq=False)
class Orbit:
    """A viewpoint.

    Attributes
    ----------
    centre_mm
        LPS point in the middle of the screen when not panned; the view turns about it.
    axes
        3×3, rows: unit LPS vectors to the right and up on the screen, and towards the viewer.
    height_mm
        Millimetres from the lower to the upper edge of the screen.
    pan_mm
        Millimetres the picture is moved to the right and up.
    """

    centre_mm: np.ndarray
    axes: np.ndarray
    height_mm: float
    pan_mm: tuple[float, float] = (0.0, 0.0)

    def seen_from(self, name: str) -> Orbit:
        """Return the view from a standard side (:data:`STANDARD`)."""
        return replace(self, axes=standard_axes(name))

    def turned(self, right_degrees: float, down_degrees: float) -> Orbit:
        """Return the view after the volume was turned: its front moves right and down by these angles."""
        a, b = math.radians(right_degrees), math.radians(down_degrees)
        about_up = np.array([[math.cos(a), 0, math.sin(a)], [0, 1, 0], [-math.sin(a), 0, math.cos(a)]])
        about_right = np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
        axes = about_right @ about_up @ self.axes
        u, _, vt = np.linalg.svd(axes)  # many small turns stay a rotation
        return replace(self, axes=u @ vt)

    def panned(self, right: float, down: float, height: int) -> Orbit:
        """Return the view with the picture moved by screen pixels, of a screen so many pixels high."""
        mm = self.height_mm / max(height, 1)
        return replace(self, pan_mm=(self.pan_mm[0] + right * mm, self.pan_mm[1] - down * mm))

    def zoomed(self, factor: float) -> Orbit:
        """Return the view enlarged by a factor."""
        return replace(self, height_mm=min(max(self.height_mm / factor, CLOSEST_MM), FARTHEST_MM))

    def band(self, top: int, bottom: int, height: int) -> Orbit:
        """Return the view of some rows (from ``top`` up to ``bottom``) of a screen so many pixels high."""
        mm = self.height_mm / height
        lower = ((top + bottom) / 2 - height / 2) * mm
        return replace(self, height_mm=(bottom - top) * mm, pan_mm=(self.pan_mm[0], self.pan_mm[1] + lower))

    @property
    def focus_mm(self) -> np.ndarray:
        """LPS point in the middle of the screen."""
        return self.centre_mm - self.pan_mm[0] * self.axes[0] - self.pan_mm[1] * self.axes[1]

    def screen_of(self, points_mm: np.ndarray, width: int, height: int) -> np.ndarray:
        """Return x and y in pixels (edges of pixels at whole numbers) and mm towards the viewer of (…, 3) points."""
        seen = (np.asarray(points_mm, float) - self.focus_mm) @ self.axes.T
        scale = height / self.height_mm
        return np.stack((width / 2 + seen[..., 0] * scale, height / 2 - seen[..., 1] * scale, seen[..., 2]), axis=-1)

    def ray(self, x: float, y: float, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
        """Return a point under a screen position and the unit direction away from the viewer, in LPS mm."""
        mm = self.height_mm / height
        point = self.focus_mm + (x - width / 2) * mm * self.axes[0] + (height / 2 - y) * mm * self.axes[1]
        return point, -self.axes[2]


def standard_axes(name: str) -> np.ndarray:
    """Return the screen axes of a standard view as rows: right, up, towards the viewer."""
    back, up = (np.array(vector, float) for vector in STANDARD[name])
    return np.stack((np.cross(up, back), up, back))


def orbit_around(corners_mm: np.ndarray, aspect: float, name: str = "foot") -> Orbit:
    """Return a view that holds points (n, 3), such as the corners of a volume, whichever way it is turned to a side.

    ``aspect`` is the screen's width divided by its height.
    """
    axes = standard_axes(name)
    seen = corners_mm @ axes.T
    across, up = np.ptp(seen[:, 0]), np.ptp(seen[:, 1])
    height = 1.08 * max(up, across / max(aspect, 0.1), 1.0)
    return Orbit((corners_mm.min(axis=0) + corners_mm.max(axis=0)) / 2, axes, float(height))
