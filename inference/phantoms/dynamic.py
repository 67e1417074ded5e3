"""A whole dynamic contrast-enhanced examination of the MRI phantom, with T2 and the truth about every lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import highdicom as hd
import numpy as np

from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.anatomy import Anatomy, draw_anatomy
from inference.phantoms.kinetics import Tofts, curve_type
from inference.phantoms.lesions import HISTOLOGIES, KIND_FREQUENCY, KINDS, Lesion, draw_histology, draw_lesion
from inference.phantoms.plane import Plane
from inference.phantoms.scanner import Scanner, draw_scanner
from inference.phantoms.tissue import LESION_T1_S, TissueMaps, paint_slice
from inference.phantoms.vessels import draw_vessels
from inference.progress import Progress


@dataclass(frozen=True)
class LesionTruth:
    """What is known about one lesion.

    Attributes
    ----------
    kind
        OB, IDC or OM.
    mask
        On the grid of the pre-contrast volume, shape (slices, rows, columns).
    curve
        ``"persistent"``, ``"plateau"``, ``"washout"`` or ``"none"``, from the noiseless signal of the mean uptake.
    ktrans_per_min, kep_per_min
        Drawn rate constants.
    """

    kind: str
    histology: str
    malignant: bool
    laterality: str
    mask: np.ndarray
    centre_mm: tuple[float, float, float]
    radius_mm: float
    curve: str
    ktrans_per_min: float
    kep_per_min: float

    @property
    def box(self) -> tuple[slice, slice, slice] | None:
        """Smallest box around the mask, as slices of the array; None when the lesion lies outside the volume."""
        if not self.mask.any():
            return None
        spans = [np.flatnonzero(self.mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
        return (
            slice(int(spans[0][0]), int(spans[0][-1]) + 1),
            slice(int(spans[1][0]), int(spans[1][-1]) + 1),
            slice(int(spans[2][0]), int(spans[2][-1]) + 1),
        )


@dataclass(frozen=True)
class DcePhantom:
    """A dynamic examination: volumes on one grid, ``seconds`` of every post-contrast phase after the pre-contrast one.

    Attributes
    ----------
    pre, posts
        uint16, shape (slices, rows, columns), slices from feet to head, LPS millimetres.
    arrival_s
        When the contrast agent arrives in the aorta, seconds after the pre-contrast phase.
    t2
        Fat-suppressed T2-weighted volume on its own grid, same frame of reference; None when not asked for.
    """

    pre: hd.Volume
    posts: tuple[hd.Volume, ...]
    seconds: tuple[float, ...]
    arrival_s: float
    t2: hd.Volume | None
    lesions: tuple[LesionTruth, ...]
    seed: int
    generator_version: str = GENERATOR_VERSION


@dataclass(frozen=True)
class Course:
    """How the examination goes.

    Attributes
    ----------
    seconds
        Post-contrast phases, after the pre-contrast one.
    arrival_s
        When the contrast agent arrives.
    motion_mm
        Largest shift between phases; 0 gives aligned phases.
    with_t2
        Whether a T2-weighted volume is acquired too.
    """

    seconds: tuple[float, ...] = (105.0, 195.0, 285.0, 375.0)
    arrival_s: float = 60.0
    motion_mm: float = 0.6
    with_t2: bool = True


def make_dce(
    seed: int,
    *,
    size: tuple[int, int, int] = (40, 320, 320),
    spacing_mm: tuple[float, float, float] = (3.0, 1.06, 1.06),
    lesions: Sequence[str] | None = None,
    course: Course | None = None,
    progress: Progress | None = None,
) -> DcePhantom:
    """Return a bilateral axial examination in the prone position.

    Parameters
    ----------
    size, spacing_mm
        Slices, rows, columns.
    lesions
        Types (OB, IDC, OM) or histologies to place, one lesion each; ``()`` is a normal examination; drawn when None.
    course
        Phase times, motion, T2; four posts every 90 s when None.
    progress
        Reported after each slice; cancels between slices.

    Raises
    ------
    ValueError
        When a lesion is neither a type nor a histology.
    """
    progress, course = progress or Progress(), course or Course()
    rng = np.random.default_rng((seed, 2))
    anatomy, scanner = draw_anatomy(rng), replace(draw_scanner(rng), snr=float(rng.uniform(22, 55)))
    drawn = _draw_lesions(rng, anatomy, lesions)
    vessels = draw_vessels(rng, anatomy)
    planes = _planes(anatomy, size, spacing_mm)
    tofts = Tofts([t - course.arrival_s for t in course.seconds], bolus=rng.uniform(0.85, 1.15))
    volumes, masks = _scan(rng, (anatomy, vessels, drawn), scanner, (planes, tofts, len(course.seconds)), progress)
    if course.motion_mm > 0:
        volumes[1:] = [_moved(rng, volume, course.motion_mm, spacing_mm) for volume in volumes[1:]]
    affine, frame = volume_affine(planes), hd.UID()
    stored = [_volume(values, affine, frame) for values in volumes]
    t2 = _make_t2(rng, (anatomy, vessels, drawn), scanner, planes, frame) if course.with_t2 else None
    curves = [_curve(scanner, lesion, tofts) for lesion in drawn]
    truths = [_truth(*item) for item in zip(drawn, masks, curves, strict=True)]
    return DcePhantom(stored[0], tuple(stored[1:]), course.seconds, course.arrival_s, t2, tuple(truths), seed)


def _draw_lesions(rng: np.random.Generator, anatomy: Anatomy, wanted: Sequence[str] | None) -> tuple[Lesion, ...]:
    """Place the wanted lesions, or draw them: one type by its frequency, sometimes with a second or third focus."""
    names = {histology.name: histology for histology in HISTOLOGIES}
    if wanted is None:
        kind = KINDS[rng.choice(4, p=np.array(KIND_FREQUENCY) / sum(KIND_FREQUENCY))]
        wanted = () if kind == "MG" else (kind,) * (1 + int(rng.random() < 0.18) + int(rng.random() < 0.05))
    unknown = [name for name in wanted if name not in names and name not in KINDS[1:]]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is neither a lesion type {KINDS[1:]} nor a histology of the phantom")
    breast = int(rng.integers(2))
    return tuple(
        draw_lesion(rng, anatomy, names.get(name) or draw_histology(rng, name), breast if i < 2 else 1 - breast)
        for i, name in enumerate(wanted)
    )


def _planes(anatomy: Anatomy, size: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> tuple[Plane, ...]:
    """Axial planes from feet to head, centred on the breasts."""
    slices, rows, columns = size
    thickness, row_mm, column_mm = spacing_mm
    if abs(row_mm - column_mm) > 1e-6:
        raise ValueError("the phantom has square pixels: row and column spacing must agree")
    x = (np.arange(columns) - (columns - 1) / 2) * column_mm
    y = -max(breast.projection_mm for breast in anatomy.breasts) - 0.06 * rows * row_mm + np.arange(rows) * row_mm
    z = (np.arange(slices) - (slices - 1) / 2) * thickness + 6
    return tuple(Plane(x, y, np.array([position]), "axial", column_mm, thickness) for position in z)


def volume_affine(planes: Sequence[Plane]) -> np.ndarray:
    """Return the affine from (slice, row, column) of a stack of axial planes to LPS millimetres."""
    first = planes[0]
    affine = np.zeros((4, 4))
    affine[:, 3] = first.x_mm[0], first.y_mm[0], first.z_mm[0], 1
    affine[2, 0], affine[1, 1], affine[0, 2] = first.thickness_mm, first.pixel_mm, first.pixel_mm
    return affine


def _scan(
    rng: np.random.Generator,
    patient: tuple[Anatomy, np.ndarray, tuple[Lesion, ...]],
    scanner: Scanner,
    sampling: tuple[Sequence[Plane], Tofts, int],
    progress: Progress,
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return one volume per phase (pre first) and one mask per lesion."""
    planes, tofts, posts = sampling
    phases: list[list[np.ndarray]] = [[] for _ in range(posts + 1)]
    masks: list[list[np.ndarray]] = [[] for _ in patient[2]]
    for number, plane in enumerate(planes):
        progress.report(number / len(planes), f"MRI phantom, slice {number + 1} of {len(planes)}")
        maps = paint_slice(patient[0], patient[1], patient[2], plane)
        heart = (maps.maps[4] > 0.10).astype(np.float32)
        phases[0].append(scanner.record(rng, scanner.t1_signal(maps), heart))
        for index in range(posts):
            phases[index + 1].append(scanner.record(rng, scanner.t1_signal(maps, tofts, index), heart))
        for stack, mask in zip(masks, maps.lesions, strict=True):
            stack.append(mask)
    return [np.stack(stack) for stack in phases], [np.stack(stack) for stack in masks]


