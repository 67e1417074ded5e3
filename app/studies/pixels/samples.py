"""Stored samples: how the bits of a frame become pixel values (PS3.5 §8, PS3.3 C.7.6.3). Needs numpy only."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.studies.files.pixel_layout import PixelLayout


def unpack_native(raw: np.ndarray, layout: PixelLayout, skip_bits: int = 0) -> np.ndarray:
    """Return one uncompressed frame as values.

    Parameters
    ----------
    raw
        uint8 (n,), writable, owned by the caller; it may be changed and returned as a view.
    skip_bits
        Bits to leave out at the start (frames of 1-bit images need not begin at a byte).

    Returns
    -------
    numpy.ndarray
        (rows, columns) or (rows, columns, 3) RGB.
    """
    pixels = layout.rows * layout.columns
    if layout.floating:
        values = raw.view(("<", ">")[layout.swapped] + layout.floating)
        return values.astype(layout.dtype, copy=False).reshape(layout.frame_shape)
    if layout.bits_allocated == 1:
        bits = np.unpackbits(raw, bitorder="little")[skip_bits : skip_bits + pixels]
        return bits.reshape(layout.frame_shape)
    if layout.bits_allocated == 12:
        raw = _unpack_12(raw, pixels).view(np.uint8)
    values = _words(raw, layout)
    if layout.subsampled:
        return to_rgb(_upsample_422(values, layout), layout.photometric, layout.bits_stored)
    values = values[: pixels * layout.samples]
    values = correct_bits(values, layout)
    if layout.samples == 1:
        return values.reshape(layout.rows, layout.columns)
    return to_rgb(_by_pixel(values, layout), layout.photometric, layout.bits_stored)


def _words(raw: np.ndarray, layout: PixelLayout) -> np.ndarray:
    width = layout.dtype.itemsize
    raw = raw[: raw.size // width * width]
    values = raw.view(f"<u{width}")
    if layout.swapped and width > 1:
        values.byteswap(inplace=True)
    return values


def _unpack_12(raw: np.ndarray, pixels: int) -> np.ndarray:
    """Two 12-bit samples in three bytes, low bits first (PS3.5 annex D, retired)."""
    bits = np.unpackbits(raw, bitorder="little")[: pixels * 12].reshape(pixels, 12)
    padded = np.pad(bits, ((0, 0), (0, 4)))
    return np.packbits(padded, axis=1, bitorder="little").reshape(-1).view("<u2").reshape(-1)


def _by_pixel(values: np.ndarray, layout: PixelLayout) -> np.ndarray:
    if layout.planar == 1:
        return np.ascontiguousarray(values.reshape(3, layout.rows, layout.columns).transpose(1, 2, 0))
    return values.reshape(layout.rows, layout.columns, 3)


def _upsample_422(values: np.ndarray, layout: PixelLayout) -> np.ndarray:
    """Y Y Cb Cr for each pair of pixels to one (Y, Cb, Cr) each (PS3.3 C.7.6.3.1.2)."""
    pairs = (layout.columns + 1) // 2
    quads = values[: layout.rows * pairs * 4].reshape(layout.rows, pairs, 4)
    out = np.empty((layout.rows, pairs, 2, 3), values.dtype)
    out[..., 0] = quads[..., :2]
    out[..., 1] = quads[..., 2:3]
    out[..., 2] = quads[..., 3:4]
    return out.reshape(layout.rows, pairs * 2, 3)[:, : layout.columns]


def correct_bits(values: np.ndarray, layout: PixelLayout) -> np.ndarray:
    """Drop bits above and below the stored ones (overlays, junk) and extend the sign.

    Parameters
    ----------
    values
        Unsigned integers of any shape, changed in place where writable.

    Returns
    -------
    numpy.ndarray
        Same shape, in ``layout.dtype``.
    """
    bits = layout.bits_stored
    width = 8 * values.dtype.itemsize
    shift = layout.high_bit + 1 - bits
    if bits >= width:
        return values.view(layout.dtype)
    if not values.flags.writeable:
        values = values.copy()
    if not layout.signed:
        if shift:
            np.right_shift(values, shift, out=values)
        return np.bitwise_and(values, values.dtype.type((1 << bits) - 1), out=values).view(layout.dtype)
    np.left_shift(values, width - bits - shift, out=values)
    signed = values.view(layout.dtype)
    return np.right_shift(signed, width - bits, out=signed)


def with_precision(layout: PixelLayout, precision: int) -> PixelLayout:
    """Return the layout for decoded samples of that many bits: in a code stream the samples are never shifted."""
    bits = min(precision, 8 * layout.dtype.itemsize)
    return replace(layout, bits_stored=bits, high_bit=bits - 1)


def to_rgb(values: np.ndarray, photometric: str, bits: int) -> np.ndarray:
    """Return (rows, columns, 3) as RGB; YBR_FULL and YBR_FULL_422 are converted (PS3.3 C.7.6.3.1.2, ITU-R BT.601)."""
    if not photometric.startswith(("YBR_FULL", "YBR_PARTIAL")):
        return values
    half, top = 1 << (bits - 1), (1 << bits) - 1
    y, cb, cr = (values[..., channel].astype(np.float32) for channel in range(3))
    cb -= half
    cr -= half
    if photometric.startswith("YBR_PARTIAL"):
        scale = top / 255.0
        y, cb, cr = (y - 16 * scale) * (255 / 219), cb * (255 / 224), cr * (255 / 224)
    out = np.empty_like(values)
    for channel, plane in enumerate((y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb)):
        out[..., channel] = np.clip(np.rint(plane), 0, top)
    return out


def apply_palette(indices: np.ndarray, table: np.ndarray, first: int) -> np.ndarray:
    """Return RGB of palette indices; indices outside the table take its first or last entry (PS3.3 C.7.6.3.1.5).

    Parameters
    ----------
    indices
        Any shape, integer.
    table
        (entries, 3), uint8 or uint16.
    first
        The index that maps to the first entry.
    """
    places = np.clip(indices.astype(np.int64) - first, 0, len(table) - 1)
    return table[places]
