"""Windows of films and what the shared trunk sees in them, cached film by film: tails are then trained in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from inference.prepare.mammogram import MammogramPreprocessing, PreparedMammogram, prepare_mammogram
from inference.prepare.windows import Windows, calcification_windows, nodule_windows, patch_tensor
from inference.progress import Progress
from inference.training.mammo.dataset import CALCIFICATION, MODULES, NODULE, Film, Lesion, read_exam
from inference.training.mammo.labels import CASE, LabelRules, window_labels

NATURAL, EXTRA = 0, 1  # read by inference too; made for training only
_AT_ONCE = 32
FIND = {NODULE: nodule_windows, CALCIFICATION: calcification_windows}
_FAR = 0.35  # extra windows on a lesion are shifted by up to this share of their side


@dataclass(frozen=True)
class Extras:
    """Windows made for training: around each malignant lesion (upright and turned), and turned ones of any film.

    Turned means one of the seven other ways a square can lie. Cases and controls are turned alike, so that lying on its
    side says nothing about a window.
    """

    upright_per_lesion: int = 8
    turned_per_lesion: int = 8
    turned_per_film: int = 3


@dataclass(frozen=True)
class WindowFeatures:
    """Windows of one module in all films.

    Attributes
    ----------
    features
        (n, 2048, 7, 7) float16, of the shared trunk.
    film
        (n,) row of the film they are of.
    corners
        (n, 2) row and column of the first pixel in the swept image.
    turn
        (n,) 0 upright, 1 to 7 turned.
    origin
        (n,) :data:`NATURAL` or :data:`EXTRA`.
    labels
        (n,) of :mod:`inference.training.mammo.labels`.
    """

    features: np.ndarray
    film: np.ndarray
    corners: np.ndarray
    turn: np.ndarray
    origin: np.ndarray
    labels: np.ndarray

    @property
    def natural(self) -> np.ndarray:
        """Which windows inference would read."""
        return self.origin == NATURAL


@dataclass(frozen=True)
class Source:
    """What windows and features are made with: the trunk, the preprocessing, the extra windows, the cache, the seed."""

    trunk: nn.Module
    keys: MammogramPreprocessing
    extras: Extras
    cache: Path
    seed: int


def extract_film(film: Film, source: Source, modules: Sequence[str] = MODULES) -> None:
    """Write the windows of one film and their features into the cache, one file per module that reads it.

    What is there already is kept.
    """
    wanted = [module for module in modules if film.is_read(module)]
    missing = [module for module in wanted if not _file(source.cache, film, module).exists()]
    if not missing:
        return
    prepared = prepare_mammogram(read_exam(film), source.keys, Progress())
    for module in missing:
        rng = np.random.default_rng((source.seed, MODULES.index(module), int(film.path.stem.removeprefix("mdb"))))
        windows, turn, origin = training_windows(module, film, prepared, source.extras, rng)
        target = _file(source.cache, film, module)
        partial = target.with_suffix(".part.npz")  # so that an interrupted run leaves no half file behind
        np.savez(
            partial,
            features=_trunk_features(source.trunk, prepared, windows, turn),
            corners=windows.corners.astype(np.int16),
            turn=turn,
            origin=origin,
            mm_per_pixel=prepared.mm_per_pixel,
        )
        partial.replace(target)


def training_windows(
    module: str, film: Film, prepared: PreparedMammogram, extras: Extras, rng: np.random.Generator
) -> tuple[Windows, np.ndarray, np.ndarray]:
    """Return the windows inference would read and those made for training, with their turns and origins."""
    natural = FIND[module](prepared)
    corners, turns = [natural.corners], [np.zeros(len(natural), int)]
    own = [lesion for lesion in film.lesions if lesion.is_placed and lesion.is_malignant and lesion.belongs_to(module)]
    for lesion in own:
        wanted = extras.upright_per_lesion + extras.turned_per_lesion
        found = lesion_windows(module, lesion, prepared, natural, wanted, rng)
        corners.append(found)
        turns.append(np.where(np.arange(len(found)) < extras.upright_per_lesion, 0, rng.integers(1, 8, len(found))))
    chosen = rng.permutation(len(natural))[: extras.turned_per_film]
    corners.append(natural.corners[chosen])
    turns.append(rng.integers(1, 8, len(chosen)))
    turn = np.concatenate(turns)
    origin = np.full(len(turn), EXTRA)
    origin[: len(natural)] = NATURAL
    return replace(natural, corners=np.concatenate(corners), brightness=np.zeros(len(turn), np.float32)), turn, origin


def lesion_windows(
    module: str, lesion: Lesion, prepared: PreparedMammogram, like: Windows, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Return up to ``count`` corners of case windows around a lesion, wherever they lie: ``add_lesion_windows``."""
    side, millimetre = like.side, 1 / prepared.mm_per_pixel
    if lesion.x_mm is None or lesion.y_mm is None:
        return np.zeros((0, 2), int)
    centred = np.array([lesion.y_mm, lesion.x_mm]) * millimetre - side / 2
    drawn = np.round(centred + rng.uniform(-_FAR, _FAR, (count * 20, 2)) * side).astype(int)
    drawn = np.clip(drawn, 0, np.array(prepared.grey.shape) - side)
    labels = labels_of(module, (lesion,), drawn, prepared.mm_per_pixel, prepared.preprocessing, LabelRules())
    return drawn[labels == CASE][:count]


