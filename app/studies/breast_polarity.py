"""Breast polarity: whether a mask is breast among air or air beside a breast, whatever the tags say."""

from __future__ import annotations

import cv2
import numpy as np

from inference.prepare.mammogram_mask import GREY_LEVELS


def credible(likeness: float, mask: np.ndarray | None, grey: np.ndarray) -> float:
    """Return how credible it is that a mask is breast and what lies around it air, and not the other way round.

    Air is of one grey value and smooth, tissue is of many and textured. A mask of the air round a breast may be shaped
    like one, but is of one value. The weights part all but one of 260 films (mini-MIAS) from their inverted masks.
    """
    if mask is None:
        return -1.0
    values = np.bincount(grey[mask], minlength=GREY_LEVELS)
    alike = float(np.convolve(values, np.ones(5), "same").max() / mask.sum())
    shape, near = mask.astype(np.uint8), np.ones((9, 9), np.uint8)
    inside, outside = cv2.erode(shape, near) > 0, cv2.dilate(shape, near) == 0
    texture = _texture(grey)
    ratio = (_median(texture[inside]) + 1e-3) / (_median(texture[outside]) + 0.05)
    return likeness - alike + float(np.clip(0.3 * np.log(ratio), -1.0, 1.0))


def _texture(grey: np.ndarray) -> np.ndarray:
    """Return how much grey values differ from those near them."""
    values = grey.astype(np.float32)
    return np.sqrt(cv2.blur((values - cv2.blur(values, (5, 5))) ** 2, (5, 5)))


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if values.size else 0.0
