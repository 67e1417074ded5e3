"""Tissue maps of one slice of the MRI phantom: what is where, with its relaxation and kinetics."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from scipy.stats import norm

from inference.phantoms.anatomy import Anatomy
from inference.phantoms.lesions import Lesion
from inference.phantoms.plane import Plane, stamp


class Tissue(NamedTuple):
    """Properties of one tissue: M0 relative to water, T1 (s), Ktrans and kep (per min), vp, T2 (ms), share of fat."""

    m0: float | np.ndarray
    t1_s: float | np.ndarray
    ktrans: float | np.ndarray
    kep: float | np.ndarray
    vp: float | np.ndarray
    t2_ms: float | np.ndarray
    fat: float | np.ndarray = 0.0


# T1 and T2 near 1.5-3 T: fat and gland Edden et al., JMRI 2010;32:982; the rest typical values of the literature.
AIR = Tissue(0.0, 1.0, 0.0, 0.0, 0.0, 50)
FAT = Tissue(1.0, 0.30, 0.003, 0.2, 0.003, 110, 1.0)
GLAND = Tissue(0.80, 1.35, 0.02, 0.20, 0.01, 75)
SKIN = Tissue(0.60, 0.85, 0.05, 0.35, 0.02, 40, 0.2)
MUSCLE = Tissue(0.58, 1.10, 0.028, 0.30, 0.015, 36)
BONE = Tissue(0.45, 0.60, 0.03, 0.5, 0.01, 50, 0.6)
LUNG = Tissue(0.10, 1.2, 0.02, 1.0, 0.08, 40)
BLOOD = Tissue(0.85, 1.50, 0.0, 1.0, 0.34, 28)  # T2 short: flow void in spin echo
HEART = Tissue(0.80, 1.30, 0.16, 1.0, 0.13, 60)
LIVER = Tissue(0.75, 0.65, 0.20, 0.9, 0.10, 46)
MEDIASTINUM = Tissue(0.7, 0.5, 0.02, 0.3, 0.02, 70, 0.75)
FLUID = Tissue(0.95, 2.8, 0.0, 0.2, 0.0, 350)
LESION_M0, LESION_T1_S = 0.84, 1.30


class TissueMaps:
    """Maps of one slice, shape (rows, columns) each: the fields of :class:`Tissue`, and the lesions' masks."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        x, y, z = plane.points
        self.shape = np.broadcast_shapes(x.shape, y.shape, z.shape)
        self.maps = np.empty((len(Tissue._fields), *self.shape), np.float32)
        for index, value in enumerate(AIR):
            self.maps[index] = value
        self.body = np.zeros(self.shape, bool)
        self.lesions: list[np.ndarray] = []

    def paint(self, weight: np.ndarray, tissue: Tissue) -> None:
        """Mix ``tissue`` in with ``weight`` 0 to 1, shape (rows, columns)."""
        rows, columns = np.flatnonzero(weight.any(axis=1)), np.flatnonzero(weight.any(axis=0))
        if rows.size == 0:
            return
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
        share = weight[window].astype(np.float32)
        for index, value in enumerate(tissue):
            patch = self.maps[index][window]
            patch += share * ((value[window] if isinstance(value, np.ndarray) else np.float32(value)) - patch)

    def edge(self, inside_mm: np.ndarray) -> np.ndarray:
        """Return the share of each pixel within an outline, from its depth in mm."""
        return np.clip(inside_mm / self.plane.pixel_mm + 0.5, 0, 1)


def paint_slice(anatomy: Anatomy, vessels: np.ndarray, lesions: tuple[Lesion, ...], plane: Plane) -> TissueMaps:
    """Return the tissue maps of one slice.

    Parameters
    ----------
    vessels
        Points (x, y, z, radius in mm, share), shape (points, 5).
    """
    maps = TissueMaps(plane)
    depth = anatomy.depth_mm(*plane.points)
    wall = anatomy.chest_wall_mm(*plane.points)
    maps.body = np.broadcast_to(depth > 0, maps.shape)
    lobules = plane.noise(anatomy.texture_seed + 31, (5, 7, 6)) + plane.noise(anatomy.texture_seed + 32, (2, 3, 2.5))
    maps.paint(np.broadcast_to(maps.edge(depth), maps.shape), FAT._replace(m0=1 + 0.09 * lobules))
    _paint_gland(maps, anatomy, depth, wall)
    _paint_chest(maps, anatomy, wall)
    _paint_tubes(maps, vessels, BLOOD)
    for lesion in lesions:
        _paint_lesion(maps, lesion, depth, wall)
    _paint_skin(maps, anatomy)
    return maps