def _moved(
    rng: np.random.Generator, volume: np.ndarray, motion_mm: float, spacing_mm: tuple[float, float, float]
) -> np.ndarray:
    """Shift a phase by a fraction of a millimetre and let it breathe smoothly in the plane."""
    _slices, rows, columns = volume.shape
    shift = rng.uniform(-motion_mm, motion_mm, 2) / spacing_mm[1]
    wave = rng.uniform(-0.5, 0.5) * motion_mm / spacing_mm[1]
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    from_row = (y + shift[0] + wave * np.sin(2 * np.pi * x / columns + rng.uniform(0, 6))).astype(np.float32)
    from_column = (x + shift[1] + wave * np.sin(2 * np.pi * y / rows + rng.uniform(0, 6))).astype(np.float32)
    mapped = (cv2.remap(plane, from_column, from_row, cv2.INTER_LINEAR, None, cv2.BORDER_REPLICATE) for plane in volume)
    return np.stack(list(mapped))


def _make_t2(
    rng: np.random.Generator,
    patient: tuple[Anatomy, np.ndarray, tuple[Lesion, ...]],
    scanner: Scanner,
    planes: Sequence[Plane],
    frame: str,
) -> hd.Volume:
    """Return the T2 volume: two thirds of the matrix, thicker slices, the field of view shifted a little."""
    first, last = planes[0], planes[-1]
    columns, rows = int(first.x_mm.size * 2 / 3), int(first.y_mm.size * 2 / 3)
    pixel, thickness = first.pixel_mm * 1.5, first.thickness_mm * 1.35
    x, y = first.x_mm[0] + 4 + np.arange(columns) * pixel, first.y_mm[0] + 3 + np.arange(rows) * pixel
    z = np.arange(first.z_mm[0], last.z_mm[0], thickness)
    grid = [Plane(x, y, np.array([position]), "axial", pixel, thickness) for position in z]
    stack = []
    for plane in grid:
        maps: TissueMaps = paint_slice(patient[0], patient[1], patient[2], plane)
        stack.append(scanner.record(rng, scanner.t2_signal(maps)))
    return _volume(np.stack(stack), volume_affine(grid), frame)


