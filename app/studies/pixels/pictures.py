"""Pictures: PNG, PNM, JPEG, JPEG 2000 and TIFF as grey or RGB images. Imported by the decoder process: numpy only."""

from __future__ import annotations

import re
import struct
from dataclasses import asdict, dataclass
from io import FileIO
from typing import Any

import numpy as np

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files.pixel_layout import PixelLayout
from app.studies.files.safety import MAX_FRAME_BYTES, kind_of
from app.studies.pixels import decoders
from app.studies.pixels.code_stream import inspect

#: Pages of one TIFF.
MAX_PAGES = 4096
_TIFF_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 11: 4, 12: 8, 16: 8}
_TIFF_CODES = {1: "B", 3: "H", 4: "L", 16: "Q"}


@dataclass(frozen=True)
class Picture:
    """What the header of a picture says.

    Attributes
    ----------
    kind
        ``"png"``, ``"pnm"``, ``"tiff"`` or ``"code stream"`` (JPEG family).
    dtype
        NumPy type string of the values delivered.
    inverted
        Whether 0 is white in the file (TIFF); values are delivered with 0 as black.
    """

    kind: str
    rows: int
    columns: int
    dtype: str
    colour: bool = False
    pages: int = 1
    inverted: bool = False

    def as_dict(self) -> dict[str, Any]:
        """JSON values, for the decoder process."""
        return asdict(self)


def inspect_picture(file: FileIO) -> Picture:
    """Read the header of a picture, whatever its name says.

    Raises
    ------
    StudyError
        Where it is no picture, or of a kind that cannot be shown.
    UnsafeFileError
        Where it declares more pixels than the bounds allow.
    """
    file.seek(0)
    start = file.read(1 << 16)
    try:
        picture = _inspect(start, file)
    except (struct.error, IndexError, KeyError, ValueError) as error:
        raise StudyError(f"The header of the picture is damaged: {error}.") from error
    if picture.rows < 1 or picture.columns < 1:
        raise StudyError(
            f"The picture has {picture.rows} rows and {picture.columns} columns; there is nothing to show."
        )
    if (
        picture.rows * picture.columns * np.dtype(picture.dtype).itemsize * (3 if picture.colour else 1)
        > MAX_FRAME_BYTES
    ):
        raise UnsafeFileError(
            f"The picture declares {picture.rows} × {picture.columns} pixels, beyond what is accepted."
        )
    return picture


def _inspect(start: bytes, file: FileIO) -> Picture:
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        columns, rows, depth, colour = struct.unpack_from(">LLBB", start, 16)
        return Picture("png", rows, columns, "u2" if depth == 16 else "u1", colour in (2, 3, 6))
    if start[:1] == b"P" and start[1:2] in (b"2", b"3", b"5", b"6"):
        rows, columns, top, colour, _offset = _pnm_header(start)
        return Picture("pnm", rows, columns, "u2" if top > 255 else "u1", colour)
    if start[:4] in (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"):
        return _inspect_tiff(start, file)
    if start[:3] == b"\xff\xd8\xff" or start[:4] == b"\xff\x4f\xff\x51" or start[4:8] == b"jP  ":
        stream = inspect(start)
        if stream.components not in (1, 3):
            raise StudyError(f"The picture has {stream.components} samples per pixel; 1 or 3 can be shown.")
        return Picture(
            "code stream", stream.rows, stream.columns, "u2" if stream.precision > 8 else "u1", stream.components == 3
        )
    raise StudyError(f"This is not a picture: it is {kind_of(start)}.")


def _pnm_header(start: bytes) -> tuple[int, int, int, bool, int]:
    """Return rows, columns, largest value, colour, and where the pixels begin (Netpbm)."""
    tokens, position = [], 2
    while len(tokens) < 3:
        match = re.compile(rb"(?:\s+|#[^\n]*\n)*(\d{1,9})").match(start, position)
        if match is None:
            raise StudyError("The header of the PNM picture is damaged.")
        tokens.append(int(match[1]))
        position = match.end()
    columns, rows, top = tokens
    if not 0 < top < 65536:
        raise StudyError(f"The PNM picture declares {top} as its largest value.")
    return rows, columns, top, start[1:2] in (b"3", b"6"), position + 1


def _inspect_tiff(start: bytes, file: FileIO) -> Picture:
    """Walk the directories of a TIFF or BigTIFF (TIFF 6.0 §2); every page must be alike."""
    order = "<" if start[:2] == b"II" else ">"
    big = start[2:4] in (b"+\x00", b"\x00+")
    offset = struct.unpack_from(order + ("Q" if big else "L"), start, 8 if big else 4)[0]
    pages: list[Picture] = []
    seen: set[int] = set()
    while offset:
        if offset in seen or len(pages) >= MAX_PAGES:
            raise UnsafeFileError("The pages of the TIFF form a loop or are too many; it is refused as unsafe.")
        seen.add(offset)
        tags, offset = _tiff_directory(file, offset, order, big)
        pages.append(_tiff_page(tags))
    if not pages:
        raise StudyError("The TIFF has no page.")
    first = pages[0]
    alike = 0
    while alike < len(pages) and pages[alike] == first:
        alike += 1
    if alike < len(pages) and alike > 1:
        raise StudyError("The pages of the TIFF differ in size or type; save them as separate files.")
    return Picture(**{**asdict(first), "pages": alike})


def _tiff_directory(file: FileIO, offset: int, order: str, big: bool) -> tuple[dict[int, tuple[int, ...]], int]:
    file.seek(offset)
    count = struct.unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))[0]
    if count > 4096:
        raise UnsafeFileError("The TIFF directory has too many entries; it is refused as unsafe.")
    entry = 20 if big else 12
    body = file.read(count * entry + (8 if big else 4))
    tags: dict[int, tuple[int, ...]] = {}
    for index in range(count):
        tag, kind = struct.unpack_from(order + "HH", body, index * entry)
        number = struct.unpack_from(order + ("Q" if big else "L"), body, index * entry + 4)[0]
        if kind not in _TIFF_CODES or number > 8:
            continue
        place = index * entry + (12 if big else 8)
        size = _TIFF_SIZES[kind] * number
        raw = body[place : place + size]
        if size > (8 if big else 4):
            file.seek(struct.unpack_from(order + ("Q" if big else "L"), body, place)[0])
            raw = file.read(size)
        tags[tag] = struct.unpack(f"{order}{number}{_TIFF_CODES[kind]}", raw)
    return tags, struct.unpack_from(order + ("Q" if big else "L"), body, count * entry)[0]


