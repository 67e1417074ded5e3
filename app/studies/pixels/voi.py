"""Grey values: modality LUT to modality values, and the VOI choices, inversion and padding a file asks for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from app.studies.files import tags
from app.studies.files.sop_classes import MAMMOGRAPHY_FOR_PRESENTATION
from viewer.presentation import Padding, Presentation, VoiFunction, VoiLut, Window

DX_FOR_PRESENTATION = frozenset(
    (MAMMOGRAPHY_FOR_PRESENTATION, "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.3")
)
_LARGEST_TABLE = 65536
_SAMPLE = 200_000  # values that the computed window is estimated from
_LOW_PERCENT, _HIGH_PERCENT = 0.5, 99.5


def presentation_of(dataset: Dataset, frame_index: int, sample: np.ndarray) -> Presentation:
    """Return how a frame is to be shown.

    Parameters
    ----------
    dataset
        Header of the file; functional groups are read for multi-frame files.
    frame_index
        Frame number in the file, from 0.
    sample
        Modality values of the frame (or stack), any shape; only a file without usable VOI is computed from them.
    """
    padding = padding_of(dataset, frame_index)
    vois = (*voi_luts_of(dataset, frame_index), *windows_of(dataset, frame_index))
    if not vois:
        vois = (computed_window(sample, padding),)
    return Presentation(vois, invert=is_inverted(dataset), padding=padding, contradictory=_is_contradictory(dataset))


def is_inverted(dataset: Dataset) -> bool:
    """Whether grey is inverted after VOI: MONOCHROME1 or Presentation LUT Shape INVERSE; both are one inversion.

    For DX and MG images For Presentation the shape governs (PS3.3 C.8.11.3.1.2): MONOCHROME1 with IDENTITY is shown
    as it is.
    """
    shape = tags.text(dataset, "PresentationLUTShape").upper()
    if shape == "INVERSE":
        return True
    if shape == "IDENTITY" and tags.text(dataset, "SOPClassUID") in DX_FOR_PRESENTATION:
        return False
    return tags.text(dataset, "PhotometricInterpretation").upper() == "MONOCHROME1"


def _is_contradictory(dataset: Dataset) -> bool:
    shape = tags.text(dataset, "PresentationLUTShape").upper()
    return shape == "IDENTITY" and tags.text(dataset, "PhotometricInterpretation").upper() == "MONOCHROME1"


# --- modality values ---------------------------------------------------------------------------------------------


def rescale_of(dataset: Dataset, frame_index: int = 0) -> tuple[float, float]:
    """Return Rescale Slope and Intercept of a frame; (1, 0) where absent."""
    for group in _groups(dataset, frame_index, "PixelValueTransformationSequence"):
        slope, intercept = tags.number(group, "RescaleSlope"), tags.number(group, "RescaleIntercept")
        if slope is not None or intercept is not None:
            return (1.0 if slope is None or slope == 0 else slope), intercept or 0.0
    return 1.0, 0.0


def modality_values(stored: np.ndarray, dataset: Dataset, frame_index: int = 0) -> np.ndarray:
    """Return stored values through the Modality LUT Sequence or rescale (PS3.3 C.11.1).

    Integers stay integers where the slope is 1 and the intercept whole; else float32. Colour is returned unchanged.
    """
    if (tags.integer(dataset, "SamplesPerPixel") or 1) > 1:
        return stored
    lut = _modality_lut(dataset)
    if lut is not None and stored.dtype.kind in "iu":
        return _looked_up(stored, lut)
    slope, intercept = rescale_of(dataset, frame_index)
    if stored.dtype.kind not in "iu":
        return stored if (slope, intercept) == (1.0, 0.0) else (stored * slope + intercept).astype(np.float32)
    if slope == 1.0 and intercept == 0.0:
        return stored
    if slope == 1.0 and intercept.is_integer():
        return _shifted(stored, int(intercept))
    # In double precision first: float32 holds 24 bits, a 16-bit value times a 16-digit slope needs more on the way.
    return (stored.astype(np.float64) * slope + intercept).astype(np.float32)


def _shifted(stored: np.ndarray, intercept: int) -> np.ndarray:
    """Add a whole intercept in the smallest integer type that holds the result."""
    info = np.iinfo(stored.dtype)
    low, high = int(info.min) + intercept, int(info.max) + intercept
    if stored.size:
        low, high = int(stored.min()) + intercept, int(stored.max()) + intercept
    for candidate in (stored.dtype, np.dtype(np.int16), np.dtype(np.uint16), np.dtype(np.int32)):
        if np.iinfo(candidate).min <= low and high <= np.iinfo(candidate).max:
            return (stored.astype(np.int64) + intercept).astype(candidate)
    return stored.astype(np.int64) + intercept


def _looked_up(stored: np.ndarray, lut: VoiLut) -> np.ndarray:
    indices = np.clip(stored.astype(np.int64) - lut.first, 0, len(lut.table) - 1)
    return lut.table[indices]


def _modality_lut(dataset: Dataset) -> VoiLut | None:
    item = tags.first_item(dataset, "ModalityLUTSequence")
    signed = (tags.integer(dataset, "PixelRepresentation") or 0) == 1
    return None if item is None else _lut(item, signed, _is_big_endian(dataset))


# --- VOI ---------------------------------------------------------------------------------------------------------


def windows_of(dataset: Dataset, frame_index: int = 0) -> tuple[Window, ...]:
    """Return every usable window of a frame; widths that cannot be (zero, negative, not a number) are left out."""
    for group in _groups(dataset, frame_index, "FrameVOILUTSequence"):
        found = _windows_in(group)
        if found:
            return found
    return ()


def _windows_in(group: Dataset) -> tuple[Window, ...]:
    name = tags.text(group, "VOILUTFunction").upper()
    function = VoiFunction(name) if name in set(VoiFunction) else VoiFunction.LINEAR
    explanations = tags.text(group, "WindowCenterWidthExplanation").split("\\")
    pairs = zip(tags.numbers(group, "WindowCenter"), tags.numbers(group, "WindowWidth"), strict=False)
    found = []
    for index, (center, width) in enumerate(pairs):
        if center is None or width is None or width <= 0:
            continue
        # PS3.3 C.11.2.1.2.1 wants at least 1 for LINEAR; narrower ones are meant as they are (real-valued images).
        exact = function is VoiFunction.LINEAR and width < 1
        explanation = explanations[index] if index < len(explanations) else ""
        found.append(Window(center, width, VoiFunction.LINEAR_EXACT if exact else function, explanation))
    return tuple(found)


def voi_luts_of(dataset: Dataset, frame_index: int = 0) -> tuple[VoiLut, ...]:
    """Return every usable item of VOI LUT Sequence (0028,3010)."""
    signed = _modality_is_signed(dataset, frame_index)
    big_endian = _is_big_endian(dataset)
    for group in _groups(dataset, frame_index, "FrameVOILUTSequence"):
        found = tuple(
            lut for item in tags.items(group, "VOILUTSequence") if (lut := _lut(item, signed, big_endian)) is not None
        )
        if found:
            return found
    return ()


def _modality_is_signed(dataset: Dataset, frame_index: int) -> bool:
    """Whether modality values may be negative, so that the first mapped value of a VOI LUT is signed (C.11.2.1.1)."""
    if tags.first_item(dataset, "ModalityLUTSequence") is not None:
        return False
    slope, intercept = rescale_of(dataset, frame_index)
    signed = (tags.integer(dataset, "PixelRepresentation") or 0) == 1
    return signed or intercept < 0 or slope < 0


def _lut(item: Dataset, signed: bool, big_endian: bool) -> VoiLut | None:
    """Return a LUT item (PS3.3 C.11.1.1), None where it cannot be used."""
    descriptor = tags.numbers(item, "LUTDescriptor")
    if len(descriptor) != 3 or any(value is None for value in descriptor):
        return None
    count, first, bits = (int(value or 0) for value in descriptor)
    count = count % _LARGEST_TABLE or _LARGEST_TABLE  # 0 means 65536; a count read as signed wraps
    if signed and first > 32767:
        first -= 65536
    elif not signed and first < 0:
        first += 65536
    table = _table(tags.raw(item, "LUTData"), count, bits, big_endian)
    if table is None:
        return None
    # Bits that the data exceed would clip the bright end: the data are believed.
    bits = max(bits if 1 <= bits <= 16 else 0, int(table.max()).bit_length(), 1)
    return VoiLut(first, table, bits, tags.text(item, "LUTExplanation"))


def _table(data: Any, count: int, bits: int, big_endian: bool) -> np.ndarray | None:
    """Return LUT Data as ``count`` unsigned 16-bit entries, whatever VR and packing it was stored with."""
    if data is None:
        return None
    if isinstance(data, (bytes, bytearray)):
        content = bytes(data)
    else:
        values = [int(value) & 0xFFFF for value in (data if hasattr(data, "__iter__") else [data])]
        content, big_endian = np.asarray(values, "<u2").tobytes(), False
    if len(content) >= 2 * count:
        return np.frombuffer(content, ">u2" if big_endian else "<u2", count).astype(np.uint16)
    if bits <= 8 and len(content) >= count:  # two 8-bit entries in each 16-bit word
        return np.frombuffer(_words_swapped(content) if big_endian else content, np.uint8, count).astype(np.uint16)
    return None


def _words_swapped(content: bytes) -> bytes:
    even = content + b"\0" * (len(content) % 2)
    return np.frombuffer(even, np.uint16).byteswap().tobytes()


def _is_big_endian(dataset: Dataset) -> bool:
    """Whether words in OW values are big endian in this data set."""
    little = getattr(dataset, "original_encoding", (None, True))[1]
    return little is False and sys.byteorder == "little"


def computed_window(sample: np.ndarray, padding: Padding | None) -> Window:
    """Return a window from the 0.5th to the 99.5th percentile of the values that are not padding."""
    values = np.asarray(sample).reshape(-1)
    low, high = _limits(values[:: max(1, values.size // _SAMPLE)], padding, (_LOW_PERCENT, _HIGH_PERCENT))
    return Window((low + high) / 2, high - low, VoiFunction.LINEAR_EXACT, "computed", "computed")


def full_window(values: np.ndarray, padding: Padding | None) -> Window:
    """Return a window from the lowest to the highest of the values that are not padding."""
    low, high = _limits(np.asarray(values).reshape(-1), padding, (0.0, 100.0))
    return Window((low + high) / 2, high - low, VoiFunction.LINEAR_EXACT, "computed", "computed")


def _limits(values: np.ndarray, padding: Padding | None, percent: tuple[float, float]) -> tuple[float, float]:
    """Return two percentiles of the finite values that are not padding, at least a little apart."""
    if padding is not None:
        values = values[(values < padding.low) | (values > padding.high)]
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(values, percent))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, low + 0.5)


# --- padding -----------------------------------------------------------------------------------------------------


def padding_of(dataset: Dataset, frame_index: int = 0) -> Padding | None:
    """Return Pixel Padding Value (0028,0120) and Range Limit (0028,0121) as modality values, None where absent."""
    value = tags.integer(dataset, "PixelPaddingValue")
    if value is None or (tags.integer(dataset, "SamplesPerPixel") or 1) > 1:
        return None
    limit = tags.integer(dataset, "PixelPaddingRangeLimit")
    stored = np.asarray([_as_stored(dataset, part) for part in (value, value if limit is None else limit)], np.int64)
    mapped = modality_values(np.sort(stored), dataset, frame_index)
    low, high = sorted(float(part) for part in mapped)
    return Padding(low, high)


def _as_stored(dataset: Dataset, value: int) -> int:
    """Return a padding value with the sign of the pixels, whatever VR it was written with."""
    bits = tags.integer(dataset, "BitsAllocated") or 16
    if (tags.integer(dataset, "PixelRepresentation") or 0) == 1:
        return value - (1 << bits) if value >= 1 << (bits - 1) else value
    return value + (1 << bits) if value < 0 else value


def _groups(dataset: Dataset, frame_index: int, keyword: str) -> Iterator[Dataset]:
    """Yield where an attribute may be: the functional groups of the frame, then the data set itself."""
    yield from tags.functional_groups(dataset, frame_index, keyword)
    yield dataset
