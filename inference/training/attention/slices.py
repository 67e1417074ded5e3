"""Slices for training system 000: real ones with masks, contralateral ones, phantoms; each knows its patient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from inference.errors import EngineError
from inference.phantoms.mri import make_slice
from inference.training.attention.recipe import Amounts, Recipe

BREASTDM, ISPY1 = "mri/breastdm_slices_512", "mri/ispy1_slices_512"
PHANTOM = "phantom"

UNKNOWN = float("nan")  # a label that is not known; its loss is masked
# Order of the outputs: malignant, normal, OB, IDC, OM (SYSTEMS.md §1.1).
TARGETS = {
    "MG": (0.0, 1.0, 0.0, 0.0, 0.0),
    "OB": (0.0, 0.0, 1.0, 0.0, 0.0),
    "IDC": (1.0, 0.0, 0.0, 1.0, 0.0),
    "OM": (1.0, 0.0, 0.0, 0.0, 1.0),
    "malignant": (1.0, 0.0, 0.0, UNKNOWN, UNKNOWN),  # histology not given
}
# BreastDM numbers its slices through without saying where a patient ends. Neighbours that look alike are taken as one
# patient: first numbers of each, judged by eye, on the side of too few patients.
_BREASTDM_FIRST = (277, 4111, 4223, 4289, 4306, 4359)
_PLAUSIBLE_RANK = 0.75  # see mask_is_plausible
_SMALLEST_MASK = 40  # pixels of 512 × 512


@dataclass(frozen=True)
class Sample:
    """One slice as a reader sees it.

    Attributes
    ----------
    image
        Grey values, float32, shape (rows, columns).
    mask
        Lesion pixels, same shape.
    targets
        Five numbers 0 or 1 in the order of the outputs; NaN where not known.
    place_known
        Whether the mask can be trusted for the attention's target.
    patient
        Group for splits: no patient is on both sides.
    source
        ``"breastdm"``, ``"breastdm-contralateral"``, ``"ispy1"`` or ``"phantom"``.
    """

    name: str
    image: np.ndarray
    mask: np.ndarray
    targets: tuple[float, ...]
    place_known: bool
    patient: str
    source: str


def real_slices(data: Path, recipe: Recipe) -> list[Sample]:
    """Return the real slices of a folder of images, with the masks trusted that the recipe trusts.

    Raises
    ------
    EngineError
        Where there are none.
    """
    found = [*breastdm(data / BREASTDM), *ispy1(data / ISPY1)]
    if not found:
        raise EngineError(
            f"{data} holds no slices in {BREASTDM} or {ISPY1}.", "Give --data the folder that holds mri/ and weights/."
        )
    if recipe.masks == "all":
        return [replace(sample, place_known=bool(sample.mask.any())) for sample in found]
    return found


def phantom_slices(amounts: Amounts, seed: int) -> list[Sample]:
    """Return the phantoms of a seed: those to train on, then those to hold out."""
    first = seed * 1_000_000
    return list(phantoms(range(first, first + amounts.phantoms + amounts.phantoms_held_out)))


def breastdm(folder: Path) -> Iterator[Sample]:
    """Yield the axial slices of BreastDM with their masks; the name says benign or malignant."""
    for path in sorted((folder / "images").glob("*.png")):
        label, number = path.stem.split("_")
        first = max((start for start in _BREASTDM_FIRST if start <= int(number)), default=int(number))
        targets = TARGETS["OB" if label == "benign" else "malignant"]
        image, mask = _read(path), _read(folder / "masks" / path.name) > 0
        yield Sample(path.stem, image, mask, targets, True, f"breastdm-{first}", "breastdm")


def ispy1(folder: Path) -> Iterator[Sample]:
    """Yield the sagittal slices of I-SPY 1, all malignant; most masks there do not lie on the tumour they name."""
    for path in sorted((folder / "images").glob("*.png")):
        image, mask = _read(path), _read(folder / "masks" / path.name) > 0
        place_known = mask_is_plausible(image, mask)
        patient = f"ispy1-{path.stem.split('_')[0]}"
        yield Sample(path.stem, image, mask, TARGETS["malignant"], place_known, patient, "ispy1")


def contralateral(sample: Sample) -> Sample | None:
    """Return the half of an axial slice without the lesion, doubled by its mirror image, as a slice without lesion.

    None where the lesion reaches over the middle. "Normal" means here that the source marks no lesion in that breast.
    """
    middle = sample.image.shape[1] // 2
    left, right = sample.mask[:, :middle].any(), sample.mask[:, middle:].any()
    if left == right:
        return None
    half = sample.image[:, middle:] if left else sample.image[:, :middle][:, ::-1]
    image = np.concatenate([half[:, ::-1], half], axis=1)
    return Sample(
        f"{sample.name}-contralateral",
        np.ascontiguousarray(image),
        np.zeros(image.shape, bool),
        TARGETS["MG"],
        True,
        sample.patient,
        "breastdm-contralateral",
    )


def phantoms(seeds: Sequence[int], sagittal_share: float = 0.2) -> Iterator[Sample]:
    """Yield phantom slices, each its own patient; one seed always gives the same slice."""
    for seed in seeds:
        plane = "sagittal" if np.random.default_rng((seed, 2)).random() < sagittal_share else "axial"
        drawn = make_slice(seed, plane=plane)
        image = drawn.image.array[0].astype(np.float32)
        yield Sample(f"phantom-{seed}", image, drawn.mask, TARGETS[drawn.kind], True, f"phantom-{seed}", "phantom")


def mask_is_plausible(image: np.ndarray, mask: np.ndarray) -> bool:
    """Whether a mask of an enhancing tumour lies on what is bright in the image.

    The mean rank of its pixels among the brighter half of the image must reach 0.75; a mask at random reaches 0.5.
    """
    if mask.sum() < _SMALLEST_MASK:
        return False
    smooth = cv2.GaussianBlur(image, (0, 0), 2)
    brighter = smooth[smooth > np.median(smooth)]
    ranks = np.searchsorted(np.sort(brighter), smooth[mask]) / brighter.size
    return float(ranks.mean()) >= _PLAUSIBLE_RANK


def _read(path: Path) -> np.ndarray:
    values = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if values is None:
        raise EngineError(f"{path} is not there or is no image.", "Every slice needs a mask of the same name.")
    return values.max(axis=2).astype(np.float32)
