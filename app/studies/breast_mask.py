"""Breast mask: what lies in the beam in a reduced mammogram; the engine's, set up for hanging."""

from __future__ import annotations

import cv2
import numpy as np

from inference.prepare import mammogram_mask

#: White borders of films are at most this share of the picture wide; hanging shows what may be an implant there.
BORDER_SHARE = 0.12


def mask_in(picture: np.ndarray, threshold: float) -> np.ndarray | None:
    """Return the breast as a mask: in one piece, without labels; beyond the edges the picture goes on."""
    return mammogram_mask.mask_of(picture, threshold, cv2.BORDER_REPLICATE)


def thresholds_of(picture: np.ndarray) -> list[float]:
    """Return grey values that may part breast from air, the lowest first: from the peak of the air up to Otsu's.

    The lowest keeps the skin; on films, whose base is grey and uneven, only a higher one is clear of it.
    """
    lowest, base, otsu = mammogram_mask.thresholds_of(picture)
    return sorted({lowest, base, (lowest + otsu) / 2, otsu})
