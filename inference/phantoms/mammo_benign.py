"""Typically benign calcifications of the mammogram phantom (BI-RADS atlas, 5th edition), mimics of malignant ones.

Each is drawn into an 8-bit layer (255 is dense calcium) around a centre given as (column, row) in pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Centre = tuple[float, float]
_FINE = 4  # bits of the sub-pixel positions that OpenCV draws at


def rim(layer: np.ndarray, centre: Centre, radius_mm: float, pixel_mm: float, rng: np.random.Generator) -> None:
    """Draw egg-shell calcifications: thin closed rings of 1 to 2.5 mm radius."""
    for _ in range(int(rng.integers(1, 3))):
        half = rng.uniform(1.0, min(2.5, radius_mm)) / pixel_mm * np.array([1.0, rng.uniform(0.75, 1.0)])
        at = np.add(centre, rng.normal(0, 0.4 * radius_mm / pixel_mm, 2))
        width = max(1, round(0.25 / pixel_mm))
        cv2.ellipse(layer, _fixed(at), _fixed(half), rng.uniform(0, 180), 0, 360, 210, width, cv2.LINE_AA, _FINE)


def popcorn(layer: np.ndarray, centre: Centre, radius_mm: float, pixel_mm: float, rng: np.random.Generator) -> None:
    """Draw the coarse lumps of an involuting fibroadenoma, 2 to 3 mm and more together."""
    for _ in range(int(rng.integers(5, 9))):
        half = rng.uniform(0.5, 1.3, 2) / pixel_mm
        at = np.add(centre, rng.normal(0, min(1.2, 0.3 * radius_mm) / pixel_mm, 2))
        tone = int(rng.uniform(170, 255))
        cv2.ellipse(layer, _fixed(at), _fixed(half), rng.uniform(0, 180), 0, 360, tone, -1, cv2.LINE_AA, _FINE)


def vascular(layer: np.ndarray, centre: Centre, radius_mm: float, pixel_mm: float, rng: np.random.Generator) -> None:
    """Draw tram tracks: two parallel broken lines along a bent vessel about 1.2 mm wide."""
    steps = np.linspace(-1.6 * radius_mm, 1.6 * radius_mm, 60) / pixel_mm
    bend = rng.normal(0, 0.12) / (radius_mm / pixel_mm) * steps**2
    heading = rng.uniform(0, np.pi)
    along, across = np.array([np.cos(heading), np.sin(heading)]), np.array([-np.sin(heading), np.cos(heading)])
    width = max(1, round(0.2 / pixel_mm))
    for wall in (-0.6, 0.6):
        track = np.asarray(centre) + steps[:, None] * along + (bend[:, None] + wall / pixel_mm) * across
        for i in np.flatnonzero(rng.random(59) < 0.7):
            tone = int(rng.uniform(130, 230))
            cv2.line(layer, _fixed(track[i]), _fixed(track[i + 1]), tone, width, cv2.LINE_AA, _FINE)


def skin(layer: np.ndarray, centre: Centre, radius_mm: float, pixel_mm: float, rng: np.random.Generator) -> None:
    """Draw grouped grains of 0.6 to 1.2 mm with a lucent centre."""
    for _ in range(int(rng.integers(4, 10))):
        half = np.full(2, rng.uniform(0.3, 0.6) / pixel_mm)
        at = np.add(centre, rng.normal(0, 0.45 * radius_mm / pixel_mm, 2))
        width = max(1, round(0.18 / pixel_mm))
        cv2.ellipse(layer, _fixed(at), _fixed(half), 0, 0, 360, 220, width, cv2.LINE_AA, _FINE)


def _fixed(point: np.ndarray) -> tuple[int, int]:
    """Return a position or size as OpenCV's fixed-point numbers."""
    return max(1, round(float(point[0]) * (1 << _FINE))), max(1, round(float(point[1]) * (1 << _FINE)))


Draw = Callable[[np.ndarray, Centre, float, float, np.random.Generator], None]
BENIGN: dict[str, Draw] = {
    "rim calcifications": rim,
    "popcorn calcifications": popcorn,
    "vascular calcifications": vascular,
    "skin calcifications": skin,
}
