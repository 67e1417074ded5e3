"""Grids and the way between them: source pixels, network pixels, attention cells. Every grid keeps its own affine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from highdicom import Volume

# The direction in which rows and columns are counted, so that every slice reaches the network as a reader sees it:
# axial with the breasts up and the patient's left on the right, sagittal with the head up and the front on the left.
_CANONICAL = {"axial": "PL", "sagittal": "FP", "coronal": "FL"}
_SLICE = {"axial": "H", "sagittal": "L", "coronal": "P"}


def to_canonical(image: Volume, plane: str) -> Volume:
    """Return a slice flipped or transposed to the reader's orientation; the affine stays true.

    Parameters
    ----------
    image
        Shape (1, rows, columns), LPS millimetres.
    plane
        ``"axial"``, ``"sagittal"`` or ``"coronal"``; anything else returns the slice as it is stored.
    """
    if plane not in _CANONICAL:
        return image
    wanted = _SLICE[plane] + _CANONICAL[plane]
    if {_axis(letter.value) for letter in image.get_closest_patient_orientation()[1:]} != {
        _axis(x) for x in wanted[1:]
    }:
        return image  # the plane named is not the one the affine gives: nothing to go by
    return image.to_patient_orientation(wanted)


def _axis(letter: str) -> str:
    return {"L": "x", "R": "x", "A": "y", "P": "y", "H": "z", "F": "z"}[letter]


def resized_affine(affine: np.ndarray, shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """Return the affine of a slice of ``shape`` (rows, columns) resized to ``size``, edges kept in place.

    Pixel j of the new grid is centred on (j + ½)·old/new − ½ of the old one.
    """
    step = np.eye(4)
    for axis, (old, new) in enumerate(zip(shape, size, strict=True), start=1):
        step[axis, axis] = old / new
        step[axis, 3] = 0.5 * old / new - 0.5
    return affine @ step


def resize(image: Volume, size: tuple[int, int]) -> Volume:
    """Return a slice (1, rows, columns) on a grid of ``size``, bilinear with antialiasing, as float32."""
    values = torch.from_numpy(np.ascontiguousarray(image.array, dtype=np.float32))[None]
    resized = F.interpolate(values, size=size, mode="bilinear", align_corners=False, antialias=True)[0].numpy()
    return on_grid(resized, resized_affine(image.affine, image.spatial_shape[1:], size), image)


def on_grid(array: np.ndarray, affine: np.ndarray, like: Volume) -> Volume:
    """Return a volume with its own affine in the frame of reference of another."""
    from highdicom import Volume

    return Volume(array, affine, coordinate_system="PATIENT", frame_of_reference_uid=like.frame_of_reference_uid)


def cell_shape(size: tuple[int, int], stride: int = 32) -> tuple[int, int]:
    """Return rows and columns of the feature map of a stride-32 network: 240 × 345 gives 8 × 11."""
    return math.ceil(size[0] / stride), math.ceil(size[1] / stride)


def cell_affine(net_affine: np.ndarray, size: tuple[int, int], target_grid: str, stride: int = 32) -> np.ndarray:
    """Return the affine of the attention cells on a network grid.

    Parameters
    ----------
    target_grid
        ``"receptive-field"``: cell (i, j) is centred on input pixel (32·i, 32·j), where its receptive field lies.
        ``"adaptive"``: the cells share the image out evenly, as adaptive average pooling does.
        The same name must be given to :func:`reduce_mask`; a map drawn with the other is up to half a cell off.
    """
    step = np.eye(4)
    if target_grid == "receptive-field":
        step[1, 1] = step[2, 2] = stride
        return net_affine @ step
    return resized_affine(net_affine, size, cell_shape(size, stride))


def reduce_mask(mask: torch.Tensor, target_grid: str, reduction: str = "mean", stride: int = 32) -> torch.Tensor:
    """Reduce masks (n, 240, 345) to the attention's targets (n, 8, 11), from 0 to 1.

    Parameters
    ----------
    target_grid
        As for :func:`cell_affine`. Receptive-field cells average a window of ``stride`` pixels around their centre;
        pixels outside the image do not count.
    reduction
        ``"mean"``: the share of the cell the lesion fills. ``"max"``: 1 where any of it lies in the cell.
        ``"peak"``: the mean divided by its maximum over the cells, so that a small lesion is not taught as a low p.
    """
    if reduction == "peak":
        share = reduce_mask(mask, target_grid, "mean", stride)
        return share / share.amax(dim=(1, 2), keepdim=True).clamp(min=1e-3)
    cells = mask.float()[:, None]
    if target_grid == "receptive-field":
        return _around_centres(cells, reduction, stride)[:, 0]
    pool = F.adaptive_max_pool2d if reduction == "max" else F.adaptive_avg_pool2d
    return pool(cells, cell_shape((mask.shape[1], mask.shape[2]), stride))[:, 0]


def _around_centres(cells: torch.Tensor, reduction: str, stride: int) -> torch.Tensor:
    half = stride // 2
    rows, columns = cell_shape((cells.shape[2], cells.shape[3]), stride)
    bottom, right = rows * stride - half - cells.shape[2], columns * stride - half - cells.shape[3]
    pad = (half, right, half, bottom)  # negative: what lies beyond the last window belongs to no cell's centre
    padded = F.pad(cells, pad)
    if reduction == "max":
        return F.max_pool2d(padded, stride)
    inside = F.avg_pool2d(F.pad(torch.ones_like(cells), pad), stride)
    return F.avg_pool2d(padded, stride) / inside
