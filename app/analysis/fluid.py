"""Fluid: the T2-weighted volume of a study that belongs to a dynamic series, chosen from the headers."""

from __future__ import annotations

import numpy as np

from app.studies.hanging.sides import box_mm
from app.studies.study import Stack, Study

_LEAST_SLICES = 3  # fewer are a scout
_LEAST_COVER = 0.5  # of the dynamic series' volume; less shows another part of the body


def t2_of(study: Study, anchor: Stack) -> tuple[Stack | None, str]:
    """Return the T2-weighted stack of the same examination, None where there is none, and what must be said about it.

    It lies in the frame of reference of the dynamic series and covers at least half of it; of several the one that
    covers most, then one in the same plane, then the finest. One in another frame of reference (the patient was
    positioned anew) cannot be laid over the dynamic series and is not used; the sentence says so.
    """
    weighted = [stack for series in study.series for stack in series.stacks if _is_t2(stack)]
    same = [one for one in weighted if one.frame_of_reference_uid == anchor.frame_of_reference_uid]
    ranked = sorted(same, key=lambda one: _worth(one, anchor), reverse=True)
    if ranked and cover(ranked[0], anchor) >= _LEAST_COVER:
        return ranked[0], ""
    if same:
        title = ranked[0].title or "T2"
        return None, f"The T2-weighted series “{title}” shows less than half of the dynamic series and was not used."
    if weighted:
        title = weighted[0].title or "T2"
        return None, (
            f"The T2-weighted series “{title}” has another frame of reference than the dynamic series "
            "(the patient was positioned anew) and was not used."
        )
    return None, ""


def _is_t2(stack: Stack) -> bool:
    return stack.weighting == "T2" and not stack.derived and len(stack.frames) >= _LEAST_SLICES


def _worth(stack: Stack, anchor: Stack) -> tuple[float, bool, float]:
    """Return what ranks T2-weighted stacks: cover in tenths, same plane, and fineness (minus voxel volume, mm³)."""
    voxel = float(np.prod(stack.spacing_mm)) if stack.spacing_mm is not None else float("inf")
    return round(cover(stack, anchor), 1), stack.orientation == anchor.orientation, -voxel


def cover(stack: Stack, anchor: Stack) -> float:
    """Return which part of a stack's box in the patient another stack covers, 0 to 1; 0 where one has no place."""
    here, there = box_mm(anchor), box_mm(stack)
    if here is None or there is None:
        return 0.0
    extent = np.maximum(here[1] - here[0], 1e-6)
    shared = np.clip(np.minimum(here[1], there[1]) - np.maximum(here[0], there[0]), 0, None)
    return float(np.prod(np.minimum(shared / extent, 1.0)))
