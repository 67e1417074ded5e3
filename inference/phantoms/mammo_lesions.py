"""Lesions of the mammogram phantom: masses and calcifications, placed in the breast so that both views show them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inference.phantoms.mammo_benign import BENIGN
from inference.phantoms.mammo_breast import CompressedBreast, Field

_SPICULE_MM = 5.0  # tissue along the ray through the root of a spicule; parenchymal strands have 3 to 5
DISTORTION = "architectural distortion"
MALIGNANT = ("spiculated mass", "malignant calcifications", DISTORTION)
KINDS = (*MALIGNANT, "oval mass", "benign calcifications", *BENIGN)


@dataclass(frozen=True)
class MammoLesion:
    """What is known about one lesion of one view.

    Attributes
    ----------
    kind
        One of ``KINDS``.
    centre
        Row and column in the image.
    radius_mm
        Of the mass without spicules, or of the cluster.
    outline
        Polygon of (row, column), shape (points, 2).
    """

    kind: str
    malignant: bool
    centre: tuple[float, float]
    radius_mm: float
    outline: np.ndarray

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Top, left, bottom, right in pixels."""
        top, left = self.outline.min(axis=0)
        bottom, right = self.outline.max(axis=0)
        return float(top), float(left), float(bottom), float(right)


@dataclass(frozen=True)
class LesionPlan:
    """A lesion in the breast before projection: place as millimetres behind the nipple, outwards and upwards."""

    kind: str
    behind_mm: float
    outward_mm: float
    upward_mm: float
    radius_mm: float
    seed: int

    @property
    def malignant(self) -> bool:
        """Whether the kind is malignant."""
        return self.kind in MALIGNANT

    def centre(self, field: Field) -> tuple[float, float]:
        """Return row and column in a view; the oblique view looks at 45 degrees, the nipple distance is kept."""
        row, column = field.nipple
        up = self.outward_mm if field.view == "CC" else (self.outward_mm + self.upward_mm) / np.sqrt(2)
        return row - up / field.pixel_mm, column - self.behind_mm / field.pixel_mm


