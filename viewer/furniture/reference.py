"""Reference: the line in which the slice of another pane cuts this one."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPen

from viewer.colours import REFERENCE
from viewer.furniture.corners import Sheet
from viewer.shot import Shot


def crossing(shot: Shot, other: Shot) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return the screen ends of the line in which another slice cuts this one, as far as both images reach.

    Returns
    -------
    tuple
        Two points (x, y) in device pixels of ``shot``; None where the planes are parallel or the images do not meet.
    """
    own, plane = shot.plane, other.plane
    # index of the other image as an affine function of (row, column) of this slice
    to_other = np.linalg.inv(plane.affine) @ own.affine
    start = (to_other @ (shot.slice_index, 0.0, 0.0, 1.0))[:3]
    steps = to_other[:3, 1:3]  # per row, per column
    across = steps[0]
    length = float(across @ across)
    if length < 1e-12:
        return None
    foot = across * (other.slice_index - start[0]) / length  # the point of the line nearest to the first pixel
    along = np.array((-across[1], across[0])) / np.sqrt(length)
    low, high = -np.inf, np.inf
    for value, slope, size in (
        (foot[0], along[0], own.shape[1]),
        (foot[1], along[1], own.shape[2]),
        (start[1] + steps[1] @ foot, steps[1] @ along, plane.shape[1]),
        (start[2] + steps[2] @ foot, steps[2] @ along, plane.shape[2]),
    ):
        if abs(slope) < 1e-9:
            if not -0.5 <= value <= size - 0.5:
                return None
            continue
        first, last = sorted(((-0.5 - value) / slope, (size - 0.5 - value) / slope))
        low, high = max(low, first), min(high, last)
    if not low < high or not np.isfinite((low, high)).all():
        return None
    ends = [foot + along * place for place in (low, high)]
    return shot.screen_of(*map(float, ends[0])), shot.screen_of(*map(float, ends[1]))


def draw_reference(sheet: Sheet, shot: Shot, other: Shot | None) -> None:
    """Draw where the slice of another pane cuts this one: thin and quiet."""
    found = crossing(shot, other) if other is not None else None
    if found is None:
        return
    colour = QColor(REFERENCE)
    colour.setAlpha(150)
    for pen in (QPen(QColor(0, 0, 0, 90), 2.2 * sheet.ratio), QPen(colour, sheet.ratio)):
        sheet.painter.setPen(pen)
        sheet.painter.drawLine(QPointF(*found[0]), QPointF(*found[1]))
