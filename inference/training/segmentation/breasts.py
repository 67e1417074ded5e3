"""Examinations as the training of system 004 reads them, and patches drawn from them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from inference.nets.unet_v4 import DEPTH_LOST, PLANE_LOST
from inference.prepare.sagittal import SagittalGrid, turned
from inference.prepare.segmentation_input import NetworkInput, network_input
from inference.prepare.segmentation_keys import SegmentationPreprocessing
from inference.training.phantom_exams import PhantomExam, read_exam

BRIGHT = 90.0  # authors' code: half of the benign patches lie on voxels whose T1c is above this percentile
_PLACES = 20_000  # of each kind kept per examination
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Case:
    """One examination.

    Attributes
    ----------
    source
        T1c, DCE-in, DCE-out; float16 (3, slices, rows, columns) on acquired voxels in orientation ``LFP``.
    start
        Index of its first voxel in the acquired volume.
    malignant
        bool, on the whole acquired volume.
    tumour, bright, benign, breast
        Places (n, 3) on the network's grid: in malignant lesions, where enhancement is strongest, in benign lesions,
        anywhere in the breasts.
    """

    seed: int
    source: np.ndarray
    start: Shape
    malignant: np.ndarray
    grid: SagittalGrid
    tumour: np.ndarray
    bright: np.ndarray
    benign: np.ndarray
    breast: np.ndarray


@dataclass(frozen=True)
class Sampling:
    """How patches are drawn.

    Attributes
    ----------
    slices, size
        Output of a patch: sagittal slices and pixels. Paper: 1 and 37; phantoms are labelled in all slices.
    tumour_share
        Share of patches centred on malignant voxels; paper 1 in 5.
    flips
        Share of patches flipped along one random axis (authors' code; the paper says "rotated").
    gain
        Largest factor that all channels, and DCE-in and DCE-out by themselves, are multiplied or divided by at random;
        1 as in the paper.
    """

    slices: int = 1
    size: int = 37
    tumour_share: float = 0.2
    flips: float = 0.5
    gain: float = 1.0


def read_cases(paths: Iterable[Path], keys: SegmentationPreprocessing) -> list[Case]:
    """Read phantom examinations."""
    return [case_of(read_exam(path), keys) for path in paths]


def case_of(phantom: PhantomExam, keys: SegmentationPreprocessing) -> Case:
    """Prepare one examination as inference does, without looking for motion."""
    read = network_input(phantom.exam, replace(keys, motion="never", region="breast"))
    image = phantom.exam.image
    malignant, benign = (
        turned(image.with_array(_union(phantom, malignant).astype(np.uint8))).array > 0 for malignant in (True, False)
    )
    rng = np.random.default_rng((phantom.seed, 41))
    inside = np.flatnonzero(read.wanted)
    some = np.stack(np.unravel_index(inside[rng.integers(len(inside), size=_PLACES)], read.wanted.shape), 1)
    some += np.asarray(read.origin)
    return Case(
        seed=phantom.seed,
        source=read.source.astype(np.float16),
        start=read.source_start,
        malignant=malignant,
        grid=read.grid,
        tumour=_places(malignant, read.grid, rng),
        bright=some[_brightest(read, some)],
        benign=_places(benign, read.grid, rng),
        breast=some,
    )


def _union(phantom: PhantomExam, malignant: bool) -> np.ndarray:
    masks = [lesion.mask for lesion in phantom.lesions if lesion.malignant == malignant]
    return np.any(masks, axis=0) if masks else np.zeros(phantom.exam.image.spatial_shape, bool)


def _steps(grid: SagittalGrid) -> np.ndarray:
    return np.array([axis.step for axis in grid.axes])


def _places(mask: np.ndarray, grid: SagittalGrid, rng: np.random.Generator) -> np.ndarray:
    """Return places on the grid within the voxels of a mask, the voxels drawn evenly."""
    flat = np.flatnonzero(mask)
    if not len(flat):
        return np.zeros((0, 3), int)
    voxels = np.stack(np.unravel_index(flat[rng.integers(len(flat), size=_PLACES)], mask.shape), 1)
    chosen = voxels + rng.random((_PLACES, 3))
    return np.minimum(np.floor(chosen / _steps(grid)).astype(int), np.array(grid.shape) - 1)


def _brightest(read: NetworkInput, places: np.ndarray) -> np.ndarray:
    """Return which places lie on voxels whose T1c is above the 90th percentile of all places."""
    voxels = ((places + 0.5) * _steps(read.grid)).astype(int) - np.array(read.source_start)
    found = read.source[0][tuple(np.minimum(voxels, np.array(read.source.shape[1:]) - 1).T)]
    return found > np.percentile(found, BRIGHT)


def patch_around(case: Case, centre: np.ndarray, sampling: Sampling) -> tuple[np.ndarray, np.ndarray]:
    """Return a patch (3, slices + 18, size + 38, size + 38) and its labels (slices, size, size), both float32."""
    output = np.array([sampling.slices, sampling.size, sampling.size])
    start = centre - output // 2
    lost = np.array([DEPTH_LOST, PLANE_LOST, PLANE_LOST]) // 2
    values = case.grid.sample(case.source, _ranges(start - lost, start + output + lost), case.start)
    labels = case.grid.sample(case.malignant[None], _ranges(start, start + output))[0]
    return values, (labels >= 0.5).astype(np.float32)


def _ranges(start: np.ndarray, stop: np.ndarray) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
    a, b, c = ((int(low), int(high)) for low, high in zip(start, stop, strict=True))
    return a, b, c


class Sampler:
    """Draws batches: tumour and other patches in the wanted ratio, cases in random order."""

    def __init__(self, cases: list[Case], sampling: Sampling) -> None:
        self._cases, self._sampling = cases, sampling
        self._with_tumour = [case for case in cases if len(case.tumour)]

    def batch(self, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return patches (size, 3, …) and labels (size, …); every batch holds its share of tumour patches."""
        tumours = int(self._sampling.tumour_share * size + rng.random())
        pairs = [self._one(rng, tumour=number < tumours) for number in range(size)]
        return np.stack([pair[0] for pair in pairs]), np.stack([pair[1] for pair in pairs])

    def _one(self, rng: np.random.Generator, *, tumour: bool) -> tuple[np.ndarray, np.ndarray]:
        if tumour:
            case = self._with_tumour[rng.integers(len(self._with_tumour))]
            places = case.tumour
        else:
            case = self._cases[rng.integers(len(self._cases))]
            places = _other_places(case, rng)
        jitter = rng.integers(-self._sampling.size // 4, self._sampling.size // 4 + 1, 3) * (0, 1, 1)
        values, labels = patch_around(case, places[rng.integers(len(places))] + jitter, self._sampling)
        return _varied(values, labels, self._sampling, rng)


def _other_places(case: Case, rng: np.random.Generator) -> np.ndarray:
    """Return places that are hard (benign lesions, strong enhancement) or anywhere, half each."""
    draw = rng.random()
    if draw < 0.25 and len(case.benign):
        return case.benign
    return case.bright if draw < 0.5 else case.breast


def _varied(
    values: np.ndarray, labels: np.ndarray, sampling: Sampling, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if rng.random() < sampling.flips:
        axis = int(rng.integers(3))
        values, labels = np.flip(values, axis + 1), np.flip(labels, axis)
    if sampling.gain > 1:
        factors = sampling.gain ** rng.uniform(-1, 1, 3)
        values = values * (factors * (1.0, factors[0], factors[0])).astype(np.float32)[:, None, None, None]
    return np.ascontiguousarray(values), np.ascontiguousarray(labels)
