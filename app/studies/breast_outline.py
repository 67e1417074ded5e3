"""Breast outline: the breast's mask in a reduced mammogram, the edge its chest wall lies at, and its nipple level."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from app.studies.breast_mask import BORDER_SHARE, mask_in, thresholds_of
from app.studies.breast_polarity import credible
from inference.prepare.mammogram_mask import grey_of, without_borders
from inference.prepare.mammogram_shape import Side, likeness, wall_of

#: Percentiles of grey inside the breast above which its cores lie, see ``_surest_level``.
CORES = (10.0, 20.0)
#: Share of the chest wall's length at either end that carries no nipple.
ENDS = 0.15
#: Tilt of the pectoral muscle in oblique views: the nipple is farthest from the muscle, not from the picture's edge.
#: Of 10 to 25 degrees the one with the least difference between right and left in mini-MIAS.
OBLIQUE_TILT = np.tan(np.radians(20.0))
#: Share of the greatest depth whose chord's middle is the level of a view without tilt: breasts taper evenly there.
CHORD = 0.9
#: How much more like a breast another mask must look to be preferred.
CLEARLY = 0.04
#: By how much a mask with air as its file says may be less credible than one with air of the other brightness.
AS_STATED = 0.2
#: A mask this credible ends the search for air of the other brightness.
BEYOND_DOUBT = 1.85
#: A mask that looks this much like a breast ends the search.
CERTAIN = 0.9
#: One that looks less like a breast is none.
LEAST_LIKENESS = 0.2


@dataclass(frozen=True)
class Outline:
    """The mask (rows, columns) and what follows from it, in pixels of the reduced image.

    ``bright`` says whether the breast is brighter than air.
    """

    mask: np.ndarray
    box: tuple[int, int, int, int]
    wall: Side
    confidence: float
    muscle: Literal["", "low", "high"]
    bright: bool = True
    level: float = 0.0
    nipple: tuple[float, float] = (0.0, 0.0)


def outline_of(
    small: np.ndarray, padding: np.ndarray | None, *, bright_air: bool, oblique: bool = False
) -> Outline | None:
    """Return the outline of the breast in a reduced image (rows, columns), None where none can be made out.

    Air may be dark, or bright where ``bright_air`` says so (For Processing, MONOCHROME1). As tags may be wrong, both
    are tried; the other one is taken where its mask looks clearly more like a breast. In an ``oblique`` view (MLO, LMO)
    the nipple is sought across the pectoral muscle.
    """
    kept = np.ones(small.shape, bool) if padding is None or padding.all() else ~padding
    grey = grey_of(small, kept)
    found = _best(grey, kept, bright_air)
    credible = _credible_of(found, grey)
    if credible < BEYOND_DOUBT:
        other = _best(grey, kept, not bright_air)
        if _credible_of(other, grey) > credible + AS_STATED:
            found = other
    alike, outline = found
    if outline is None or alike < LEAST_LIKENESS:
        return None
    return _levelled(outline, grey, oblique)


def _levelled(outline: Outline, grey: np.ndarray, oblique: bool) -> Outline:
    """Return the outline with the place of its nipple."""
    mask, wall = outline.mask, outline.wall
    along, depth = _profile(mask, wall)
    slope = OBLIQUE_TILT * {"low": 1, "high": -1, "": 0}[outline.muscle] if oblique else 0.0
    picture = grey if outline.bright else 255 - grey
    level = _surest_level(mask, picture, (wall, slope), along, depth)
    nipple = _point(mask.shape, wall, level, float(np.interp(level, along, depth)))
    return replace(outline, level=level, nipple=nipple)


def _credible_of(found: tuple[float, Outline | None], grey: np.ndarray) -> float:
    alike, outline = found
    return credible(alike, outline.mask if outline is not None else None, grey)


def _best(grey: np.ndarray, kept: np.ndarray, bright_air: bool) -> tuple[float, Outline | None]:
    """Return how much the most breast-like mask looks like a breast, and its outline."""
    picture = without_borders(
        np.where(kept, 255 - grey if bright_air else grey, 0).astype(np.uint8), BORDER_SHARE, rim=0.0
    )
    best: tuple[float, Outline | None] = 0.0, None
    for threshold in thresholds_of(picture):
        mask = mask_in(picture, threshold)
        if mask is None:
            continue
        outline = replace(_described(mask, picture), bright=not bright_air)
        alike = likeness(mask, picture, outline.confidence)
        if best[1] is None or alike > best[0] + CLEARLY:
            best = alike, outline
        if best[0] >= CERTAIN:
            break
    return best


# --- chest wall, level -------------------------------------------------------------------------------------------


def _described(mask: np.ndarray, picture: np.ndarray) -> Outline:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    wall, confidence = wall_of(mask, picture)
    return Outline(mask, box, wall, confidence, _muscle(mask, picture, wall))


def _profile(mask: np.ndarray, wall: Side) -> tuple[np.ndarray, np.ndarray]:
    """Return positions along the chest wall and the distance of the outline from the wall's edge of the picture."""
    turned = _turned(mask, wall)
    lines = np.flatnonzero(turned.any(axis=1))
    depth = turned.shape[1] - turned[lines, ::-1].argmax(axis=1) - 1
    return lines.astype(float), depth.astype(float)


