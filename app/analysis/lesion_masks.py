"""Lesion masks: boxes as cuboids of voxels, connected parts of a mask, and whether two lesions touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from highdicom import Volume

_SLACK = 1e-6  # mm: a box drawn along voxel edges takes no voxel more by rounding


def box_mask(
    image: Volume, corner_mm: Sequence[float], opposite_mm: Sequence[float], orientation: Sequence[float]
) -> Volume | None:
    """Return a rectangle in the patient as a mask on a part of an image's grid; None where it lies outside.

    Parameters
    ----------
    image
        Array (slices, rows, columns), affine to LPS mm.
    corner_mm, opposite_mm
        Two opposite corners (outer edges), LPS mm.
    orientation
        Row and column direction cosines of the rectangle's plane (0020,0037).

    Returns
    -------
    Volume or None
        uint8, 1 for every voxel whose centre lies in the rectangle and within half a voxel of its plane: one slice
        thick where the rectangle was drawn on a slice. A rectangle between voxel centres is the nearest voxel.
    """
    axes = np.asarray(orientation, float).reshape(2, 3)
    axes = np.vstack([axes, np.cross(axes[0], axes[1])])
    corners = np.asarray([corner_mm, opposite_mm], float)
    centre = corners.mean(axis=0)
    half = np.abs(axes @ (corners[1] - corners[0])) / 2
    affine = np.asarray(image.affine, float)
    half[2] = np.abs(axes[2] @ affine[:3, :3]).max() / 2  # of the axis nearest to the normal
    low, high = _window(image, centre, axes, half)
    if np.any(high <= low):
        return None
    index = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(low, high, strict=True)), indexing="ij"), -1)
    apart = np.abs((index @ affine[:3, :3].T + affine[:3, 3] - centre) @ axes.T)
    inside = np.all(apart <= half + _SLACK, axis=-1)
    if not inside.any():
        inside[np.unravel_index(int(np.argmin((apart**2).sum(axis=-1))), inside.shape)] = True
    part = image[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    return part.with_array(inside.astype(np.uint8))


def _window(image: Volume, centre: np.ndarray, axes: np.ndarray, half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first voxels within a cuboid's bounds, and those behind the last, cut to the image."""
    inverse = np.linalg.inv(np.asarray(image.affine, float))
    middle = inverse[:3, :3] @ centre + inverse[:3, 3]
    reach = np.abs(inverse[:3, :3] @ axes.T) @ half
    shape = np.array(image.spatial_shape)
    if np.any(middle + reach < -0.5) or np.any(middle - reach > shape - 0.5):
        return np.zeros(3, int), np.zeros(3, int)
    low = np.clip(np.floor(middle - reach), 0, shape - 1).astype(int)
    high = np.clip(np.ceil(middle + reach) + 1, 1, shape).astype(int)
    return low, high


def parts_of(mask: Volume, most: int) -> tuple[Volume, ...]:
    """Return the connected parts of a mask (voxels that touch by a corner are connected), largest first, each cropped.

    Parameters
    ----------
    most
        How many at most.
    """
    from scipy import ndimage

    labels = np.zeros(mask.spatial_shape, np.int32)
    ndimage.label(np.asarray(mask.array) > 0, np.ones((3, 3, 3)), output=labels)
    sizes = np.bincount(labels.ravel())[1:]
    windows = ndimage.find_objects(labels)
    found = []
    for number in np.argsort(-sizes, kind="stable")[:most]:
        window = windows[number]
        found.append(mask[window].with_array((labels[window] == number + 1).astype(np.uint8)))
    return tuple(found)


def overlaps(one: Volume, other: Volume) -> bool:
    """Whether some voxel of one mask has its centre in a voxel of the other, or the other way round."""
    return _lies_in(one, other) or _lies_in(other, one)


def _lies_in(one: Volume, other: Volume) -> bool:
    there = np.argwhere(np.asarray(one.array) > 0)
    affine, inverse = np.asarray(one.affine, float), np.linalg.inv(np.asarray(other.affine, float))
    points = there @ affine[:3, :3].T + affine[:3, 3]
    index = np.rint(points @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
    known = np.all((index >= 0) & (index < np.array(other.spatial_shape)), axis=1)
    return bool(np.asarray(other.array)[tuple(index[known].T)].any())
