"""Sagittal grid of system 004: any breast MRI as sagittal slices of the pixel size its network knows.

The grid runs along the axes of the acquisition (an oblique one stays oblique), so resampling is separable: one small
matrix per axis. Every part of the grid can be had by itself, also beyond its ends, where it is reflected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from highdicom import Volume

ORIENTATION = "LFP"  # slices towards the patient's left, rows towards the feet, columns towards the back
COARSEST_MM = 0.6  # sagittal images with larger pixels are doubled in the plane (authors' code)
PLANE_MM = 0.4  # pixels of other images (authors' code for axial ones)
LATERAL_MM = 3.0  # middle of the 2 to 4 mm of the paper's sagittal slices
Range = tuple[int, int]
Ranges = tuple[Range, Range, Range]


@dataclass(frozen=True)
class Axis:
    """One axis before and after resampling; both have the same two ends.

    Attributes
    ----------
    old, new
        Number of voxels.
    """

    old: int
    new: int

    @property
    def step(self) -> float:
        """Size of a new voxel in old ones."""
        return self.old / self.new

    def matrix(self, start: int, stop: int) -> tuple[Range, np.ndarray]:
        """Return weights (new voxels, old voxels) of new voxels ``start`` to ``stop``, and which old voxels they are.

        Linear where the new grid is finer, as ``skimage.transform.resize(order=1, mode="reflect")``; a triangle as wide
        as the new voxels where it is coarser, so that nothing is skipped. Beyond its ends the *new* grid is reflected
        (its outermost voxels not doubled), as ``numpy.pad(mode="reflect")``.
        """
        if self.old == self.new:
            rows = mirrored(np.arange(start, stop), self.new)
            columns = rows[:, None]
            weights = np.ones((len(rows), 1))
        else:
            centres = (mirrored(np.arange(start, stop), self.new) + 0.5) * self.step - 0.5
            width = max(self.step, 1.0)
            reach = int(np.ceil(width))
            offsets = np.arange(-reach, reach + 1)
            columns = np.floor(centres)[:, None].astype(int) + offsets
            weights = np.maximum(0.0, 1.0 - np.abs(columns - centres[:, None]) / width)
            if width > 1.0:
                weights[(columns < 0) | (columns >= self.old)] = 0.0
            weights /= weights.sum(axis=1, keepdims=True)
            columns = mirrored(columns, self.old)
        used = columns[weights > 0] if weights.size else columns
        low, high = int(used.min()), int(used.max()) + 1
        full = np.zeros((len(columns), high - low), np.float32)
        inside = (columns >= low) & (columns < high)
        np.add.at(full, (np.nonzero(inside)[0], columns[inside] - low), weights[inside])
        return (low, high), full


def mirrored(index: np.ndarray, count: int) -> np.ndarray:
    """Return indices reflected into 0 … count − 1, the outermost ones not doubled."""
    if count == 1:
        return np.zeros_like(index)
    period = 2 * (count - 1)
    folded = np.mod(index, period)
    return np.where(folded >= count, period - folded, folded)


@dataclass(frozen=True)
class SagittalGrid:
    """The network's grid over a volume in orientation ``LFP``.

    Attributes
    ----------
    axes
        Slices, rows, columns.
    affine
        (slice, row, column) of the new grid to LPS mm of voxel centres.
    """

    axes: tuple[Axis, Axis, Axis]
    affine: np.ndarray

    @property
    def shape(self) -> tuple[int, int, int]:
        """Slices, rows and columns of the new grid."""
        return self.axes[0].new, self.axes[1].new, self.axes[2].new

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres between slices, rows and columns of the new grid."""
        a, b, c = (float(value) for value in np.linalg.norm(self.affine[:3, :3], axis=0))
        return a, b, c

    def source_box(self, *ranges: Range) -> Ranges:
        """Return which voxels of the old grid a part of the new one is made of."""
        a, b, c = (axis.matrix(*span)[0] for axis, span in zip(self.axes, ranges, strict=True))
        return a, b, c

    def sample(self, source: np.ndarray, ranges: Ranges, start: tuple[int, int, int] = (0, 0, 0)) -> np.ndarray:
        """Return a part of the new grid, which may lie beyond its ends.

        Parameters
        ----------
        source
            Shape (channels, slices, rows, columns) on the old grid.
        ranges
            First and last (exclusive) slice, row and column of the new grid.
        start
            Index of the first voxel of ``source`` in the old grid.

        Returns
        -------
        ndarray
            float32, shape (channels, …).
        """
        parts = [axis.matrix(*span) for axis, span in zip(self.axes, ranges, strict=True)]
        (z, to_z), (y, to_y), (x, to_x) = parts
        k, j, i = start
        values = np.asarray(source[:, z[0] - k : z[1] - k, y[0] - j : y[1] - j, x[0] - i : x[1] - i], np.float32)
        values = np.tensordot(values, to_z, axes=(1, 1))  # each product moves its axis to the end
        values = np.tensordot(values, to_y, axes=(1, 1))
        return np.tensordot(values, to_x, axes=(1, 1))


def sagittal_grid(
    volume: Volume,
    orientation: str,
    *,
    coarsest_mm: float = COARSEST_MM,
    plane_mm: float = PLANE_MM,
    lateral_mm: float | None = LATERAL_MM,
) -> SagittalGrid:
    """Return the network's grid over a volume.

    Parameters
    ----------
    volume
        In orientation ``LFP``, see :func:`turned`.
    orientation
        Plane of the acquisition. ``"sagittal"``: pixels coarser than ``coarsest_mm`` are doubled in the plane, slices
        stay as they are. Others: about ``plane_mm`` in the sagittal plane.
    lateral_mm
        Slices of images that were not acquired sagittally; None leaves their spacing as it is.
    """
    spacing = [float(value) for value in volume.spacing]
    if orientation == "sagittal":
        doubled = 2 if max(spacing[1:]) > coarsest_mm else 1
        counts = [volume.spatial_shape[0], *(n * doubled for n in volume.spatial_shape[1:])]
    else:
        wanted = (lateral_mm or spacing[0], plane_mm, plane_mm)
        counts = [max(1, round(n * mm / w)) for n, mm, w in zip(volume.spatial_shape, spacing, wanted, strict=True)]
    axes = tuple(Axis(old, new) for old, new in zip(volume.spatial_shape, counts, strict=True))
    step = np.eye(4)
    for number, axis in enumerate(axes):
        step[number, number], step[number, 3] = axis.step, 0.5 * axis.step - 0.5
    return SagittalGrid((axes[0], axes[1], axes[2]), np.asarray(volume.affine, float) @ step)


def turned(volume: Volume) -> Volume:
    """Return a volume with slices towards the left, rows towards the feet and columns towards the back, affine true."""
    return volume.to_patient_orientation(ORIENTATION)
