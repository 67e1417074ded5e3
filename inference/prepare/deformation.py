"""Deformation: a correction as displacements on a grid, their change of volume, and as a SimpleITK transform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from inference.prepare.correction import Correction, Spline

if TYPE_CHECKING:
    from highdicom import Volume


FIELD_MM = 4.0  # displacements that far apart, interpolated between: with knots 35 mm apart exact to 0.01 mm


def spline_on(affine: np.ndarray, shape: tuple[int, int, int], grid_mm: float) -> Spline:
    """Return a B-spline without displacement whose domain holds every voxel of a grid, to its outer corners.

    Parameters
    ----------
    affine
        (slice, row, column) to LPS mm of voxel centres.
    shape
        Slices, rows, columns.
    grid_mm
        Distance of the knots, at most: the domain is divided into whole meshes.
    """
    steps = np.asarray(affine, float)[:3, :3][:, ::-1]
    spacing = np.linalg.norm(steps, axis=0)
    size = spacing * shape[::-1]
    origin = np.asarray(affine, float)[:3, 3] - steps.sum(axis=1) / 2
    mesh = np.maximum(1, np.ceil(size / grid_mm)).astype(int)
    return Spline(np.zeros((3, *(mesh[::-1] + 3))), origin, steps / spacing, size)


def bases(
    spline: Spline, affine: np.ndarray, shape: tuple[int, int, int], *, derivative: bool = False
) -> list[np.ndarray]:
    """Return the weights of the knots at each slice, row and column of a grid that lies along the spline's axes.

    Returns
    -------
    list of ndarray
        Three matrices, (slices, knots), (rows, knots), (columns, knots); of the derivatives, in 1/mm along the axis,
        where these are wanted.
    """
    inverse = np.linalg.inv(spline.directions)
    start = inverse @ (np.asarray(affine, float)[:3, 3] - spline.origin_mm)
    step = np.diag(inverse @ np.asarray(affine, float)[:3, :3][:, ::-1])
    found = []
    for axis in (2, 1, 0):
        mesh_mm = spline.size_mm[axis] / spline.mesh[axis]
        place = (start[axis] + step[axis] * np.arange(shape[2 - axis])) / mesh_mm
        at = place[:, None] - (np.arange(spline.mesh[axis] + 3) - 1)
        found.append(_slope(at) / mesh_mm if derivative else _cubic(at))
    return found


def _cubic(t: np.ndarray) -> np.ndarray:
    """Return the cubic B-spline (Unser, IEEE Signal Processing Magazine 1999;16(6):22)."""
    t = np.abs(t)
    return np.where(t < 1, 2 / 3 - t**2 + t**3 / 2, np.where(t < 2, (2 - t) ** 3 / 6, 0.0))


def _slope(t: np.ndarray) -> np.ndarray:
    """Return the derivative of the cubic B-spline."""
    size = np.abs(t)
    return np.sign(t) * np.where(size < 1, 1.5 * size**2 - 2 * size, np.where(size < 2, -((2 - size) ** 2) / 2, 0.0))


def spline_displacement(spline: Spline, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return the B-spline's displacement in LPS mm, shape (3, slices, rows, columns), on a grid along its axes."""
    z, y, x = bases(spline, affine, shape)
    return np.einsum("kp,jq,ir,cpqr->ckji", z, y, x, spline.coefficients, optimize=True)


