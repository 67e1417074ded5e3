"""What a model family is given: images with geometry, and what is known about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from highdicom import Volume


@dataclass(frozen=True)
class MriSlice:
    """One two-dimensional MR slice.

    Attributes
    ----------
    image
        Modality values, shape (1, rows, columns), LPS millimetres.
    is_post_contrast
        True or False where the study says so; None where it is not known.
    orientation
        ``"axial"``, ``"sagittal"``, ``"coronal"`` (the closest plane), or ``""`` where the file has none.
    modality
        DICOM Modality (0008,0060), ``""`` where unknown (research formats).
    has_spacing
        Whether the pixel spacing is known.
    is_fat_suppressed
        True or False where the file says so (Scan Options, (0018,0022)); None where it does not.
    """

    image: Volume
    is_post_contrast: bool | None = None
    orientation: str = ""
    modality: str = "MR"
    has_spacing: bool = True
    is_fat_suppressed: bool | None = None


@dataclass(frozen=True)
class Mammogram:
    """One mammographic image.

    Attributes
    ----------
    image
        Grey as presented (VOI transformation and one inversion applied, white = dense), shape (1, rows, columns),
        uint16 over the full range 0 to 65,535, detector millimetres.
    background
        True where the file says there is no image (Pixel Padding Value), shape (rows, columns); None where it says
        nothing.
    laterality
        ``"L"``, ``"R"`` or ``""`` (0020,0062).
    view
        ``"CC"``, ``"MLO"`` … or ``""`` (ViewCodeSequence).
    is_partial
        Whether it is a spot, magnification or other view of a part of the breast.
    has_implant
        Breast Implant Present (0028,1300); None where the file does not say.
    is_for_processing
        Raw detector values (Presentation Intent Type FOR PROCESSING).
    is_synthetic
        Made from a tomosynthesis, or one of its slices.
    modality, has_spacing
        As in :class:`MriSlice`.
    notes
        What had to be decided about the image before it came here, one sentence each, for the result's warnings.
    """

    image: Volume
    background: np.ndarray | None = None
    laterality: str = ""
    view: str = ""
    is_partial: bool = False
    has_implant: bool | None = None
    is_for_processing: bool = False
    is_synthetic: bool = False
    modality: str = "MG"
    has_spacing: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LesionInput:
    """A lesion that a model is asked about.

    Attributes
    ----------
    uid
        Identity of what it was made from (a box's uid, ``"point"``, a finding's uid): an answer finds its question.
    title
        What the user reads, such as ``"Box 2"``.
    origin
        ``"box"``, ``"mask"``, ``"point"``, ``"finding of <model id>"``.
    mask
        uint8 volume, 1 inside, of any grid in the exam's frame of reference: a box is a filled cuboid (one slice thick
        when it was drawn on one slice), a point is the region grown around it.
    """

    uid: str
    title: str
    origin: str
    mask: Volume


@dataclass(frozen=True)
class DceExam:
    """A dynamic contrast-enhanced breast MRI.

    Attributes
    ----------
    phases
        In the order of acquisition, all on one grid (array (slice, row, column), LPS millimetres, modality values).
    pre_index
        Index of the pre-contrast phase; None where the study does not tell.
    seconds
        Start of each phase after the start of the first one; None where the files do not say.
    t2
        T2-weighted volume on a grid of its own, in the same frame of reference, or None.
    lesions
        What the user asks about, for models that classify lesions.
    orientation
        ``"axial"``, ``"sagittal"``, ``"coronal"`` or ``""``.
    laterality
        ``"L"`` or ``"R"`` where only one breast was imaged, ``""`` for both or where the study does not tell.
    motion_corrected
        Whether the phases were registered to each other before.
    modality, has_spacing, is_fat_suppressed
        As in :class:`MriSlice`.
    """

    phases: tuple[Volume, ...]
    pre_index: int | None
    seconds: tuple[float | None, ...]
    t2: Volume | None = None
    lesions: tuple[LesionInput, ...] = ()
    orientation: str = ""
    laterality: str = ""
    motion_corrected: bool = False
    modality: str = "MR"
    has_spacing: bool = True
    is_fat_suppressed: bool | None = None

    @property
    def image(self) -> Volume:
        """The first phase after contrast; the first phase where there is none."""
        return self.posts[0] if self.posts else self.phases[0]

    @property
    def pre(self) -> Volume | None:
        """The pre-contrast phase, None where it is not known."""
        return None if self.pre_index is None else self.phases[self.pre_index]

    @property
    def posts(self) -> tuple[Volume, ...]:
        """The phases behind the pre-contrast one."""
        return () if self.pre_index is None else self.phases[self.pre_index + 1 :]

    @property
    def post_seconds(self) -> tuple[float | None, ...]:
        """Start of each post-contrast phase after the start of the pre-contrast one; None where not known."""
        if self.pre_index is None:
            return ()
        zero = self.seconds[self.pre_index]
        return tuple(None if zero is None or t is None else t - zero for t in self.seconds[self.pre_index + 1 :])


Exam = MriSlice | Mammogram | DceExam
