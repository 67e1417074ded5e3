"""Films of mini-MIAS with the places and severities of their lesions; each film knows its patient."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from highdicom import Volume

from inference.exam import Mammogram

FOLDER = "mini-mias"
SPACING_MM, ROWS = 0.2, 1024  # of the reduced release (README.md of the data)
NODULE, CALCIFICATION = "nodule", "calcification"
MODULES = (NODULE, CALCIFICATION)
# Which classes of abnormality of MIAS each module looks for: well-defined and spiculated masses, other ill-defined
# masses, architectural distortion and asymmetry; and calcifications.
CLASSES = {NODULE: ("CIRC", "SPIC", "MISC", "ARCH", "ASYM"), CALCIFICATION: ("CALC",)}
_NORMAL = "NORM"
_FULL = 65_535
_EIGHT_BITS = 255


@dataclass(frozen=True)
class Lesion:
    """One annotated abnormality: the circle that encloses it, in millimetres, and what it is.

    Attributes
    ----------
    x_mm, y_mm
        Centre, from the centre of the top left pixel; None where MIAS gives no position.
    radius_mm
        Radius of the enclosing circle; None where MIAS gives none.
    kind
        MIAS class of abnormality, such as ``"SPIC"``.
    is_malignant
        MIAS severity M.
    """

    x_mm: float | None
    y_mm: float | None
    radius_mm: float | None
    kind: str
    is_malignant: bool

    @property
    def is_placed(self) -> bool:
        """Whether MIAS says where it lies."""
        return self.x_mm is not None and self.y_mm is not None and self.radius_mm is not None

    def belongs_to(self, module: str) -> bool:
        """Whether it is of the classes that a module looks for."""
        return self.kind in CLASSES[module]


@dataclass(frozen=True)
class Film:
    """One film: file name, patient (group for splits), side, and every annotated lesion."""

    path: Path
    patient: str
    laterality: str
    lesions: tuple[Lesion, ...]

    def is_case(self, module: str) -> bool:
        """Whether the film is a case image of a module: it has a malignant lesion of the module's classes."""
        return any(lesion.is_malignant and lesion.belongs_to(module) for lesion in self.lesions)

    @property
    def is_control(self) -> bool:
        """Whether the film is a control image: it has no lesion at all (paper 001, Statistical analysis)."""
        return not self.lesions

    def is_read(self, module: str) -> bool:
        """Whether it is a case or a control image of a module; the others are neither trained on nor scored."""
        return self.is_case(module) or self.is_control

    @property
    def is_placed(self) -> bool:
        """Whether the place of every lesion is known, so that its windows can be labelled."""
        return all(lesion.is_placed for lesion in self.lesions)


def films(data: Path) -> tuple[Film, ...]:
    """Return the films listed in ``mini-mias/annotations.csv``, in its order.

    Raises
    ------
    OSError
        Where the data are not there.
    """
    folder = data / FOLDER
    rows: dict[str, list[dict[str, str]]] = {}
    with (folder / "annotations.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["file"], []).append(row)
    return tuple(
        Film(
            folder / name,
            own[0]["patient_id"],
            own[0]["laterality"],
            tuple(_lesion(row) for row in own if row["finding"] != _NORMAL),
        )
        for name, own in rows.items()
    )


def read_exam(film: Film) -> Mammogram:
    """Return the film as system 001 takes it: presented grey over 16 bits; the films are MONOCHROME2, window 128 ± 128.

    Raises
    ------
    RuntimeError
        By SimpleITK where the file cannot be read.
    """
    stored = sitk.GetArrayFromImage(sitk.ReadImage(str(film.path), sitk.sitkUInt8))
    grey = stored.astype(np.uint16) * (_FULL // _EIGHT_BITS)
    affine = np.array(
        [[0, 0, SPACING_MM, 0], [0, SPACING_MM, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]],
        float,
    )
    image = Volume(grey, affine, "PATIENT", frame_of_reference_uid=None)
    return Mammogram(image, laterality=film.laterality, view="MLO")


def _lesion(row: dict[str, str]) -> Lesion:
    x, y, radius = (float(row[key]) * SPACING_MM if row[key] else None for key in ("x_px", "y_px", "radius_px"))
    return Lesion(x, y, radius, row["finding"], row["severity"] == "M")
