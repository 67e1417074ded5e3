"""The raw elements of a data set, walked over within bounds before any library parses them."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from io import FileIO

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files.safety import MIB

#: Bytes of header before the pixel data. A 10,000-frame enhanced MR needs about 30 MiB.
MAX_HEADER_BYTES = 96 * MIB
#: Data elements in one header, all levels together; each costs pydicom about 1 kB and 10 µs.
MAX_ELEMENTS = 400_000
#: Sequences within sequences. Structured reports reach about 15; pydicom's recursion fails at about 150.
MAX_DEPTH = 48

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
#: (7FE0,0008) Float, (7FE0,0009) Double Float and (7FE0,0010) Pixel Data; a header ends before the first of them.
PIXEL_TAGS = frozenset((0x7FE00008, 0x7FE00009, 0x7FE00010))
#: Explicit VRs whose length takes four bytes (PS3.5 table 7.1-1).
LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))


class Head:
    """The start of a data set, read (and inflated where deflated) only as far as asked for.

    Attributes
    ----------
    data
        The bytes read so far.
    total
        Length of the whole data set in bytes; None for a deflated one, whose length is not known beforehand.
    """

    def __init__(self, file: FileIO, start: int, size: int, *, deflated: bool = False) -> None:
        self.data = bytearray()
        self.total: int | None = None if deflated else size - start
        self._file = file
        self._file.seek(start)
        self._inflate = zlib.decompressobj(-15) if deflated else None

    def grow(self, length: int) -> bool:
        """Make ``data`` at least ``length`` bytes long; False where the data set ends before."""
        while len(self.data) < length:
            more = self._read(length - len(self.data))
            if not more:
                return False
            self.data += more
        return True

    def _read(self, wanted: int) -> bytes:
        if self._inflate is None:
            return self._file.read(wanted)
        source = self._inflate.unconsumed_tail or self._file.read(1 << 16)
        try:
            while source and not self._inflate.eof:
                inflated = self._inflate.decompress(source, wanted)
                if inflated:
                    return inflated
                source = self._inflate.unconsumed_tail or self._file.read(1 << 16)
        except zlib.error as error:
            raise StudyError(f"The deflated data set is damaged: {error}.", "Copy the file again.") from error
        return b""


@dataclass
class Layout:
    """Where the elements of a data set lie.

    Attributes
    ----------
    spans
        Start and end of each element of the top level, by tag.
    end
        Where the header ends: at the pixel data or at the end of the data set.
    pixel_tag, pixel_vr, pixel_offset, pixel_length
        The pixel data element; ``pixel_tag`` is 0 where there is none, ``pixel_length`` is ``UNDEFINED`` when
        encapsulated.
    """

    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    end: int = 0
    elements: int = 0
    pixel_tag: int = 0
    pixel_vr: bytes = b""
    pixel_offset: int = 0
    pixel_length: int = 0


class _MoreError(Exception):
    """The walk needs the data up to ``position``."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


@dataclass
class _Level:
    """A sequence or an item being walked.

    ``end`` is None for one of undefined length, ``bound`` is where it ends at the latest because something around
    it does.
    """

    is_sequence: bool
    end: int | None
    bound: int | None


def walk(head: Head, *, implicit: bool, little_endian: bool = True) -> Layout:
    """Walk over the raw elements of a data set up to its pixel data, without building anything.

    Raises
    ------
    UnsafeFileError
        When the header is longer, deeper or has more elements than the bounds allow.
    StudyError
        When the file ends inside an element.
    """
    wanted = 1 << 16
    while True:
        complete = not head.grow(wanted) or len(head.data) == head.total
        try:
            return _Walk(head, complete, implicit, little_endian).run()
        except _MoreError as more:
            if more.position > MAX_HEADER_BYTES:
                raise UnsafeFileError(
                    f"The header is longer than {MAX_HEADER_BYTES // MIB} MiB; such a file is refused as unsafe."
                ) from None
            wanted = max(2 * wanted, more.position + 4096)


