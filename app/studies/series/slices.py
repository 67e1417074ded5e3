"""Slices along the normal: slabs, spacing, and the places of missing slices."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from app.studies.series.frames import FrameFacts
from app.studies.study import Frame

_SPLIT_AT = 6.5  # a gap of more slices than this separates two slabs (sagittal right and left breast)


def slabs(positions: list[tuple[float, list[FrameFacts]]]) -> list[list[tuple[float, list[FrameFacts]]]]:
    """Split sorted positions (mm along the normal, frames) where a gap is too wide to be missing slices."""
    if len(positions) < 4:
        return [positions]
    steps = np.diff([place for place, _ in positions])
    spacing = float(np.median(steps))
    found = [[positions[0]]]
    for step, position in zip(steps, positions[1:], strict=True):
        if step > _SPLIT_AT * spacing:
            found.append([])
        found[-1].append(position)
    return found


def slab_note(number: int, count: int, normal: np.ndarray) -> tuple[str, ...]:
    """Return a note that says which of several slabs this is, by where it lies in the patient (LPS).

    Two slabs across the body need none: the image itself is labelled R or L.
    """
    axis = int(np.abs(normal).argmax())
    if count < 2 or (count == 2 and axis == 0):
        return ()
    ends = (("right", "left"), ("front", "back"), ("lower", "upper"))[axis]
    place = number if normal[axis] > 0 else count - 1 - number
    which = {0: ends[0], count - 1: ends[1]}.get(place, f"{place + 1}.")
    return (f"The series holds {count} separate groups of slices; this is the patient's {which} one.",)


def nearest(by_place: dict[float, FrameFacts], place: float) -> FrameFacts | None:
    """Return the frame at a place, to a hundredth of a millimetre."""
    for offset in (0.0, -0.01, 0.01):
        if (fact := by_place.get(round(place + offset, 2))) is not None:
            return fact
    return None


def slice_spacing(grid: list[float]) -> tuple[float | None, tuple[str, ...]]:
    """Return the slice spacing in mm from the positions, and a note where they are not evenly spaced."""
    if len(grid) < 2:
        return None, ()
    steps = np.diff(grid)
    spacing = float(np.median(steps))
    ratios = steps / spacing
    if np.abs(ratios - np.round(ratios)).max() > 0.1 or np.round(ratios).min() < 1:
        mean = (grid[-1] - grid[0]) / len(steps)
        note = (
            f"Slices are unevenly spaced ({steps.min():.2f} to {steps.max():.2f} mm); "
            "distances across slices are approximate."
        )
        return mean, (note,)
    return float((grid[-1] - grid[0]) / np.round(ratios).sum()), ()


def completed(grid: list[float], spacing: float) -> list[float]:
    """Return the grid with the places of missing slices filled in."""
    full = [grid[0]]
    for place in grid[1:]:
        steps = round((place - full[-1]) / spacing)
        start = full[-1]
        full.extend(start + (place - start) * step / steps for step in range(1, steps))
        full.append(place)
    return full


def blank(fact: FrameFacts, normal: np.ndarray, place: float) -> Frame:
    """Return a frame without file for a missing slice, so that millimetres stay right."""
    origin = np.asarray(fact.frame.position_mm, float)
    x, y, z = (float(value) for value in origin + normal * (place - float(np.dot(normal, origin))))
    return Frame(Path(), -1, "", None, (x, y, z), fact.frame.orientation)


def missing_note(missing: list[int]) -> tuple[str, ...]:
    """Return a note that names missing slices (counted from 0) as the user counts them."""
    if not missing:
        return ()
    numbers = ", ".join(str(number + 1) for number in missing[:8]) + (" …" if len(missing) > 8 else "")
    word = "Slice" if len(missing) == 1 else "Slices"
    return (f"{word} {numbers} missing: shown blank, so that positions stay right.",)
