"""A whole dynamic contrast-enhanced examination of the MRI phantom, with T2 and the truth about every lesion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import highdicom as hd
import numpy as np

from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.anatomy import Anatomy, draw_anatomy
from inference.phantoms.kinetics import Protocol, Tofts, curve_type
from inference.phantoms.lesions import Lesion
from inference.phantoms.placing import Wanted, place_lesions
from inference.phantoms.plane import Plane
from inference.phantoms.planes import examination_planes, height_range_mm, t2_planes, volume_affine
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
        uint16, shape (slices, rows, columns), LPS millimetres; slices run to the head, sagittal ones to the right.
    arrival_s
        When the contrast agent arrives in the aorta, seconds after the pre-contrast phase.
    t2
        Fat-suppressed T2-weighted volume on its own grid, same frame of reference; None when not asked for.
    plane
        As in :class:`Course`.
    """

    pre: hd.Volume
    posts: tuple[hd.Volume, ...]
    seconds: tuple[float, ...]
    arrival_s: float
    t2: hd.Volume | None
    lesions: tuple[LesionTruth, ...]
    seed: int
    plane: str = "axial"
    generator_version: str = GENERATOR_VERSION

    @property
    def laterality(self) -> str:
        """``"R"`` or ``"L"`` where one breast was imaged, ``""`` for both."""
        return "" if self.plane == "axial" else self.plane[-1]


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
    protocol
        The T1-weighted sequence; a fat-suppressed 3D gradient echo is drawn when None.
    plane
        ``"axial"`` of both breasts, ``"sagittal R"`` or ``"sagittal L"`` of one.
    """

    seconds: tuple[float, ...] = (105.0, 195.0, 285.0, 375.0)
    arrival_s: float = 60.0
    motion_mm: float = 0.6
    with_t2: bool = True
    protocol: Protocol | None = None
    plane: str = "axial"


def make_dce(
    seed: int,
    *,
    size: tuple[int, int, int] = (40, 320, 320),
    spacing_mm: tuple[float, float, float] = (3.0, 1.06, 1.06),
    lesions: Wanted = None,
    course: Course | None = None,
    progress: Progress | None = None,
) -> DcePhantom:
    """Return an examination in the prone position. The same seed gives the same woman and lesions in every plane.

    Parameters
    ----------
    size, spacing_mm
        Slices, rows, columns.
    lesions
        Types (OB, IDC, OM) or histologies to place, one lesion each, in one breast, or per breast
        (``{"R": …, "L": …}``); ``()`` is a normal examination; drawn when None.
    course
        Phase times, motion, T2; four posts every 90 s when None.
    progress
        Reported after each slice; cancels between slices.

    Raises
    ------
    ValueError
        When a lesion is neither a type nor a histology, a breast neither R nor L, or pixels are not square.
    """
    progress, course = progress or Progress(), course or Course()
    rng = np.random.default_rng((seed, 2))
    anatomy, scanner = draw_anatomy(rng), replace(draw_scanner(rng), snr=float(rng.uniform(22, 55)))
    planes = examination_planes(anatomy, size, spacing_mm, course.plane)
    drawn = place_lesions(rng, anatomy, lesions, height_range_mm(planes))
    vessels = draw_vessels(rng, anatomy)
    tofts = Tofts([t - course.arrival_s for t in course.seconds], bolus=rng.uniform(0.85, 1.15))
    t1 = _with_protocol(scanner, course.protocol)
    volumes, masks = _scan(rng, (anatomy, vessels, drawn), t1, (planes, tofts, len(course.seconds)), progress)
    if course.motion_mm > 0:
        volumes[1:] = [_moved(rng, volume, course.motion_mm, spacing_mm) for volume in volumes[1:]]
    affine, frame = volume_affine(planes), hd.UID()
    stored = [_volume(values, affine, frame) for values in volumes]
    t2 = _make_t2(rng, (anatomy, vessels, drawn), scanner, planes, frame) if course.with_t2 else None
    curves = [_curve(t1, lesion, tofts) for lesion in drawn]
    truths = [_truth(*item) for item in zip(drawn, masks, curves, strict=True)]
    return DcePhantom(
        stored[0], tuple(stored[1:]), course.seconds, course.arrival_s, t2, tuple(truths), seed, course.plane
    )


def _with_protocol(scanner: Scanner, protocol: Protocol | None) -> Scanner:
    """Return the scanner with another sequence, its gain such that gland is as bright as before."""
    if protocol is None:
        return scanner
    other = replace(scanner, protocol=protocol)
    return replace(other, gain=scanner.gain * scanner.reference / other.reference)


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
    """Return the T2 volume on a grid of its own."""
    grid = t2_planes(planes)
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
