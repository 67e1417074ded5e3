"""Vessels of the MRI phantom: winding tubes from the chest wall towards the nipple, and the internal mammary pairs."""

from __future__ import annotations

import numpy as np

from inference.phantoms.anatomy import Anatomy, Breast

_STEP_MM = 0.8


def draw_vessels(rng: np.random.Generator, anatomy: Anatomy) -> np.ndarray:
    """Return all vessels as points (x, y, z, radius in mm, share), shape (points, 5)."""
    tubes = [_internal_mammary(rng, anatomy, side) for side in (-1, 1)]
    for breast in anatomy.breasts:
        tubes += [_breast_vessel(rng, breast) for _ in range(rng.integers(6, 18))]
    return np.concatenate(tubes)


def _breast_vessel(rng: np.random.Generator, breast: Breast) -> np.ndarray:
    """One vessel between base and tip; its course is a smooth random walk, its calibre falls towards the tip."""
    start = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-0.25, 0.1), rng.uniform(-0.8, 0.8)])
    stop = np.array([rng.uniform(-0.4, 0.4), rng.uniform(-0.9, -0.5), rng.uniform(-0.5, 0.5)])
    count = int(breast.projection_mm / _STEP_MM * 1.1)
    t = np.linspace(0, 1, count)[:, None]
    phase, waves = rng.uniform(0, 2 * np.pi, (3, 3)), rng.normal(0, (0.10, 0.05, 0.03), (3, 3))
    angles = 2 * np.pi * t * np.array([1.0, 2.3, 4.1])
    wobble = np.stack([(np.sin(angles + phase[axis]) * waves[axis]).sum(axis=1) for axis in range(3)], axis=1)
    unit = start + t * (stop - start) + wobble * np.array([1.0, 0.35, 1.0])
    y = unit[:, 1] * breast.projection_mm
    x = breast.centre_x_mm + breast.lean * -y + unit[:, 0] * breast.half_width_mm
    z = unit[:, 2] * breast.half_height_mm
    radius = rng.uniform(0.4, 1.0) * np.linspace(1.15, 0.6, count)
    strength = np.full(count, rng.uniform(0.3, 0.9))
    keep = breast.norm(x, y, z) < 0.97
    return np.column_stack([x, y, z, radius, strength])[keep]


def _internal_mammary(rng: np.random.Generator, anatomy: Anatomy, side: int) -> np.ndarray:
    """Artery and vein beside the sternum, head to feet."""
    z = np.arange(-110, 110, _STEP_MM)
    points = []
    for _ in range(2):
        x = side * rng.uniform(17, 26) + 1.5 * np.sin(z / rng.uniform(9, 20))
        y = anatomy.chest_fat_mm + anatomy.pectoral_mm + rng.uniform(4, 9) + anatomy.slope * z
        points.append(
            np.column_stack(
                [x, np.broadcast_to(y, z.shape), z, np.full(z.size, rng.uniform(1.0, 1.6)), np.ones(z.size)]
            )
        )
    return np.concatenate(points)
