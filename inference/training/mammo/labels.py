"""Which windows are cases and which are controls (SYSTEMS.md §1.2): circles of lesions against square windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.training.mammo.dataset import CALCIFICATION, NODULE, Lesion

CASE, CONTROL, DISCARDED, BENIGN = 1, 0, -1, 2
_STRIPS = 512  # of a circle, for its area inside a window: error below 1e-3 of the circle


@dataclass(frozen=True)
class LabelRules:
    """How windows get their labels; the defaults are those of SYSTEMS.md §1.2.

    Attributes
    ----------
    nodule_share
        Share of a malignant lesion that a case window of the nodule module holds at least (paper: 0.80).
    calcification_share
        The same for calcifications ([R] 0.90; the paper's "whole lesion" is 1.0).
    extended_cover
        A window of which an extended cluster covers at least this share is a case too ([R] 0.25); 0 switches it off.
    partial
        ``"drop"``: calcification windows that hold a part of a lesion are not trained on ([R]); ``"control"``: they are
        controls (the paper).
    """

    nodule_share: float = 0.80
    calcification_share: float = 0.90
    extended_cover: float = 0.25
    partial: str = "drop"


STRICT = LabelRules(calcification_share=1.0, extended_cover=0.0, partial="control")


def area_inside(lesion: Lesion, corners: np.ndarray, side: float) -> np.ndarray:
    """Return the area of a lesion's circle inside each window.

    Parameters
    ----------
    corners
        (n, 2) top left corners as (y, x), in the lesion's unit.
    side
        Side of the windows, in the same unit.
    """
    x0, y0, radius = _circle(lesion)
    offsets = radius * ((np.arange(_STRIPS) + 0.5) / _STRIPS * 2 - 1)  # of vertical strips from the centre
    half = np.sqrt(radius**2 - offsets**2)
    top, left = corners[:, :1], corners[:, 1:]
    inside = (x0 + offsets >= left) & (x0 + offsets < left + side)
    height = np.minimum(y0 + half, top + side) - np.maximum(y0 - half, top)
    return (np.clip(height, 0, None) * inside).sum(axis=1) * (2 * radius / _STRIPS)


def touches(lesion: Lesion, corners: np.ndarray, side: float) -> np.ndarray:
    """Return for each window whether it shares any point of the lesion's circle; parameters as :func:`area_inside`."""
    x0, y0, radius = _circle(lesion)
    centre = np.array([y0, x0])
    nearest = np.clip(centre, corners, corners + side)
    return np.hypot(*(nearest - centre).T) < radius


def window_labels(
    module: str, lesions: Sequence[Lesion], corners: np.ndarray, side: float, stride: float, rules: LabelRules
) -> np.ndarray:
    """Return :data:`CASE`, :data:`CONTROL`, :data:`BENIGN` or :data:`DISCARDED` for each window of a film.

    Benign windows hold a benign lesion of the module as case windows hold a malignant one; the paper discards them.

    Parameters
    ----------
    lesions
        All lesions of the film, all placed; benign ones and those of the other module keep a window from being a
        control.
    corners
        (n, 2) top left corners of the windows as (y, x), in the lesions' unit.
    side, stride
        Of the windows, in the same unit. A cluster wider than ``side - stride`` is *extended*: the grid of windows need
        not hold it whole.
    """
    labels = np.full(len(corners), CONTROL)
    for lesion in lesions:
        labels[touches(lesion, corners, side)] = DISCARDED
    if module == CALCIFICATION and rules.partial == "control":
        labels[:] = CONTROL
    own = [lesion for lesion in lesions if lesion.belongs_to(module)]
    held = {lesion: _cases(module, lesion, corners, (side, stride), rules) for lesion in own}
    for lesion in own:
        if not lesion.is_malignant:
            labels[held[lesion] & (labels == DISCARDED)] = BENIGN
    for lesion in own:
        if lesion.is_malignant:
            labels[held[lesion]] = CASE
    return labels


def can_be_case(module: str, lesion: Lesion, side: float, rules: LabelRules) -> bool:
    """Whether some window, wherever it lies, makes a case of the lesion: the others are listed to the user."""
    x0, y0, _ = _circle(lesion)
    best = np.array([[y0 - side / 2, x0 - side / 2]])
    return bool(_cases(module, lesion, best, (side, side), rules)[0])


def _cases(
    module: str, lesion: Lesion, corners: np.ndarray, size: tuple[float, float], rules: LabelRules
) -> np.ndarray:
    side, stride = size
    _, _, radius = _circle(lesion)
    inside = area_inside(lesion, corners, side)
    share = rules.nodule_share if module == NODULE else rules.calcification_share
    # strips miss up to 1e-3 of a circle that lies wholly inside
    cases = inside >= min(share, 1 - 1e-3) * np.pi * radius**2
    if module == CALCIFICATION and rules.extended_cover > 0 and 2 * radius > side - stride:
        cases |= inside >= rules.extended_cover * side**2
    return cases


def _circle(lesion: Lesion) -> tuple[float, float, float]:
    if lesion.x_mm is None or lesion.y_mm is None or lesion.radius_mm is None:
        raise ValueError("The place of this lesion is not known.")
    return lesion.x_mm, lesion.y_mm, lesion.radius_mm
