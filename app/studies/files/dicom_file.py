"""A DICOM file: its header as a pydicom data set, read within bounds, and where its pixel data lies."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO, FileIO
from pathlib import Path
from typing import Any, cast

import pydicom.config
import pydicom.errors
from pydicom._dicom_dict import DicomDictionary
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files.elements import UNDEFINED, Head, Layout, walk
from app.studies.files.file_meta import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    PARSE_ERRORS,
    PARSER,
    UNCOMPRESSED,
    encoding_of,
    first_line,
    read_file_meta,
)
from app.studies.files.pixel_layout import PixelLayout
from app.studies.files.pixel_module import PIXEL_MODULE, element_name, pixel_layout_of
from app.studies.files.safety import MAX_FRAME_BYTES, MAX_FRAMES, open_regular

#: Values that break a rule of their VR are taken as they are; those that cannot be converted are left out below.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE


@dataclass
class DicomFile:
    """An open DICOM file.

    Attributes
    ----------
    dataset
        Header without pixel data; ``dataset.file_meta`` holds group 0002, ``dataset.has_pixels`` says whether pixel
        data follow. ``dataset.unreadable`` lists elements that were left out because their value is malformed.
    syntax
        Transfer syntax UID.
    pixels
        Image pixel module; None where the file has no pixel data.
    layout
        Where the elements lie, counted from ``start``.
    """

    file: FileIO
    path: Path
    dataset: Dataset
    syntax: str
    start: int
    size: int
    layout: Layout
    pixels: PixelLayout | None

    @property
    def encapsulated(self) -> bool:
        """Whether the pixel data lies in fragments."""
        return self.layout.pixel_length == UNDEFINED

    @property
    def pixel_position(self) -> int:
        """Where the pixel data begins in the file (in the inflated data set for a deflated one)."""
        return self.layout.pixel_offset if self.syntax == DEFLATED else self.start + self.layout.pixel_offset

    def inflated(self, length: int) -> bytearray:
        """Return the first ``length`` bytes of a deflated data set; shorter where it ends before."""
        head = Head(self.file, self.start, self.size, deflated=True)
        head.grow(length)
        return head.data


def read_header(path: str | os.PathLike[str], specific_tags: Sequence[str | int] | None = None) -> Dataset:
    """Read the header of a DICOM file within the bounds for untrusted files; never its pixels.

    Parameters
    ----------
    specific_tags
        Keywords or tags to read; all where None. The image pixel module always comes with them.

    Returns
    -------
    pydicom.Dataset
        Every value already converted: reading one later raises nothing. Malformed elements that are not needed
        for the pixels
        are left out and listed in ``dataset.unreadable``.

    Raises
    ------
    StudyError
        When the file is not DICOM (and what it is), damaged or truncated.
    UnsafeFileError
        When it exceeds a bound.
    """
    with open_dicom(path, specific_tags) as opened:
        return opened.dataset


@contextmanager
def open_dicom(path: str | os.PathLike[str], specific_tags: Sequence[str | int] | None = None) -> Iterator[DicomFile]:
    """Open a DICOM file, read its header as :func:`read_header` does and keep it open for its pixels."""
    path = Path(path)
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        meta, start = read_file_meta(file, size)
        syntax = str(meta.get("TransferSyntaxUID", "") or "")
        implicit, little = encoding_of(file, start, syntax)
        if not syntax:
            syntax = IMPLICIT if implicit else EXPLICIT if little else BIG_ENDIAN
        head = Head(file, start, size, deflated=syntax == DEFLATED)
        layout = walk(head, implicit=implicit, little_endian=little)
        if not layout.spans and not layout.pixel_tag:
            raise StudyError("The file has a DICOM header but no data set: it is truncated.", "Copy the file again.")
        dataset = _parse(head, layout, implicit, little, _as_tags(specific_tags))
        dataset.file_meta = meta
        dataset.has_pixels = layout.pixel_tag != 0
        pixels = pixel_layout_of(dataset, layout, syntax, little) if layout.pixel_tag else None
        opened = DicomFile(file, path, dataset, syntax, start, size, layout, pixels)
        if pixels is not None:
            _check_extent(opened, pixels)
        yield opened


def _as_tags(names: Sequence[str | int] | None) -> frozenset[int] | None:
    if names is None:
        return None
    return _tags(tuple(names)) | PIXEL_MODULE.keys() | {0x00080005}


@lru_cache(maxsize=32)
def _tags(names: tuple[str | int, ...]) -> frozenset[int]:
    tags = (name if isinstance(name, int) else tag_for_keyword(name) for name in names)
    return frozenset(int(tag) for tag in tags if tag is not None)


def _parse(head: Head, layout: Layout, implicit: bool, little: bool, tags: frozenset[int] | None) -> Dataset:
    data = head.data
    if tags is None:
        header = bytes(data[: layout.end])
    else:
        header = b"".join(data[slice(*layout.spans[tag])] for tag in sorted(tags & layout.spans.keys()))
    with PARSER, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            dataset = read_dataset(BytesIO(header), implicit, little)
        except PARSE_ERRORS as error:
            raise StudyError(f"The header is damaged: {first_line(error)}.", "Copy the file again.") from error
        unreadable: list[str] = []
        _convert(dataset, unreadable, 0)
    dataset.unreadable = tuple(unreadable)
    return dataset


def _convert(dataset: Dataset, unreadable: list[str], depth: int) -> None:
    """Convert each raw value now, so that nobody meets a malformed one later; drop what cannot be converted."""
    for tag in list(dataset.keys()):
        try:
            element = dataset[tag]
            if isinstance(element.value, (str, bytes)) and element.value and _is_numeric(tag):
                raise ValueError(f"{str(element.value)[:40]!r} is not a number")
            if element.VR == "SQ":
                for item in cast(Any, element.value):
                    _convert(item, unreadable, depth + 1)
        except PARSE_ERRORS as error:
            if depth == 0 and tag in PIXEL_MODULE:
                raise StudyError(
                    f"{element_name(tag)} has a value that cannot be read: {first_line(error)}.", "The file is damaged."
                ) from error
            unreadable.append(element_name(tag))
            del dataset._dict[tag]


def _is_numeric(tag: BaseTag) -> bool:
    """Whether the dictionary wants numbers; pydicom hands a malformed one on as text."""
    return tag in DicomDictionary and DicomDictionary[tag][0] in ("DS", "IS", "US", "SS", "UL", "SL", "FL", "FD")


def _check_extent(opened: DicomFile, pixels: PixelLayout) -> None:
    """Compare rows × columns × frames with the bytes that are there, before anyone reserves memory for them."""
    extent = f"{pixels.rows} × {pixels.columns} × {pixels.frames} frames"
    if pixels.frame_bytes > MAX_FRAME_BYTES or pixels.frames > MAX_FRAMES:
        raise UnsafeFileError(f"The header declares {extent}, beyond what is accepted from a file.")
    if opened.syntax == DEFLATED:
        return
    there = opened.size - opened.pixel_position
    if opened.encapsulated:
        if there < 8 * pixels.frames:
            raise StudyError(f"The header declares {extent}, but the pixel data is truncated to {there:,} bytes.")
        return
    if opened.syntax not in UNCOMPRESSED:
        return
    needed = (pixels.stored_bits_per_frame * pixels.frames + 7) // 8
    there = min(there, opened.layout.pixel_length)
    if needed > there:
        raise StudyError(
            f"The pixel data is truncated: {extent} need {needed:,} bytes, the file holds {there:,}.",
            "Copy the file again.",
        )
