"""Derive: subtraction and motion-corrected phases, computed from phases in memory. Qt-free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from app.studies.errors import StudyError
from app.studies.load import LoadedStack
from viewer.presentation import Padding, Presentation, VoiFunction, Window

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.prepare.register import Correction
    from inference.progress import Progress

NOT_CORRECTED = "Not motion-corrected"
CORRECTED = "Motion-corrected"
# Grids count as the same where no voxel centre is farther from its counterpart than this part of a voxel: positions
# are stored as text of 16 characters (PS3.5 6.2, DS), true shifts between acquisitions are larger.
_SAME_GRID = 0.1
_HIGH_PERCENT = 99.95  # of the enhancement over tissue: vessels and heart may saturate, a lesion must not
_TISSUE = 0.1  # of the 99th percentile of the post-contrast phase: air and its noise are left out
_SAMPLE_STEPS = (32, 112, 112)  # the window is estimated on about that many slices, rows and columns
_BLOCK = 8  # slices: sums stay near the cache


def subtract(
    post: LoadedStack,
    pre: LoadedStack,
    uid: str,
    title: str = "Subtraction",
    *,
    motion_corrected: bool = False,
    windows: Sequence[Window] = (),
) -> LoadedStack:
    """Return one phase minus another, exactly.

    Parameters
    ----------
    post, pre
        Phases on one grid. ``pre`` may lack slices at its ends: these are blank in the result, and a note says so.
    uid
        Of the derived image (:mod:`app.studies.derived`).
    title
        Such as ``"Subtraction post 1 − pre"``.
    motion_corrected
        Whether ``post`` was registered to ``pre`` first; the note that stays on the image says it.
    windows
        To choose from, the first is in force: those of all subtractions of a dynamic series. Worked out from this one
        where there are none.

    Returns
    -------
    LoadedStack
        Array (slice k, row j, column i) of ``post − pre`` on the grid of ``post``: int16 where every difference fits,
        else int32 (int64 for 32-bit sources), float for float sources. What is padding or blank in either phase is
        padding: one value below all others, black.

    Raises
    ------
    StudyError
        For colour images, and where the phases differ in frame of reference, matrix, position or orientation.
    """
    shift = _slice_shift(post, pre)
    first, second = post.volume.array, pre.volume.array
    here, there, gone = _common(len(first), len(second), shift)
    outside = _outside(post, pre, here, there)
    array, lowest = _difference(first, second, here, there, outside)
    blank = sorted({*gone, *post.blank_slices, *(k - shift for k in pre.blank_slices if 0 <= k - shift < len(first))})
    padding = None
    if outside is not None or blank:
        padding = Padding(lowest, lowest)
        array[blank] = lowest
    how = next((note for note in post.stack.notes if note.startswith(CORRECTED)), CORRECTED)  # such as "(rigid)"
    notes = (how if motion_corrected else NOT_CORRECTED, *_gone_note(gone), *_notes(post, pre))
    return replace(
        post,
        stack=replace(post.stack, uid=uid, title=title, derived=True, notes=notes),
        volume=_with_array(post.volume, array),
        presentation=Presentation(tuple(windows) or _windows(array, first, padding), padding=padding),
        facts={**post.facts, "Calculated": f"{title}, {notes[0].lower()}"},
        blank_slices=tuple(blank),
    )


def corrected(
    moving: LoadedStack,
    fixed: LoadedStack,
    correction: Correction,
    uid: str,
    title: str = "Motion-corrected",
    progress: Progress | None = None,
) -> LoadedStack:
    """Return a phase resampled onto another after registration; see :func:`inference.prepare.register.apply`.

    Parameters
    ----------
    moving, fixed
        The phase that was registered, and the one it was registered to, whose grid the result has.
    """
    from inference.prepare import register

    volume = register.apply(correction, moving.volume, fixed.volume, progress=progress)
    same = len(moving.stack.frames) == len(volume.array)
    frames = moving.stack.frames if same else fixed.stack.frames
    notes = (f"{CORRECTED} ({correction.stage})", *_notes(moving, fixed))
    return replace(
        moving,
        stack=replace(moving.stack, uid=uid, title=title, derived=True, notes=notes, frames=frames),
        volume=volume,
        facts={**moving.facts, "Calculated": notes[0].lower()},
        blank_slices=moving.blank_slices if same else (),
    )


def _notes(one: LoadedStack, other: LoadedStack) -> tuple[str, ...]:
    """Return what the sources say of themselves: it holds for what is made of them."""
    said = dict.fromkeys((*one.stack.notes, *other.stack.notes))
    return tuple(note for note in said if not note.startswith((CORRECTED, NOT_CORRECTED)))


# --- grids -------------------------------------------------------------------------------------------------------


def _slice_shift(post: LoadedStack, pre: LoadedStack) -> int:
    """Return k such that slice n of ``post`` lies on slice n + k of ``pre``; StudyError where the grids differ."""
    if post.volume.array.ndim != 3 or pre.volume.array.ndim != 3:
        raise _refusal("colour images cannot be subtracted")
    if _frame(post) and _frame(pre) and _frame(post) != _frame(pre):
        raise _refusal("the phases have different frames of reference (the patient was positioned anew)")
    shape, other = post.volume.spatial_shape, pre.volume.spatial_shape
    if shape[1:] != other[1:]:
        raise _refusal(f"the matrix differs ({_size(shape)} and {_size(other)})")
    affine, reference = np.asarray(post.volume.affine, float), np.asarray(pre.volume.affine, float)
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    apart = affine[:3, :3] / steps - reference[:3, :3] / np.linalg.norm(reference[:3, :3], axis=0)
    extent = np.asarray(shape, float) * steps
    if float(np.abs(apart).max(axis=0) @ extent) > _SAME_GRID * float(steps.max()):
        raise _refusal("the slices have different orientations")
    if not np.allclose(steps, np.linalg.norm(reference[:3, :3], axis=0), atol=_SAME_GRID * steps.min() / max(shape)):
        raise _refusal("the distances between voxels differ")
    offset = np.linalg.solve(reference, affine[:, 3])[:3]  # place of post's first voxel on the grid of pre
    shift = round(float(offset[0]))
    if np.abs(offset - (shift, 0, 0)).max() > _SAME_GRID:
        millimetres = float(np.linalg.norm(affine[:3, 3] - reference[:3, 3]))
        raise _refusal(f"the phases lie {millimetres:.1f} mm apart")
    if not -shape[0] < shift < other[0]:
        raise _refusal("the phases have no slice in common")
    return shift


def _refusal(why: str) -> StudyError:
    return StudyError(
        f"The subtraction cannot be made: {why}.", "Show both phases side by side; they are linked in millimetres."
    )


def _frame(loaded: LoadedStack) -> str:
    """Return the frame of reference of the file, "" where it has none (then it is an image's own UID)."""
    uid = loaded.volume.frame_of_reference_uid or ""
    return "" if uid in {frame.sop_instance_uid for frame in loaded.stack.frames} else uid


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[2]} × {shape[1]}"