def _paint_gland(maps: TissueMaps, anatomy: Anatomy, depth: np.ndarray, wall: np.ndarray) -> None:
    """Fibroglandular tissue: denser towards the nipple, drawn out front to back, with thin ligaments in the fat."""
    plane, seed = maps.plane, anatomy.texture_seed
    reach = np.minimum(anatomy.breast_norm(*plane.points, 0), anatomy.breast_norm(*plane.points, 1))
    inside = np.clip((0.93 - reach) / 0.12, 0, 1) * np.clip((-wall - 3) / 10, 0, 1)
    if not inside.any():
        return
    coarse, middle = plane.noise(seed, (15, 26, 17)), plane.noise(seed + 1, (6.5, 13, 8))
    fine, dust = plane.noise(seed + 2, (2.8, 4.5, 3.4)), plane.noise(seed + 3, (1.4, 1.9, 2.0))
    strands = 1 - np.abs(plane.noise(seed + 6, (3.6, 11, 4.5))) * 1.4
    field = (0.60 * coarse + 0.5 * middle + 0.40 * fine + 0.30 * dust + 0.45 * strands) / 1.05
    threshold = norm.ppf(1 - anatomy.glandular_share) + 1.7 * (reach - 0.6)
    gland = inside / (1 + np.exp(-np.clip((field - threshold) / 0.22, -30, 30)))
    ligaments = np.exp(-((plane.noise(seed + 4, (11, 17, 12)) / 0.065) ** 2)) * np.clip(0.25 + 0.3 * fine, 0, 0.7)
    threads = np.exp(-((plane.noise(seed + 7, (4.5, 9, 5.5)) / 0.10) ** 2)) * np.clip(0.12 + 0.22 * middle, 0, 0.6)
    share = np.maximum(gland * np.clip(0.78 + 0.14 * dust, 0, 1), np.maximum(ligaments, threads) * inside)
    foci = np.clip(plane.noise(seed + 5, (2.0, 2.6, 2.4)) - 1.7, 0, 1.5) * 2.2
    # Background enhancement is patchy and stronger at the rim of the gland ("picture frame").
    uptake = anatomy.background_ktrans * (np.exp(0.45 * middle) * (0.7 + 0.6 * np.clip(reach, 0, 1)) + foci)
    maps.paint(share * (depth > anatomy.skin_mm), GLAND._replace(ktrans=uptake.astype(np.float32)))


def _paint_chest(maps: TissueMaps, anatomy: Anatomy, wall: np.ndarray) -> None:
    """Pectoral muscle, ribs and intercostal muscle, lung, mediastinum, heart, liver and aorta."""
    plane, seed = maps.plane, anatomy.texture_seed
    x, y, z = plane.points
    striae = plane.noise(seed + 11, (11, 1.6, 11))
    uneven = 2.0 * plane.noise(seed + 18, (21, 21, 21))
    taper = np.clip(np.abs(x) / 22, 0.25, 1) * np.clip(1.55 - np.abs(x) / anatomy.chest_radii_mm[0], 0.4, 1)
    muscle_mm = anatomy.pectoral_mm * taper + uneven
    maps.paint(maps.edge(wall) * np.clip(0.72 + 0.25 * striae, 0, 1), MUSCLE)
    # A thin layer of fat parts the pectoral muscle from the ribs and the muscle between them.
    layer = np.exp(-(((wall - muscle_mm - 1.0) / 0.9) ** 2))
    maps.paint(layer * 0.8, FAT)
    ribs = np.clip(plane.noise(seed + 12, (26, 20, 9)) * 2.6 + 0.1, 0, 1)
    sternum = np.clip((16 - np.abs(x)) / 3, 0, 1)
    behind = maps.edge(wall - muscle_mm - 1.5)
    maps.paint(behind * np.maximum(ribs, sternum) * 0.9, BONE)
    inner = maps.edge(wall - muscle_mm - 11 + 1.5 * uneven)
    spots = np.clip(plane.noise(seed + 13, (5, 5, 6)) - 1.9, 0, 1) * 0.5
    maps.paint(inner * (1 - 0.5 * spots), LUNG)
    maps.paint(inner * spots, BLOOD)
    depths = [organ.inside_mm(x, y, z) for organ in anatomy.heart]
    heart = np.maximum.reduce(np.broadcast_arrays(*depths)) + 5 * plane.noise(seed + 14, (22, 22, 22))
    maps.paint(inner * np.clip((heart + 9 + uneven * 3) / 6, 0, 1), MEDIASTINUM)
    liver_mm = anatomy.liver.inside_mm(x, y, z) + uneven
    maps.paint(inner * maps.edge(liver_mm), _grained(LIVER, plane.noise(seed + 15, (4, 4, 5)), 0.12))
    # Blood in the chambers, muscle between them.
    chamber = np.clip(0.55 + 0.6 * plane.noise(seed + 16, (12, 12, 12)), 0, 1)
    maps.paint(inner * np.clip(heart / 3, 0, 1), _grained(HEART, plane.noise(seed + 17, (5, 5, 6)), 0.10))
    maps.paint(inner * np.clip((heart - 5) / 4, 0, 1) * chamber, BLOOD)
    maps.paint(inner * maps.edge(anatomy.aorta.inside_mm(x, y, z)), BLOOD)


