"""Colours: perceptual tables for maps, colours for classes, and the quiet palette of the panes. Qt-free."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

BACKGROUND = "#060607"
SEPARATOR = "#26282c"
ACTIVE = "#4f9dde"
TEXT = "#d4d7dc"
SECOND = "#b9bdc4"
FAINT = "#8d939c"
OUTLINE = "#000000"
CROSSHAIR = "#6fb7e8"
REFERENCE = "#e6c86e"
TONES = {"quiet": "#9aa1ab", "busy": "#78b4f0", "good": "#8fe3bd", "warn": "#e8bb5c", "alert": "#f07c78"}

TABLES = ("inferno", "viridis", "magma", "cividis")  # from little to much: lightness rises evenly
# below, at and above zero in CIELAB; lightness is mirrored about zero. Blue against orange is the pair that every kind
# of colour blindness keeps apart. "blue-orange" ends in the sky blue and orange of Okabe and Ito and is dark at zero,
# for maps over an image; "coolwarm" has the ends and the light middle of Moreland, Diverging Color Maps for Scientific
# Visualization, ISVC 2009, for a map on its own.
DIVERGING = ("blue-orange", "coolwarm")
_ENDS = {
    "blue-orange": ((74.0, -12.0, -38.0), (15.0, 0.0, 0.0), (74.0, 20.0, 74.0)),
    "coolwarm": ((36.0, 24.0, -60.0), (88.0, 0.0, 0.0), (36.0, 60.0, 42.0)),
}
CLEAR = 0.25  # share of the range of a signed map over which it fades out towards zero

# Okabe and Ito, Color Universal Design, 2008: told apart with any colour vision; its black is left out
CLASSES = {
    "orange": "#e69f00",
    "sky blue": "#56b4e9",
    "bluish green": "#009e73",
    "yellow": "#f0e442",
    "blue": "#0072b2",
    "vermilion": "#d55e00",
    "reddish purple": "#cc79a7",
}
# from harmless to suspicious, all light enough to be seen on a dark image: persistent, plateau, washout
KINETIC_CLASSES = (CLASSES["sky blue"], CLASSES["yellow"], CLASSES["vermilion"])


@lru_cache(maxsize=8)
def table(name: str) -> np.ndarray:
    """Return a perceptually even colour table, uint8 (256, 3) RGB; an unknown name gives inferno."""
    import cv2

    if name in _ENDS:
        return _diverging(name)
    codes = {
        "inferno": cv2.COLORMAP_INFERNO,
        "viridis": cv2.COLORMAP_VIRIDIS,
        "magma": cv2.COLORMAP_MAGMA,
        "cividis": cv2.COLORMAP_CIVIDIS,
    }
    ramp = np.arange(256, dtype=np.uint8).reshape(256, 1)
    return np.ascontiguousarray(cv2.applyColorMap(ramp, codes.get(name, cv2.COLORMAP_INFERNO))[:, 0, ::-1])


def _diverging(name: str) -> np.ndarray:
    """Return a table that is even in CIELAB on both sides of its middle."""
    import cv2

    places = np.linspace(0, 2, 256)
    lab = np.stack([np.interp(places, (0, 1, 2), channel) for channel in zip(*_ENDS[name], strict=True)], axis=-1)
    colours = cv2.cvtColor(lab[None].astype(np.float32), cv2.COLOR_Lab2RGB)[0]
    return np.ascontiguousarray(np.clip(np.rint(colours * 255), 0, 255).astype(np.uint8))


def is_diverging(name: str) -> bool:
    """Whether a table is for signed values: zero is in its middle and is not drawn."""
    return name in DIVERGING


def shown_range(value_range: tuple[float, float], name: str) -> tuple[float, float]:
    """Return the values at the ends of a table: for signed values the same on both sides of zero."""
    if not is_diverging(name):
        return value_range
    limit = max(abs(value_range[0]), abs(value_range[1])) or 1.0
    return -limit, limit


def strength(values: np.ndarray, value_range: tuple[float, float], name: str, threshold: float) -> np.ndarray:
    """Return 0–1 how much of its opacity a map has at each value.

    Nothing is drawn at NaN or below the threshold; that of a signed map counts on both sides of zero, towards which it
    fades away over :data:`CLEAR` of its range.
    """
    if not is_diverging(name):
        return (np.nan_to_num(values, nan=-np.inf) >= threshold).astype(np.float32)
    size = np.abs(np.nan_to_num(values, nan=0.0))
    limit = shown_range(value_range, name)[1]
    return np.where(size >= threshold, np.clip(size / (CLEAR * limit), 0, 1), 0).astype(np.float32)


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of ``#rrggbb``; anything else is white."""
    try:
        value = int(colour.removeprefix("#")[:6], 16)
    except ValueError:
        return 255, 255, 255
    return value >> 16 & 255, value >> 8 & 255, value & 255


def map_colours(values: np.ndarray, value_range: tuple[float, float], name: str) -> np.ndarray:
    """Return uint8 RGB (rows, columns, 3) of map values; below and above the range the table's end colours."""
    low, high = shown_range(value_range, name)
    fraction = (np.nan_to_num(values, nan=low) - low) / ((high - low) or 1.0)
    return table(name)[np.rint(np.clip(fraction, 0, 1) * 255).astype(np.uint8)]
