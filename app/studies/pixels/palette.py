"""Palettes: the colour look-up tables of PALETTE COLOR images (PS3.3 C.7.6.3.1.5, C.7.9.2)."""

from __future__ import annotations

import struct

import numpy as np
from pydicom.dataset import Dataset

from app.studies.errors import StudyError

_COLOURS = ("Red", "Green", "Blue")
#: A segmented table may repeat segments; more than this many steps is an attack.
_MAX_ENTRIES = 65536


def palette_of(dataset: Dataset) -> tuple[np.ndarray, int]:
    """Return the palette of an image: (entries, 3) uint8 and the index that maps to the first entry.

    Raises
    ------
    StudyError
        Where a table is missing or its length does not fit its descriptor.
    """
    planes, firsts = [], []
    for colour in _COLOURS:
        values, first = _plane(dataset, colour)
        planes.append(values)
        firsts.append(first)
    if len({len(plane) for plane in planes}) != 1:
        raise StudyError("The three colour tables of the palette differ in length.")
    return np.stack(planes, axis=1), firsts[0]


def _plane(dataset: Dataset, colour: str) -> tuple[np.ndarray, int]:
    descriptor = dataset.get(f"{colour}PaletteColorLookupTableDescriptor")
    try:
        entries, first, bits = (int(value) for value in descriptor)  # type: ignore[union-attr]
    except (TypeError, ValueError) as error:
        raise StudyError(
            f"The image is PALETTE COLOR, but its {colour.lower()} table has no valid descriptor."
        ) from error
    entries = entries % 65536 or 65536
    first = first - 65536 if first > 32767 and dataset.get("PixelRepresentation") == 1 else first
    values = _entries(dataset, colour, entries, bits)
    if len(values) < entries:
        raise StudyError(f"The {colour.lower()} table of the palette has {len(values)} of {entries} entries.")
    values = values[:entries]
    if bits > 8 and values.max(initial=0) > 255:
        values = values >> 8
    return values.astype(np.uint8), first


def _entries(dataset: Dataset, colour: str, entries: int, bits: int) -> np.ndarray:
    plain = dataset.get(f"{colour}PaletteColorLookupTableData")
    segmented = dataset.get(f"Segmented{colour}PaletteColorLookupTableData")
    if isinstance(plain, bytes) and plain:
        return _unpack(plain, entries, bits)
    if isinstance(segmented, bytes) and segmented:
        return _expand(_unpack(segmented, len(segmented), bits).astype(int).tolist())
    raise StudyError(f"The image is PALETTE COLOR, but its {colour.lower()} table is missing.")


def _unpack(raw: bytes, entries: int, bits: int) -> np.ndarray:
    """Entries of 8 bits are packed two to a word; some writers use a word each all the same."""
    if bits <= 8 and len(raw) < 2 * entries:
        return np.frombuffer(raw, np.uint8)
    return np.frombuffer(raw[: len(raw) // 2 * 2], "<u2")


def _expand(codes: list[int]) -> np.ndarray:
    """Expand discrete (0), linear (1) and indirect (2) segments (PS3.3 C.7.9.2)."""
    values: list[int] = []
    try:
        _expand_segments(codes, 0, len(codes), values)
    except (IndexError, struct.error) as error:
        raise StudyError("The segmented colour table of the palette is damaged.") from error
    return np.array(values, np.uint16)


def _expand_segments(codes: list[int], position: int, stop: int, values: list[int], *, nested: bool = False) -> None:
    steps = 0
    while position + 1 < stop and len(values) < _MAX_ENTRIES:
        kind, length = codes[position], codes[position + 1]
        steps += 1
        if kind == 0:
            values.extend(codes[position + 2 : position + 2 + length])
            position += 2 + length
        elif kind == 1:
            start = values[-1]
            values.extend(round(value) for value in np.linspace(start, codes[position + 2], length + 1)[1:])
            position += 3
        elif kind == 2 and not nested:
            _repeat(codes, codes[position + 2] | codes[position + 3] << 16, length, values)
            position += 4
        else:
            raise StudyError("The segmented colour table of the palette is damaged.")


def _repeat(codes: list[int], start: int, count: int, values: list[int]) -> None:
    """Repeat ``count`` segments that begin at entry ``start``."""
    position = start
    for _ in range(min(count, _MAX_ENTRIES)):
        length = 2 + codes[position + 1] if codes[position] == 0 else 3
        _expand_segments(codes, position, position + length, values, nested=True)
        position += length
