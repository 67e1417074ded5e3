"""Places: sizes, middles and slices of boxes and measurements, in millimetres. Qt-free."""

from __future__ import annotations

import numpy as np

from app.studies.study import Frame, Stack
from app.workspace.box import Box, Mark
from app.workspace.measurement import Measurement
from viewer.layers.types import BoxShape, PaneContent


def box_size_mm(box: Box | BoxShape) -> tuple[float, float]:
    """Return width (along the rows) and height (along the columns) in mm."""
    diagonal = np.subtract(box.opposite_mm, box.corner_mm)
    row, column = np.array(box.orientation[:3]), np.array(box.orientation[3:])
    return abs(float(diagonal @ row)), abs(float(diagonal @ column))


def length_unit(content: PaneContent | None) -> str:
    """Return what lengths on a pane's image are in: ``"mm"``, or ``"px"`` where its pixel spacing is unknown."""
    return "mm" if content is None or content.image.spacing_known else "px"


def centre_mm(mark: Mark | BoxShape) -> tuple[float, float, float]:
    """Return the middle of a box or measurement, LPS mm."""
    points = mark.points_mm if isinstance(mark, Measurement) else (mark.corner_mm, mark.opposite_mm)
    x, y, z = np.mean(points, axis=0).tolist()
    return x, y, z


def frame_index(stack: Stack, sop_instance_uid: str, point_mm: tuple[float, float, float] | None = None) -> int | None:
    """Return which stored slice an object belongs to; frames of one file are told apart by position."""
    found = [i for i, frame in enumerate(stack.frames) if frame.sop_instance_uid == sop_instance_uid]
    if len(found) < 2 or point_mm is None:
        return found[0] if found else None
    return min(found, key=lambda i: _distance_mm(stack.frames[i], point_mm))


def _distance_mm(frame: Frame, point_mm: tuple[float, float, float]) -> float:
    """Return the distance of a point from the plane of a frame."""
    if frame.position_mm is None or frame.orientation is None:
        return abs(point_mm[2] - frame.index)
    normal = np.cross(frame.orientation[:3], frame.orientation[3:])
    return abs(float(np.subtract(point_mm, frame.position_mm) @ normal))
