"""Tissue mask: the part of a breast MRI that a registration should look at, so that air and heart do not rule."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

DEPTH_MM = 60.0  # a breast lies nearer to the skin in front than this; most of the heart and the spine do not


def tissue_mask(image: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Return where there is tissue within 60 mm of the skin in front; all tissue where that leaves too little.

    Parameters
    ----------
    image
        T1-weighted, shape (slices, rows, columns), about 2 mm a voxel.
    affine
        (slice, row, column) to LPS mm.

    Returns
    -------
    ndarray of bool
        May be empty for an image without tissue.
    """
    spacing = np.linalg.norm(np.asarray(affine, float)[:3, :3], axis=0)
    body = body_mask(image, spacing)
    front = _near_front(body, affine, spacing)
    return front if front.sum() > 0.2 * body.sum() else body


def body_mask(image: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """Return the body: Otsu's threshold on the logarithm (fat is dark where suppressed); larger parts, filled."""
    import SimpleITK as sitk  # noqa: N813

    smooth = ndimage.gaussian_filter(image, 2.0 / spacing_mm)
    smooth = np.log1p(np.clip(smooth - smooth.min(), 0, None) / max(float(np.ptp(smooth)), 1e-12) * 1000)
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.Execute(sitk.GetImageFromArray(smooth))
    labels = np.zeros(image.shape, np.int32)
    ndimage.label(smooth > otsu.GetThreshold(), output=labels)
    sizes = np.bincount(labels.ravel())[1:]
    if not sizes.size:
        return np.zeros(image.shape, bool)
    body = np.isin(labels, 1 + np.flatnonzero(sizes >= 0.05 * sizes.max()))
    return np.stack([np.asarray(ndimage.binary_fill_holes(plane), bool) for plane in body])


def _near_front(body: np.ndarray, affine: np.ndarray, spacing_mm: np.ndarray) -> np.ndarray:
    """Keep what is near to air that is seen from the front, along the array axis nearest to the patient's front."""
    towards = np.asarray(affine, float)[1, :3] / spacing_mm
    axis = int(np.argmax(np.abs(towards)))
    seen = body if towards[axis] > 0 else np.flip(body, axis)  # index grows from front (-y) to back
    in_front = ~np.logical_or.accumulate(seen, axis=axis)
    in_front = in_front if towards[axis] > 0 else np.flip(in_front, axis)
    if not in_front.any():
        return body
    depth = np.asarray(ndimage.distance_transform_edt(~in_front, spacing_mm))
    return body & (depth <= DEPTH_MM)
