"""Windowing: modality values to grey, exactly as DICOM PS3.3 C.11.2 says; the only place that makes grey. Qt-free."""

from __future__ import annotations

import numpy as np

from viewer.presentation import Presentation, Voi, VoiFunction, VoiLut, Window

BLOCK = 1 << 16  # floats are worked on in blocks that stay in the processor's cache
TABLES_KEPT = 12
TABLE_TYPES = ("u1", "i1", "u2", "i2")  # integer types whose whole range makes a table
ASKED_FOR = ("user", "preset")  # a colour image is windowed only when somebody asks for it


def render_grey(values: np.ndarray, presentation: Presentation, *, colour: bool | None = None) -> np.ndarray:
    """Return 8-bit grey of modality values.

    Parameters
    ----------
    values
        Modality values of any shape and numeric type; a last axis of length 3 (with at least two axes before it) is
        taken as RGB.
    presentation
        VOI in force, inversion, padding.
    colour
        States whether the last axis is RGB where its length alone would mislead.

    Returns
    -------
    numpy.ndarray
        uint8, same shape. Padding and NaN are 0 whatever the inversion. RGB passes through, windowed only if the VOI
        in force was asked for by the user.
    """
    return _render(values, presentation, np.uint8, colour)


def render_grey16(values: np.ndarray, presentation: Presentation, *, colour: bool | None = None) -> np.ndarray:
    """Return 16-bit grey of modality values; see :func:`render_grey`."""
    return _render(values, presentation, np.uint16, colour)


def is_colour(values: np.ndarray) -> bool:
    """Whether the array is RGB by its shape: three samples on the last of at least three axes."""
    return values.ndim >= 3 and values.shape[-1] == 3


def voi_fraction(values: np.ndarray, voi: Voi) -> np.ndarray:
    """Return the VOI output as a fraction 0–1 of the output range, before inversion.

    Sources: DICOM PS3.3 C.11.2.1.2.1 (LINEAR), C.11.2.1.3.2 (LINEAR_EXACT), C.11.2.1.3.1 (SIGMOID), C.11.1.1 (VOI LUT).
    A window of LINEAR narrower than 1 is not allowed by the standard; it is read as LINEAR_EXACT, and a width of 0 or
    less as a step at the centre.
    """
    x = np.asarray(values, dtype=np.float64)
    if isinstance(voi, VoiLut):
        return _voi_lut_fraction(x, voi)
    if voi.function is VoiFunction.SIGMOID:
        exponent = np.clip(-4.0 * (x - voi.center) / (voi.width or np.finfo(float).tiny), -700.0, 700.0)
        return 1.0 / (1.0 + np.exp(exponent))
    if voi.function is VoiFunction.LINEAR and voi.width > 1:
        return np.clip((x - (voi.center - 0.5)) / (voi.width - 1.0) + 0.5, 0.0, 1.0)
    if voi.function is VoiFunction.LINEAR and voi.width == 1:
        return _step(x, voi.center - 0.5)
    if voi.width <= 0:
        return _step(x, voi.center)
    return np.clip((x - voi.center) / voi.width + 0.5, 0.0, 1.0)


def _step(x: np.ndarray, threshold: float) -> np.ndarray:
    return np.where(np.isnan(x), np.nan, (x > threshold).astype(np.float64))


def _voi_lut_fraction(x: np.ndarray, voi: VoiLut) -> np.ndarray:
    last = len(voi.table) - 1
    index = np.clip(np.nan_to_num(np.floor(x + 0.5) - voi.first, nan=0.0, posinf=last, neginf=0.0), 0, last)
    fraction = np.asarray(voi.table, dtype=np.float64)[index.astype(np.intp)] / float((1 << voi.bits) - 1)
    return np.where(np.isnan(x), np.nan, np.clip(fraction, 0.0, 1.0))


