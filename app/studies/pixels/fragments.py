"""Fragments: where each frame of encapsulated pixel data lies in a file (PS3.5 annex A.4)."""

from __future__ import annotations

import os
import struct

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files.dicom_file import DicomFile
from app.studies.files.elements import ITEM, SEQUENCE_END, UNDEFINED

#: Fragments of one file; real files have one or a few per frame.
MAX_FRAGMENTS = 1_000_000
#: Start of image (JPEG, JPEG-LS), start of codestream (JPEG 2000) and JP2 signature box.
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP  ")
_RLE = "1.2.840.10008.1.2.5"

#: (position in the file, length in bytes)
Fragment = tuple[int, int]


def frame_fragments(opened: DicomFile) -> list[list[Fragment]]:
    """Return the fragments of each frame, in order.

    Raises
    ------
    StudyError
        Where there are fewer fragments than frames or the items are damaged.
    """
    assert opened.pixels is not None
    count = opened.pixels.frames
    table, fragments = _items(opened)
    if not fragments:
        raise StudyError("The pixel data is empty: there is no fragment in it.", "Copy the file again.")
    if count == 1:
        return [fragments]
    if len(fragments) == count:
        return [[fragment] for fragment in fragments]
    if len(fragments) < count or opened.syntax == _RLE:
        raise StudyError(
            f"The pixel data is truncated: the header declares {count} frames, the file holds "
            f"{len(fragments)} fragments."
        )
    for offsets in (_extended_offsets(opened), table):
        if frames := _by_offsets(fragments, offsets, count):
            return frames
    return _by_markers(opened, fragments, count)


def _items(opened: DicomFile) -> tuple[list[int], list[Fragment]]:
    """Return the basic offset table and the fragments, positions counted in the file."""
    descriptor, position, size = opened.file.fileno(), opened.pixel_position, opened.size
    fragments: list[Fragment] = []
    while position + 8 <= size:
        group, element, length = struct.unpack("<HHL", os.pread(descriptor, 8, position))
        tag = group << 16 | element
        if tag == SEQUENCE_END:
            break
        if tag != ITEM or length == UNDEFINED or position + 8 + length > size:
            if tag == ITEM and length != UNDEFINED:
                raise StudyError(
                    f"The pixel data is truncated: fragment {len(fragments)} should end at byte "
                    f"{position + 8 + length:,}, "
                    f"the file has {size:,}.",
                    "Copy the file again.",
                )
            raise StudyError("The pixel data is damaged: a fragment does not begin where the one before it ends.")
        fragments.append((position + 8, length))
        if len(fragments) > MAX_FRAGMENTS:
            raise UnsafeFileError(
                f"The pixel data has more than {MAX_FRAGMENTS:,} fragments; the file is refused as unsafe."
            )
        position = _after(descriptor, position + 8 + length, length)
    if not fragments:
        return [], []
    start, length = fragments.pop(0)
    length = min(length // 4 * 4, 4 * MAX_FRAGMENTS)
    raw = os.pread(descriptor, length, start)
    return list(struct.unpack(f"<{len(raw) // 4}L", raw[: len(raw) // 4 * 4])), [item for item in fragments if item[1]]


def _after(descriptor: int, end: int, length: int) -> int:
    """Return where the next item begins: an odd length is illegal, and writers differ on whether they pad it."""
    if length % 2 == 0 or os.pread(descriptor, 2, end) == b"\xfe\xff":
        return end
    return end + 1


def _extended_offsets(opened: DicomFile) -> list[int]:
    """Return (7FE0,0001) Extended Offset Table, empty where there is none."""
    element = opened.dataset.get(0x7FE00001)
    raw = element.value if element is not None else None
    if not isinstance(raw, bytes):
        return []
    return list(struct.unpack(f"<{len(raw) // 8}Q", raw[: len(raw) // 8 * 8]))


def _by_offsets(fragments: list[Fragment], offsets: list[int], count: int) -> list[list[Fragment]] | None:
    """Group fragments by an offset table (counted from the first fragment's item); None where it does not fit."""
    if len(offsets) != count:
        return None
    first = fragments[0][0]
    places = {position - first: index for index, (position, _length) in enumerate(fragments)}
    starts = [places.get(offset, -1) for offset in offsets]
    if -1 in starts or starts != sorted(set(starts)):
        return None
    return [fragments[a:b] for a, b in zip(starts, [*starts[1:], len(fragments)], strict=True)]


def _by_markers(opened: DicomFile, fragments: list[Fragment], count: int) -> list[list[Fragment]]:
    """Group fragments by the marker that begins a code stream, where no offset table says it."""
    frames: list[list[Fragment]] = []
    for fragment in fragments:
        if not frames or os.pread(opened.file.fileno(), 12, fragment[0]).startswith(_STARTS):
            frames.append([])
        frames[-1].append(fragment)
    if len(frames) != count:
        raise StudyError(
            f"The header declares {count} frames, but the pixel data holds {len(frames)} and has no "
            "usable offset table."
        )
    return frames