def plan_lesion(rng: np.random.Generator, breast: CompressedBreast, kind: str) -> LesionPlan:
    """Draw the place and size of one lesion.

    Raises
    ------
    ValueError
        When ``kind`` is none of ``KINDS``.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not a lesion of the mammogram phantom; choose from {', '.join(KINDS)}")
    behind = breast.depth_mm * rng.uniform(0.28, 0.66)
    side = 0.42 * breast.half_height_mm
    radius = rng.uniform(3, 8) if "calcifications" in kind else rng.uniform(3.5, 9)
    outward, upward = rng.uniform(-0.6, 1) * side, rng.uniform(-0.5, 0.9) * side
    return LesionPlan(kind, behind, outward, upward, radius, int(rng.integers(2**31)))


def render_lesion(plan: LesionPlan, field: Field) -> tuple[np.ndarray, np.ndarray, MammoLesion]:
    """Return what a lesion adds in one view.

    Returns
    -------
    tissue_mm, calcium
        Millimetres of carcinoma-like tissue, and log attenuation of calcium; float32 (rows, columns).
    lesion
        The truth.
    """
    # The same seed for both views: shape and spicules agree, the projection differs a little.
    rng = np.random.default_rng((plan.seed, 0))
    twist = 0.25 if field.view == "CC" else -0.25
    tissue, calcium = np.zeros(field.shape, np.float32), np.zeros(field.shape, np.float32)
    centre = plan.centre(field)
    if "mass" in plan.kind:
        outline = _mass(tissue, plan, field, rng, twist)
    elif plan.kind == DISTORTION:
        outline = _distortion(tissue, plan, field, rng)
    elif plan.kind in BENIGN:
        outline = _benign(calcium, plan, field, rng)
    else:
        outline = _calcifications(calcium, plan, field, rng)
    return tissue, calcium, MammoLesion(plan.kind, plan.malignant, centre, plan.radius_mm, outline)


def _mass(tissue: np.ndarray, plan: LesionPlan, field: Field, rng: np.random.Generator, twist: float) -> np.ndarray:
    """Draw a ball with an irregular or a smooth oval rim; returns its outline (row, column)."""
    row, column = plan.centre(field)
    y = (np.arange(field.shape[0])[:, None] - row) * field.pixel_mm
    x = (np.arange(field.shape[1])[None] - column) * field.pixel_mm
    spiculated = plan.malignant
    amplitudes = rng.normal(0, (0.14, 0.10, 0.08, 0.06, 0.05) if spiculated else (0.015,) * 5)
    phases, stretch = rng.uniform(0, 2 * np.pi, 5), rng.uniform(0.66, 0.9)
    tilt = rng.uniform(0, np.pi) + twist

    def rim(angle: np.ndarray) -> np.ndarray:
        lobes = sum(a * np.cos((k + 2) * angle + p) for k, (a, p) in enumerate(zip(amplitudes, phases, strict=True)))
        oval = stretch / np.sqrt((stretch * np.cos(angle - tilt)) ** 2 + np.sin(angle - tilt) ** 2)
        return plan.radius_mm * (1 + lobes) * oval

    relative = np.hypot(x, y) / rim(np.arctan2(y, x))
    body = 2 * plan.radius_mm * np.sqrt(np.clip(1 - relative**2, 0, None)) * 0.8
    softness = (0.9 if spiculated else 0.35) / field.pixel_mm
    tissue += cv2.GaussianBlur(body.astype(np.float32), (0, 0), softness)
    if spiculated:
        tissue += _spicules(plan, field, rng)
    else:  # a thin dark halo of compressed fat
        tissue -= 0.8 * np.exp(-(((relative - 1.10) / 0.05) ** 2)).astype(np.float32)
    angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    r = rim(angles) / field.pixel_mm
    return np.stack([row + r * np.sin(angles), column + r * np.cos(angles)], axis=1)


def _spicules(plan: LesionPlan, field: Field, rng: np.random.Generator) -> np.ndarray:
    """Return branching lines that leave the mass, in mm of tissue."""
    row, column = plan.centre(field)
    layer = np.zeros(field.shape, np.uint8)
    for _ in range(int(rng.integers(26, 48))):
        angle, length = rng.uniform(0, 2 * np.pi), plan.radius_mm * rng.uniform(1.5, 3.0)
        bends = angle + np.cumsum(rng.normal(0, 0.07, 12))
        steps = np.linspace(0, length, 13)[1:] / field.pixel_mm
        path = np.stack([column + steps * np.cos(bends), row + steps * np.sin(bends)], axis=1)
        for i in range(11):  # fading and tapering outwards
            strength = int(235 * (1 - i / 12) * rng.uniform(0.6, 1))
            width = max(1, round((0.55 * (1 - i / 13)) / field.pixel_mm))
            ends = np.round(path[i : i + 2] * 16).astype(np.int32)[None]
            cv2.polylines(layer, ends, False, strength, width, cv2.LINE_AA, shift=4)
    return cv2.GaussianBlur(layer, (0, 0), 0.2 / field.pixel_mm).astype(np.float32) * np.float32(_SPICULE_MM / 255)


def _distortion(tissue: np.ndarray, plan: LesionPlan, field: Field, rng: np.random.Generator) -> np.ndarray:
    """Draw strands that run together on a centre without a mass, three times over; returns a circle around them."""
    for _ in range(3):
        tissue += _spicules(plan, field, rng)
    return _circle(plan, field, 1.2 * plan.radius_mm)


def _benign(calcium: np.ndarray, plan: LesionPlan, field: Field, rng: np.random.Generator) -> np.ndarray:
    """Draw typically benign calcifications; returns a circle around them."""
    row, column = plan.centre(field)
    layer = np.zeros(field.shape, np.uint8)
    BENIGN[plan.kind](layer, (column, row), plan.radius_mm, field.pixel_mm, rng)
    calcium += _attenuation(layer)
    return _circle(plan, field, (1.7 if plan.kind.startswith("vascular") else 1.1) * plan.radius_mm + 1)


def _attenuation(layer: np.ndarray) -> np.ndarray:
    """Return the log attenuation of calcium drawn in 8 bits."""
    return cv2.GaussianBlur(layer, (0, 0), 0.75).astype(np.float32) * np.float32(0.55 / 255)


def _circle(plan: LesionPlan, field: Field, radius_mm: float) -> np.ndarray:
    """Return a circle around the lesion as (row, column), shape (36, 2)."""
    row, column = plan.centre(field)
    angles = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    r = radius_mm / field.pixel_mm
    return np.stack([row + r * np.sin(angles), column + r * np.cos(angles)], axis=1)


def _calcifications(calcium: np.ndarray, plan: LesionPlan, field: Field, rng: np.random.Generator) -> np.ndarray:
    """Draw a cluster of grains; returns a circle around it.

    Malignant: fine pleomorphic, 0.1 to 0.5 mm. Benign: fewer, round, larger (BI-RADS atlas, 5th edition).
    """
    row, column = plan.centre(field)
    count = int(rng.integers(10, 26)) if plan.malignant else int(rng.integers(4, 9))
    places = rng.normal(0, 0.42 * plan.radius_mm, (count, 3))
    places *= np.minimum(1, plan.radius_mm / np.maximum(np.linalg.norm(places, axis=1), 1e-6))[:, None]
    up = places[:, 0] if field.view == "CC" else (places[:, 0] + places[:, 1]) / np.sqrt(2)
    layer = np.zeros(field.shape, np.uint8)
    for i in range(count):
        centre = (column + places[i, 2] / field.pixel_mm, row - up[i] / field.pixel_mm)
        if plan.malignant:
            half = rng.uniform(0.08, 0.24, 2) * (1, rng.uniform(0.4, 1)) / field.pixel_mm
            strength = rng.uniform(110, 255)
        else:
            half = np.full(2, rng.uniform(0.22, 0.5)) / field.pixel_mm
            strength = rng.uniform(170, 255)
        _draw_grain(layer, centre, np.maximum(half, 0.6), rng.uniform(0, 180), strength)
    calcium += _attenuation(layer)
    return _circle(plan, field, plan.radius_mm + 0.8)


def _draw_grain(
    layer: np.ndarray, centre: tuple[float, float], half_px: np.ndarray, tilt_deg: float, strength: float
) -> None:
    at = (round(centre[0] * 16), round(centre[1] * 16))
    axes = (max(1, round(half_px[0] * 16)), max(1, round(half_px[1] * 16)))
    cv2.ellipse(layer, at, axes, tilt_deg, 0, 360, int(strength), -1, cv2.LINE_AA, shift=4)