def points(affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return the voxel centres of a grid in LPS mm, shape (3, slices, rows, columns)."""
    index = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")).astype(float)
    affine = np.asarray(affine, float)
    return np.einsum("ca,a...->c...", affine[:3, :3], index) + affine[:3, 3][:, None, None, None]


def rotation(angles_rad: tuple[float, float, float]) -> np.ndarray:
    """Return the matrix of ``Euler3DTransform``: Z · X · Y."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles_rad), np.sin(angles_rad)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def displacement(correction: Correction, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return where each voxel of a grid is found in the moving volume, as a displacement.

    Parameters
    ----------
    affine, shape
        A grid along the axes of the fixed volume.

    Returns
    -------
    ndarray
        LPS mm, shape (3, slices, rows, columns).
    """
    at = points(affine, shape)
    moved = at if correction.spline is None else at + spline_displacement(correction.spline, affine, shape)
    centre = np.array(correction.centre_mm)[:, None, None, None]
    turned = np.einsum("ab,b...->a...", rotation(correction.angles_rad), moved - centre)
    return turned + centre + np.array(correction.translation_mm)[:, None, None, None] - at


def jacobian(spline: Spline, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return the determinant of x + b(x) on a grid: the change of volume; a rotation does not change it."""
    plain, sloped = bases(spline, affine, shape), bases(spline, affine, shape, derivative=True)
    along = []
    for axis in range(3):  # slices, rows, columns
        z, y, x = (sloped[n] if n == axis else plain[n] for n in range(3))
        along.append(np.einsum("kp,jq,ir,cpqr->ckji", z, y, x, spline.coefficients, optimize=True))
    by_axis = np.stack(along[::-1])
    (a, b, c), (d, e, f), (g, h, i) = np.einsum("ac...,ba->cb...", by_axis, spline.directions, optimize=True)
    a, e, i = a + 1, e + 1, i + 1
    return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)


def to_field(correction: Correction, affine: np.ndarray, shape: tuple[int, int, int]) -> Any:
    """Return the displacements over a grid, a few millimetres apart, as a SimpleITK transform."""
    import SimpleITK as sitk  # noqa: N813

    affine = np.asarray(affine, float)
    factor = np.maximum(1.0, FIELD_MM / np.linalg.norm(affine[:3, :3], axis=0))
    counts = np.ceil((np.array(shape) - 1) / factor).astype(int) + 3  # one beyond each end: nothing is outside it
    coarse = affine.copy()
    coarse[:3, :3] = affine[:3, :3] * factor
    coarse[:3, 3] = affine[:3, 3] - coarse[:3, :3].sum(axis=1)
    vectors = displacement(correction, coarse, (int(counts[0]), int(counts[1]), int(counts[2])))
    image = sitk.GetImageFromArray(np.ascontiguousarray(np.moveaxis(vectors, 0, -1)), isVector=True)
    return sitk.DisplacementFieldTransform(with_geometry(image, coarse))


def to_image(volume: Volume, pixel_type: Any = np.float32) -> Any:
    """Return a volume as a ``SimpleITK.Image`` of the same LPS geometry; oblique and mirrored affines too."""
    import SimpleITK as sitk  # noqa: N813

    return with_geometry(sitk.GetImageFromArray(np.asarray(volume.array, pixel_type)), np.asarray(volume.affine))


def with_geometry(image: Any, affine: np.ndarray) -> Any:
    """Give an image spacing, direction and origin of an affine from (slice, row, column)."""
    steps = np.asarray(affine, float)[:3, :3][:, ::-1]
    spacing = np.linalg.norm(steps, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((steps / spacing).ravel().tolist())
    image.SetOrigin(np.asarray(affine, float)[:3, 3].tolist())
    return image


def affine_of(image: Any) -> np.ndarray:
    """Return the affine from (slice, row, column) of a ``SimpleITK.Image``."""
    affine = np.eye(4)
    steps = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, :3], affine[:3, 3] = steps[:, ::-1], image.GetOrigin()
    return affine


def to_transform(correction: Correction) -> Any:
    """Return a correction as a ``SimpleITK.CompositeTransform`` from fixed to moving points."""
    import SimpleITK as sitk  # noqa: N813

    rigid = sitk.Euler3DTransform()
    rigid.SetCenter(correction.centre_mm)
    rigid.SetParameters([*correction.angles_rad, *correction.translation_mm])
    spline = correction.spline
    if spline is None:
        return sitk.CompositeTransform([rigid])
    bent = sitk.BSplineTransform(3, 3)
    bent.SetTransformDomainOrigin(spline.origin_mm.tolist())
    bent.SetTransformDomainDirection(spline.directions.ravel().tolist())
    bent.SetTransformDomainPhysicalDimensions(spline.size_mm.tolist())
    bent.SetTransformDomainMeshSize(spline.mesh)
    bent.SetParameters(spline.coefficients.ravel().tolist())
    return sitk.CompositeTransform([rigid, bent])
