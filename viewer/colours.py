"""Colours: perceptual tables for maps and the quiet palette of the panes."""

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
TONES = {"quiet": "#9aa1ab", "busy": "#78b4f0", "good": "#66c18c", "warn": "#e8bb5c", "alert": "#f07c78"}
TABLES = ("inferno", "viridis", "magma", "cividis")


@lru_cache(maxsize=8)
def table(name: str) -> np.ndarray:
    """Return a perceptually uniform colour table, uint8 (256, 3) RGB; an unknown name gives inferno."""
    import cv2

    codes = {
        "inferno": cv2.COLORMAP_INFERNO,
        "viridis": cv2.COLORMAP_VIRIDIS,
        "magma": cv2.COLORMAP_MAGMA,
        "cividis": cv2.COLORMAP_CIVIDIS,
    }
    ramp = np.arange(256, dtype=np.uint8).reshape(256, 1)
    return np.ascontiguousarray(cv2.applyColorMap(ramp, codes.get(name, cv2.COLORMAP_INFERNO))[:, 0, ::-1])


def rgb(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue of ``#rrggbb``; anything else is white."""
    try:
        value = int(colour.removeprefix("#")[:6], 16)
    except ValueError:
        return 255, 255, 255
    return value >> 16 & 255, value >> 8 & 255, value & 255


def map_colours(values: np.ndarray, value_range: tuple[float, float], name: str) -> np.ndarray:
    """Return uint8 RGB (rows, columns, 3) of map values; below and above the range the table's end colours."""
    low, high = value_range
    fraction = (np.nan_to_num(values, nan=low) - low) / ((high - low) or 1.0)
    return table(name)[np.clip(np.rint(fraction * 255), 0, 255).astype(np.uint8)]