def _exact(values: np.ndarray, presentation: Presentation, dtype: type) -> np.ndarray:
    """Window values one by one in double precision; the definition that the tables repeat."""
    fraction = voi_fraction(values, presentation.voi)
    black = np.isnan(fraction)
    if presentation.invert:
        fraction = 1.0 - fraction
    if presentation.padding is not None:
        black |= (values >= presentation.padding.low) & (values <= presentation.padding.high)
    grey = np.floor(np.where(black, 0.0, fraction) * np.iinfo(dtype).max + 0.5)
    return grey.astype(dtype)


def _render(values: np.ndarray, presentation: Presentation, dtype: type, colour: bool | None) -> np.ndarray:
    values = np.asarray(values)
    if is_colour(values) if colour is None else colour:
        return _render_colour(values, presentation, dtype)
    if values.dtype == np.bool_:
        values = values.view(np.uint8)
    if values.dtype.kind + str(values.dtype.itemsize) in TABLE_TYPES:
        return look_up(values, grey_table(presentation, values.dtype.newbyteorder("="), dtype))
    return _in_blocks(values, presentation, dtype)


def _in_blocks(values: np.ndarray, presentation: Presentation, dtype: type) -> np.ndarray:
    flat = np.ascontiguousarray(values).reshape(-1)
    grey = np.empty(flat.shape, dtype)
    for start in range(0, flat.size, BLOCK):
        part = slice(start, start + BLOCK)
        grey[part] = _exact(flat[part], presentation, dtype)
    return grey.reshape(values.shape)


def grey_table(presentation: Presentation, value_type: np.dtype, dtype: type = np.uint8) -> np.ndarray:
    """Return grey of every value of an 8- or 16-bit integer type, indexed by the value's unsigned bit pattern.

    The last few are kept, read-only: slices that are scrolled through share theirs.
    """
    key = (id(presentation), value_type.str, np.dtype(dtype).str)
    known = _tables.get(key)
    if known is not None and known[0] is presentation:
        return known[1]
    unsigned = np.arange(1 << (8 * value_type.itemsize), dtype=f"u{value_type.itemsize}")
    table = _exact(unsigned.view(value_type), presentation, dtype)
    table.setflags(write=False)
    _tables[key] = (presentation, table)  # holding the presentation keeps its id from being reused
    for old in list(_tables)[:-TABLES_KEPT]:
        _tables.pop(old, None)
    return table


_tables: dict[tuple[int, str, str], tuple[Presentation, np.ndarray]] = {}


def look_up(values: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return ``table`` at each 8- or 16-bit value, see :func:`grey_table`."""
    native = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    return np.take(table, native.view(f"u{native.dtype.itemsize}"), mode="clip")


def _render_colour(values: np.ndarray, presentation: Presentation, dtype: type) -> np.ndarray:
    if presentation.voi.origin in ASKED_FOR:
        return _render(values, presentation, dtype, colour=False)
    top = np.iinfo(dtype).max
    scale = top / (np.iinfo(values.dtype).max if values.dtype.kind in "ui" else 1.0)
    if scale == 1.0 and values.dtype == np.dtype(dtype):
        grey = values
    else:
        grey = np.floor(np.clip(np.nan_to_num(values.astype(np.float64)) * scale, 0, top) + 0.5).astype(dtype)
    return top - grey if presentation.invert else grey


def window_of(values: np.ndarray, *, low: float = 1.0, high: float = 99.5, explanation: str = "auto") -> Window:
    """Return a window between two percentiles of the finite values (a sample of them), origin ``"preset"``."""
    sample = values.reshape(-1)[:: max(1, values.size // 200_000)]
    sample = sample[np.isfinite(sample)]
    if sample.size == 0:
        return Window(0.5, 1.0, VoiFunction.LINEAR_EXACT, explanation, "preset")
    first, last = (float(v) for v in np.percentile(sample, (low, high)))
    if last <= first:
        first, last = float(sample.min()), float(sample.max())
    if last <= first:
        last = first + 1.0
    return Window((first + last) / 2, last - first, VoiFunction.LINEAR_EXACT, explanation, "preset")
