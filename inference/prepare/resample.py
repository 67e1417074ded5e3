"""Resample: a volume on the grid of another through a motion correction, some slices at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from inference.prepare.correction import Correction
from inference.prepare.deformation import affine_of, to_field, to_image, with_geometry
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

_SLICES = 4  # between two looks at whether the user has cancelled


def resampled(moving: Volume, fixed: Volume, correction: Correction, progress: Progress, *, smooth: bool) -> np.ndarray:
    """Return the values of ``moving`` at the voxels of ``fixed``, motion taken out.

    Parameters
    ----------
    smooth
        Cubic B-spline, cut off at the least and the greatest value of ``moving``; else linear.

    Returns
    -------
    ndarray
        Shape of ``fixed``, type of ``moving``; its least value where it has no voxel.
    """
    import SimpleITK as sitk  # noqa: N813

    source, shape, affine = np.asarray(moving.array), fixed.spatial_shape, np.asarray(fixed.affine, float)
    low, high = float(source.min()), float(source.max())
    image = to_image(moving, np.float32 if source.dtype.itemsize <= 2 or source.dtype == np.float32 else np.float64)
    kind = sitk.sitkLinear
    if smooth:
        image, kind = _coefficients(image, progress.part(0.0, 0.3)), sitk.sitkBSplineResampler
    field = to_field(correction, affine, (shape[0], shape[1], shape[2]))
    result = np.empty(shape, source.dtype)
    for start in range(0, shape[0], _SLICES):
        progress.report(0.3 + 0.7 * start / shape[0], "resampling")
        stop = min(start + _SLICES, shape[0])
        corner = affine.copy()
        corner[:3, 3] += affine[:3, 0] * start
        grid = with_geometry(sitk.Image([shape[2], shape[1], stop - start], sitk.sitkUInt8), corner)
        part = sitk.GetArrayFromImage(sitk.Resample(image, grid, field, kind, low, image.GetPixelID()))
        np.clip(part, low, high, out=part)
        result[start:stop] = np.rint(part) if source.dtype.kind in "iu" else part
    return result


def _coefficients(image: Any, progress: Progress) -> Any:
    """Return the cubic B-spline coefficients of an image, mirrored at its borders as SimpleITK wants them."""
    import SimpleITK as sitk  # noqa: N813

    affine, values = affine_of(image), sitk.GetArrayFromImage(image)
    for start in range(0, len(values), _SLICES):
        progress.report(0.7 * start / len(values), "resampling")
        for axis in (1, 2):
            part = values[start : start + _SLICES]
            part[:] = ndimage.spline_filter1d(part, 3, axis, mode="mirror")
    for start in range(0, values.shape[1], 8 * _SLICES):
        progress.report(0.7 + 0.3 * start / values.shape[1], "resampling")
        part = values[:, start : start + 8 * _SLICES]
        part[:] = ndimage.spline_filter1d(part, 3, 0, mode="mirror")
    return with_geometry(sitk.GetImageFromArray(values), affine)