def _volume(values: np.ndarray, affine: np.ndarray, frame: str) -> hd.Volume:
    stored = np.clip(np.round(values), 0, 4095).astype(np.uint16)
    return hd.Volume(stored, affine, "PATIENT", frame_of_reference_uid=frame)


def _curve(scanner: Scanner, lesion: Lesion, tofts: Tofts) -> str:
    """Return the curve type of the lesion's mean uptake without noise."""
    ktrans, kep, vp, t1 = (np.array(value) for value in (lesion.ktrans, lesion.kep, lesion.vp, LESION_T1_S))
    doses = [tofts.concentration(i, ktrans, kep, vp) for i in range(len(tofts.seconds))]
    posts = [float(scanner.protocol.signal(t1, dose)) for dose in doses]
    return curve_type(float(scanner.protocol.signal(t1)), posts, tofts.seconds)


def _truth(lesion: Lesion, mask: np.ndarray, curve: str) -> LesionTruth:
    histology = lesion.histology
    return LesionTruth(
        kind=histology.kind,
        histology=histology.name,
        malignant=histology.malignant,
        laterality="RL"[lesion.breast],
        mask=mask,
        centre_mm=lesion.centre_mm,
        radius_mm=lesion.mean_radius_mm,
        curve=curve,
        ktrans_per_min=lesion.ktrans,
        kep_per_min=lesion.kep,
    )
