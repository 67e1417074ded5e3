"""Tiles of system 004: every voxel that is asked for, by fully convolutional columns of sagittal slices.

A patch of the paper (19 × 75 × 75) gives 37 × 37 pixels of its middle slice. What neighbouring patches share is
computed once here: all slices of a column together (as :meth:`UNetV4.dense`) and, in the plane, tiles larger than a
patch. The network pools three times by two, so it repeats exactly only for shifts by eight pixels; tiles therefore
begin at multiples of eight of the whole grid, wherever the breast begins, and every probability is that of a patch
that does so too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from inference.nets.unet_v4 import (
    DEPTH_LOST,
    PLANE_LOST,
    STRIDE,
    UNetV4,
    cropped,
    pooled_between,
    pooled_in_plane,
    upsampled_in_plane,
)

SMALLEST = 37  # pixels a patch of the paper gives
_DEEPEST = 64  # slices of a column computed together: bounds the memory, costs a fifth of the first block in between
_SLAB = 8  # slices between two looks at whether the user has cancelled
Check = Callable[[], None]


@dataclass(frozen=True)
class Tile:
    """A column of the grid: first and last (exclusive) slice, row and column of what is computed."""

    slices: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def context(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """What the network has to see for it; may lie beyond the grid."""
        deep, wide = DEPTH_LOST // 2, PLANE_LOST // 2
        (a, b), (c, d), (e, f) = self.slices, self.rows, self.columns
        return (a - deep, b + deep), (c - wide, d + wide), (e - wide, f + wide)

    @property
    def voxels(self) -> int:
        """How many voxels are computed."""
        return int(np.prod([b - a for a, b in (self.slices, self.rows, self.columns)]))


def tiles_for(wanted: np.ndarray, origin: tuple[int, int, int], size: int, step: int) -> Iterator[Tile]:
    """Yield the tiles that hold every voxel asked for.

    Parameters
    ----------
    wanted
        bool, part of the grid.
    origin
        Index of its first voxel in the whole grid.
    size, step
        Pixels of a tile and from one to the next; with a step of 37 for a size of 37 they are the paper's patches.
    """
    if size < step or (size - SMALLEST) % STRIDE:
        raise ValueError(f"tiles of {size} pixels cannot lie {step} apart")
    first = [start // step * step for start in origin[1:]]
    last = [start + count for start, count in zip(origin[1:], wanted.shape[1:], strict=True)]
    for row in range(first[0], last[0], step):
        for column in range(first[1], last[1], step):
            here = wanted[
                :,
                max(row - origin[1], 0) : row + step - origin[1],
                max(column - origin[2], 0) : column + step - origin[2],
            ]
            slices = np.flatnonzero(here.any(axis=(1, 2)))
            if slices.size:
                start, stop = int(slices[0]) + origin[0], int(slices[-1]) + 1 + origin[0]
                for low in range(start, stop, _DEEPEST):
                    yield Tile((low, min(low + _DEEPEST, stop)), (row, row + size), (column, column + size))


def tumour_probability(network: UNetV4, context: Tensor, check: Check = lambda: None) -> Tensor:
    """Return the probability of tumour of one tile.

    Parameters
    ----------
    network
        In evaluation mode.
    context
        Shape (1, 3, slices + 18, rows + 38, columns + 38), the type and device of the network.
    check
        Called often; may raise to stop.

    Returns
    -------
    Tensor
        float32, shape (slices, rows, columns): for every slice what the network gives for the 19 slices around it.
    """
    context = context.to(memory_format=torch.channels_last_3d)
    depth = context.shape[2] - DEPTH_LOST
    pooled, kept = [], []
    for low, high in _slabs(depth + 14):
        check()
        features = network.enc0(context[:, :, low : high + 4])
        pooled.append(pooled_in_plane(features))
        start, stop = max(low, 7), min(high, depth + 7)
        if stop > start:
            kept.append(
                cropped(features[:, :, start - low : stop - low], 0, 15).contiguous(
                    memory_format=torch.channels_last_3d
                )
            )
    skip0 = torch.cat(kept, 2)
    skip1 = _by_slab(network.enc1, pooled_between(torch.cat(pooled, 2), 1), check)
    skip2 = _by_slab(network.enc2, pooled_between(pooled_in_plane(skip1), 2), check)
    deepest = _by_slab(network.enc3, pooled_between(pooled_in_plane(skip2), 4), check)
    skips = (cropped(skip2, 4, 1), cropped(skip1, 6, 3), skip0)
    found = []
    for low, high in _slabs(depth):
        check()
        joined = deepest[:, :, low:high]
        for block, skip in zip((network.dec2, network.dec1, network.dec0), skips, strict=True):
            joined = block(torch.cat((upsampled_in_plane(joined), skip[:, :, low:high]), 1))
        found.append(_tumour(network.head, joined))
    return torch.cat(found)


def _tumour(head: torch.nn.Conv3d, features: Tensor) -> Tensor:
    """Return the probability in float32: of values rounded to bfloat16 many would share the maximum."""
    bias = head.bias.float() if head.bias is not None else None
    return functional.conv3d(features.float(), head.weight.float(), bias).softmax(1)[0, 1]


def _slabs(depth: int) -> Iterator[tuple[int, int]]:
    for low in range(0, depth, _SLAB):
        yield low, min(low + _SLAB, depth)


def _by_slab(block: torch.nn.Module, x: Tensor, check: Check) -> Tensor:
    found = []
    for low, high in _slabs(x.shape[2]):
        check()
        found.append(block(x[:, :, low:high]))
    return torch.cat(found, 2)
