"""Activation maps of system 003 in the patient: where its cells lie, and the place of its maximum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from inference.explain import findings_from_map
from inference.nets.curriculum_resnet import STEP
from inference.prepare.grid import on_grid

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.prepare.breast_crop import BreastGrid
    from inference.result import Finding, Heatmap

REGION = 0.5  # share of the map's maximum that bounds a region, as for system 000
_PIXEL_MM = 3.0  # a map's slice is drawn this fine for its outline; its cells are about 20 mm apart


def cam_volume(cells: np.ndarray, grid: BreastGrid, image: Volume) -> Volume:
    """Return a map (cells x, y, z) as a volume (z, y, x) whose cells lie where their receptive fields are centred.

    Cell (i, j, k) is centred on network voxel (32 i, 32 j, 4 k): stride and padding of every layer on the way put it
    there (SYSTEMS.md §3), 15.5 voxels before the middle of the block of voxels it would be the mean of.
    """
    affine = grid.affine @ np.diag([*STEP, 1.0])
    turned = affine[:, [2, 1, 0, 3]]
    return on_grid(np.ascontiguousarray(cells.transpose(2, 1, 0), dtype=np.float32), turned, image)


def suspicious_place(shown: Heatmap, image: Volume) -> tuple[Finding, tuple[float, float, float]] | None:
    """Return the rectangle around the region of a map's maximum and that maximum in millimetres.

    The rectangle lies in the slice of ``image`` nearest to the maximum; None where the map has no positive value or
    its maximum lies beside the image.
    """
    cells = shown.volume.array
    if not float(cells.max()) > 0:
        return None
    top = np.array(np.unravel_index(int(np.argmax(cells)), cells.shape), float)
    x, y, z = (float(value) for value in shown.volume.map_indices_to_reference(top[None])[0])
    number = round(float(image.map_reference_to_indices(np.array([[x, y, z]]))[0, 0]))
    number = int(np.clip(number, 0, image.spatial_shape[0] - 1))
    rectangles = findings_from_map(
        _slice_of(shown.volume, image, number), image[number : number + 1], shown.name, fraction=REGION
    )
    return (rectangles[0], (x, y, z)) if rectangles else None


def _slice_of(cells: Volume, image: Volume, number: int) -> Volume:
    """Return a map on one slice of an image, on pixels of about 3 mm, linear between the map's cells, 0 beside it."""
    rows, columns = image.spatial_shape[1:]
    step = [max(1, round(_PIXEL_MM / spacing)) for spacing in image.spacing[1:]]
    to_image = np.diag([1.0, step[0], step[1], 1.0])
    to_image[:3, 3] = number, (step[0] - 1) / 2, (step[1] - 1) / 2
    affine = image.affine @ to_image
    there = np.linalg.inv(cells.affine) @ affine
    shape = (1, max(1, rows // step[0]), max(1, columns // step[1]))
    values = ndimage.affine_transform(
        cells.array.astype(np.float64), there[:3, :3], there[:3, 3], shape, order=1, mode="constant"
    )
    return on_grid(values.astype(np.float32), affine, image)