def _tiff_page(tags: dict[int, tuple[int, ...]]) -> Picture:
    columns, rows = tags[256][0], tags[257][0]
    depth = tags.get(258, (1,))[0]
    samples = tags.get(277, (1,))[0]
    photometric = tags.get(262, (1,))[0]
    code = {1: "u", 2: "i", 3: "f"}.get(tags.get(339, (1,))[0])
    possible = {"u": (1, 8, 16, 32, 64), "i": (8, 16, 32, 64), "f": (16, 32, 64)}.get(code or "", ())
    if depth not in possible or photometric not in (0, 1, 2, 6) or not 1 <= samples <= 4:
        raise StudyError(f"A TIFF of {samples} samples of {depth} bits, photometric {photometric}, cannot be shown.")
    dtype = f"{code}{max(1, depth // 8)}"
    return Picture("tiff", rows, columns, dtype, samples >= 3, inverted=photometric == 0)


def decode_picture(data: bytes, picture: Picture, page: int, threads: int) -> np.ndarray:
    """Decode one page: (rows, columns) or (rows, columns, 3); an alpha channel is dropped.

    Raises
    ------
    StudyError
        Where the picture is damaged or is not what its header declares.
    """
    try:
        values = _decode(data, picture, page, threads)
    except (ValueError, RuntimeError, TypeError, IndexError) as error:
        raise StudyError(f"The picture is damaged: {error}.", "Copy the file again.") from error
    if values.ndim == 3 and values.shape[2] in (2, 4):
        values = values[..., : values.shape[2] - 1]
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim == 2 and picture.colour:
        values = np.repeat(values[..., None], 3, axis=2)
    if values.shape[:2] != (picture.rows, picture.columns) or (values.ndim == 3) != picture.colour:
        raise StudyError("The picture is not as large as its header says.")
    values = values.astype(picture.dtype, copy=False)
    if picture.inverted:
        values = np.invert(values) if values.dtype.kind == "u" else values.max() - values
    return values


def _decode(data: bytes, picture: Picture, page: int, threads: int) -> np.ndarray:
    import imagecodecs

    if picture.kind == "png":
        return imagecodecs.png_decode(data)
    if picture.kind == "tiff":
        values = imagecodecs.tiff_decode(data, index=page)
        return values.astype(np.uint8) * 255 if values.dtype == bool else values
    if picture.kind == "pnm":
        return _decode_pnm(data, picture)
    bits = 8 * np.dtype(picture.dtype).itemsize
    layout = PixelLayout(
        picture.rows,
        picture.columns,
        samples=3 if picture.colour else 1,
        bits_allocated=bits,
        bits_stored=bits,
        high_bit=bits - 1,
        photometric="YBR_FULL_422"
        if picture.colour and data[:2] == b"\xff\xd8"
        else "RGB"
        if picture.colour
        else "MONOCHROME2",
    )
    return decoders.decode_frame(data, "", layout, threads)


def _decode_pnm(data: bytes, picture: Picture) -> np.ndarray:
    offset = _pnm_header(data[: 1 << 16])[4]
    count = picture.rows * picture.columns * (3 if picture.colour else 1)
    if data[1:2] in (b"2", b"3"):
        values = np.array(data[offset:].split(maxsplit=count)[:count], dtype=np.int64)
    else:
        values = np.frombuffer(data, ">" + picture.dtype, count, offset)
    shape = (picture.rows, picture.columns, 3) if picture.colour else (picture.rows, picture.columns)
    return values.reshape(shape)
