"""From window probabilities back to the image: a map on its own grid, and merged boxes of the positive windows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torchvision.ops import nms

from inference.explain import rectangle_finding
from inference.prepare.grid import on_grid

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.prepare.windows import Windows
    from inference.result import Finding

#: Overlap (intersection over union) from which the less suspicious of two windows is merged into the other:
#: SYSTEMS.md §1.2 [R].
IOU = 0.3
#: A window's probability falls by this share from its centre to the middle of its edges: invisible, but it makes the
#: maximum of the map one place, the centre of the most suspicious window.
FADE = 1e-4
_FINEST = 50  # pixels between cells; windows lie farther apart, but their edges show


def probability_map(grid: Volume, windows: Windows, probabilities: np.ndarray) -> Volume:
    """Return for every cell the highest probability of the windows that contain it, NaN where no window was read.

    Parameters
    ----------
    grid
        The swept image, shape (1, rows, columns).
    probabilities
        One for each window, 0 to 1.

    Returns
    -------
    highdicom.Volume
        Shape (1, rows of cells, columns of cells), float32; cells lie at the centres of the windows, evenly between,
        and on to the edges of the image.
    """
    step = windows.stride
    while step > _FINEST and step % 2 == 0:
        step //= 2
    first = (windows.side - 1) / 2 % step
    if first > step / 2 - 0.5:
        first -= step  # one cell more, so that the map begins where the image does
    places = [np.arange(first, count - 0.5 + 1e-6, step) for count in grid.spatial_shape[1:]]
    held = [np.clip(axis, 0, count - 1) for axis, count in zip(places, grid.spatial_shape[1:], strict=True)]
    cells = np.full([len(axis) for axis in places], np.nan, np.float32)
    half = windows.side / 2
    for centre, value in zip(windows.centres, probabilities, strict=True):
        inside = [np.flatnonzero(np.abs(axis - middle) < half) for axis, middle in zip(held, centre, strict=True)]
        down, across = (
            ((axis[where] - middle) / half) ** 2 for axis, where, middle in zip(held, inside, centre, strict=True)
        )
        part = np.ix_(*inside)
        faded = value * (1 - FADE * (down[:, None] + across[None]))
        cells[part] = np.fmax(cells[part], faded)  # fmax: a number wins over NaN
    cell = np.diag([1.0, step, step, 1.0])
    cell[1:3, 3] = first
    return on_grid(cells[None], grid.affine @ cell, grid)


def merged(windows: Windows, probabilities: np.ndarray, least: float) -> np.ndarray:
    """Return the indices of the windows that stand for all positive ones, most suspicious first.

    Non-maximum suppression: a positive window that overlaps a more suspicious one is merged into it.
    """
    positive = np.flatnonzero(probabilities >= least)
    corners = torch.from_numpy(windows.corners[positive][:, ::-1].astype(np.float32))
    boxes = torch.cat([corners, corners + windows.side], dim=1)
    kept = nms(boxes, torch.from_numpy(probabilities[positive].astype(np.float32)), IOU)
    return positive[kept.numpy()]


def window_finding(grid: Volume, windows: Windows, index: int, score: float, name: str, title: str) -> Finding:
    """Return a window as a finding: its outer edges and its centre in millimetres of the source."""
    top, left = windows.corners[index] - 0.5
    found = rectangle_finding(name, score, (top, left, top + windows.side, left + windows.side), grid)
    (spot,) = grid.map_indices_to_reference(np.array([[0.0, *windows.centres[index]]]))
    x, y, z = (float(value) for value in spot)
    return replace(found, title=title, spot_mm=(x, y, z))
