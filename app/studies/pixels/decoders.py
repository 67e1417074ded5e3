"""Decoders: how one compressed frame becomes samples.

Imported by the decoder process, so nothing but numpy and the codecs may be imported here.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from app.studies.errors import StudyError
from app.studies.files.pixel_layout import PixelLayout
from app.studies.pixels.code_stream import CodeStream, inspect
from app.studies.pixels.samples import correct_bits, to_rgb, with_precision

RLE, DEFLATED_FRAME = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.8.1"


def decode_frame(data: bytes, uid: str, layout: PixelLayout, threads: int = 1) -> np.ndarray:
    """Decode one compressed frame to values.

    Parameters
    ----------
    data
        All fragments of the frame, joined.
    layout
        What the header says; where the code stream disagrees on precision or sign of the coding, the code stream
        is followed
        for decoding and the header for the meaning.
    threads
        Threads a JPEG 2000 frame may use.

    Returns
    -------
    numpy.ndarray
        (rows, columns) or (rows, columns, 3) RGB, in ``layout.dtype``.

    Raises
    ------
    StudyError
        When the frame is damaged or is not what the header declares.
    """
    if uid == RLE:
        return _finish_native(_rle(data, layout), layout)
    if uid == DEFLATED_FRAME:
        return _deflated(data, layout)
    stream = inspect(data)
    if stream.kind == "jpeg xl":
        return _jpeg_xl(data, layout)
    if (stream.rows, stream.columns) != (layout.rows, layout.columns):
        raise StudyError(
            f"The header declares {layout.rows} × {layout.columns} pixels, "
            f"the compressed image has {stream.rows} × {stream.columns}."
        )
    if stream.components != layout.samples:
        raise StudyError(
            f"The header declares {layout.samples} samples per pixel, the compressed image has {stream.components}."
        )
    values = _CODECS[stream.kind](data, stream, layout, threads)
    return _finish(values, stream, layout)


def _finish(values: np.ndarray, stream: CodeStream, layout: PixelLayout) -> np.ndarray:
    if values.size != layout.rows * layout.columns * layout.samples:
        raise StudyError(f"The compressed image is damaged: it gives {values.size:,} values.", "Copy the file again.")
    values = values.reshape(layout.frame_shape)
    precision = stream.precision
    if precision > 8 * layout.dtype.itemsize:
        raise StudyError(
            f"The compressed image has {precision} bits per sample, more than the "
            f"{layout.bits_allocated} the header allocates."
        )
    unsigned = np.dtype(f"u{layout.dtype.itemsize}")
    if values.dtype != unsigned:
        values = values.astype(unsigned)
    layout = with_precision(layout, _meaningful_bits(values, stream, layout))
    values = correct_bits(values, layout)
    if layout.samples == 3 and _is_still_ybr(stream, layout):
        return to_rgb(values, layout.photometric, precision)
    return values


def _meaningful_bits(values: np.ndarray, stream: CodeStream, layout: PixelLayout) -> int:
    """Return how many low bits of the decoded samples count, where the code stream has more than the header stores.

    Signed samples may have been coded with or without their sign extended; lossy ones may overshoot the stored
    bits, which
    masking would turn from the brightest into the darkest.
    """
    if layout.bits_stored >= stream.precision or stream.signed:
        return stream.precision
    if layout.signed and values.max(initial=0) < 1 << layout.bits_stored:
        return layout.bits_stored
    if not layout.signed and stream.kind == "jpeg lossless":
        return layout.bits_stored
    return stream.precision


def _jpeg_xl(data: bytes, layout: PixelLayout) -> np.ndarray:
    import imagecodecs

    values = _guarded(imagecodecs.jpegxl_decode, data)
    if values.shape != layout.frame_shape or values.dtype.itemsize != layout.dtype.itemsize:
        raise StudyError(f"The header declares {layout.frame_shape}, the compressed image is {values.shape}.")
    return correct_bits(values.view(f"u{values.dtype.itemsize}"), layout)


def _is_still_ybr(stream: CodeStream, layout: PixelLayout) -> bool:
    """Whether the decoder left luminance and chrominance as they are."""
    return stream.kind in ("jpeg-ls", "jpeg lossless") or (stream.kind == "jpeg 2000" and not stream.multi_component)


def _finish_native(values: np.ndarray, layout: PixelLayout) -> np.ndarray:
    values = correct_bits(values, layout)
    return to_rgb(values, layout.photometric, layout.bits_stored) if layout.samples == 3 else values


def _deflated(data: bytes, layout: PixelLayout) -> np.ndarray:
    from app.studies.pixels.samples import unpack_native

    needed = (layout.stored_bits_per_frame + 7) // 8
    raw = zlib.decompressobj(-15).decompress(data, needed)
    if len(raw) < needed:
        raise StudyError(f"The deflated frame holds {len(raw):,} bytes instead of {needed:,}.")
    return unpack_native(np.frombuffer(bytearray(raw), np.uint8), layout)


def _rle(data: bytes, layout: PixelLayout) -> np.ndarray:
    """Decode PS3.5 annex G: up to 15 segments, one byte plane each, most significant first."""
    import imagecodecs

    if len(data) < 64:
        raise StudyError("The RLE frame is shorter than its header.")
    count, *offsets = struct.unpack_from("<16L", data)
    width = layout.dtype.itemsize
    if count != width * layout.samples:
        raise StudyError(f"The RLE frame has {count} segments; {width * layout.samples} are needed.")
    ends = [*offsets[1:count], len(data)]
    pixels = layout.rows * layout.columns
    planes = np.empty((pixels, layout.samples, width), np.uint8)
    for segment, (start, end) in enumerate(zip(offsets[:count], ends, strict=True)):
        if not 64 <= start <= end <= len(data):
            raise StudyError("The RLE frame has a segment that lies outside it.")
        try:
            plane = imagecodecs.packbits_decode(data[start:end], out=pixels + 4096)
        except (ValueError, RuntimeError) as error:
            raise StudyError(f"The RLE frame is damaged: {error}.") from error
        if len(plane) < pixels:
            raise StudyError(f"The RLE frame is truncated: a segment has {len(plane):,} of {pixels:,} bytes.")
        planes[:, segment // width, width - 1 - segment % width] = np.frombuffer(plane, np.uint8, pixels)
    values = planes.reshape(-1).view(f"<u{width}")
    return values.reshape(layout.frame_shape)


def _jpeg(data: bytes, stream: CodeStream, layout: PixelLayout, _threads: int) -> np.ndarray:
    import imagecodecs

    if layout.samples == 1:
        return _guarded(imagecodecs.jpeg_decode, data)
    colour = stream.colour or ("RGB" if layout.photometric == "RGB" else "YCBCR")
    return _guarded(imagecodecs.jpeg_decode, data, colorspace=colour, outcolorspace="RGB")


def _jpeg_lossless(data: bytes, _stream: CodeStream, layout: PixelLayout, _threads: int) -> np.ndarray:
    import imagecodecs

    if layout.samples == 3:
        return _guarded(imagecodecs.jpegsof3_decode, data)
    return _guarded(imagecodecs.jpeg_decode, data)


def _jpeg_ls(data: bytes, _stream: CodeStream, _layout: PixelLayout, _threads: int) -> np.ndarray:
    import imagecodecs

    return _guarded(imagecodecs.jpegls_decode, data)


def _j2k(data: bytes, _stream: CodeStream, _layout: PixelLayout, threads: int) -> np.ndarray:
    import imagecodecs

    return _guarded(imagecodecs.jpeg2k_decode, data, numthreads=threads)


def _guarded(decode: Callable[..., Any], data: bytes, **options: Any) -> np.ndarray:
    try:
        return decode(data, **options)
    except (ValueError, RuntimeError, TypeError) as error:
        raise StudyError(f"The compressed image is damaged: {error}.", "Copy the file again.") from error


_CODECS: dict[str, Callable[[bytes, CodeStream, PixelLayout, int], np.ndarray]] = {
    "jpeg": _jpeg,
    "jpeg lossless": _jpeg_lossless,
    "jpeg-ls": _jpeg_ls,
    "jpeg 2000": _j2k,
}
