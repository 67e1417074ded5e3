"""Place in the patient: the affine of a stack from position, orientation and spacing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.studies.study import Frame, Series, SeriesKind, Stack


def geometry_of(series: Series, stack: Stack) -> tuple[np.ndarray, str, bool]:
    """Return the affine (k, j, i, 1) → mm, the frame of reference and whether its axes are the patient's."""
    spacing = stack.spacing_mm or (1.0, 1.0, 1.0)
    first = next(frame for frame in stack.frames if frame.index >= 0)
    placed = first.orientation is not None and first.position_mm is not None
    if series.kind is SeriesKind.MAMMOGRAM or not placed:
        affine = np.diag([1.0, 1.0, 1.0, 1.0])
        across = 1.0 if series.kind is SeriesKind.MAMMOGRAM else spacing[0]
        affine[:3, :3] = np.array([[0.0, 0.0, spacing[2]], [0.0, spacing[1], 0.0], [across, 0.0, 0.0]])
        uid = first.sop_instance_uid if series.kind is SeriesKind.MAMMOGRAM else stack.frame_of_reference_uid
        return affine, uid, False
    return patient_affine(stack.frames, spacing), stack.frame_of_reference_uid, True


def patient_affine(frames: Sequence[Frame], spacing_mm: Sequence[float]) -> np.ndarray:
    """Return the affine of slices in the patient (PS3.3 C.7.6.2.1.1), slices along the normal.

    Parameters
    ----------
    frames
        In order along the normal; the first gives the origin.
    spacing_mm
        Slice, row and column spacing.
    """
    orientation = np.asarray(frames[0].orientation, float)
    # Cosines come as text of 16 characters: made exactly orthonormal, as Volume requires.
    row = orientation[:3] / np.linalg.norm(orientation[:3])
    column = orientation[3:] - row * float(np.dot(row, orientation[3:]))
    column = column / np.linalg.norm(column)
    normal = np.cross(row, column)
    first, last = (np.asarray(frames[end].position_mm, float) for end in (0, -1))
    step = spacing_mm[0] if float(np.dot(last - first, normal)) >= 0 else -spacing_mm[0]
    affine = np.eye(4)
    affine[:3, 0] = normal * step
    affine[:3, 1] = column * spacing_mm[1]
    affine[:3, 2] = row * spacing_mm[2]
    affine[:3, 3] = first
    return affine
