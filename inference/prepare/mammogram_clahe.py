"""Contrast-limited adaptive histogram equalisation whose clip limit does not depend on the detector's bit depth."""

from __future__ import annotations

import cv2
import numpy as np

LEVELS = 256  # bins of each tile's histogram, as OpenCV has for 8-bit images
_SCALE = 65535 // (LEVELS - 1)  # 257: grey of 16 bits per bin


def equalise(grey: np.ndarray, clip_limit: float, tiles: tuple[int, int] = (8, 8), bins: int = LEVELS) -> np.ndarray:
    """Return OpenCV's CLAHE of a 16-bit image, by default with histograms of 256 bins.

    OpenCV counts 16-bit images in 65,536 bins and clips each: an image of 12 stored bits fills one in sixteen of them,
    is clipped sixteen times harder and comes out nearly unchanged, one of 8 bits entirely. Here the histograms have
    256 bins whatever the image, and the mapping is interpolated between them: on 8-bit values the same as
    ``cv2.createCLAHE`` on 8-bit images, on others without losing grey levels.

    Parameters
    ----------
    grey
        (rows, columns), uint16 over the full range.
    clip_limit
        OpenCV's ``clipLimit``: multiple of the mean bin that no bin exceeds; 0 for no limit.
    tiles
        Tiles down and across.
    bins
        256, or 65536 for ``cv2.createCLAHE`` itself on 16 bits.

    Returns
    -------
    numpy.ndarray
        uint16, shape of ``grey``.
    """
    down, across = tiles
    if bins != LEVELS:
        return np.asarray(cv2.createCLAHE(clip_limit, (across, down)).apply(grey))
    rows, columns = grey.shape
    height, width = -(-rows // down), -(-columns // across)
    whole = cv2.copyMakeBorder(
        grey, 0, height * down - rows, 0, width * across - columns, cv2.BORDER_REFLECT_101
    )  # as OpenCV fills up the last tiles
    level = ((whole.astype(np.uint32) + _SCALE // 2) // _SCALE).astype(np.uint8)
    tables = np.empty((down, across, 65536), np.float32)
    for i in range(down):
        for j in range(across):
            tile = level[i * height : (i + 1) * height, j * width : (j + 1) * width]
            tables[i, j] = _table(np.bincount(tile.ravel(), minlength=LEVELS), clip_limit)
    return _blend(grey, tables, (height, width))


def _table(histogram: np.ndarray, clip_limit: float) -> np.ndarray:
    """Return the new grey of each of 65,536 from a tile's histogram, as OpenCV clips it and shares the excess out."""
    counts, area = histogram.astype(np.int64), int(histogram.sum())
    if clip_limit > 0:
        limit = max(int(clip_limit * area / LEVELS), 1)
        excess = int(np.maximum(counts - limit, 0).sum())
        counts = np.minimum(counts, limit) + excess // LEVELS
        if rest := excess % LEVELS:
            step = max(LEVELS // rest, 1)
            counts[: step * rest : step][:rest] += 1
    mapped = np.minimum(np.cumsum(counts) * ((LEVELS - 1) / area), LEVELS - 1) * _SCALE
    return np.interp(np.arange(65536), np.arange(LEVELS) * _SCALE, mapped).astype(np.float32)


def _blend(grey: np.ndarray, tables: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """Return the image mapped through the tables, bilinear between the tiles' centres."""
    out = np.empty_like(grey)
    rows, columns = (_bands(grey.shape[axis], tile[axis], tables.shape[axis]) for axis in (0, 1))
    for top, bottom, i, k, down in rows:
        for left, right, j, m, across in columns:
            block = grey[top:bottom, left:right]
            upper = _between(tables[i, j][block], tables[i, m][block], across[None])
            lower = upper if i == k else _between(tables[k, j][block], tables[k, m][block], across[None])
            out[top:bottom, left:right] = np.rint(_between(upper, lower, down[:, None]))
    return out


def _bands(count: int, side: int, tiles: int) -> list[tuple[int, int, int, int, np.ndarray]]:
    """Return the pieces of an axis between two tiles' centres: start, stop, both tiles, weight of the second."""
    place = np.arange(count, dtype=np.float32) / side - 0.5
    first = np.floor(place).astype(int)
    bands = []
    for tile in np.unique(first):
        inside = np.flatnonzero(first == tile)
        one, two = max(int(tile), 0), min(int(tile) + 1, tiles - 1)
        bands.append((int(inside[0]), int(inside[-1]) + 1, one, two, place[inside] - tile))
    return bands


def _between(one: np.ndarray, two: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return one + (two - one) * weight
