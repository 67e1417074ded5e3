"""The start of a DICOM file: file meta information (PS3.10 7.1), transfer syntax, and how its elements are encoded."""

from __future__ import annotations

import struct
import threading
import warnings
from contextlib import suppress
from io import BytesIO, FileIO

import pydicom.errors
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset

from app.studies.errors import StudyError
from app.studies.files.safety import MIB, kind_of

IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
#: GE's private syntax: implicit little endian header, big endian pixels.
GE_PRIVATE = "1.2.840.113619.5.2"
UNCOMPRESSED = frozenset((IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN, GE_PRIVATE))

#: Everything a damaged or hostile value makes pydicom raise when it is parsed.
PARSE_ERRORS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    EOFError,
    RecursionError,
    AssertionError,
    MemoryError,
    OSError,
    struct.error,
    pydicom.errors.InvalidDicomError,
    pydicom.errors.BytesLengthException,
)
_KNOWN_GROUPS = frozenset((0x0002, 0x0004, 0x0008))
#: pydicom warns through a process-wide list of filters, which only one thread at a time may change.
PARSER = threading.RLock()


def read_file_meta(file: FileIO, size: int) -> tuple[FileMetaDataset, int]:
    """Return group 0002 and where the data set begins; StudyError where the file is not DICOM."""
    file.seek(0)
    start = file.read(4096)
    if start[128:132] == b"DICM":
        position = 132
    elif start[:4] == b"DICM":
        position = 4
    elif _looks_like_dataset(start):
        position = 0
    else:
        raise StudyError(f"This is not a DICOM file: it is {kind_of(start)}.")
    end = _meta_end(file, position, size)
    file.seek(position)
    with PARSER, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            raw = read_dataset(BytesIO(_read_exactly(file, end - position)), False, True)
            meta = FileMetaDataset()
            for tag in list(raw.keys()):
                if tag.group == 2:
                    with suppress(
                        *PARSE_ERRORS
                    ):  # only the transfer syntax matters, and the bytes themselves tell it too
                        meta[tag] = raw[tag]
        except PARSE_ERRORS as error:
            raise StudyError(f"The file meta information is damaged: {first_line(error)}.") from error
    return meta, end


def _read_exactly(file: FileIO, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = file.read(length - len(parts))
        if not part:
            break
        parts += part
    return bytes(parts)


def _looks_like_dataset(start: bytes) -> bool:
    """Whether bytes without the 128-byte preamble begin with a plausible element of group 0002, 0004 or 0008."""
    if len(start) < 16:
        return False
    for order in "<>":
        group, element, length = struct.unpack_from(order + "HHL", start)
        if group not in _KNOWN_GROUPS or element > 0x1200:
            continue
        if start[4:6].isalpha() and start[4:6].isupper():
            return True
        if order == "<" and length < 4096 and length % 2 == 0:
            following = struct.unpack_from("<H", start, 8 + length)[0] if 10 + length <= len(start) else group
            return group <= following <= 0x0020
    return False


def _meta_end(file: FileIO, position: int, size: int) -> int:
    """Return where group 0002 ends: element by element, since its group length is often wrong."""
    while position + 8 <= size:
        file.seek(position)
        head = file.read(12)
        if len(head) < 8:
            break
        group, _element, vr, length = struct.unpack_from("<HH2sH", head)
        if group != 2:
            break
        value = position + 8
        if vr in (b"OB", b"OW", b"UN", b"UT", b"SQ"):
            if len(head) < 12:
                break
            length, value = struct.unpack_from("<L", head, 8)[0], position + 12
        elif not vr.isalpha():
            length = struct.unpack_from("<L", head, 4)[0]
        if value + length > size or length > MIB:
            raise StudyError(
                "The file meta information is damaged: an element ends beyond the file.", "Copy the file again."
            )
        position = value + length
    return position


def encoding_of(file: FileIO, start: int, syntax: str) -> tuple[bool, bool]:
    """Return (implicit VR, little endian): the syntax says it, the bytes decide where it is silent or wrong."""
    if syntax == DEFLATED:
        return False, True
    file.seek(start)
    first = file.read(8)
    if len(first) < 8:
        return syntax in ("", IMPLICIT, GE_PRIVATE), syntax != BIG_ENDIAN
    explicit = 0x40 < first[4] < 0x5B and 0x40 < first[5] < 0x5B
    small, big = (struct.unpack(order + "H", first[:2])[0] for order in "<>")
    little = syntax != BIG_ENDIAN if syntax else small <= big
    if (big if little else small) in _KNOWN_GROUPS:  # a data set begins with a low group, which tells its byte order
        little = not little
    return not explicit, little


def first_line(error: BaseException) -> str:
    """Return the first line of what a parser says, without its full stop."""
    text = str(error).strip().splitlines()
    return (text[0] if text else type(error).__name__)[:200].rstrip(".")
