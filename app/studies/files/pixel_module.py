"""The image pixel module read from a header (PS3.3 C.7.6.3): whether its pixels can be described at all."""

from __future__ import annotations

from pydicom.datadict import dictionary_description
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from app.studies.errors import StudyError
from app.studies.files.elements import Layout, tag_text
from app.studies.files.file_meta import GE_PRIVATE
from app.studies.files.pixel_layout import PixelLayout

#: The image pixel module (PS3.3 C.7.6.3), always read: a file whose pixels cannot be described is refused at once.
PIXEL_MODULE = {
    0x00280002: "SamplesPerPixel",
    0x00280004: "PhotometricInterpretation",
    0x00280006: "PlanarConfiguration",
    0x00280008: "NumberOfFrames",
    0x00280010: "Rows",
    0x00280011: "Columns",
    0x00280100: "BitsAllocated",
    0x00280101: "BitsStored",
    0x00280102: "HighBit",
    0x00280103: "PixelRepresentation",
}


def pixel_layout_of(dataset: Dataset, layout: Layout, syntax: str, little: bool) -> PixelLayout:
    """Build the image pixel module from a header.

    Raises
    ------
    StudyError
        Where a needed element is missing or has an impossible value.
    """
    floating = {0x7FE00008: "f4", 0x7FE00009: "f8"}.get(layout.pixel_tag, "")
    rows, columns = _number(dataset, 0x00280010), _number(dataset, 0x00280011)
    samples = _number(dataset, 0x00280002, 1)
    allocated = {"f4": 32, "f8": 64}.get(floating) or _number(dataset, 0x00280100)
    if rows < 1 or columns < 1:
        raise StudyError(f"The image has {rows} rows and {columns} columns; there is nothing to show.")
    if samples not in (1, 3):
        raise StudyError(f"Samples per Pixel (0028,0002) is {samples}; images have 1 or 3.")
    if allocated not in (1, 8, 12, 16, 32, 64):
        raise StudyError(f"Bits Allocated (0028,0100) is {allocated}; 1, 8, 12, 16, 32 and 64 can be read.")
    stored = _number(dataset, 0x00280101, allocated)
    stored = stored if 1 <= stored <= allocated else allocated
    high = _number(dataset, 0x00280102, stored - 1)
    high = high if stored - 1 <= high < allocated else stored - 1
    big = not little or syntax == GE_PRIVATE
    return PixelLayout(
        rows=rows,
        columns=columns,
        frames=max(1, _number(dataset, 0x00280008, 1)),
        samples=samples,
        bits_allocated=allocated,
        bits_stored=stored,
        high_bit=high,
        signed=_number(dataset, 0x00280103, 0) == 1 and allocated > 1,
        photometric=_photometric(dataset, samples),
        planar=_number(dataset, 0x00280006, 0),
        floating=floating,
        swapped=big and allocated > 8,
        swapped_words=not little and allocated <= 8 and layout.pixel_vr == b"OW",
    )


def _number(dataset: Dataset, tag: int, default: int | None = None) -> int:
    element = dataset.get(tag)
    value = element.value if element is not None else None
    if value is None or value == "":
        if default is None:
            raise StudyError(f"{element_name(BaseTag(tag))} is missing; without it the pixels cannot be read.")
        return default
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise StudyError(
            f"{element_name(BaseTag(tag))} is {str(value)[:40]!r}, which is not a whole number."
        ) from error


def _photometric(dataset: Dataset, samples: int) -> str:
    element = dataset.get(0x00280004)
    text = str(element.value or "").strip().upper() if element is not None else ""
    if samples == 3:
        return text if text.startswith(("RGB", "YBR")) else "RGB"
    return text if text in ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR") else "MONOCHROME2"


def element_name(tag: BaseTag) -> str:
    """``Rows (0028,0010)`` for a tag of the dictionary, else its number."""
    try:
        return f"{dictionary_description(tag)} {tag_text(tag)}"
    except KeyError:
        return tag_text(tag)
