"""Loading: the pixels of a stack as modality values in a volume with its place in the patient, and how to show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom.dataset import Dataset

from app.studies.breast_region import BreastRegion, breast_region_of
from app.studies.errors import StudyError
from app.studies.pixels import voi
from app.studies.series import mammography
from app.studies.series.facts import facts_of
from app.studies.series.geometry import geometry_of
from app.studies.series.views import is_mammographic, side_and_view
from app.studies.study import Frame, SeriesKind, Stack, Study
from inference.progress import Progress
from viewer.presentation import Presentation, VoiFunction, Window

if TYPE_CHECKING:
    from highdicom import Volume

EdgeLetters = tuple[str, str, str, str]
_PIXEL_TAGS = tuple(
    " ".join(
        (
            "SOPClassUID PhotometricInterpretation PresentationLUTShape ModalityLUTSequence VOILUTSequence",
            "VOILUTFunction WindowCenter WindowWidth WindowCenterWidthExplanation RescaleSlope RescaleIntercept",
            "PixelPaddingValue PixelPaddingRangeLimit PatientOrientation SharedFunctionalGroupsSequence",
            "PerFrameFunctionalGroupsSequence KVP BodyPartThickness CompressionForce MagneticFieldStrength",
            "RepetitionTime EchoTime FlipAngle SliceThickness Manufacturer ManufacturerModelName",
            "PresentationIntentType LossyImageCompression BurnedInAnnotation",
        )
    ).split()
)


@dataclass(frozen=True)
class LoadedStack:
    """A stack with its pixels.

    Attributes
    ----------
    stack
        The stack, with notes on slices that could not be read.
    volume
        Modality values, array (slice k, row j, column i), or (k, j, i, 3) for colour; affine (k, j, i, 1) → LPS mm of
        the voxel centre. A mammogram lies in detector mm: x = i × column spacing, y = j × row spacing, z = k.
    spacing_known
        False where distances are in pixels.
    has_patient_axes
        Whether the affine tells right from left, front from back and head from feet.
    edge_letters
        Letters at the left, right, top and bottom edge from Patient Orientation; None where the affine tells them.
    facts
        Acquisition facts for the corners and the report, title → text with unit.
    blank_slices
        Slices without pixels, black: missing or not decodable.
    breast
        Where the breast lies in a mammogram (of a tomosynthesis, in its middle slice); None for other images.
    """

    stack: Stack
    volume: Volume
    presentation: Presentation
    spacing_known: bool
    has_patient_axes: bool
    edge_letters: EdgeLetters | None
    facts: dict[str, str]
    blank_slices: tuple[int, ...] = ()
    breast: BreastRegion | None = None


def load_stack(
    study: Study,
    stack_uid: str,
    progress: Progress | None = None,
    *,
    spacing_mm: tuple[float, ...] | None = None,
    background: bool = False,
) -> LoadedStack:
    """Read the pixels of a stack.

    Parameters
    ----------
    study
        As scanned.
    stack_uid
        Which of its stacks.
    progress
        Reports and cancels.
    spacing_mm
        Row and column spacing, or row, column and slice spacing, given by the user for a file without.
    background
        Whether nobody waits for it yet (thumbnails, reading ahead): other reading then goes first.

    Raises
    ------
    KeyError
        If the study has no such stack.
    StudyError
        If no slice of the stack can be read.
    """
    series, stack = study.series_of(stack_uid)
    if spacing_mm is not None:
        stack = spaced(stack, spacing_mm)
    progress = progress or Progress()
    middle = _middle_frame(stack)
    header = _header(middle.path)
    array, blank, reasons = _read(stack, header, progress.part(0.0, 0.95), background)
    affine, frame_of_reference, placed = geometry_of(series, stack)
    letters = None if placed and series.kind is not SeriesKind.TOMOSYNTHESIS else mammography.edge_letters_of(header)
    notes = tuple(f"Slice {number + 1} cannot be shown: {reason}" for number, reason in reasons.items())
    shown = array[_middle_index(stack, blank)]
    presentation = _presentation(header, middle.index, shown)
    breast = None
    if is_mammographic(series):
        spacing = stack.spacing_mm or (1.0, 1.0, 1.0)
        oblique = side_and_view(series)[1] in ("MLO", "LMO")
        breast = breast_region_of(shown, presentation, (spacing[1], spacing[2]), raw=stack.raw, oblique=oblique)
    progress.report(1.0, "Loaded")
    return LoadedStack(
        stack=replace(stack, notes=(*stack.notes, *notes)) if notes else stack,
        volume=_volume(array, affine, frame_of_reference),
        presentation=presentation,
        spacing_known=stack.spacing_mm is not None,
        # A tomosynthesis lies on a table that is turned with the gantry: its letters are what the file states.
        has_patient_axes=placed and letters is None,
        edge_letters=letters,
        facts=facts_of(series, stack, header),
        blank_slices=blank,
        breast=breast,
    )


def spaced(stack: Stack, spacing_mm: Sequence[float]) -> Stack:
    """Return the stack with a spacing given by the user: (row, column) or (row, column, slice), in mm."""
    if len(spacing_mm) not in (2, 3) or not all(0 < value < 1000 for value in spacing_mm):
        raise StudyError(
            "A spacing is two or three lengths in millimetres, each above 0.", "Enter row and column spacing."
        )
    across = stack.spacing_mm[0] if stack.spacing_mm is not None else 1.0
    row, column, slice_mm = (*spacing_mm, across) if len(spacing_mm) == 2 else spacing_mm
    known = (float(slice_mm), float(row), float(column))
    return replace(stack, spacing_mm=known, spacing_basis="given by the user")


def middle_slice(study: Study, stack_uid: str) -> Study:
    """Return the study with only the middle slice of one stack, for thumbnails."""
    series, stack = study.series_of(stack_uid)
    alone = replace(stack, frames=(_middle_frame(stack),), notes=())
    return replace(study, series=(replace(series, stacks=(alone,)),), dynamics=())


def _header(path: Path) -> Dataset:
    """Return what the header says about grey values; an empty data set for a research format."""
    from app.studies.files.dicom_file import read_header
    from app.studies.pixels.research import is_research_file

    return Dataset() if is_research_file(path) else read_header(path, _PIXEL_TAGS)


def _middle_frame(stack: Stack) -> Frame:
    """Return the frame nearest the middle that has a file."""
    return stack.frames[_middle_index(stack, ())]


def _middle_index(stack: Stack, blank: Sequence[int]) -> int:
    there = [i for i, frame in enumerate(stack.frames) if frame.index >= 0 and i not in blank]
    if not there:
        raise StudyError("The stack has no image that can be read.")
    half = len(stack.frames) // 2
    return min(there, key=lambda index: abs(index - half))


# --- pixels ------------------------------------------------------------------------------------------------------


def _read(
    stack: Stack, header: Dataset, progress: Progress, background: bool
) -> tuple[np.ndarray, tuple[int, ...], dict[int, str]]:
    """Return modality values of every slice, the blank ones, and why those with a file could not be read."""
    present = [number for number, frame in enumerate(stack.frames) if frame.index >= 0]
    stored, reasons, together = _stored(stack, present, progress, background)
    values = _to_modality(stack, header, stored)
    if not values:
        raise StudyError(next(iter(reasons.values()), "The stack has no image that can be read."))
    if together is not None and len(together) == len(stack.frames) and _unchanged(values, stored):
        return together, (), {}  # as read, without a second copy
    blank = tuple(number for number in range(len(stack.frames)) if number not in values)
    return _assembled(values, len(stack.frames)), blank, reasons


def _unchanged(values: dict[int, np.ndarray], stored: dict[int, np.ndarray]) -> bool:
    return all(values[number] is stored[number] for number in values)


def _stored(
    stack: Stack, present: Sequence[int], progress: Progress, background: bool
) -> tuple[dict[int, np.ndarray], dict[int, str], np.ndarray | None]:
    """Return stored values by slice, why others could not be read, and the array that holds all of them if one does."""
    from app.studies.pixels.reader import read_frames

    try:
        together = read_frames([stack.frames[number] for number in present], progress, background=background)
        return dict(zip(present, together, strict=True)), {}, together
    except StudyError:
        if len(present) == 1:
            raise
    return *_one_by_one(stack, present, progress), None


def _one_by_one(
    stack: Stack, present: Sequence[int], progress: Progress
) -> tuple[dict[int, np.ndarray], dict[int, str]]:
    """Read slices singly, so that a damaged one costs only itself."""
    from app.studies.pixels.reader import read_frames

    found: dict[int, np.ndarray] = {}
    reasons: dict[int, str] = {}
    for done, number in enumerate(present):
        progress.report(done / len(present), "Reading slices one by one")
        try:
            found[number] = read_frames([stack.frames[number]], progress.part(1.0, 1.0))[0]
        except StudyError as error:
            reasons[number] = str(error)
    return found, reasons


def _to_modality(stack: Stack, header: Dataset, stored: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
    """Apply the modality transformation, which may differ from file to file and from frame to frame."""
    headers: dict[Path, Dataset] = {}
    values: dict[int, np.ndarray] = {}
    middle = _middle_frame(stack)
    for number, image in stored.items():
        frame = stack.frames[number]
        if frame.path not in headers:
            headers[frame.path] = header if frame.path == middle.path else _header(frame.path)
        own = headers[frame.path]
        values[number] = image if image.ndim == 3 else voi.modality_values(image, own, frame.index)
    return values


def _assembled(values: dict[int, np.ndarray], count: int) -> np.ndarray:
    """Stack slices in one type; blank slices take the lowest value."""
    if len(values) == count == 1:
        return values[0][np.newaxis]
    kinds = {image.dtype for image in values.values()}
    dtype = np.result_type(*kinds) if len(kinds) > 1 else next(iter(kinds))
    some = next(iter(values.values()))
    shapes = {image.shape for image in values.values()}
    if len(shapes) > 1:
        raise StudyError("The slices of this stack have different sizes.", "Open one of them alone.")
    array = np.empty((count, *some.shape), np.float32 if dtype == np.float64 else dtype)
    lowest = min(image.min() for image in values.values()) if len(values) < count else 0
    for number in range(count):
        array[number] = values.get(number, lowest)
    return array


def _presentation(header: Dataset, frame_index: int, shown: np.ndarray) -> Presentation:
    if shown.ndim == 3:  # colour is shown as it is
        top = 255.0 if shown.dtype == np.uint8 else float(np.iinfo(shown.dtype).max)
        return Presentation((Window((top + 1) / 2, top + 1, VoiFunction.LINEAR, "as stored"),))
    if not header:
        return Presentation((_research_window(shown),))
    return voi.presentation_of(header, frame_index, shown)


def _research_window(shown: np.ndarray) -> Window:
    """8-bit pictures are shown as any picture viewer does; others by percentiles."""
    if shown.dtype == np.uint8:
        return Window(128.0, 256.0, VoiFunction.LINEAR, "8 bit", "computed")
    return voi.computed_window(shown, None)


def _volume(array: np.ndarray, affine: np.ndarray, frame_of_reference_uid: str) -> Volume:
    from highdicom import RGB_COLOR_CHANNEL_DESCRIPTOR, RGBColorChannels, Volume

    channels: dict[Any, Any] | None = None
    if array.ndim == 4:
        channels = {RGB_COLOR_CHANNEL_DESCRIPTOR: [RGBColorChannels.R, RGBColorChannels.G, RGBColorChannels.B]}
    return Volume(
        array,
        affine,
        coordinate_system="PATIENT",
        frame_of_reference_uid=frame_of_reference_uid or None,
        channels=channels,
    )
