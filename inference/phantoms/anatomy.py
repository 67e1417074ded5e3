"""Anatomy of a woman lying prone: breasts, chest wall and organs as outlines in millimetres, drawn at random.

The frame is LPS: x to the patient's left, y to her back, z to her head; the origin lies on the skin over the sternum at
the height of the nipples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Fibroglandular share of the breast for fatty, scattered, heterogeneous and dense ones: VICTRE trial, 1 - fat share.
GLANDULAR_SHARE = (0.05, 0.15, 0.34, 0.60)


@dataclass(frozen=True)
class Breast:
    """One breast as half a superellipsoid.

    Attributes
    ----------
    side
        -1 the patient's right (image left), +1 her left.
    centre_x_mm, half_width_mm, half_height_mm, projection_mm
        Base and height of the dome.
    exponent
        2 is an ellipsoid, more is boxier.
    lean
        Sideways shift of the tip per unit of projection.
    """

    side: int
    centre_x_mm: float
    half_width_mm: float
    half_height_mm: float
    projection_mm: float
    exponent: float
    lean: float

    @property
    def scale_mm(self) -> float:
        """Millimetres per unit of :meth:`norm`, roughly."""
        return min(self.half_width_mm, self.half_height_mm, self.projection_mm)

    @property
    def tip_mm(self) -> tuple[float, float, float]:
        """Position of the nipple."""
        return (self.centre_x_mm + self.lean * self.projection_mm, -self.projection_mm, 0.0)

    def norm(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return 0 at the centre of the base, 1 on the skin; x, y, z in mm, broadcast together."""
        forward = np.clip(-y, 0, None)
        dx = np.abs(x - self.centre_x_mm - self.lean * forward) / self.half_width_mm
        dz = np.abs(z) / np.where(z > 0, 1.25 * self.half_height_mm, self.half_height_mm)
        dy = np.where(y < 0, forward / self.projection_mm, y / (2.2 * self.half_width_mm))
        n = self.exponent
        return (dx**n + dy**n + dz**n) ** (1 / n)


