"""The sampling grid of one slice of the MRI phantom, and small spheres drawn into it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.phantoms.noise import LatticeNoise


@dataclass(frozen=True)
class Plane:
    """The sampling grid of one slice.

    Attributes
    ----------
    x_mm, y_mm, z_mm
        Axes in the phantom's frame; the one across the slice has length 1.
    name
        ``"axial"`` (rows to the back, columns to the left) or ``"sagittal"`` (rows to the feet, columns to the back).
    pixel_mm, thickness_mm
        Spacing in the plane and across it.
    """

    x_mm: np.ndarray
    y_mm: np.ndarray
    z_mm: np.ndarray
    name: str
    pixel_mm: float
    thickness_mm: float

    @property
    def axes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The axes x, y, z."""
        return self.x_mm, self.y_mm, self.z_mm

    @property
    def points(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Coordinates x, y, z that broadcast to (rows, columns)."""
        if self.name == "axial":
            return self.x_mm[None, :], self.y_mm[:, None], self.z_mm[None, :]
        return self.x_mm[None, :], self.y_mm[None, :], self.z_mm[:, None]

    def flat(self, values: np.ndarray) -> np.ndarray:
        """Return a (z, y, x) array of one slice as (rows, columns)."""
        return values[0] if self.name == "axial" else values[:, :, 0]

    def noise(self, seed: int, step_mm: tuple[float, float, float]) -> np.ndarray:
        """Return lattice noise on the plane, (rows, columns)."""
        return self.flat(LatticeNoise(seed, step_mm).sample(*self.axes))


def stamp(points: np.ndarray, plane: Plane, shape: tuple[int, ...]) -> np.ndarray:
    """Return the share of each pixel covered by small spheres, thin ones by partial volume.

    Parameters
    ----------
    points
        x, y, z, radius in mm and, where there is a fifth column, a factor on the share.
    """
    weight = np.zeros(shape, np.float32)
    if points.size == 0:
        return weight
    if plane.name == "axial":
        across, row, column = points[:, 2] - plane.z_mm[0], points[:, 1] - plane.y_mm[0], points[:, 0] - plane.x_mm[0]
    else:
        across, row, column = points[:, 0] - plane.x_mm[0], plane.z_mm[0] - points[:, 2], points[:, 1] - plane.y_mm[0]
    radius, half = points[:, 3], plane.thickness_mm / 2
    near = np.abs(across) < radius + half
    row, column, radius, across = (a[near] for a in (row / plane.pixel_mm, column / plane.pixel_mm, radius, across))
    overlap = np.clip((np.minimum(across + radius, half) - np.maximum(across - radius, -half)) / (2 * half), 0, 1)
    reach = int(np.ceil(radius.max(initial=0) / plane.pixel_mm + 0.5))
    steps = np.arange(-reach, reach + 1)
    rows = np.round(row).astype(int)[:, None, None] + steps[None, :, None]
    columns = np.round(column).astype(int)[:, None, None] + steps[None, None, :]
    distance = np.hypot(rows - row[:, None, None], columns - column[:, None, None])
    share = np.clip(radius[:, None, None] / plane.pixel_mm - distance + 0.5, 0, 1) * np.sqrt(overlap)[:, None, None]
    rows, columns = np.broadcast_arrays(rows, columns)
    if points.shape[1] > 4:
        share = share * points[near, 4][:, None, None]
    valid = (rows >= 0) & (rows < shape[0]) & (columns >= 0) & (columns < shape[1]) & (share > 0)
    np.maximum.at(weight, (rows[valid], columns[valid]), share[valid].astype(np.float32))
    return weight
