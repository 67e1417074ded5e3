"""Reslice: planes that cut across the array at any angle, resampled trilinearly from the stored voxels. Qt-free.

VTK's resampler is imported with the first such plane.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from viewer.planes import STANDARD, Plane
from viewer.presentation import Padding

FINEST_MM = 0.3  # finer pixels of a resampled plane would show interpolation, not anatomy
LARGEST = 1024  # pixels along a side of a resampled plane
ROUNDING = 1e-6
TYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")


@dataclass(frozen=True)
class ReslicedPlane(Plane):
    """A plane whose pixels lie between voxels.

    Attributes
    ----------
    source_affine, source_shape
        Affine and (slices, rows, columns) of the stored array.
    pivot_mm
        The LPS point an oblique plane was laid through; it falls on a pixel centre.
    """

    source_affine: np.ndarray = field(default_factory=lambda: np.eye(4))
    source_shape: tuple[int, int, int] = (1, 1, 1)
    pivot_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def directions(self) -> np.ndarray:
        """3×3: unit LPS vectors across slices, down rows and along columns, as columns of the matrix."""
        return self.affine[:3, :3] / np.linalg.norm(self.affine[:3, :3], axis=0)

    def slice_of(self, array: np.ndarray, index: int) -> np.ndarray:
        """Return displayed slice ``index``: float32, NaN beyond the volume; RGB uint8, black beyond it."""
        return Reslicer(array).slice_of(self, index)

    def stored_index(self, index: tuple[float, float, float] | np.ndarray) -> np.ndarray:
        """Return the stored (k, j, i), not rounded, of displayed (slice, row, column)."""
        return np.linalg.solve(self.source_affine[:3, :3], self.to_mm(index) - self.source_affine[:3, 3])

    def contains(self, index: np.ndarray) -> bool:
        """Whether displayed (slice, row, column) lies within the stored voxels."""
        stored = self.stored_index(index)
        limits = zip(stored, self.source_shape, strict=True)
        return all(-0.5 - ROUNDING <= value <= size - 0.5 + ROUNDING for value, size in limits)

    def array_index(self, index: tuple[int, int, int]) -> tuple[int, int, int]:
        """Return the stored (k, j, i) nearest to displayed whole (slice, row, column)."""
        stored = np.clip(np.floor(self.stored_index(index) + 0.5), 0, np.array(self.source_shape) - 1)
        return int(stored[0]), int(stored[1]), int(stored[2])


class Reslicer:
    """Resamples slices of one stored array; it shares the array's memory where VTK can read it as it is."""

    def __init__(self, array: np.ndarray, padding: Padding | None = None) -> None:
        self._array = _readable(array, padding)
        self._image: Any = None

    def slice_of(self, plane: ReslicedPlane, index: int) -> np.ndarray:
        """Return a slice (rows, columns[, 3]); padding is NaN, and so is what would be interpolated from it."""
        from vtkmodules.util.numpy_support import vtk_to_numpy
        from vtkmodules.vtkCommonMath import vtkMatrix4x4
        from vtkmodules.vtkImagingCore import vtkImageReslice

        to_stored = np.linalg.inv(plane.source_affine) @ plane.affine
        to_stored[:, 3] += to_stored[:, 0] * index
        matrix = vtkMatrix4x4()
        for row in range(3):  # VTK counts x, y, z: column, row, slice
            for place, column in enumerate((2, 1, 0, 3)):
                matrix.SetElement(row, place, float(to_stored[2 - row, column]))
        reslice = vtkImageReslice()
        reslice.SetInputData(self._vtk_image())
        reslice.SetResliceAxes(matrix)
        reslice.SetInterpolationModeToLinear()
        reslice.SetOutputDimensionality(2)
        _, rows, columns = plane.shape
        reslice.SetOutputExtent(0, columns - 1, 0, rows - 1, 0, 0)
        reslice.SetOutputSpacing(1.0, 1.0, 1.0)
        reslice.SetOutputOrigin(0.0, 0.0, 0.0)
        colour = self._array.ndim == 4
        reslice.SetBackgroundLevel(0.0 if colour else float("nan"))
        reslice.SetOutputScalarType(3 if colour else 10)  # VTK_UNSIGNED_CHAR, VTK_FLOAT
        reslice.Update()
        values = vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars())
        return values.reshape((rows, columns, 3) if colour else (rows, columns))

    def _vtk_image(self) -> Any:
        if self._image is None:
            from vtkmodules.util.numpy_support import numpy_to_vtk
            from vtkmodules.vtkCommonDataModel import vtkImageData

            slices, rows, columns = self._array.shape[:3]
            flat = self._array.reshape(-1, 3) if self._array.ndim == 4 else self._array.reshape(-1)
            self._image = vtkImageData()
            self._image.SetDimensions(columns, rows, slices)
            self._image.GetPointData().SetScalars(numpy_to_vtk(flat, deep=False))
        return self._image