def _common(count: int, other: int, shift: int) -> tuple[slice, slice, tuple[int, ...]]:
    """Return the slices both have, counted in each, and those of the first that the second lacks."""
    start, stop = max(0, -shift), min(count, other - shift)
    gone = tuple(k for k in range(count) if not start <= k < stop)
    return slice(start, stop), slice(start + shift, stop + shift), gone


def _gone_note(gone: tuple[int, ...]) -> tuple[str, ...]:
    if not gone:
        return ()
    listed = ", ".join(str(k + 1) for k in gone)
    return (f"Blank where one phase has no slice: {listed}.",)


# --- values ------------------------------------------------------------------------------------------------------


def _outside(post: LoadedStack, pre: LoadedStack, here: slice, there: slice) -> np.ndarray | None:
    """Return where either phase is padding, over the common slices; None where neither is."""
    found: np.ndarray | None = None
    for loaded, part in ((post, here), (pre, there)):
        padding = loaded.presentation.padding
        if padding is None:
            continue
        values = loaded.volume.array[part]
        mask = (values >= padding.low) & (values <= padding.high)
        if mask.any():
            found = mask if found is None else found | mask
    return found


def _difference(
    first: np.ndarray, second: np.ndarray, here: slice, there: slice, outside: np.ndarray | None
) -> tuple[np.ndarray, float]:
    """Return the difference on the grid of the first, and a value below all of its values that are not padding."""
    dtype, floor = _type_of(first, second)
    array = np.zeros(first.shape, dtype) if here != slice(0, len(first)) else np.empty(first.shape, dtype)
    for start in range(here.start, here.stop, _BLOCK):
        stop = min(start + _BLOCK, here.stop)
        moved = slice(start - here.start + there.start, stop - here.start + there.start)
        # Casting each source first is exact: the type was chosen to hold the values and their differences.
        np.subtract(first[start:stop], second[moved], out=array[start:stop], dtype=dtype, casting="unsafe")
    if outside is not None:
        array[here][outside] = floor
    return array, floor


