"""What a model family is given: images with geometry, and what is known about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    """

    image: Volume
    is_post_contrast: bool | None = None
    orientation: str = ""
    modality: str = "MR"
    has_spacing: bool = True


@dataclass(frozen=True)
class Mammogram:
    """One mammographic image, shape (1, rows, columns), detector millimetres; values as presented (white = dense).

    Attributes
    ----------
    laterality
        ``"L"``, ``"R"`` or ``""`` (0020,0062).
    view
        ``"CC"``, ``"MLO"`` … or ``""`` (ViewCodeSequence).
    """

    image: Volume
    laterality: str = ""
    view: str = ""
    modality: str = "MG"


Exam = MriSlice | Mammogram
