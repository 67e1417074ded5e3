"""Breast mask of a mammogram as presented: without air, film borders, labels and lead markers, and padding.

The pectoral muscle stays in. Works on a reduced copy; the outline is true to about two thousandths of the height.
"""

from __future__ import annotations

import cv2
import numpy as np

from inference.prepare.mammogram_shape import WHITE, likeness, wall_of

#: The breast covers at least this share of an image, or it is a marker or noise.
LEAST_SHARE = 0.015
#: A mask that covers more has no outline: spot and magnification views fill the picture.
MOST_SHARE = 0.985
#: White borders of films are at most this share of the picture wide.
BORDER_SHARE = 0.2
#: A line of a border is white over at least this share of its length; an implant at the chest wall is shorter.
BORDER_FILL = 0.8
#: Radius of the opening that cuts off labels and scratches, as a share of the longest side.
OPENING = 0.03
GREY_LEVELS = 256
#: Longest side of the reduced copy in pixels.
REDUCED_PX = 512
#: Share of the best likeness at which a mask with a lower threshold is preferred.
NEARLY = 0.45
#: A mask that looks less like a breast than this is none.
LEAST_LIKENESS = 0.2
#: Lines along the edges of a scan, as a share of the longest side: bright ones would join labels to the breast.
RIM = 0.008
#: Grey value, of 65,535, from which film and detector say no more.
SATURATED = 65000
#: Length, as a share of the height, of the smallest saturated thing that is not tissue: 4 mm of 24 cm. Malignant
#: calcifications are smaller.
BLOT = 0.016
#: Grey around metal, as a share of its own, below which its edge is sharp.
SHARP = 0.75


