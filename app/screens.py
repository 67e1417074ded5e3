"""Screens: how many millimetres a pixel of each calibrated screen measures, kept as one text in the settings. Qt-free.

``"DP-1 3840x2160=0.15540; eDP-1 2560x1600=0.11470"``: name, resolution in device pixels, millimetres for one.
"""

from __future__ import annotations

import math
import re

CARD_MM = (85.60, 53.98)  # width and height of a bank card: ISO/IEC 7810, ID-1
RULER_MM = 100.0
LEAST_MM, MOST_MM = 0.02, 2.0  # a phone's screen has 0.05, a wall of lamps 2.0
MM_PER_INCH = 25.4
_ENTRY = r"[^;=]{1,80} \d{2,5}x\d{2,5}=\d{1,2}\.\d{1,8}"
PATTERN = rf"(?:{_ENTRY}(?:; ?{_ENTRY}){{0,31}})?"


def key_of(name: str, width: int, height: int) -> str:
    """Return what a calibration is kept under: name of the screen and its resolution in device pixels."""
    plain = re.sub(r"[;=\s]+", " ", name).strip()[:60] or "screen"
    return f"{plain} {width}x{height}"


def pitches(text: str) -> dict[str, float]:
    """Return millimetres per device pixel of each screen; entries that make no sense are left out."""
    found = {}
    for entry in filter(None, (part.strip() for part in text.split(";"))):
        key, _, value = entry.rpartition("=")
        try:
            pitch = float(value)
        except ValueError:
            continue
        if key and LEAST_MM <= pitch <= MOST_MM:
            found[key] = pitch
    return found


def with_pitch(text: str, key: str, mm_per_pixel: float) -> str:
    """Return the text with another screen calibrated, or the same one anew.

    Raises
    ------
    ValueError
        For a pitch that no screen has; the message is a sentence for the user.
    """
    if not (math.isfinite(mm_per_pixel) and LEAST_MM <= mm_per_pixel <= MOST_MM):
        raise ValueError(
            f"A pixel of {mm_per_pixel:.4g} mm is not that of a screen ({LEAST_MM}–{MOST_MM} mm). "
            "Measure the figure on the screen again."
        )
    known = {**pitches(text)}
    known.pop(key, None)
    kept = list(known.items())[-31:]  # the oldest is forgotten
    return "; ".join(f"{name}={pitch:.5f}" for name, pitch in (*kept, (key, mm_per_pixel)))


def pitch_of(text: str, key: str) -> float | None:
    """Return the millimetres per device pixel of a calibrated screen, None for any other."""
    return pitches(text).get(key)