def _type_of(first: np.ndarray, second: np.ndarray) -> tuple[np.dtype, float]:
    """Return the smallest type that holds both images and every difference, and a value below all differences."""
    if first.dtype.kind == "f" or second.dtype.kind == "f":
        low = float(np.nanmin(first)) - float(np.nanmax(second))
        dtype = np.result_type(first, second, np.float32)
        return dtype, float(np.floor(low)) - 1.0 if np.isfinite(low) else -1.0
    ends = [(int(array.min()), int(array.max())) for array in (first, second)]
    low, high = ends[0][0] - ends[1][1], ends[0][1] - ends[1][0]
    needed = min(low - 1, ends[0][0], ends[1][0]), max(high, ends[0][1], ends[1][1])
    for dtype in (np.dtype(np.int16), np.dtype(np.int32)):
        if np.iinfo(dtype).min <= needed[0] and needed[1] <= np.iinfo(dtype).max:
            return dtype, float(low - 1)
    return np.dtype(np.int64), float(low - 1)


def _windows(array: np.ndarray, post: np.ndarray, padding: Padding | None) -> tuple[Window, ...]:
    steps = tuple(max(1, size // wanted) for size, wanted in zip(array.shape, _SAMPLE_STEPS, strict=True))
    cut = tuple(slice(step // 2, None, step) for step in steps)
    values = array[cut].astype(np.float64)
    if padding is not None:
        values[values <= padding.high] = np.nan
    return enhancement_windows(values, post[cut].astype(np.float64), whole=array.dtype.kind == "i")


def enhancement_windows(difference: np.ndarray, post: np.ndarray, *, whole: bool = True) -> tuple[Window, ...]:
    """Return a window for enhancement from 0 up, and a signed one centred at 0.

    The top is a percentile of the positive differences in tissue, so that noise stays dark and a lesion is not flat
    white.

    Parameters
    ----------
    difference, post
        Post minus pre and post-contrast values at the same places, any shape; what is not finite is left out.
    whole
        Whether values are whole numbers, and so the top of the window.
    """
    values, tissue = difference.ravel(), post.ravel()
    kept = np.isfinite(values) & np.isfinite(tissue)
    values, tissue = values[kept], tissue[kept]
    if tissue.size:
        values = values[tissue > _TISSUE * float(np.percentile(tissue, 99))]
    positive = values[values > 0] if (values > 0).any() else np.abs(values[values != 0])
    top = float(np.percentile(positive, _HIGH_PERCENT)) if positive.size else 1.0
    top = float(np.ceil(top)) if whole else top
    exact = VoiFunction.LINEAR_EXACT
    return (
        Window(top / 2, top, exact, "Enhancement", "computed"),
        Window(0.0, 2 * top, exact, "Gain and loss", "computed"),
    )


def _with_array(volume: Volume, array: np.ndarray) -> Volume:
    from highdicom import Volume

    return Volume(
        array,
        volume.affine,
        coordinate_system=volume.coordinate_system,
        frame_of_reference_uid=volume.frame_of_reference_uid,
    )
