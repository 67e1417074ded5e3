"""Breast MRI phantoms: one post-contrast slice, or a whole dynamic examination, with the truth about every lesion."""

from __future__ import annotations

from dataclasses import dataclass

import highdicom as hd
import numpy as np

from inference.phantoms.anatomy import Anatomy, draw_anatomy
from inference.phantoms.dynamic import Course, DcePhantom, LesionTruth, make_dce
from inference.phantoms.kinetics import Tofts
from inference.phantoms.lesions import KIND_FREQUENCY, KINDS, Lesion, draw_histology, draw_lesion
from inference.phantoms.plane import Plane
from inference.phantoms.scanner import Scanner, draw_scanner
from inference.phantoms.tissue import TissueMaps, paint_slice
from inference.phantoms.vessels import draw_vessels

__all__ = ["Course", "DcePhantom", "LesionTruth", "SlicePhantom", "make_dce", "make_slice"]


@dataclass(frozen=True)
class SlicePhantom:
    """One post-contrast slice and what it shows.

    Attributes
    ----------
    image
        Shape (1, rows, columns), uint16, LPS millimetres.
    mask
        Lesion pixels, shape (rows, columns); all False for a normal slice.
    kind
        MG, OB, IDC or OM.
    laterality
        ``"R"`` or ``"L"``: the breast with the lesion, or the one shown; ``""`` for a normal axial slice.
    """

    image: hd.Volume
    mask: np.ndarray
    kind: str
    histology: str
    malignant: bool
    laterality: str
    plane: str
    subtraction: bool


def make_slice(
    seed: int,
    *,
    plane: str = "axial",
    size: tuple[int, int] = (384, 384),
    kind: str | None = None,
    subtraction: bool | None = None,
) -> SlicePhantom:
    """Return one T1-weighted post-contrast slice, fat-suppressed, about 0.1 s at 384 × 384.

    Parameters
    ----------
    plane
        ``"axial"``: both breasts, front upwards. ``"sagittal"``: one breast, front to the left.
    size
        Rows and columns.
    kind
        MG (normal), OB, IDC or OM; drawn by the frequencies of the JFR 2018 set when None.
    subtraction
        Post minus pre-contrast, as many archives hold; one slice in three when None.
    """
    rng = np.random.default_rng((seed, 1))
    anatomy, scanner = draw_anatomy(rng), draw_scanner(rng)
    kind = kind or KINDS[rng.choice(4, p=np.array(KIND_FREQUENCY) / sum(KIND_FREQUENCY))]
    breast = int(rng.integers(2))
    lesions = _draw_lesions(rng, anatomy, kind, breast)
    grid = _slice_plane(rng, anatomy, plane, size, lesions, breast)
    maps = paint_slice(anatomy, draw_vessels(rng, anatomy), lesions, grid)
    if subtraction is None:
        subtraction = bool(rng.random() < 1 / 3)
    tofts = Tofts((rng.uniform(55, 160),), bolus=rng.uniform(0.8, 1.2))
    values = _slice_values(rng, scanner, maps, tofts, subtraction)
    mask = np.logical_or.reduce(maps.lesions) if maps.lesions else np.zeros(size, bool)
    affine = _affine(grid, z_mm=float(grid.z_mm[0]))
    return SlicePhantom(
        image=hd.Volume(values[None], affine, "PATIENT", frame_of_reference_uid=hd.UID()),
        mask=mask,
        kind=kind,
        histology=lesions[0].histology.name if lesions else "",
        malignant=kind in ("IDC", "OM"),
        laterality="RL"[breast] if lesions or plane == "sagittal" else "",
        plane=plane,
        subtraction=subtraction,
    )


def _draw_lesions(rng: np.random.Generator, anatomy: Anatomy, kind: str, breast: int) -> tuple[Lesion, ...]:
    if kind == "MG":
        return ()
    first = draw_lesion(rng, anatomy, draw_histology(rng, kind), breast)
    return (first,)


def _slice_plane(
    rng: np.random.Generator,
    anatomy: Anatomy,
    plane: str,
    size: tuple[int, int],
    lesions: tuple[Lesion, ...],
    breast: int,
) -> Plane:
    """Draw the field of view; the slice passes near the middle of the lesion, or anywhere through the breast."""
    rows, columns = size
    shown = anatomy.breasts[breast]
    if plane == "axial":
        z = shown.half_height_mm * rng.uniform(-0.6, 0.7)
        if lesions:
            z = lesions[0].centre_mm[2] + 0.3 * lesions[0].radii_mm[2] * rng.uniform(-1, 1)
        pixel = rng.uniform(300, 390) / columns
        top = -max(b.projection_mm for b in anatomy.breasts) + anatomy.slope * z - rng.uniform(8, 60)
        x = (np.arange(columns) - (columns - 1) / 2) * pixel + rng.normal(0, 5)
        return Plane(x, top + np.arange(rows) * pixel, np.array([z]), plane, pixel, 2.0)
    if plane != "sagittal":
        raise ValueError(f"plane is 'axial' or 'sagittal', not {plane!r}")
    x0 = shown.centre_x_mm + shown.half_width_mm * rng.uniform(-0.5, 0.5)
    if lesions:
        x0 = lesions[0].centre_mm[0] + 0.3 * lesions[0].radii_mm[0] * rng.uniform(-1, 1)
    pixel = rng.uniform(165, 230) / rows
    z = ((rows - 1) / 2 - np.arange(rows)) * pixel + rng.uniform(-10, 25)
    y = -shown.projection_mm - rng.uniform(10, 40) + np.arange(columns) * pixel
    return Plane(np.array([x0]), y, z, plane, pixel, 2.4)


def _slice_values(
    rng: np.random.Generator, scanner: Scanner, maps: TissueMaps, tofts: Tofts, subtraction: bool
) -> np.ndarray:
    """Return stored values, uint16, shape (rows, columns)."""
    heart = (maps.maps[4] > 0.25).astype(np.float32)
    values = scanner.record(rng, scanner.t1_signal(maps, tofts), heart)
    if subtraction:
        values = values - scanner.record(rng, scanner.t1_signal(maps), heart)
        # Either negative values are cut off, or everything is lifted by a constant.
        values = values + (scanner.reference * rng.uniform(0.2, 0.5) if rng.random() < 0.5 else 0.0)
    return np.clip(np.round(values), 0, 65535).astype(np.uint16)


def _affine(plane: Plane, z_mm: float) -> np.ndarray:
    """Return the affine from (slice, row, column) to LPS millimetres."""
    affine = np.eye(4)
    affine[:3, 3] = plane.x_mm[0], plane.y_mm[0], z_mm
    affine[:3, :3] = 0
    if plane.name == "axial":
        affine[2, 0], affine[1, 1], affine[0, 2] = plane.thickness_mm, plane.pixel_mm, plane.pixel_mm
    else:
        affine[0, 0], affine[2, 1], affine[1, 2] = plane.thickness_mm, -plane.pixel_mm, plane.pixel_mm
    return affine
