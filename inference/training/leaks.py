"""Leak check: refuses a data set in which a patient, or an identical image, is on more than one side of the split."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sized
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from inference.errors import EngineError
from inference.progress import Progress
from inference.training.split_sets import SIDES

_SAID = {"train": "training", "validation": "validation", "test": "test"}


@dataclass(frozen=True)
class Item:
    """One image of a data set.

    Attributes
    ----------
    patient
        Patient's id.
    side
        ``"train"``, ``"validation"`` or ``"test"``.
    image
        Values, shape (..., rows, columns), or a file that SimpleITK or ``numpy.load`` reads.
    name
        What it is called in a sentence; a file's own name where it is not given.
    """

    patient: str
    side: str
    image: np.ndarray | Path
    name: str = ""

    def __post_init__(self) -> None:
        if self.side not in SIDES:
            raise ValueError(f"side must be one of {', '.join(SIDES)}, not {self.side!r}")


@dataclass(frozen=True)
class Place:
    """Where an image was found: its name and its side."""

    name: str
    side: str

    def __str__(self) -> str:
        return f"{self.name} ({_SAID[self.side]})"


@dataclass(frozen=True)
class Leaks:
    """What is on more than one side.

    Attributes
    ----------
    patients, images
        For each such patient, and for each such image, the first image on every side it is on.
    """

    patients: tuple[tuple[Place, ...], ...]
    images: tuple[tuple[Place, ...], ...]


def refuse_leaks(items: Iterable[Item], progress: Progress | None = None) -> None:
    """Pass where every patient and every image is on one side only.

    Raises
    ------
    EngineError
        Otherwise, with the numbers and one example; also where an image cannot be read.
    """
    found = find_leaks(items, progress)
    patients, images = len(found.patients), len(found.images)
    if not patients and not images:
        return
    counts = [_count(patients, "patient"), _count(images, "identical image")]
    verb = "is" if patients + images == 1 else "are"
    example, what = (found.patients[0], "one patient") if patients else (found.images[0], "one image")
    places = " and ".join(map(str, example))
    raise EngineError(
        f"{' and '.join(filter(None, counts))} {verb} on more than one side of the split, for example {places}, "
        f"which are of {what}.",
        "Split by patient, and remove images that are in the data twice (mirrored copies count too).",
    )


def find_leaks(items: Iterable[Item], progress: Progress | None = None) -> Leaks:
    """Return the patients and images that are on more than one side.

    Images are identical where :func:`image_hash` is; images of a single value (air, a blank) are never counted. Items
    are taken one after the other, so that a generator need not hold all images at once.
    """
    total = len(items) if isinstance(items, Sized) else 0
    patients: dict[str, dict[str, Place]] = {}
    images: dict[str, dict[str, Place]] = {}
    for number, item in enumerate(items, 1):
        place = Place(_name(item, number), item.side)
        patients.setdefault(item.patient, {}).setdefault(item.side, place)
        values = _values(item.image)
        if values.size and values.min() != values.max():
            images.setdefault(image_hash(values), {}).setdefault(item.side, place)
        if progress is not None:
            progress.report(number / total if total else 0.0, "Looking for images on both sides")
    return Leaks(_on_several_sides(patients), _on_several_sides(images))


def image_hash(image: np.ndarray | Path) -> str:
    """Return a hash of an image's values that is the same for its mirror images and for every type of number.

    The image and its mirror images, left to right, top to bottom and both, share the smallest of their four byte
    strings, and that one is hashed. Axes of length 1 do not count. Grey values are compared as they are stored (after
    a file's rescale slope and intercept): a copy in another window, size or compression with losses is not found.

    Parameters
    ----------
    image
        Values, shape (..., rows, columns), or a file that SimpleITK or ``numpy.load`` reads.
    """
    values = _as_one_type(np.atleast_2d(np.squeeze(_values(image))))
    mirrored = (values, values[..., ::-1], values[..., ::-1, :], values[..., ::-1, ::-1])
    digest = hashlib.sha256(f"{values.dtype.str} {values.shape} ".encode())
    digest.update(min(one.tobytes() for one in mirrored))
    return digest.hexdigest()


def _as_one_type(values: np.ndarray) -> np.ndarray:
    """Return equal values in an equal type: unsigned 16 bits where they fit, else 64 bits, else floating point."""
    if values.dtype == np.float16:
        values = values.astype(np.float32)  # 2**53 is beyond half precision
    if values.dtype.kind == "f":
        if not (np.isfinite(values).all() and (np.rint(values) == values).all() and np.abs(values).max() < 2**53):
            return np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8")  # one NaN, one zero
    elif values.dtype.kind not in "biu":
        raise TypeError(f"an image of {values.dtype} has no grey values")
    fits = values.min() >= 0 and values.max() <= np.iinfo(np.uint16).max
    return values.astype("<u2" if fits else "<i8")


def _values(image: np.ndarray | Path) -> np.ndarray:
    if isinstance(image, np.ndarray):
        return image
    try:
        if image.suffix == ".npy":
            return np.load(image, allow_pickle=False)
        read = sitk.ReadImage(str(image))
    except (RuntimeError, OSError, ValueError) as error:
        raise EngineError(f"{image} cannot be read: {error}.", "Remove it from the data set.") from error
    values = sitk.GetArrayFromImage(read)
    if read.GetNumberOfComponentsPerPixel() in (3, 4) and (values[..., :1] == values[..., :3]).all():
        return values[..., 0]  # grey values stored as colours
    return values


def _name(item: Item, number: int) -> str:
    return item.name or (item.image.name if isinstance(item.image, Path) else f"image {number}")


def _on_several_sides(found: dict[str, dict[str, Place]]) -> tuple[tuple[Place, ...], ...]:
    return tuple(tuple(by_side.values()) for by_side in found.values() if len(by_side) > 1)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}" if number else ""