def _turned(image: np.ndarray, wall: Side) -> np.ndarray:
    """Return the image with its chest wall at the left; without a wall, as it is."""
    views = {"right": image[:, ::-1], "top": image.T, "bottom": image.T[:, ::-1]}
    return views.get(wall, image)


def _surest_level(
    mask: np.ndarray, picture: np.ndarray, lie: tuple[Side, float], along: np.ndarray, depth: np.ndarray
) -> float:
    """Return the median of the levels of the outline and of two brighter cores, which film fog does not move.

    ``lie`` is the chest wall's side and the slope of the muscle, 0 for a view along it.
    """
    wall, slope = lie
    turned, grey = _turned(mask, wall), _turned(picture, wall)
    inside = grey[turned]
    levels = [_level(along, depth, slope)]
    for percent in CORES:
        core = turned & (grey > np.percentile(inside, percent))
        levels.append(_level(along, core[along.astype(int)].sum(axis=1).astype(float), slope))
    return float(np.median(levels))


def _level(along: np.ndarray, depth: np.ndarray, slope: float) -> float:
    """Return where the outline is farthest from a line of this slope, or the middle of its tip where there is none."""
    window = max(3, len(depth) // 30 * 2 + 1)
    smooth = np.convolve(np.pad(depth, window // 2, mode="edge"), np.ones(window) / window, "valid")
    ends = round(ENDS * len(smooth))
    places, inner = along[ends : len(smooth) - ends], smooth[ends : len(smooth) - ends]
    if not slope:
        return float(places[inner >= CHORD * inner.max()].mean())
    far = inner + slope * places
    return float(places[far >= far.max() - 0.02 * max(float(np.ptp(inner)), 1.0)].mean())


def _point(shape: tuple[int, ...], wall: Side, level: float, depth: float) -> tuple[float, float]:
    rows, columns = shape
    return {
        "right": (columns - 1 - depth, level),
        "top": (level, depth),
        "bottom": (level, rows - 1 - depth),
    }.get(wall, (depth, level))


def _muscle(mask: np.ndarray, picture: np.ndarray, wall: Side) -> Literal["", "low", "high"]:
    """Return the end of the chest wall with the bright triangle of the pectoral muscle, "" where neither is clear."""
    if not wall:
        return ""
    turned, grey = _turned(mask, wall), _turned(picture, wall).astype(float)
    lines = np.flatnonzero(turned.any(axis=1))
    ends = _end_weight(turned, grey, lines), _end_weight(turned, grey, lines[::-1])
    if abs(ends[0] - ends[1]) < 0.15 * max(ends):
        return ""
    return "low" if ends[0] > ends[1] else "high"


def _end_weight(mask: np.ndarray, grey: np.ndarray, lines: np.ndarray) -> float:
    """Return mean grey in the corner triangle of the box at the wall, from the first of ``lines`` on; air counts 0."""
    part = lines[: max(2, len(lines) // 3)]
    wall_at = int(mask[lines].any(axis=0).argmax())
    reach = max(2, int(0.45 * np.ptp(np.flatnonzero(mask[lines].any(axis=0)))))
    corner = (grey * mask)[part, wall_at : wall_at + reach]
    down = np.linspace(0, 1, corner.shape[0])[:, None]
    across = np.linspace(0, 1, corner.shape[1])[None]
    return float(corner[down + across < 1].mean())
