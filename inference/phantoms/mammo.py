"""Mammogram phantoms: CC and MLO views of one breast from one seed, as presented (white = dense) or for processing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import highdicom as hd
import numpy as np

from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.mammo_artefacts import add_artefacts
from inference.phantoms.mammo_breast import (
    Detector,
    Field,
    dense_share,
    draw_breast,
    muscle_map,
    muscle_share,
    skin_distance_mm,
    strands_mm,
    thickness_map_mm,
)
from inference.phantoms.mammo_lesions import KINDS, LesionPlan, MammoLesion, plan_lesion, render_lesion

# Linear attenuation at 20 keV per mm: Johns & Yaffe, Phys Med Biol 1987;32:675.
_FAT_PER_MM, _GLAND_PER_MM, _MASS_PER_MM = 0.0456, 0.0802, 0.0844
_SKIN_MM = 1.6
__all__ = ["MAXIMUM", "Detector", "MammoLesion", "MammoPhantom", "make_mammogram"]
MAXIMUM = 4095  # 12 bits stored


@dataclass(frozen=True)
class MammoPhantom:
    """One view and what it shows.

    Attributes
    ----------
    image
        Shape (1, rows, columns), uint16, 12 bits; x = column · pixel, y = row · pixel in detector millimetres. White is
        dense for presentation, black is dense for processing.
    patient_orientation
        (0020,0020): directions of the rows and of the columns.
    window
        Centre and width that suit the image.
    """

    image: hd.Volume
    laterality: str
    view: str
    lesions: tuple[MammoLesion, ...]
    pixel_mm: float
    thickness_mm: float
    density: str
    patient_orientation: tuple[str, str]
    window: tuple[int, int]
    seed: int
    generator_version: str = GENERATOR_VERSION


# PS3.3 C.8.11.7: anterior and posterior along the row, then lateral to medial, or head to foot in the oblique plane.
_ORIENTATIONS = {
    ("R", "CC"): ("P", "L"),
    ("L", "CC"): ("A", "R"),
    ("R", "MLO"): ("P", "FL"),
    ("L", "MLO"): ("A", "FR"),
}


def make_mammogram(
    seed: int,
    laterality: str,
    view: str,
    *,
    detector: Detector | None = None,
    lesions: Sequence[str] | None = None,
    for_processing: bool = False,
) -> MammoPhantom:
    """Return one view. The same seed gives one woman: both breasts are alike, both views of a breast show its lesions.

    Parameters
    ----------
    laterality, view
        ``"R"`` or ``"L"``; ``"CC"`` or ``"MLO"``.
    detector
        Matrix and pixel size.
    lesions
        Kinds to place in this breast (see ``mammo_lesions.KINDS``); drawn when None: none in about 60 %.
    for_processing
        Return detector counts instead of the presented image.

    Raises
    ------
    ValueError
        For another laterality, view or lesion.
    """
    if (laterality, view) not in _ORIENTATIONS:
        raise ValueError(f"laterality {laterality!r} with view {view!r}: give 'R' or 'L' and 'CC' or 'MLO'")
    breast = draw_breast(np.random.default_rng((seed, 3)))
    field = Field(detector or Detector(), view, breast)
    pixel_mm = field.pixel_mm
    side = np.random.default_rng((seed, 4, ord(laterality)))
    wanted = _drawn_kinds(side) if lesions is None else tuple(lesions)
    plans = [plan_lesion(side, breast, kind) for kind in wanted]
    rng = np.random.default_rng((seed, 5, ord(laterality), len(view)))
    attenuation, thickness, truths = _attenuation(field, plans, rng)
    values = _counts(attenuation, rng) if for_processing else _presented(attenuation, thickness, field, rng)
    if laterality == "R":
        values = values[:, ::-1]
        truths = [_mirrored(lesion, field.shape[1]) for lesion in truths]
    values = np.ascontiguousarray(values)
    add_artefacts(values, field.detector, laterality, view, 0 if for_processing else MAXIMUM)
    affine = np.diag([1.0, pixel_mm, pixel_mm, 1.0])[[2, 1, 0, 3]]
    image = hd.Volume(values[None], affine, "PATIENT", frame_of_reference_uid=hd.UID())
    orientation = _ORIENTATIONS[laterality, view]
    window = (2050, 3000) if not for_processing else (2048, 4096)
    return MammoPhantom(
        image, laterality, view, tuple(truths), pixel_mm, breast.thickness_mm, breast.density, orientation, window, seed
    )


def _drawn_kinds(rng: np.random.Generator) -> tuple[str, ...]:
    return (KINDS[rng.integers(len(KINDS))],) if rng.random() < 0.4 else ()


def _attenuation(
    field: Field, plans: Sequence[LesionPlan], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[MammoLesion]]:
    """Return the log attenuation along each ray, the thickness in mm and the truth, all in the canonical frame."""
    inside = field.inside()
    skin = skin_distance_mm(inside, field.pixel_mm)
    thickness = thickness_map_mm(field, skin)
    muscle = muscle_map(field, rng) * inside
    gland = dense_share(field, skin, muscle, rng) * thickness * (1 - muscle)
    gland += muscle_share(field, rng) * muscle * thickness
    gland += strands_mm(field, skin, rng) * (1 - 0.6 * muscle)
    # Skin: seen edge-on along the outline, twice face-on elsewhere.
    edge_on = np.exp(-((skin / _SKIN_MM) ** 2)) * inside * 12.0
    attenuation = _FAT_PER_MM * thickness + (_GLAND_PER_MM - _FAT_PER_MM) * (gland + edge_on + 2 * _SKIN_MM * inside)
    row, column = field.nipple
    y = (np.arange(field.shape[0])[:, None] - row) * field.pixel_mm
    x = (np.arange(field.shape[1])[None] - column) * field.pixel_mm
    attenuation += 0.35 * np.exp(-(((x - 0.5) / 3.2) ** 2) - (y / 3.6) ** 2) * inside
    truths = []
    for plan in plans:
        tissue, calcium, lesion = render_lesion(plan, field)
        attenuation += (tissue * (_MASS_PER_MM - _FAT_PER_MM) + calcium) * inside
        truths.append(lesion)
    return attenuation.astype(np.float32) * inside, thickness, truths


def _presented(attenuation: np.ndarray, thickness: np.ndarray, field: Field, rng: np.random.Generator) -> np.ndarray:
    """Return the image for presentation: quantum noise, equalised periphery, S-shaped tone curve; uint16."""
    noisy = attenuation + _quantum_sigma(attenuation) * rng.standard_normal(attenuation.shape, np.float32)
    full = field.breast.thickness_mm
    # Peripheral equalisation: most of the missing thickness is added back where there is breast.
    level = noisy + np.float32(0.85 * _FAT_PER_MM) * (full - thickness) * np.clip(thickness / (0.25 * full), 0, 1)
    low, high = _FAT_PER_MM * full * 0.80, _FAT_PER_MM * full + (_GLAND_PER_MM - _FAT_PER_MM) * full * 0.80
    tone = 1 / (1 + np.exp(-4.2 * ((level - low) / (high - low) - 0.52)))
    bottom, top = (1 / (1 + np.exp(4.2 * 0.52 + 4.2 * low / (high - low)))), 1 / (1 + np.exp(-4.2 * 0.9))
    values = MAXIMUM * (tone - bottom) / (top - bottom)
    return np.where(attenuation > 0, np.clip(np.round(values), 1, MAXIMUM), 0).astype(np.uint16)


def _counts(attenuation: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return detector counts: exponential attenuation and quantum noise; uint16, bright where little is absorbed."""
    signal = np.exp(-attenuation) * (
        1 + _quantum_sigma(attenuation) * rng.standard_normal(attenuation.shape, np.float32)
    )
    return np.clip(np.round(signal * 3900), 0, MAXIMUM).astype(np.uint16)


def _quantum_sigma(attenuation: np.ndarray) -> np.ndarray:
    """Return the relative noise of the counted photons (Poisson) for 60,000 per pixel in the open beam."""
    return np.sqrt(np.exp(attenuation) / np.float32(60_000)).astype(np.float32)


def _mirrored(lesion: MammoLesion, columns: int) -> MammoLesion:
    """Return the lesion in the image mirrored left to right."""
    outline = np.column_stack([lesion.outline[:, 0], columns - 1 - lesion.outline[:, 1]])
    centre = (lesion.centre[0], columns - 1 - lesion.centre[1])
    return MammoLesion(lesion.kind, lesion.malignant, centre, lesion.radius_mm, outline)
