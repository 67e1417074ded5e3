"""Code streams: what a compressed image says of itself in its first markers. Imported by the decoder process."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from app.studies.errors import StudyError


@dataclass(frozen=True)
class CodeStream:
    """What a compressed frame says about itself."""

    kind: str
    rows: int
    columns: int
    components: int
    precision: int
    signed: bool = False
    multi_component: bool = False
    colour: str = ""


def inspect(data: bytes) -> CodeStream:
    """Read what a compressed frame is from its own first bytes, whatever the header calls it.

    Raises
    ------
    StudyError
        Where it is no known code stream.
    """
    if data[:3] == b"\xff\xd8\xff":
        return _inspect_jpeg(data)
    if data[:12] == b"\x00\x00\x00\x0cjP  \r\n\x87\n" or data[:4] == b"\xff\x4f\xff\x51":
        return _inspect_j2k(data)
    if data[:2] == b"\xff\x0a" or data[:12] == b"\x00\x00\x00\x0cJXL \r\n\x87\n":
        return CodeStream("jpeg xl", 0, 0, 0, 0)  # its header is a bit stream; the decoded image is compared instead
    raise StudyError("The compressed pixel data is damaged: it begins with no known image marker.")


def _inspect_jpeg(data: bytes) -> CodeStream:
    """Follow the markers up to the start of frame (ITU-T T.81 annex B, T.87 for JPEG-LS)."""
    position, adobe, jfif = 2, -1, False
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            position += 1
            continue
        marker = data[position + 1]
        if marker in (0xFF, 0x00, 0x01) or 0xD0 <= marker <= 0xD8:
            position += 1 if marker == 0xFF else 2
            continue
        length = struct.unpack_from(">H", data, position + 2)[0]
        body = data[position + 4 : position + 2 + length]
        if (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)) or marker == 0xF7:
            return _jpeg_frame(marker, body, adobe, jfif)
        if marker == 0xEE and body[:5] == b"Adobe" and len(body) >= 12:
            adobe = body[11]
        jfif = jfif or (marker == 0xE0 and body[:4] == b"JFIF")
        position += 2 + length
    raise StudyError("The JPEG image is damaged: it has no frame header.")


def _jpeg_frame(marker: int, body: bytes, adobe: int, jfif: bool) -> CodeStream:
    if len(body) < 6 + 3 * body[5] if len(body) >= 6 else True:
        raise StudyError("The JPEG image is damaged: its frame header is cut short.")
    precision, rows, columns, components = struct.unpack_from(">BHHB", body)
    kind = {0xF7: "jpeg-ls", 0xC3: "jpeg lossless"}.get(marker, "jpeg")
    ids = bytes(body[6 : 6 + 3 * components : 3])
    colour = {0: "RGB", 1: "YCBCR"}.get(adobe, "RGB" if ids == b"RGB" else "YCBCR" if jfif else "")
    return CodeStream(kind, rows, columns, components, precision, colour=colour)


def _inspect_j2k(data: bytes) -> CodeStream:
    """Read the SIZ and COD markers (ITU-T T.800 annex A)."""
    start = data.find(b"\xff\x4f\xff\x51")
    if start < 0 or start + 46 > len(data):
        raise StudyError("The JPEG 2000 image is damaged: it has no codestream.")
    width, height, x0, y0 = struct.unpack_from(">4L", data, start + 8)
    components = struct.unpack_from(">H", data, start + 40)[0]
    depth = data[start + 42]
    cod = data.find(b"\xff\x52", start, start + 4096)
    multi = cod >= 0 and cod + 9 <= len(data) and data[cod + 8] == 1
    return CodeStream("jpeg 2000", height - y0, width - x0, components, (depth & 0x7F) + 1, bool(depth & 0x80), multi)