class _Walk:
    """One pass over the bytes at hand."""

    def __init__(self, head: Head, complete: bool, implicit: bool, little_endian: bool) -> None:
        order = "<" if little_endian else ">"
        self.data, self.total, self.complete, self.implicit = head.data, head.total, complete, implicit
        self.tag_and_length = struct.Struct(order + "HHL").unpack_from
        self.explicit = struct.Struct(order + "HH2sH").unpack_from
        self.long_length = struct.Struct(order + "L").unpack_from
        self.item_bytes = struct.pack(order + "HH", 0xFFFE, 0xE000)
        self.end_bytes = struct.pack(order + "HH", 0xFFFE, 0xE0DD)
        self.levels: list[_Level] = []
        self.layout = Layout()
        self.open_tag, self.open_start = 0, 0

    def run(self) -> Layout:
        position = 0
        while True:
            position = self._close_finished(position)
            if not self.levels and self.open_tag:
                self._note(self.open_tag, self.open_start, position)
                self.open_tag = 0
            if position + 8 > len(self.data):
                if self.complete and position >= len(self.data) - 7 and not self.levels:
                    self.layout.end = min(position, len(self.data))
                    return self.layout
                self._need(position + 8)
            if self.levels and self.levels[-1].is_sequence:
                position = self._item(position)
            else:
                position = self._element(position)
                if self.layout.pixel_tag:
                    return self.layout

    def _need(self, position: int) -> None:
        """Ask for more data, or say that the file is cut short."""
        if self.complete or (self.total is not None and position > self.total):
            tag = self.open_tag or self._last_tag
            raise StudyError(
                f"The file ends inside its header, in element {tag_text(tag)}: it is truncated.", "Copy the file again."
            )
        raise _MoreError(position)

    _last_tag = 0

    def _close_finished(self, position: int) -> int:
        while self.levels:
            level = self.levels[-1]
            if level.bound is None or position < level.bound:
                break
            self.levels.pop()
            if level.is_sequence and level.end is not None:
                position = level.bound  # an item may overrun its sequence; the sequence's own length counts
        return position

    def _item(self, position: int) -> int:
        group, element, length = self.tag_and_length(self.data, position)
        tag = group << 16 | element
        level = self.levels[-1]
        if tag == ITEM:
            self._push(False, None if length == UNDEFINED else position + 8 + length)
            return position + 8
        if tag == SEQUENCE_END:
            self.levels.pop()
            return position + 8
        if level.bound is not None:  # not items after all; pydicom will say so if anyone asks for the value
            return level.bound
        raise StudyError(
            f"The sequence {tag_text(self.open_tag)} is damaged: it holds {tag_text(tag)} where an item should begin."
        )

    def _element(self, position: int) -> int:
        tag, vr, length, value = self._read(position)
        self._last_tag = tag
        if tag == ITEM_END and self.levels:
            self.levels.pop()
            return value
        self._count()
        top = not self.levels
        if top and tag in PIXEL_TAGS:
            self.layout.pixel_tag, self.layout.pixel_vr = tag, vr
            self.layout.pixel_offset, self.layout.pixel_length, self.layout.end = value, length, position
            return value
        if top:
            self.open_tag, self.open_start = tag, position
        if length == UNDEFINED:
            return self._undefined(vr, value)
        self._fits(value + length)
        if length >= 8 and (vr in (b"SQ", b"UN", b"") and self._begins_with_item(value)):
            self._push(True, value + length)
            return value
        return value + length

    def _read(self, position: int) -> tuple[int, bytes, int, int]:
        group, element, vr, length = self.explicit(self.data, position)
        tag = group << 16 | element
        letters = b"AA" <= vr <= b"ZZ" and vr[1] <= 0x5A and vr[1] >= 0x41
        if self.implicit or group == 0xFFFE or not letters:
            return tag, b"", self.tag_and_length(self.data, position)[2], position + 8
        if vr not in LONG_VRS:
            return tag, vr, length, position + 8
        if position + 12 > len(self.data):
            self._need(position + 12)
        return tag, vr, self.long_length(self.data, position + 8)[0], position + 12

    def _undefined(self, vr: bytes, value: int) -> int:
        if value + 4 > len(self.data):
            self._need(value + 4)
        if vr in (b"SQ", b"UN", b"") and self.data[value : value + 4] in (self.item_bytes, self.end_bytes):
            self._push(True, None)
            return value
        end = self.data.find(self.end_bytes, value)
        if end < 0:
            self._need(len(self.data) + 1)
        return end + 8

    def _begins_with_item(self, value: int) -> bool:
        if value + 4 > len(self.data):
            self._need(value + 4)
        return self.data[value : value + 4] == self.item_bytes

    def _fits(self, end: int) -> None:
        """Refuse an element of the top level that ends beyond the file; inside a sequence its length rules."""
        if not self.levels and self.total is not None and end > self.total:
            raise StudyError(
                f"The file is truncated: element {tag_text(self.open_tag)} should end at byte {end:,} of the data set, "
                f"which has {self.total:,}.",
                "Copy the file again.",
            )

    def _push(self, is_sequence: bool, end: int | None) -> None:
        around = self.levels[-1].bound if self.levels else None
        bound = around if end is None else end if around is None else min(end, around)
        self.levels.append(_Level(is_sequence, end, bound))
        if len(self.levels) > 2 * MAX_DEPTH:
            raise UnsafeFileError(
                f"Sequences are nested more than {MAX_DEPTH} deep in {tag_text(self.open_tag)}; the file "
                "is refused as unsafe."
            )
        self._count()

    def _count(self) -> None:
        self.layout.elements += 1
        if self.layout.elements > MAX_ELEMENTS:
            raise UnsafeFileError(f"The header has more than {MAX_ELEMENTS:,} elements; the file is refused as unsafe.")

    def _note(self, tag: int, start: int, end: int) -> None:
        self.layout.spans[tag] = (start, end)


def tag_text(tag: int) -> str:
    """``(0028,0010)`` for 0x00280010."""
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
