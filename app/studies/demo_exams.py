"""Whole phantom exams on disk: DICOM in ``dicom``, and the truth beside it in ``truth``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.studies.demo_dce import DCE_LAYOUTS, write_dce
from app.studies.demo_headers import MAMMOGRAM_PATIENT, save
from app.studies.demo_mammograms import DETECTORS, MAMMOGRAM_VARIANTS, mammogram_dataset
from app.studies.demo_truth import dce_truth, mammogram_truth, write_truth
from inference.phantoms.mammo import Detector, make_mammogram
from inference.phantoms.mri import Course, DcePhantom, make_dce
from inference.progress import Progress

DICOM, TRUTH = "dicom", "truth"
SAGITTAL = "sagittal per breast"
DCE_VARIANTS = (*DCE_LAYOUTS, SAGITTAL)
VIEWS = (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))


@dataclass(frozen=True)
class Grid:
    """Slices, rows, columns and their spacing in mm."""

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]


AXIAL_GRID = Grid((40, 320, 320), (3.0, 1.06, 1.06))
# SYSTEMS.md §4.1: 2-4 mm from side to side, 0.4-0.8 mm in the plane.
SAGITTAL_GRID = Grid((52, 256, 256), (3.0, 0.8, 0.8))


def write_dce_exam(
    folder: Path,
    seed: int,
    variant: str = "one series per phase",
    *,
    lesions: Sequence[str] | Mapping[str, Sequence[str]] | None = None,
    grid: Grid | None = None,
    progress: Progress | None = None,
) -> tuple[DcePhantom, ...]:
    """Write a dynamic examination with its truth and return it: one volume series, or the right and the left breast's.

    Parameters
    ----------
    variant
        One of ``DCE_VARIANTS``.
    lesions, grid
        As in :func:`inference.phantoms.mri.make_dce`; drawn, and a typical matrix, when None.

    Raises
    ------
    ValueError
        For another variant.
    """
    progress = progress or Progress()
    if variant not in DCE_VARIANTS:
        raise ValueError(f"variant {variant!r}: give one of {', '.join(DCE_VARIANTS)}")
    sagittal = variant == SAGITTAL
    grid = grid or (SAGITTAL_GRID if sagittal else AXIAL_GRID)
    planes = ("sagittal R", "sagittal L") if sagittal else ("axial",)
    layout = DCE_LAYOUTS.get(variant)
    phantoms = []
    for number, plane in enumerate(planes):
        part = progress.part(number / len(planes), (number + 1) / len(planes))
        phantom = make_dce(
            seed,
            size=grid.size,
            spacing_mm=grid.spacing_mm,
            lesions=lesions,
            course=Course(plane=plane),
            progress=part.part(0.0, 0.8),
        )
        write_dce(folder / DICOM, phantom, layout, part.part(0.8, 1.0))
        truth = folder / TRUTH / phantom.laterality if sagittal else folder / TRUTH
        write_truth(truth, dce_truth(phantom), phantom.lesions)
        phantoms.append(phantom)
    return tuple(phantoms)


def write_mammogram_exam(
    folder: Path,
    seed: int,
    variant: str = "plain",
    *,
    lesions: Mapping[str, Sequence[str]] | None = None,
    detector: Detector | None = None,
    progress: Progress | None = None,
) -> tuple[Path, ...]:
    """Write the four views of a woman with their truth and return the DICOM files: R CC, L CC, R MLO, L MLO.

    Parameters
    ----------
    variant
        One of ``MAMMOGRAM_VARIANTS``.
    lesions
        Kinds per breast ``"R"`` and ``"L"``; drawn when None.

    Raises
    ------
    ValueError
        For another variant.
    """
    progress = progress or Progress()
    if variant not in MAMMOGRAM_VARIANTS:
        raise ValueError(f"variant {variant!r}: give one of {', '.join(MAMMOGRAM_VARIANTS)}")
    stored_as = MAMMOGRAM_VARIANTS[variant]
    detector = replace(detector or Detector(), marker=stored_as.marked, dust=40 if stored_as.marked else 0)
    patient = replace(MAMMOGRAM_PATIENT, key=f"mammogram {variant}")
    (folder / DICOM).mkdir(parents=True, exist_ok=True)
    phantoms, paths = [], []
    for number, (side, view) in enumerate(VIEWS, start=1):
        progress.report((number - 1) / len(VIEWS), f"Mammogram phantom {side} {view}")
        wanted = None if lesions is None else tuple(lesions.get(side, ()))
        phantom = make_mammogram(seed, side, view, detector=detector, lesions=wanted, for_processing=stored_as.raw)
        dataset = mammogram_dataset(phantom, patient, number, stored_as)
        paths.append(save(dataset, folder / DICOM / f"{side}_{view}.dcm"))
        phantoms.append(phantom)
    write_truth(folder / TRUTH, mammogram_truth(phantoms, mirrored=stored_as.mirrored))
    progress.report(1.0, "Mammogram phantoms written")
    return tuple(paths)


__all__ = ["DCE_VARIANTS", "DETECTORS", "SAGITTAL", "Grid", "write_dce_exam", "write_mammogram_exam"]