def _readable(array: np.ndarray, padding: Padding | None) -> np.ndarray:
    """Return the array as VTK reads it, padding as NaN; the very same memory where nothing is to be changed."""
    if padding is not None and array.ndim == 3:
        padded = (array >= padding.low) & (array <= padding.high)
        if padded.any():
            values = array.astype(np.float32)
            values[padded] = np.nan
            return values
    if array.ndim == 4:
        return np.ascontiguousarray(array, dtype=np.uint8)
    native = array.dtype.newbyteorder("=")
    return np.ascontiguousarray(array, dtype=native if native.name in TYPES else np.float32)


def patient_plane(shape: tuple[int, ...], affine: np.ndarray, name: str) -> ReslicedPlane:
    """Return the true axial, sagittal or coronal plane of a volume that lies obliquely in the patient.

    Pixels are square, as fine as the finest voxel edge; slices follow each other as the array does closest to that way.
    """
    directions = np.zeros((3, 3))
    for place, (axis, sign) in enumerate(STANDARD[name]):
        directions[axis, place] = sign
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    closest = int(np.argmax(np.abs(directions[:, 0] @ (affine[:3, :3] / spacing))))
    centre = _corners(shape, affine).mean(axis=0)
    return _plane(shape, affine, name, directions, centre, float(spacing[closest]))


def oblique_plane(
    shape: tuple[int, ...],
    affine: np.ndarray,
    directions: np.ndarray | None = None,
    pivot_mm: tuple[float, float, float] | np.ndarray | None = None,
) -> ReslicedPlane:
    """Return a plane at any angle through a point.

    Parameters
    ----------
    shape, affine
        Of the stored array.
    directions
        3×3 as :attr:`ReslicedPlane.directions`, orthonormal; None takes those of the stored slices.
    pivot_mm
        LPS point on a pixel centre of one slice; None takes the middle of the volume.
    """
    if directions is None:
        directions = orthonormal(np.asarray(affine, dtype=float)[:3, :3])
    pivot = _corners(shape, affine).mean(axis=0) if pivot_mm is None else np.asarray(pivot_mm, dtype=float)
    finest = float(np.linalg.norm(affine[:3, :3], axis=0).min())
    return _plane(shape, affine, "oblique", directions, pivot, max(finest, FINEST_MM))


def orthonormal(directions: np.ndarray) -> np.ndarray:
    """Return the orthonormal 3×3 matrix with the same columns' directions: row first, then column, then the normal."""
    along = directions[:, 2] / np.linalg.norm(directions[:, 2])
    down = directions[:, 1] - along * float(along @ directions[:, 1])
    down /= np.linalg.norm(down)
    across = np.cross(along, down)
    return np.column_stack((across if across @ directions[:, 0] >= 0 else -across, down, along))


def tilted(plane: ReslicedPlane, axis: np.ndarray, degrees: float) -> ReslicedPlane:
    """Return the plane turned about an LPS axis through its pivot, right-handed."""
    from cv2 import Rodrigues

    turn, _ = Rodrigues(np.deg2rad(degrees) * axis / np.linalg.norm(axis))
    directions = orthonormal(turn @ plane.directions)
    return oblique_plane(plane.source_shape, plane.source_affine, directions, plane.pivot_mm)


def through(plane: ReslicedPlane, pivot_mm: tuple[float, float, float]) -> ReslicedPlane:
    """Return the plane with the same angles that turns about another point."""
    return oblique_plane(plane.source_shape, plane.source_affine, plane.directions, pivot_mm)


def _corners(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """Return LPS mm of the eight outer corners of the voxels, (8, 3)."""
    places = np.array([(*edges, 1.0) for edges in product(*((-0.5, size - 0.5) for size in shape[:3]))])
    return (places @ np.asarray(affine, dtype=float).T)[:, :3]


def _plane(
    shape: tuple[int, ...], affine: np.ndarray, name: str, directions: np.ndarray, pivot: np.ndarray, step_mm: float
) -> ReslicedPlane:
    """Return a plane that covers the whole volume with a pixel centre on the pivot."""
    reach = (_corners(shape, affine) - pivot) @ directions  # mm from the pivot, (8, slice row column)
    low, high = reach.min(axis=0), reach.max(axis=0)
    finest = float(np.linalg.norm(affine[:3, :3], axis=0).min())
    pixel = max(finest, FINEST_MM, float((high - low)[1:].max()) / LARGEST)
    spacing = np.array((step_mm, pixel, pixel))
    before = np.maximum(np.ceil(-low / spacing - 0.5 - ROUNDING), 0)
    after = np.maximum(np.ceil(high / spacing - 0.5 - ROUNDING), 0)
    shown = np.eye(4)
    shown[:3, :3] = directions * spacing
    shown[:3, 3] = pivot - shown[:3, :3] @ before
    sizes = (before + after + 1).astype(int)
    source = (int(shape[0]), int(shape[1]), int(shape[2]))
    plane = ReslicedPlane(
        name, (-1, -1, -1), (False, False, False), (int(sizes[0]), int(sizes[1]), int(sizes[2])), shown
    )
    point = (float(pivot[0]), float(pivot[1]), float(pivot[2]))
    return replace(plane, source_affine=np.asarray(affine, dtype=float), source_shape=source, pivot_mm=point)