@dataclass(frozen=True)
class Organ:
    """An ellipsoid inside the chest: ``centre_mm`` and ``radii_mm`` (x, y, z), tilted about z by ``tilt_rad``."""

    centre_mm: tuple[float, float, float]
    radii_mm: tuple[float, float, float]
    tilt_rad: float = 0.0

    def inside_mm(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return roughly how deep a point lies inside, mm."""
        dx, dy = x - self.centre_mm[0], y - self.centre_mm[1]
        c, s = np.cos(self.tilt_rad), np.sin(self.tilt_rad)
        u, v = (c * dx + s * dy) / self.radii_mm[0], (c * dy - s * dx) / self.radii_mm[1]
        w = (z - self.centre_mm[2]) / self.radii_mm[2]
        return (1 - np.sqrt(u * u + v * v + w * w)) * min(self.radii_mm)


@dataclass(frozen=True)
class Anatomy:
    """One woman: two breasts, chest wall, heart, liver and how dense and how strongly enhancing her glands are."""

    breasts: tuple[Breast, Breast]
    chest_radii_mm: tuple[float, float]
    chest_fat_mm: float
    side_fat_mm: float
    slope: float
    pectoral_mm: float
    skin_mm: float
    heart: tuple[Organ, ...]
    liver: Organ
    aorta: Organ
    glandular_share: float
    background_ktrans: float
    texture_seed: int

    def depth_mm(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return roughly how deep a point lies below the skin, mm; negative in the air."""
        rx, ry = self.chest_radii_mm[0] + self.side_fat_mm, self.chest_radii_mm[1] + self.chest_fat_mm
        back = self._straightened(y, z)
        chest = (1 - _superellipse(x / rx, (back - ry) / ry, 2.5)) * ry
        parts = [chest, *((1 - breast.norm(x, back, z)) * breast.scale_mm for breast in self.breasts)]
        blend_mm = 7.0
        top = np.maximum.reduce(np.broadcast_arrays(*parts))
        return top + blend_mm * np.log(sum(np.exp((part - top) / blend_mm) for part in parts))

    def chest_wall_mm(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Return depth below the front of the chest muscle, mm; negative in breast and fat."""
        rx, ry = self.chest_radii_mm
        back = self._straightened(y, z) - self.chest_fat_mm
        return (1 - _superellipse(x / rx, (back - ry) / ry, 2.5)) * ry

    def breast_norm(self, x: np.ndarray, y: np.ndarray, z: np.ndarray, index: int) -> np.ndarray:
        """Return the norm of breast ``index`` (0 right, 1 left) at points of the patient's frame."""
        return self.breasts[index].norm(x, self._straightened(y, z), z)

    def _straightened(self, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Undo the slope of the chest: towards the head it falls back."""
        return y - self.slope * z - 0.0012 * np.clip(z, -80, 80) ** 2


def _superellipse(u: np.ndarray, v: np.ndarray, exponent: float) -> np.ndarray:
    return (np.abs(u) ** exponent + np.abs(v) ** exponent) ** (1 / exponent)


def draw_anatomy(rng: np.random.Generator) -> Anatomy:
    """Draw one woman: sizes after SYSTEMS.md §4.1, density and background enhancement by their frequency."""
    chest = (rng.uniform(138, 172), rng.uniform(88, 112))
    centre, width = rng.uniform(66, 92), rng.uniform(50, 68)
    height, projection = rng.uniform(58, 84), rng.uniform(55, 118)
    exponent, lean = rng.uniform(2.0, 2.9), rng.uniform(-0.05, 0.12)
    breasts = [
        Breast(
            side,
            side * centre * rng.uniform(0.96, 1.04),
            width * rng.uniform(0.93, 1.07),
            height * rng.uniform(0.95, 1.05),
            projection * rng.uniform(0.92, 1.08),
            exponent,
            side * (lean + rng.uniform(-0.03, 0.03)),
        )
        for side in (-1, 1)
    ]
    front = rng.uniform(9, 20)
    # Density and background enhancement: IMAGINE study mix, pre- and postmenopausal women pooled.
    density = rng.choice(4, p=(0.15, 0.40, 0.35, 0.10))
    background = rng.choice((0.008, 0.018, 0.033, 0.055), p=(0.31, 0.45, 0.18, 0.06))
    return Anatomy(
        breasts=(breasts[0], breasts[1]),
        chest_radii_mm=chest,
        chest_fat_mm=front,
        side_fat_mm=rng.uniform(16, 52),
        slope=rng.uniform(0.0, 0.28),
        pectoral_mm=rng.uniform(6, 13),
        skin_mm=rng.uniform(1.2, 2.2),
        heart=_draw_heart(rng, front),
        liver=Organ(
            (-62 + rng.uniform(-12, 12), chest[1] * 0.95, rng.uniform(-125, -85)),
            (rng.uniform(66, 80), rng.uniform(58, 74), 92.0),
        ),
        aorta=Organ((rng.uniform(8, 24), front + chest[1] * rng.uniform(1.30, 1.5), 0.0), (11.5, 11.5, 1e4)),
        glandular_share=float(np.clip(GLANDULAR_SHARE[density] * rng.lognormal(0, 0.2), 0.02, 0.8)),
        background_ktrans=float(background * rng.lognormal(0, 0.25)),
        texture_seed=int(rng.integers(2**31)),
    )


def _draw_heart(rng: np.random.Generator, front_mm: float) -> tuple[Organ, ...]:
    """Two ventricles and the right atrium, left of the midline behind the sternum."""
    x, y = rng.uniform(24, 42), front_mm + rng.uniform(46, 58)
    z, size, tilt = rng.uniform(-5, 25), rng.uniform(0.9, 1.15), rng.uniform(-0.15, 0.5)
    return (
        Organ((x, y, z), (size * 56, size * 35, 62), tilt),
        Organ((x + 16, y + 9, z - 4), (size * 41, size * 33, 55), tilt + 0.3),
        Organ((x - 42 * size, y + 10, z + 6), (size * 25, size * 26, 46), 0.0),
    )
