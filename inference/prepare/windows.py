"""Windows of a swept mammogram: which of them system 001 reads, and their pixels as network input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.nn import functional as F

from inference.prepare.mri_slice import network_input

if TYPE_CHECKING:
    from inference.prepare.mammogram import PreparedMammogram

_LARGEST = 65535


@dataclass(frozen=True)
class Windows:
    """The windows of one module that are read.

    Attributes
    ----------
    corners
        Row and column of the first pixel of each, shape (n, 2), int.
    brightness
        What each was chosen by, 0 to 1, shape (n,): weighted mean (nodules) or brightest pixel (calcifications).
    side
        Rows and columns of a window.
    stride
        From one position to the next.
    positions
        How many windows the image has, read or not.
    """

    corners: np.ndarray
    brightness: np.ndarray
    side: int
    stride: int
    positions: int

    def __len__(self) -> int:
        return len(self.corners)

    @property
    def centres(self) -> np.ndarray:
        """Row and column of the middle of each window, pixel centres whole, shape (n, 2)."""
        return self.corners + (self.side - 1) / 2


def tops(count: int, side: int, stride: int, *, cover: bool = False) -> np.ndarray:
    """Return the first pixel of every window along an axis, fully inside; ``cover`` adds one flush with the end."""
    starts = np.arange(0, count - side + 1, stride)
    if cover and starts[-1] + side < count:
        starts = np.append(starts, count - side)
    return starts


def weighted_brightness(grey: np.ndarray, starts: tuple[np.ndarray, np.ndarray], side: int, sigma: float) -> np.ndarray:
    """Return Σ g·I / Σ g of every window, g an isotropic Gaussian truncated to the window.

    The Gaussian is separable, and only the windows' positions are computed: two matrix products, no loop.

    Parameters
    ----------
    grey
        (rows, columns), uint16.
    starts
        First rows and first columns of the windows.

    Returns
    -------
    numpy.ndarray
        (rows of windows, columns of windows), float32, 0 to 1.
    """
    down, across = (_weights(count, start, side, sigma) for count, start in zip(grey.shape, starts, strict=True))
    image = torch.from_numpy(grey.astype(np.float32)).mul_(1 / _LARGEST)
    return (down @ image @ across.T).numpy()


def _weights(count: int, starts: np.ndarray, side: int, sigma: float) -> torch.Tensor:
    """Return one row of normalised Gaussian weights for every window along an axis, shape (windows, count)."""
    offsets = np.arange(side) - (side - 1) / 2
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    weights = np.zeros((len(starts), count), np.float32)
    weights[np.arange(len(starts))[:, None], starts[:, None] + np.arange(side)] = kernel / kernel.sum()
    return torch.from_numpy(weights)


def window_sums(mask: np.ndarray, starts: tuple[np.ndarray, np.ndarray], side: int) -> np.ndarray:
    """Return how many pixels of a mask each window holds, shape (rows of windows, columns of windows)."""
    total = cv2.integral(mask.astype(np.uint8))
    top, left = starts[0][:, None], starts[1][None]
    return total[top + side, left + side] - total[top, left + side] - total[top + side, left] + total[top, left]


def nodule_windows(prepared: PreparedMammogram) -> Windows:
    """Return the windows the nodule module reads: the brightest of each of 3 × 3 parts, a distance apart.

    A window belongs to the part that contains its centre (SYSTEMS.md §1.2). Sorted by part, brightest first.
    """
    keys, grey = prepared.preprocessing, prepared.grey
    side = keys.nodule_side
    down, across = (tops(count, side, keys.nodule_stride, cover=keys.cover_edges) for count in grey.shape)
    brightness = weighted_brightness(grey, (down, across), side, keys.nodule_sigma).ravel()
    corners = np.stack(np.meshgrid(down, across, indexing="ij"), axis=-1).reshape(-1, 2)
    centres = corners + (side - 1) / 2
    allowed = (window_sums(prepared.mask, (down, across), side) >= keys.least_breast * side**2).ravel()
    cells = np.floor((centres + 0.5) * keys.grid / grey.shape).astype(int)
    parts = cells[:, 0] * keys.grid + cells[:, 1]
    kept: list[int] = []
    for part in range(keys.grid**2):
        candidates = np.flatnonzero(allowed & (parts == part))
        candidates = candidates[np.argsort(-brightness[candidates], kind="stable")]
        others = kept if keys.global_separation else []
        kept += _apart(centres, candidates, others, keys.per_part, keys.separation)
    return Windows(corners[kept], brightness[kept], side, keys.nodule_stride, len(corners))


def _apart(centres: np.ndarray, candidates: np.ndarray, others: list[int], most: int, distance: float) -> list[int]:
    """Return the first of the candidates that keep a distance from each other and from the others."""
    kept: list[int] = []
    for place in others:
        candidates = candidates[_far(centres, candidates, place, distance)]
    while len(candidates) and len(kept) < most:
        first = int(candidates[0])
        kept.append(first)
        candidates = candidates[1:][_far(centres, candidates[1:], first, distance)]
    return kept


def _far(centres: np.ndarray, candidates: np.ndarray, place: int, distance: float) -> np.ndarray:
    return np.hypot(*(centres[candidates] - centres[place]).T) >= distance


def calcification_windows(prepared: PreparedMammogram) -> Windows:
    """Return the windows the microcalcification module reads: those with a pixel near the maximum brightness."""
    keys, grey = prepared.preprocessing, prepared.grey
    side = keys.calcification_side
    starts = tuple(tops(count, side, keys.calcification_stride, cover=keys.cover_edges) for count in grey.shape)
    bright = grey >= keys.brightness * _maximum(prepared)
    if keys.maximum == "breast":
        bright &= prepared.mask
    held = window_sums(bright, (starts[0], starts[1]), side) > 0
    corners = np.stack(np.meshgrid(*starts, indexing="ij"), axis=-1)[held].reshape(-1, 2)
    brightest = [_brightest(grey, bright, corner, side) for corner in corners]
    return Windows(corners, np.array(brightest, np.float32), side, keys.calcification_stride, held.size)


def _maximum(prepared: PreparedMammogram) -> float:
    grey, which = prepared.grey, prepared.preprocessing.maximum
    if which == "dtype_max":
        return float(_LARGEST)
    inside = prepared.mask if prepared.tissue is None else prepared.tissue
    return float(grey[inside].max(initial=0) if which == "breast" else grey.max())


def _brightest(grey: np.ndarray, bright: np.ndarray, corner: np.ndarray, side: int) -> float:
    where = slice(corner[0], corner[0] + side), slice(corner[1], corner[1] + side)
    return float(grey[where][bright[where]].max()) / _LARGEST


def patch_tensor(prepared: PreparedMammogram, windows: Windows, indices: np.ndarray | None = None) -> torch.Tensor:
    """Return windows as network input: shrunk with antialiasing, three equal channels, ImageNet's mean and deviation.

    Parameters
    ----------
    indices
        Which of the windows; all by default.

    Returns
    -------
    torch.Tensor
        (n, 3, 224, 224), float32.
    """
    side, size = windows.side, prepared.preprocessing.input_size
    corners = windows.corners if indices is None else windows.corners[indices]
    if not len(corners):
        return torch.empty(0, 3, size, size)
    cut = np.stack([prepared.grey[top : top + side, left : left + side] for top, left in corners])
    values = torch.from_numpy(cut.astype(np.float32))[:, None].mul_(1 / _LARGEST)
    small = F.interpolate(values, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
    return network_input(small[:, 0])
