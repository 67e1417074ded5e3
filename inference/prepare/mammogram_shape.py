"""How much a mask looks like a breast: one straight side, a smooth outline, even air around it, texture inside."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np

SIDES = ("left", "right", "top", "bottom")
Side = Literal["", "left", "right", "top", "bottom"]
#: Grey value of borders, labels and lead markers, of 255.
WHITE = 250
#: How near the outermost column a row's end must be to count as lying at a straight edge, as a share of the box.
STRAIGHT = 0.04
#: Lines of the mask with fewer pixels than this share of its longest line do not count for the chest wall.
STICKS_OUT = 0.12


def wall_of(mask: np.ndarray, picture: np.ndarray) -> tuple[Side, float]:
    """Return the edge of the picture at which the chest wall lies, "" where it is unclear, and a confidence of 0 to 1.

    Parameters
    ----------
    mask, picture
        Breast and grey values 0 to 255 of one reduced mammogram (rows, columns), air dark.
    """
    wall, confidence = _straight_side(_trunk(mask))
    # Without air beside it, a mask is only the dense part of a breast that fills the picture.
    return wall, round(confidence * min(1.0, 1.5 * evenness(mask, picture)), 3)


def likeness(mask: np.ndarray, picture: np.ndarray, confidence: float) -> float:
    """Return how much a mask looks like a breast, 0 to 1; ``confidence`` is that of :func:`wall_of`.

    It has one straight side and a smooth outline; the air around it is even, what is inside is not.
    """
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    hull = cv2.contourArea(cv2.convexHull(np.vstack(contours)))
    solid = min(1.0, max(0.0, (float(mask.sum()) / max(hull, 1.0) - 0.6) / 0.35))
    darker, brighter = np.percentile(picture[mask], (20, 80))
    lively = min(1.0, float(brighter - darker) / 8.0)
    return lively * (0.5 * confidence + 0.25 * evenness(mask, picture) + 0.25 * solid)


def evenness(mask: np.ndarray, picture: np.ndarray) -> float:
    """Return how even the grey values outside a mask are, 0 to 1; labels and white borders do not count."""
    air = picture[~mask & (picture < WHITE)]
    if not air.size:
        return 0.0
    low, high = np.percentile(air, (10, 80))
    return 1.0 - min(1.0, float(high - low) / 60.0)


def _trunk(mask: np.ndarray) -> np.ndarray:
    """Return the mask within its box, without what sticks out: strips of film beside the breast, a nipple."""
    by_row, by_column = mask.sum(axis=1), mask.sum(axis=0)
    rows = np.flatnonzero(by_row >= STICKS_OUT * by_row.max())
    columns = np.flatnonzero(by_column >= STICKS_OUT * by_column.max())
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _contact(inner: np.ndarray) -> float:
    """Return how much of the left side of a box the mask lies at, 0 to 1."""
    tolerance = max(1, round(STRAIGHT * inner.shape[1]))
    return float(inner[:, :tolerance].any(axis=1).mean())


def _straight_side(inner: np.ndarray) -> tuple[Side, float]:
    """Return the side at which the mask is straight and the side opposite is not, with a confidence of 0 to 1."""
    contacts = [_contact(view) for view in (inner, inner[:, ::-1], inner.T, inner.T[:, ::-1])]
    scores = [contacts[n] - contacts[n ^ 1] for n in range(4)]
    # An edge counts by its length: the top edge of an oblique view is straight as well, but short.
    height, width = inner.shape
    longest = max(height, width)
    lengths = (height, height, width, width)
    weighted = [score * length / longest for score, length in zip(scores, lengths, strict=True)]
    order = sorted(range(4), key=lambda n: -weighted[n])
    best, second = order[0], order[1]
    if weighted[best] <= 0:
        return "", 0.0
    clear = min(1.0, weighted[best] / 0.5) * min(1.0, (weighted[best] - max(weighted[second], 0.0)) / 0.25)
    return SIDES[best], float(clear)  # type: ignore[return-value]
