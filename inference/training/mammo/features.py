"""Windows of films and what the shared trunk sees in them, cached film by film: tails are then trained in minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from inference.nets.patch_resnet import PatchTail
from inference.prepare.mammogram import MammogramPreprocessing, PreparedMammogram, prepare_mammogram
from inference.prepare.windows import Windows, calcification_windows, nodule_windows, patch_tensor
from inference.progress import Progress
from inference.training.mammo.dataset import CALCIFICATION, MODULES, NODULE, Film, Lesion, read_exam
from inference.training.mammo.head import pooled
from inference.training.mammo.labels import BENIGN, CASE, LabelRules
from inference.training.mammo.tables import EXTRA, NATURAL, feature_file, labels_of, seen_file

_AT_ONCE = 32
FIND = {NODULE: nodule_windows, CALCIFICATION: calcification_windows}
_FAR = 0.35  # extra windows on a lesion are shifted by up to this share of their side


@dataclass(frozen=True)
class Extras:
    """Windows made for training: around each lesion of the module (upright and turned), and turned ones of any film.

    Turned means one of the seven other ways a square can lie. Cases and controls are turned alike, so that lying on its
    side says nothing about a window.
    """

    upright_per_lesion: int = 8
    turned_per_lesion: int = 8
    turned_per_film: int = 3


@dataclass(frozen=True)
class Source:
    """What windows and features are made with.

    Attributes
    ----------
    trunk, tail
        The shared trunk, and the tail whose bottleneck the pooled features come from.
    """

    trunk: nn.Module
    tail: PatchTail
    keys: MammogramPreprocessing
    extras: Extras
    cache: Path
    seed: int


def extract_film(film: Film, source: Source, modules: Sequence[str] = MODULES) -> None:
    """Write the windows of one film and their features into the cache, one file per module.

    What is there already is kept.
    """
    missing = [module for module in modules if not feature_file(source.cache, film, module).exists()]
    if not missing:
        return
    prepared = prepare_mammogram(read_exam(film), source.keys, Progress())
    for module in missing:
        rng = np.random.default_rng((source.seed, MODULES.index(module), int(film.path.stem.removeprefix("mdb"))))
        windows, turn, origin = training_windows(module, film, prepared, source.extras, rng)
        target = feature_file(source.cache, film, module)
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


def pool_film(film: Film, source: Source, modules: Sequence[str] = MODULES) -> None:
    """Write what the tail's bottleneck sees in the windows of one film beside them; what is there is kept."""
    for module in modules:
        target = seen_file(source.cache, film, module)
        if not target.exists():
            with np.load(feature_file(source.cache, film, module)) as stored:
                seen = pooled(source.tail, stored["features"])
            partial = target.with_suffix(".part.npy")
            np.save(partial, seen)
            partial.replace(target)


def training_windows(
    module: str, film: Film, prepared: PreparedMammogram, extras: Extras, rng: np.random.Generator
) -> tuple[Windows, np.ndarray, np.ndarray]:
    """Return the windows inference would read and those made for training, with their turns and origins."""
    natural = FIND[module](prepared)
    corners, turns = [natural.corners], [np.zeros(len(natural), int)]

    def add_around(lesion: Lesion) -> None:
        wanted = extras.upright_per_lesion + extras.turned_per_lesion
        found = lesion_windows(module, lesion, prepared, natural, wanted, rng)
        corners.append(found)
        turns.append(np.where(np.arange(len(found)) < extras.upright_per_lesion, 0, rng.integers(1, 8, len(found))))

    own = [lesion for lesion in film.lesions if lesion.is_placed and lesion.belongs_to(module)]
    for lesion in own:
        if lesion.is_malignant:
            add_around(lesion)
    chosen = rng.permutation(len(natural))[: extras.turned_per_film]
    corners.append(natural.corners[chosen])
    turns.append(rng.integers(1, 8, len(chosen)))
    for lesion in own:
        if not lesion.is_malignant:
            add_around(lesion)
    turn = np.concatenate(turns)
    origin = np.full(len(turn), EXTRA)
    origin[: len(natural)] = NATURAL
    return replace(natural, corners=np.concatenate(corners), brightness=np.zeros(len(turn), np.float32)), turn, origin


def lesion_windows(
    module: str, lesion: Lesion, prepared: PreparedMammogram, like: Windows, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Return up to ``count`` corners of windows that hold a lesion, wherever they lie: ``add_lesion_windows``."""
    side, millimetre = like.side, 1 / prepared.mm_per_pixel
    if lesion.x_mm is None or lesion.y_mm is None:
        return np.zeros((0, 2), int)
    centred = np.array([lesion.y_mm, lesion.x_mm]) * millimetre - side / 2
    drawn = np.round(centred + rng.uniform(-_FAR, _FAR, (count * 20, 2)) * side).astype(int)
    drawn = np.clip(drawn, 0, np.array(prepared.grey.shape) - side)
    labels = labels_of(module, (lesion,), drawn, prepared.mm_per_pixel, prepared.preprocessing, LabelRules())
    return drawn[np.isin(labels, (CASE, BENIGN))][:count]


def turned(images: Tensor, turn: int) -> Tensor:
    """Return square images lying one of eight ways: quarter turns, from 4 on mirrored first."""
    if turn >= 4:
        images = images.flip(-1)
    return torch.rot90(images, turn % 4, (-2, -1))


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
