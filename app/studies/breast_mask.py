"""Breast mask: what lies in the beam in a reduced mammogram, without labels and the borders of films."""

from __future__ import annotations

import cv2
import numpy as np

#: The breast covers at least this share of an image, or it is a marker or noise.
LEAST_SHARE = 0.015
#: A mask that covers more has no outline: spot and magnification views fill the picture.
MOST_SHARE = 0.985
#: White borders of films are at most this share of the picture wide.
BORDER_SHARE = 0.12
#: Grey value of borders, labels and lead markers.
WHITE = 250
#: A line of a border is white over at least this share of its length; an implant at the chest wall is shorter.
BORDER_FILL = 0.8
#: Radius of the opening that cuts off labels and scratches, as a share of the longest side.
OPENING = 0.03
GREY_LEVELS = 256


def grey_of(small: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the values as bytes between their 0.5th and 99.5th percentile."""
    low, high = np.percentile(small[kept], (0.5, 99.5))
    if high <= low:
        low, high = float(small[kept].min()), float(small[kept].max())
    scaled = (small - low) * (GREY_LEVELS - 1) / max(float(high - low), 1e-9)
    return np.clip(scaled, 0, GREY_LEVELS - 1).astype(np.uint8)


def mask_of(picture: np.ndarray, threshold: float) -> np.ndarray | None:
    """Return the breast as a mask: brighter than air, in one piece, without labels."""
    bright = (picture > threshold).astype(np.uint8)
    radius = max(2, round(OPENING * max(picture.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    # Beyond the picture the breast goes on: no erosion from its edges.
    padded = cv2.copyMakeBorder(bright, radius, radius, radius, radius, cv2.BORDER_REPLICATE)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, kernel)[radius:-radius, radius:-radius]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    share = stats[largest, cv2.CC_STAT_AREA] / picture.size
    if not LEAST_SHARE <= share <= MOST_SHARE:
        return None
    return _filled(labels == largest)


def _filled(mask: np.ndarray) -> np.ndarray:
    """Return the mask without holes."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    return filled > 0


def without_borders(picture: np.ndarray) -> np.ndarray:
    """Return the picture with the white borders of a digitised film made black."""
    cleared = picture.copy()
    for turned in (cleared, cleared[:, ::-1], cleared.T, cleared.T[:, ::-1]):
        width = turned.shape[1]
        white = (turned[:, : max(1, int(BORDER_SHARE * width))] >= WHITE).mean(axis=0) > BORDER_FILL
        if white.any():
            turned[:, : int(np.flatnonzero(white)[-1]) + 1] = 0
    return cleared


def thresholds_of(picture: np.ndarray) -> list[float]:
    """Return grey values that may part breast from air, the lowest first: from the peak of the air up to Otsu's.

    The lowest keeps the skin; on films, whose base is grey and uneven, only a higher one is clear of it.
    """
    otsu, _ = cv2.threshold(picture, 0, 255, cv2.THRESH_OTSU)
    lowest = _above_air(picture[picture <= otsu], otsu)
    # Films are padded with black to a square: the film's own base is the second peak.
    base = _above_air(picture[(picture <= otsu) & (picture > picture.min())], otsu)
    steps = (lowest, base, (lowest + otsu) / 2, otsu)
    return sorted(set(steps))


def _above_air(dark: np.ndarray, otsu: float) -> float:
    """Return a value clear of the peak of the darker pixels, at most Otsu's."""
    if not dark.size:
        return float(otsu)
    peak = int(np.bincount(dark, minlength=GREY_LEVELS).argmax())
    below = dark[dark <= peak].astype(float)
    spread = float(np.sqrt(((below - peak) ** 2).mean()))
    return min(float(otsu), peak + max(4.0 * spread, 8.0))
