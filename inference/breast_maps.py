"""Activation maps of system 003 in the patient: where its cells lie, and the place of its maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from inference.explain import findings_from_map
from inference.nets.curriculum_resnet import STEP
from inference.peak import peak_index
from inference.prepare.grid import on_grid

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.prepare.breast_crop import BreastGrid
    from inference.result import Finding, Heatmap

FINER = 4  # values of a volume per cell of the map, so that it ends where the crop does (to 3 voxels), not beyond
REGION = 0.5  # share of the map's maximum that bounds a region, as for system 000
_PIXEL_MM = 3.0  # a map's slice is drawn this fine for its outline; its cells are about 20 mm apart


def cam_volume(cells: np.ndarray, grid: BreastGrid, image: Volume) -> Volume:
    """Return a map (cells x, y, z) as a volume (z, y, x) whose cells lie where their receptive fields are centred.

    Cell (i, j, k) is centred on network voxel (32 i, 32 j, 4 k): stride and padding of every layer on the way put it
    there (SYSTEMS.md §3), 15.5 voxels before the middle of the block of voxels it would be the mean of. Between cells
    lie three more values, linear, and behind the last three that are held, as SYSTEMS.md §3 asks: so the map covers the
    crop up to midline, chest wall and head, and nothing beyond. Every fourth value is a cell's own.
    """
    affine = grid.affine @ np.diag([*(step / FINER for step in STEP), 1.0])
    turned = affine[:, [2, 1, 0, 3]]
    at = np.meshgrid(*(np.arange(count * FINER) / FINER for count in cells.shape), indexing="ij")
    covering = ndimage.map_coordinates(cells.astype(np.float64), at, order=1, mode="nearest")
    return on_grid(np.ascontiguousarray(covering.transpose(2, 1, 0), dtype=np.float32), turned, image)


def suspicious_place(
    shown: Heatmap, grid: BreastGrid, image: Volume
) -> tuple[Finding, tuple[float, float, float]] | None:
    """Return the rectangle around the region of a map's maximum and that maximum in millimetres.

    Parameters
    ----------
    shown
        As :func:`cam_volume` makes it.
    grid
        The crop it belongs to; the rectangle is cut to it.

    Returns
    -------
    tuple or None
        The rectangle lies in the slice of ``image`` nearest to the maximum; None where the map has no positive value or
        none near its maximum lies in the image.
    """
    cells = shown.volume.array[::FINER, ::FINER, ::FINER]
    if not float(cells.max()) > 0:
        return None
    top = np.array(peak_index(cells), float) * FINER
    x, y, z = (float(value) for value in shown.volume.map_indices_to_reference(top[None])[0])
    number = round(float(image.map_reference_to_indices(np.array([[x, y, z]]))[0, 0]))
    number = int(np.clip(number, 0, image.spatial_shape[0] - 1))
    rectangles = findings_from_map(
        _slice_of(shown.volume, grid, image, number), image[number : number + 1], shown.name, fraction=REGION
    )
    return (rectangles[0], (x, y, z)) if rectangles else None


def _slice_of(cells: Volume, grid: BreastGrid, image: Volume, number: int) -> Volume:
    """Return a map on one slice of an image, on pixels of about 3 mm, linear between its cells, 0 beside the crop."""
    rows, columns = image.spatial_shape[1:]
    step = [max(1, round(_PIXEL_MM / spacing)) for spacing in image.spacing[1:]]
    to_image = np.diag([1.0, step[0], step[1], 1.0])
    to_image[:3, 3] = number, (step[0] - 1) / 2, (step[1] - 1) / 2
    affine = image.affine @ to_image
    there = np.linalg.inv(cells.affine) @ affine
    shape = (1, max(1, rows // step[0]), max(1, columns // step[1]))
    values = ndimage.affine_transform(
        cells.array.astype(np.float64), there[:3, :3], there[:3, 3], shape, order=1, mode="nearest"
    )
    return on_grid(np.where(_in_crop(grid, affine, shape), values, 0.0).astype(np.float32), affine, image)


def _in_crop(grid: BreastGrid, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Return which pixels of a slice (1, rows, columns) lie in the crop, give or take half the slice's thickness.

    The slice is the nearest to a cell's centre, and that may lie on the crop's very edge: the slice's own middle may
    then lie a little beyond it.
    """
    to_voxel = np.linalg.inv(grid.affine) @ affine
    at = np.tensordot(to_voxel[:3, :3], np.indices(shape), axes=1) + to_voxel[:3, 3].reshape(3, 1, 1, 1)
    reach = (0.5 + np.abs(to_voxel[:3, 0]) / 2).reshape(3, 1, 1, 1)
    last = (np.array(grid.size) - 1).reshape(3, 1, 1, 1)
    return np.logical_and.reduce((at >= -reach) & (at <= last + reach))
