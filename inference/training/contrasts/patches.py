"""Patches of phantom lesions for the training of system 002: all seven contrasts, prepared as inference does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference.exam import LesionInput
from inference.prepare.contrast_choice import offer, without_t2
from inference.prepare.contrast_settings import CONTRASTS, ContrastPreprocessing
from inference.prepare.contrasts import ContrastPlanes
from inference.prepare.lesion_contrasts import cut_patches, t2_covers, windows_of
from inference.prepare.lesion_on_grid import PlacedLesion, place_lesion
from inference.prepare.lesion_patch import others_in
from inference.progress import Progress
from inference.training.phantom_exams import PhantomExam, is_held_out, read_exam

MARGIN = 11  # pixels around the 50 of a patch: 72 hold every rotation of them without corners (SYSTEMS.md §1.3)


@dataclass(frozen=True)
class LesionSamples:
    """All patches of one lesion.

    Attributes
    ----------
    images
        float16, (slices, 7, 72, 72) in the order of ``CONTRASTS``; contrasts that the exam lacks are 0.
    shared
        (slices,) whether the 30 mm window shows another lesion too: left out of training, as in the paper.
    offered
        (7,) which contrasts the exam offers.
    """

    images: np.ndarray
    shared: np.ndarray
    offered: np.ndarray
    malignant: bool
    seed: int

    @property
    def is_held_out(self) -> bool:
        """Whether the examination is kept for testing."""
        return is_held_out(self.seed)


def lesion_samples(phantom: PhantomExam, settings: ContrastPreprocessing) -> Iterator[LesionSamples]:
    """Yield the patches of each lesion of a phantom examination that lies in its volume."""
    progress = Progress()
    large = replace(settings, patch_px=settings.patch_px + 2 * MARGIN)
    placed = _placed(phantom)
    if not placed:
        return
    exam = phantom.exam
    windows = [windows_of(item, large) for _, item in placed]
    found = offer(exam, settings)
    if "t2" not in found.missing and not t2_covers(exam, [w for _, item in placed for w in windows_of(item, settings)]):
        found = without_t2(found, "it does not show all of the lesions' surroundings")
    there = tuple(name for name in CONTRASTS if name not in found.missing)
    planes = ContrastPlanes(exam, there, settings, found, progress)
    for (malignant, item), its_windows in zip(placed, windows, strict=True):
        others = [other for _, other in placed if other is not item]
        cut = cut_patches(planes, there, (item, its_windows, others), exam, large, progress)
        images = np.zeros((len(its_windows), len(CONTRASTS), large.patch_px, large.patch_px), np.float16)
        images[:, [CONTRASTS.index(name) for name in there]] = cut.images
        small = [replace(window, size=settings.patch_px) for window in its_windows]
        shared = np.array([bool(others_in(window, exam.image.spacing[1:], others)) for window in small])
        yield LesionSamples(images, shared, np.array([name in there for name in CONTRASTS]), malignant, phantom.seed)


def _placed(phantom: PhantomExam) -> list[tuple[bool, PlacedLesion]]:
    """Return each lesion inside the volume with its label."""
    found = []
    for number, lesion in enumerate(phantom.lesions):
        if lesion.mask.any():
            mask = phantom.exam.image.with_array(lesion.mask.astype(np.uint8))
            given = LesionInput(str(number), f"Lesion {number + 1}", "mask", mask)
            found.append((bool(lesion.malignant), place_lesion(given, phantom.exam.image)))
    return found


def samples_in(cache: Path, seeds: Iterable[int]) -> list[LesionSamples]:
    """Return the lesions of some examinations from a cache that holds them."""
    found = []
    for seed in sorted(seeds):
        arrays = _stored(cache / f"{seed}.npz")
        found += [_samples(arrays, n) for n in range(int(arrays["count"]))]
    return found


def cached(exam_file: Path, cache: Path, settings: ContrastPreprocessing) -> list[LesionSamples]:
    """Return the samples of an exam file, from the cache where they were made before from the same phantom.

    The cache does not know the settings: give other ones a folder of their own.
    """
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / f"{exam_file.stem}.npz"
    version = _stored(exam_file, ("version",))["version"]
    if not path.exists() or _stored(path, ("version",))["version"] != version:
        made = list(lesion_samples(read_exam(exam_file), settings))
        temporary = path.with_suffix(".part")
        with temporary.open("wb") as stream:
            fields = {f"{name}-{n}": getattr(one, name) for n, one in enumerate(made) for name in _FIELDS}
            np.savez(stream, version=version, count=len(made), **fields)
        temporary.replace(path)
    arrays = _stored(path)
    return [_samples(arrays, n) for n in range(int(arrays["count"]))]


_FIELDS = ("images", "shared", "offered", "malignant", "seed")


def _samples(arrays: dict[str, np.ndarray], n: int) -> LesionSamples:
    images, shared, offered, malignant, seed = (arrays[f"{name}-{n}"] for name in _FIELDS)
    return LesionSamples(images, shared, offered, bool(malignant), int(seed))


def _stored(path: Path, names: tuple[str, ...] = ()) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in names or archive.files}