def _grained(tissue: Tissue, grain: np.ndarray, amount: float) -> Tissue:
    return tissue._replace(ktrans=(tissue.ktrans * np.clip(1 + amount * 2 * grain, 0.2, 3)).astype(np.float32))


def _paint_skin(maps: TissueMaps, anatomy: Anatomy) -> None:
    """Skin along the outline, from the distance to the air."""
    distance = cv2.distanceTransform(maps.body.astype(np.uint8), cv2.DIST_L2, 5) * maps.plane.pixel_mm
    thickness = anatomy.skin_mm * np.clip(1 + 0.25 * maps.plane.noise(anatomy.texture_seed + 21, (18, 18, 18)), 0.6, 2)
    x, y, z = maps.plane.points
    for breast in anatomy.breasts:  # the nipple and areola are thicker and take up more
        tip = breast.tip_mm
        away = np.sqrt((x - tip[0]) ** 2 + (y - tip[1]) ** 2 + (z - tip[2]) ** 2)
        thickness = thickness + 4.0 * np.exp(-((away / 7.5) ** 2))
    skin = np.clip((thickness - distance) / maps.plane.pixel_mm + 0.5, 0, 1) * maps.body
    maps.paint(skin, SKIN)


def _paint_tubes(maps: TissueMaps, points: np.ndarray, tissue: Tissue) -> None:
    """Vessels or spicules given as chains of small spheres."""
    maps.paint(stamp(points, maps.plane, maps.shape), tissue)


def _paint_lesion(maps: TissueMaps, lesion: Lesion, depth: np.ndarray, wall: np.ndarray) -> None:
    """One lesion with its core, septa and spicules; its mask is kept."""
    axes = maps.plane.axes
    mask = np.zeros(maps.shape, bool)
    maps.lesions.append(mask)
    reach = 3.0 * max(lesion.radii_mm)
    if any(axis.max() < c - reach or axis.min() > c + reach for axis, c in zip(axes, lesion.centre_mm, strict=True)):
        return
    inside = np.minimum(np.minimum(maps.plane.flat(lesion.inside_mm(axes)), depth - 1.0), -wall - 0.5)
    mask |= inside > 0
    grain = maps.plane.flat(lesion.grain(axes))
    uptake = np.clip(1 + 0.28 * grain, 0.15, 2)
    if lesion.septa:
        uptake = uptake * (1 - 0.8 * maps.plane.flat(lesion.septa_field(axes)))
    core = lesion.dark_core * np.clip((inside - 0.25 * lesion.mean_radius_mm) / (0.22 * lesion.mean_radius_mm), 0, 1)
    if lesion.histology.core == "tissue":
        uptake = uptake * (1 - core)
    tissue = Tissue(
        LESION_M0,
        LESION_T1_S,
        (lesion.ktrans * uptake).astype(np.float32),
        lesion.kep,
        (lesion.vp * uptake).astype(np.float32),
        lesion.histology.t2_ms,
    )
    spicules = lesion.spicules + np.array([*lesion.centre_mm, 0.0])
    maps.paint(stamp(spicules, maps.plane, maps.shape) * 0.75 * maps.body * (wall < 0), tissue)
    maps.paint(maps.edge(inside), tissue)
    if lesion.histology.core != "tissue":
        maps.paint(maps.edge(inside) * core, FLUID if lesion.histology.core == "fluid" else FAT)