def labels_of(
    module: str,
    lesions: Sequence[Lesion],
    corners: np.ndarray,
    mm_per_pixel: float,
    keys: MammogramPreprocessing,
    rules: LabelRules,
) -> np.ndarray:
    """Return the labels of windows given by their corners in the swept image (pixel edges to millimetres)."""
    side, stride = (
        (keys.nodule_side, keys.nodule_stride)
        if module == NODULE
        else (keys.calcification_side, keys.calcification_stride)
    )
    placed = corners.astype(float) * mm_per_pixel
    return window_labels(module, lesions, placed, side * mm_per_pixel, stride * mm_per_pixel, rules)


def open_features(
    module: str, films: Sequence[Film], cache: Path, keys: MammogramPreprocessing, rules: LabelRules
) -> WindowFeatures:
    """Return the cached windows of a module's case and control images, labelled; ``film`` counts in ``films``.

    Windows of a film with a lesion whose place MIAS does not give are discarded from training and still scored.
    """
    parts = [_part(module, row, film, cache, keys, rules) for row, film in enumerate(films) if film.is_read(module)]
    return WindowFeatures(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def turned(images: Tensor, turn: int) -> Tensor:
    """Return square images lying one of eight ways: quarter turns, from 4 on mirrored first."""
    if turn >= 4:
        images = images.flip(-1)
    return torch.rot90(images, turn % 4, (-2, -1))


def _part(
    module: str, row: int, film: Film, cache: Path, keys: MammogramPreprocessing, rules: LabelRules
) -> tuple[np.ndarray, ...]:
    with np.load(_file(cache, film, module)) as stored:
        corners, turn, origin = stored["corners"], stored["turn"], stored["origin"]
        features, mm_per_pixel = stored["features"], float(stored["mm_per_pixel"])
    labels = np.full(len(corners), -1)
    if film.is_placed:
        labels = labels_of(module, film.lesions, corners, mm_per_pixel, keys, rules)
    return features, np.full(len(corners), row), corners, turn, origin, labels


def _trunk_features(trunk: nn.Module, prepared: PreparedMammogram, windows: Windows, turn: np.ndarray) -> np.ndarray:
    found = [np.zeros((0, 2048, 7, 7), np.float16)]
    with torch.inference_mode():
        for first in range(0, len(windows), _AT_ONCE):
            rows = np.arange(first, min(first + _AT_ONCE, len(windows)))
            images = patch_tensor(prepared, windows, rows)
            images = torch.stack([turned(image, int(turn[row])) for image, row in zip(images, rows, strict=True)])
            features = trunk(images.to(torch.bfloat16).contiguous(memory_format=torch.channels_last))
            found.append(features.float().to(torch.float16).numpy())
    return np.concatenate(found)


def _file(cache: Path, film: Film, module: str) -> Path:
    return cache / f"{film.path.stem}-{module}.npz"
