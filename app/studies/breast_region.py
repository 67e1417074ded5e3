"""Breast region: where the breast, its chest wall and its nipple level lie in a stored mammogram. Qt-free.

Works on a copy reduced to about 300 pixels, in a few milliseconds. It serves the framing of panes, no measurement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from app.studies.breast_outline import Outline, outline_of
from inference.prepare.mammogram_shape import SIDES
from viewer.presentation import Presentation

Edge = Literal["left", "right", "top", "bottom"]
#: Longest side of the reduced copy in pixels.
REDUCED_PX = 256
#: From this confidence on, the pixels' chest-wall side is believed against the header.
CONFIDENT = 0.6


@dataclass(frozen=True)
class BreastRegion:
    """Where the breast lies. Lengths are mm of the stored plane (x right, y down, from the outer corner of pixel 0, 0).

    Attributes
    ----------
    box_mm
        Left, top, right and bottom of the breast; the whole image where no breast was made out.
    wall
        Edge of the *stored* picture that the chest wall lies at; "" where the picture does not tell.
    confidence
        Of ``wall``, 0 to 1; see ``CONFIDENT``.
    level_mm
        Place of the nipple along the chest wall: of the part of the outline farthest from it (in an oblique view, from
        the pectoral muscle), smoothed. y for a wall at the left or right, x for one at the top or bottom.
    nipple_mm
        The point of the outline at that level (x, y).
    muscle
        Which end of the chest wall carries the pectoral muscle: ``"low"`` (towards x or y = 0), ``"high"``, "" unknown.
        Only meaningful in MLO, LMO, ML and LM views, where it is the head's end.
    found
        False where no breast could be told from the background (empty, noise, filled from edge to edge).
    """

    box_mm: tuple[float, float, float, float]
    wall: Edge | Literal[""] = ""
    confidence: float = 0.0
    level_mm: float = 0.0
    nipple_mm: tuple[float, float] = (0.0, 0.0)
    muscle: Literal["", "low", "high"] = ""
    found: bool = True


def breast_region_of(
    values: np.ndarray,
    presentation: Presentation,
    spacing_mm: tuple[float, float] = (1.0, 1.0),
    *,
    raw: bool = False,
    oblique: bool = False,
) -> BreastRegion | None:
    """Return where the breast lies in one image.

    Parameters
    ----------
    values
        Modality values (rows, columns), or (rows, columns, 3) for colour.
    presentation
        Tells which values are padding and whether large values are shown dark.
    spacing_mm
        Row and column spacing.
    raw
        For Processing: air is expected to be bright (detector signal), whatever the presentation.
    oblique
        An MLO or LMO view, in which the nipple is farthest from the tilted pectoral muscle.

    Returns
    -------
    BreastRegion or None
        None for an image without contrast (empty); ``found`` is False where nothing could be made out.
    """
    small, step = _reduced(values)
    if small is None:
        return None
    outline = outline_of(small, _padding(small, presentation), bright_air=raw or presentation.invert, oblique=oblique)
    scale_x, scale_y = step * spacing_mm[1], step * spacing_mm[0]
    width_mm, height_mm = values.shape[1] * spacing_mm[1], values.shape[0] * spacing_mm[0]
    if outline is None:
        return BreastRegion((0.0, 0.0, width_mm, height_mm), level_mm=height_mm / 2, found=False)
    return _in_mm(outline, (scale_x, scale_y), (width_mm, height_mm))


def _reduced(values: np.ndarray) -> tuple[np.ndarray | None, int]:
    """Return every n-th pixel as float32 with its n; None where the image has no contrast."""
    step = max(1, max(values.shape[:2]) // REDUCED_PX)
    small = np.asarray(values[::step, ::step], np.float32)
    if small.ndim == 3:
        small = small.mean(axis=2)
    small = np.nan_to_num(small, copy=False, posinf=0.0, neginf=0.0)
    if min(small.shape) < 16 or float(small.max()) <= float(small.min()):
        return None, step
    return cv2.medianBlur(small, 3), step


def _padding(small: np.ndarray, presentation: Presentation) -> np.ndarray | None:
    if presentation.padding is None:
        return None
    return (small >= presentation.padding.low) & (small <= presentation.padding.high)


def _in_mm(outline: Outline, scale: tuple[float, float], size: tuple[float, float]) -> BreastRegion:
    left, top, right, bottom = outline.box
    box = (
        left * scale[0],
        top * scale[1],
        min(right * scale[0], size[0]),
        min(bottom * scale[1], size[1]),
    )
    along = scale[1] if outline.wall in ("left", "right", "") else scale[0]
    nipple = ((outline.nipple[0] + 0.5) * scale[0], (outline.nipple[1] + 0.5) * scale[1])
    return BreastRegion(
        box_mm=box,
        wall=outline.wall if outline.wall in SIDES else "",
        confidence=outline.confidence,
        level_mm=(outline.level + 0.5) * along,
        nipple_mm=nipple,
        muscle=outline.muscle,
    )