def breast_mask(grey: np.ndarray, background: np.ndarray | None = None) -> np.ndarray | None:
    """Return where the breast is.

    Parameters
    ----------
    grey
        Presented grey (rows, columns), uint16 over the full range, white = dense.
    background
        True where the file says there is no image.

    Returns
    -------
    numpy.ndarray or None
        Boolean, shape of ``grey``; None where no breast can be told from its surroundings.
    """
    small = _reduced(grey)
    kept = np.ones(small.shape, bool)
    if background is not None and not background.all():
        kept = _reduced(background.astype(np.uint8)) == 0
    picture = without_borders(np.where(kept, grey_of(small, kept), 0).astype(np.uint8))
    found = _breast_of(picture)
    if found is None:
        return None
    large = cv2.resize(found.astype(np.float32), grey.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5
    large &= ~_beside(metal(grey), large)
    return large if background is None else large & ~background


def _beside(found: np.ndarray, breast: np.ndarray) -> np.ndarray:
    """Return the pieces of metal that do not lie wholly within the breast: labels and letters, no part of the tissue.

    What tissue surrounds stays: a clip is small, and a dense mass may be as bright.
    """
    if not found.any():
        return found
    _, labels = cv2.connectedComponents(found.astype(np.uint8), connectivity=8)
    edge = ~breast
    for side in (edge[0], edge[-1], edge[:, 0], edge[:, -1]):
        side[:] = True
    return np.isin(labels, np.setdiff1d(labels[edge], [0]))


def metal(grey: np.ndarray) -> np.ndarray:
    """Return what is of lead or metal within the picture: saturated, larger than a calcification, with a sharp edge.

    Tissue that the window burns out fades into its surroundings and is left alone.
    """
    least = max(2, round(BLOT * grey.shape[0]))
    step = max(1, least // 8)
    small = grey[::step, ::step]
    found = np.zeros(small.shape, np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats((small >= SATURATED).astype(np.uint8), connectivity=8)
    rim, around = _disc(max(1, least // (4 * step))), _disc(max(2, least // (2 * step)))
    long = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) * step >= least
    for number in np.flatnonzero(long[1:]) + 1:
        left, top, width, height, _ = stats[number]
        margin = around.shape[0]
        where = slice(max(0, top - margin), top + height + margin), slice(max(0, left - margin), left + width + margin)
        shape = cv2.dilate((labels[where] == number).astype(np.uint8), rim)
        ring = (cv2.dilate(shape, around) > 0) & (shape == 0)
        if ring.any() and np.median(small[where][ring]) < SHARP * SATURATED:
            found[where] |= np.asarray(shape, np.uint8)
    return cv2.resize(found, grey.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0


def _reduced(values: np.ndarray) -> np.ndarray:
    """Return the mean of every block, longest side at most :data:`REDUCED_PX`."""
    step = max(1.0, max(values.shape) / REDUCED_PX)
    size = max(1, round(values.shape[1] / step)), max(1, round(values.shape[0] / step))
    return cv2.resize(values, size, interpolation=cv2.INTER_AREA)


def _breast_of(picture: np.ndarray) -> np.ndarray | None:
    """Return the mask just above air where it looks like a breast at all, else the one that looks most like one.

    A tight mask looks more like a breast than one with the fat below the skin, which must not be cut off.
    """
    found = [(likeness(mask, picture, wall_of(mask, picture)[1]), mask) for mask in _candidates(picture)]
    best = max((alike for alike, _ in found), default=0.0)
    if best < LEAST_LIKENESS:
        return None
    return next(mask for alike, mask in found if alike >= NEARLY * best)


def _candidates(picture: np.ndarray) -> list[np.ndarray]:
    """Return masks of growing threshold, from the one just above air on."""
    lowest, base, otsu = thresholds_of(picture)
    # Films are padded with black to a square: then their own base is air. In others that peak may be tissue.
    first = base if base <= otsu / 3 else lowest
    steps = sorted({first, (first + otsu) / 2, otsu})
    return [mask for mask in (mask_of(picture, step) for step in steps) if mask is not None]


def grey_of(small: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return the values as bytes between their 0.5th and 99.5th percentile."""
    low, high = np.percentile(small[kept], (0.5, 99.5))
    if high <= low:
        low, high = float(small[kept].min()), float(small[kept].max())
    scaled = (small.astype(np.float32) - low) * (GREY_LEVELS - 1) / max(float(high - low), 1e-9)
    return np.clip(scaled, 0, GREY_LEVELS - 1).astype(np.uint8)


def mask_of(picture: np.ndarray, threshold: float, beyond: int = cv2.BORDER_REFLECT) -> np.ndarray | None:
    """Return the breast as a mask: brighter than air, in one piece, without labels.

    Parameters
    ----------
    picture
        Grey 0 to 255 (rows, columns), air dark.
    beyond
        How the picture goes on beyond its edges, one of OpenCV's border types.
    """
    bright = (picture > threshold).astype(np.uint8)
    radius = max(2, round(OPENING * max(picture.shape)))
    # Beyond the picture the breast goes on: no erosion from its edges. Reflected, a film's narrow edge does not.
    padded = cv2.copyMakeBorder(bright, radius, radius, radius, radius, beyond)
    opened = cv2.morphologyEx(padded, cv2.MORPH_OPEN, _disc(radius))[radius:-radius, radius:-radius]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened, connectivity=4)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    share = stats[largest, cv2.CC_STAT_AREA] / picture.size
    if not LEAST_SHARE <= share <= MOST_SHARE:
        return None
    return _filled(labels == largest)


def _disc(radius: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))


def _filled(mask: np.ndarray) -> np.ndarray:
    """Return the mask without holes."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
    return filled > 0


def without_borders(picture: np.ndarray, share: float = BORDER_SHARE, rim: float = RIM) -> np.ndarray:
    """Return the picture with white borders of films made black, and edge lines like what is beside them.

    Parameters
    ----------
    share
        How wide a border is at most, of the picture.
    rim
        How wide the edge lines are, of the longest side; 0 leaves them.
    """
    cleared = picture.copy()
    for turned in (cleared, cleared[:, ::-1], cleared.T, cleared.T[:, ::-1]):
        width = turned.shape[1]
        white = (turned[:, : max(1, int(share * width))] >= WHITE).mean(axis=0) > BORDER_FILL
        if white.any():
            turned[:, : int(np.flatnonzero(white)[-1]) + 1] = 0
        if rim:
            lines = max(1, round(rim * max(picture.shape)))
            turned[:, :lines] = turned[:, lines : lines + 1]
    return cleared


def thresholds_of(picture: np.ndarray) -> tuple[float, float, float]:
    """Return grey values that may part breast from air: above its peak, above that of films' base, and Otsu's."""
    otsu, _ = cv2.threshold(picture, 0, 255, cv2.THRESH_OTSU)
    lowest = _above_air(picture[picture <= otsu], otsu)
    base = _above_air(picture[(picture <= otsu) & (picture > picture.min())], otsu)
    return lowest, base, float(otsu)


def _above_air(dark: np.ndarray, otsu: float) -> float:
    """Return a value clear of the peak of the darker pixels, at most Otsu's."""
    if not dark.size:
        return float(otsu)
    peak = int(np.bincount(dark, minlength=GREY_LEVELS).argmax())
    below = dark[dark <= peak].astype(float)
    spread = float(np.sqrt(((below - peak) ** 2).mean()))
    return min(float(otsu), peak + max(4.0 * spread, 8.0))
