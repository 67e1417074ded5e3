"""Headers of NRRD and MetaImage volumes: read strictly, so that ITK sees no field that was not checked before.

Such a header may name the file that holds the voxels. Only one plain file in the header's own folder is accepted, and
only as many voxels as that file can hold.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files.safety import MIB, kind_of, open_regular

_MAX_HEADER_BYTES = 64 * 1024
_MOST_DIMENSIONS = 4
#: Bytes of voxels from one byte of a gzip (1032 at most) or bzip2 stream.
_INFLATION = {"gzip": 1040, "bzip2": 1 << 20}
_LINE = re.compile(r"[ \t]*([A-Za-z][\w .-]*?)[ \t]*=[ \t]*(.*)")
_NRRD_TYPES = {
    1: "signed char, int8, int8_t, uchar, unsigned char, uint8, uint8_t",
    2: "short, short int, signed short, signed short int, int16, int16_t, ushort, unsigned short, unsigned short int, "
    "uint16, uint16_t",
    4: "int, signed int, int32, int32_t, uint, unsigned int, uint32, uint32_t, float",
    8: "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t, ulonglong, "
    "unsigned long long, unsigned long long int, uint64, uint64_t, double",
}
_META_TYPES = {1: "CHAR UCHAR", 2: "SHORT USHORT", 4: "INT UINT LONG ULONG FLOAT", 8: "LONG_LONG ULONG_LONG DOUBLE"}
_NRRD_SIZES = {name: width for width, names in _NRRD_TYPES.items() for name in names.split(", ")}
_META_SIZES = {f"MET_{name}": width for width, names in _META_TYPES.items() for name in names.split()}


@dataclass(frozen=True)
class VolumeHeader:
    """What a checked header says.

    Attributes
    ----------
    voxel_bytes
        Bytes of all voxels, not compressed.
    has_spacing, has_place
        Whether the file states them; ITK fills in 1 mm and the identity where it does not.
    """

    voxel_bytes: int
    has_spacing: bool
    has_place: bool


def read_volume_header(path: Path) -> VolumeHeader:
    """Read and check the header of an NRRD or MetaImage file.

    Raises
    ------
    StudyError
        Where it is neither, malformed, or states what cannot be shown.
    UnsafeFileError
        Where its voxels lie outside its folder, or are more than the file can hold.
    """
    with open_regular(path) as file:
        start = file.read(_MAX_HEADER_BYTES)
        size = os.fstat(file.fileno()).st_size
    if start[:4] == b"NRRD":
        return _nrrd(path, start, size)
    if re.match(rb"\s*(ObjectType|NDims|Comment)\s*=", start):
        return _meta(path, start, size)
    raise StudyError(f"This is not an NRRD or MetaImage file: it is {kind_of(start)}.")


def _nrrd(path: Path, start: bytes, size: int) -> VolumeHeader:
    """NRRD (teem.sourceforge.net/nrrd/format.html): ``field: value`` lines up to an empty one."""
    end = re.search(rb"\r?\n\r?\n", start)
    if end is None and size > len(start):
        raise UnsafeFileError("The header of the NRRD file does not end; it is refused as unsafe.")
    fields: dict[str, str] = {}
    for line in _lines(start[: end.start() if end else len(start)])[1:]:
        name, colon, value = line.partition(":")
        if line.startswith("#") or value.startswith("="):
            continue
        name = re.sub(r"[\s_]", "", name).lower()
        if not colon or not name or name in fields:
            raise StudyError(f"The NRRD header is damaged: {line[:60]!r} is no field, or one that occurs twice.")
        fields[name] = value.strip()
    width = _NRRD_SIZES.get(fields.get("type", "").lower())
    if width is None:
        raise StudyError(f"NRRD voxels of type {fields.get('type', 'unknown')[:40]!r} cannot be shown.")
    encoding = fields.get("encoding", "raw").lower()
    encoding = {"gz": "gzip", "bz2": "bzip2"}.get(encoding, encoding)
    sizes = _whole(fields.get("sizes", ""), int(_whole(fields.get("dimension", ""), 1)[0]))
    needed = width * math.prod(sizes)
    there = _voxel_file(path, fields.get("datafile"), size)
    _check_extent(needed, there, _INFLATION.get(encoding, 1 if encoding == "raw" else 2 * width))
    return VolumeHeader(
        needed,
        has_spacing=bool(fields.keys() & {"spacings", "spacedirections"}),
        has_place=bool(fields.keys() & {"space", "spacedirections"}),
    )


def _meta(path: Path, start: bytes, size: int) -> VolumeHeader:
    """MetaImage (itk.org/Wiki/ITK/MetaIO): ``Key = value`` lines, the last of which is ElementDataFile."""
    end = re.search(rb"^[ \t]*ElementDataFile[^\n]*\n?", start, re.MULTILINE)
    if end is None:
        raise UnsafeFileError("The MetaImage header names no ElementDataFile within 64 KiB; it is refused as unsafe.")
    text = start[: end.end()]
    if text.lower().count(b"elementdatafile") != 1:
        raise UnsafeFileError("The MetaImage header names ElementDataFile more than once; it is refused as unsafe.")
    fields: dict[str, str] = {}
    for line in _lines(text):
        match = _LINE.fullmatch(line)
        if match is None or (match[1] in fields and match[1] != "Comment"):
            raise StudyError(f"The MetaImage header is damaged: {line[:60]!r} is no field, or one that occurs twice.")
        fields[match[1]] = match[2].strip()
    width = _META_SIZES.get(fields.get("ElementType", ""))
    if width is None:
        raise StudyError(f"MetaImage voxels of type {fields.get('ElementType', 'unknown')[:40]!r} cannot be shown.")
    sizes = _whole(fields.get("DimSize", ""), _whole(fields.get("NDims", ""), 1)[0])
    channels = _whole(fields.get("ElementNumberOfChannels", "1"), 1)[0]
    target = fields["ElementDataFile"]
    there = _voxel_file(path, None if target.lower() == "local" else target, size)
    compressed = fields.get("CompressedData", "False")[:1].lower() in ("t", "1", "y")
    if _whole(fields.get("CompressedDataSize", "0") or "0", 1, least=0)[0] > there:
        raise StudyError("The MetaImage file is truncated: it declares more compressed bytes than there are.")
    needed = width * channels * math.prod(sizes)
    _check_extent(needed, there, _INFLATION["gzip"] if compressed else 1)
    return VolumeHeader(
        needed,
        has_spacing=bool(fields.keys() & {"ElementSpacing", "ElementSize"}),
        has_place=bool(fields.keys() & {"TransformMatrix", "Orientation", "Rotation"}),
    )


def _lines(header: bytes) -> list[str]:
    text = header.decode("latin-1").replace("\r\n", "\n").rstrip("\n")
    if any(ord(character) < 32 and character not in "\t\n" for character in text):
        raise UnsafeFileError("The header of the volume holds control characters; it is refused as unsafe.")
    return text.split("\n")


def _whole(text: str, count: int, least: int = 1) -> list[int]:
    """Return exactly ``count`` whole numbers of at least ``least``."""
    parts = text.split()
    if not 1 <= count <= _MOST_DIMENSIONS or len(parts) != count or not all(part.isdecimal() for part in parts):
        raise StudyError(f"The header of the volume is damaged: {text[:60]!r} is not a size that can be shown.")
    numbers = [int(part[:19]) for part in parts]
    if min(numbers) < least:
        raise StudyError(f"The header of the volume is damaged: {text[:60]!r} is not a size that can be shown.")
    return numbers


def _voxel_file(path: Path, name: str | None, size: int) -> int:
    """Return the length of the file that holds the voxels; only a plain file beside the header is accepted."""
    if name is None:
        return size
    if name.lower().startswith(("list", "skiplist")):
        raise StudyError("The header refers to a list of voxel files; join them into one file.")
    target = path.parent / name
    if not name or "%" in name or "\\" in name or not target.resolve().is_relative_to(path.parent.resolve()):
        raise UnsafeFileError(
            "The header refers to voxels in a file outside its own folder; that is refused as unsafe."
        )
    with open_regular(target) as file:
        return os.fstat(file.fileno()).st_size


def _check_extent(needed: int, there: int, inflation: int) -> None:
    if needed > there * inflation:
        raise StudyError(
            f"The volume is truncated: its voxels need {needed / MIB:,.1f} MiB, the file holds {there / MIB:,.1f} MiB.",
            "Copy the file again.",
        )
