"""From a dynamic exam and its lesions to the patches that system 002 reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import EngineError, OutOfScopeError
from inference.prepare.contrast_choice import Offer, Subset, choose, covers, offer, without_t2
from inference.prepare.contrast_settings import ContrastPreprocessing
from inference.prepare.contrasts import ContrastPlanes
from inference.prepare.lesion_on_grid import PlacedLesion, place_lesion
from inference.prepare.lesion_patch import Window, others_in, turned
from inference.progress import Progress

if TYPE_CHECKING:
    from inference.exam import DceExam

_MOST_PADDING = 0.05  # of a patch; more is said


@dataclass(frozen=True)
class LesionPatches:
    """The patches of one lesion, one per slice.

    Attributes
    ----------
    images
        (slices, contrasts, rows, columns), scaled grey values.
    affines
        Of each patch, (0, row, column) to LPS mm.
    others
        Titles of other lesions that some window shows too.
    padding
        Largest share of a patch without image.
    """

    placed: PlacedLesion
    windows: tuple[Window, ...]
    images: np.ndarray
    affines: tuple[np.ndarray, ...]
    others: tuple[str, ...]
    padding: float


@dataclass(frozen=True)
class PreparedLesions:
    """All that system 002 reads of an exam.

    Attributes
    ----------
    subset
        The three contrasts in channel order.
    found
        What the exam offered.
    warnings
        Sentences on what is doubtful about the lesions.
    """

    lesions: tuple[LesionPatches, ...]
    subset: Subset
    found: Offer
    settings: ContrastPreprocessing
    warnings: tuple[str, ...]


def prepare_lesions(
    exam: DceExam, settings: ContrastPreprocessing, ranked: tuple[Subset, ...], title: str, progress: Progress
) -> PreparedLesions:
    """Choose the contrasts, correct and scale them, and cut the patches.

    Parameters
    ----------
    ranked
        Subsets a model was trained on, best first.
    title
        Of the model, for messages.

    Raises
    ------
    OutOfScopeError
        Where the exam lacks spacing, a known pre-contrast phase, lesions, or all subsets.
    EngineError
        Where no lesion lies in the exam, or a volume shows nothing.
    """
    _check(exam, title)
    progress.report(0.0, "lesions")
    placed, problems = _placed(exam)
    windows = [windows_of(item, settings) for item in placed]
    found = offer(exam, settings)
    if "t2" not in found.missing and not t2_covers(exam, [w for one in windows for w in one]):
        found = without_t2(found, "it does not show all of the lesions' surroundings")
    subset = choose(ranked, found, title)
    planes = ContrastPlanes(exam, subset.contrasts, settings, found, progress.part(0.02, 0.9))
    lesions = []
    for number, (item, its_windows) in enumerate(zip(placed, windows, strict=True)):
        part = progress.part(0.9 + 0.1 * number / len(placed), 0.9 + 0.1 * (number + 1) / len(placed))
        others = [other for other in placed if other is not item]
        lesions.append(cut_patches(planes, subset.contrasts, (item, its_windows, others), exam, settings, part))
    warnings = (*problems, *found.notes, *(text for one in lesions for text in _doubts(one)))
    return PreparedLesions(tuple(lesions), subset, found, settings, warnings)


def windows_of(placed: PlacedLesion, settings: ContrastPreprocessing) -> tuple[Window, ...]:
    """Return the window around the centre of mass of each slice of a lesion."""
    centres = ((k, placed.centre(k)) for k in placed.slices)
    return tuple(
        Window(k, (float(row), float(column)), settings.patch_px, settings.patch_mm) for k, (row, column) in centres
    )


def t2_covers(exam: DceExam, windows: Sequence[Window]) -> bool:
    """Whether the T2 volume shows every pixel of the windows that lies in the dynamic series."""
    if exam.t2 is None:
        return False
    grid = exam.image
    corners = []
    for window in windows:
        first, last = window.edges(grid.spacing[1:])
        first, last = np.maximum(first, 0), np.minimum(last, np.array(grid.spatial_shape[1:]) - 1)
        corners += [(window.k, row, column) for row in (first[0], last[0]) for column in (first[1], last[1])]
    return covers(exam.t2, grid.map_indices_to_reference(np.array(corners, float)))


def cut_patches(
    planes: ContrastPlanes,
    contrasts: tuple[str, ...],
    lesion: tuple[PlacedLesion, tuple[Window, ...], Sequence[PlacedLesion]],
    exam: DceExam,
    settings: ContrastPreprocessing,
    progress: Progress,
) -> LesionPatches:
    """Return the patches of a lesion, given with its windows and the other lesions of the exam."""
    placed, windows, others = lesion
    grid = exam.image
    plane = exam.orientation if settings.orientation == "canonical" else ""
    images, affines, padding = [], [], 0.0
    seen: dict[str, None] = {}
    for number, window in enumerate(windows):
        progress.report(number / len(windows), f"patches of {placed.lesion.title}")
        patch, gap = planes.patch(contrasts, window)
        image, affine = turned(patch, window.affine(grid), grid, plane)
        images.append(image)
        affines.append(affine)
        padding = max(padding, gap)
        seen |= dict.fromkeys(others_in(window, grid.spacing[1:], others))
    return LesionPatches(placed, windows, np.stack(images), tuple(affines), tuple(seen), padding)


def _check(exam: DceExam, title: str) -> None:
    if not exam.has_spacing:
        raise OutOfScopeError(
            f"{title} cuts patches of 30 mm, and the pixel spacing of this series is not known.",
            "Enter the pixel spacing of the series.",
        )
    if exam.pre_index is None:
        raise OutOfScopeError(
            f"{title} needs to know which phase was taken before the contrast agent; the study does not tell.",
            "Choose the pre-contrast phase in the phases dialog.",
        )
    if not exam.lesions:
        raise OutOfScopeError(
            f"{title} classifies lesions that are given to it; none is marked.",
            "Draw a box, click a lesion, or run a model that finds lesions first.",
        )


def _placed(exam: DceExam) -> tuple[list[PlacedLesion], tuple[str, ...]]:
    """Return the lesions that lie in the exam, and why others do not; raises where none does."""
    placed, problems = [], []
    for lesion in exam.lesions:
        try:
            placed.append(place_lesion(lesion, exam.image))
        except EngineError as error:
            problems.append(error)
    if not placed:
        raise problems[0]
    return placed, tuple(f"{error} It was left out." for error in problems)


def _doubts(patches: LesionPatches) -> list[str]:
    title = patches.placed.lesion.title
    found = []
    if patches.others:
        found.append(
            f"The patches of {title} show {' and '.join(patches.others)} too; the score may speak of either "
            "(the paper left such patches out)."
        )
    if patches.placed.is_cut:
        found.append(f"A part of {title} lies outside this series; only the part inside was read.")
    if patches.padding > _MOST_PADDING:
        found.append(f"Up to {patches.padding:.0%} of the patches of {title} have no image and were read as black.")
    return found
