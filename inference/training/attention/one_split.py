"""One training of system 000 on one split: trunk, features, tails, and what the patients set aside say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inference import devices
from inference.errors import EngineError
from inference.families.mri_attention import CHECKPOINTS
from inference.nets.attention_resnet import Tail, Trunk
from inference.progress import Progress
from inference.training.attention.features import FeatureSet, extract
from inference.training.attention.localisation import Pointed
from inference.training.attention.pretrained import pretrained
from inference.training.attention.recipe import Amounts, Recipe
from inference.training.attention.slices import Sample
from inference.training.attention.tails import TAIL, TailTask
from inference.training.attention.trunk import TRUNK, TrunkTask
from inference.training.attention.validation import points_of, read_held_out
from inference.training.attention.variants import variants
from inference.training.engine import Outcome, Settings, fit, load_networks
from inference.training.split_sets import TEST, TRAIN, VALIDATION, Split

Listen = Callable[[dict[str, Any]], None] | None
_TRUNK_PART, _FEATURES_PART = 0.75, 0.9  # of the whole, by the clock


@dataclass(frozen=True)
class Trained:
    """A trained model and what it says about the test side of its split.

    Attributes
    ----------
    epochs
        The epoch each checkpoint was taken from, counted from 1; 0 where none was chosen and the last was taken.
    rows
        Plain slices of the test side among the features.
    scores, maps
        Probabilities (n, 5) and attention (n, 8, 11) of those.
    pointed
        Where the maps of real slices point.
    seconds
        Spent on the weights, over all sittings; without data and features.
    images_per_second
        Of the two halves: whole network, and tails on kept features; None where nothing was trained.
    """

    trunk: Trunk
    tails: dict[str, Tail]
    epochs: dict[str, int]
    features: FeatureSet
    rows: np.ndarray
    scores: np.ndarray
    maps: np.ndarray
    pointed: list[Pointed]
    seconds: float
    images_per_second: dict[str, float | None]


@dataclass(frozen=True)
class Plan:
    """What is trained on which images and how."""

    data: Path
    recipe: Recipe
    amounts: Amounts
    settings: Settings


def train_on(
    samples: Sequence[Sample],
    split: Split,
    plan: Plan,
    folder: Path,
    progress: Progress,
    listen: Listen = None,
) -> Trained:
    """Train on one side of a split, or go on; choose the checkpoints on the validation side, or on the test side.

    Parameters
    ----------
    split
        Without a validation side the test side chooses the checkpoints, as in the paper: optimistic.
    folder
        Gets ``trunk/``, ``tails/`` and ``features/``.

    Raises
    ------
    EngineError
        Where nothing is left to train on or to measure with.
    """
    side_of = dict(zip((s.patient for s in samples), split.sides([s.patient for s in samples]).tolist(), strict=True))
    learned = {patient for patient, side in side_of.items() if side == TRAIN}
    trunk, tail = pretrained(plan.data, plan.recipe.seed)
    first = _tune_trunk((trunk, tail), [s for s in samples if s.patient in learned], plan, folder, progress, listen)
    progress.report(_TRUNK_PART, "computing features")
    features = _features(trunk, samples, split, plan, folder)
    side = np.array([side_of[patient] for patient in features.patient.tolist()])
    test = (side == TEST) & features.plain
    choosing = (side == VALIDATION) & features.plain if split.validation else test
    if not (side == TRAIN).any() or not test.any():
        raise EngineError("Nobody is left to train on or to measure with.", "Add patients or phantoms.")
    task = TailTask(tail, features, side == TRAIN, choosing, plan.recipe)
    second = fit(task, folder / "tails", plan.settings, progress.part(_FEATURES_PART, 1.0), listen)
    tails = {name: _chosen(second, name) for name in CHECKPOINTS}
    scores, maps = read_held_out(tails, features, test)
    return Trained(
        trunk.cpu(),
        tails,
        {name: second.values.get(name, (0.0, 0))[1] for name in CHECKPOINTS},
        features,
        test,
        scores,
        maps,
        points_of(samples, features, test, maps, plan.recipe.preprocessing),
        second.seconds + (first.seconds if first else 0.0),
        {"trunk": _per_second(first, plan.recipe.trunk_batch), "tails": _per_second(second, plan.recipe.batch)},
    )


def _tune_trunk(
    networks: tuple[Trunk, Tail],
    learned: list[Sample],
    plan: Plan,
    folder: Path,
    progress: Progress,
    listen: Listen,
) -> Outcome | None:
    """Train trunk and tail in place; None where the recipe leaves the trunk as it is."""
    if not plan.recipe.trunk_steps:
        return None
    trunk, tail = networks
    task = TrunkTask(trunk, tail, learned, plan.recipe)
    try:
        outcome = fit(task, folder / "trunk", plan.settings, progress.part(0.0, _TRUNK_PART), listen)
    finally:
        task.close()
    load_networks(outcome.last, {TRUNK: trunk, TAIL: tail})
    return outcome


def _features(trunk: Trunk, samples: Sequence[Sample], split: Split, plan: Plan, folder: Path) -> FeatureSet:
    """Return the features of this training, from the disk where an earlier sitting left them."""
    of = {"recipe": asdict(plan.recipe), "amounts": asdict(plan.amounts), "split": asdict(split)}
    kept = folder / "features"
    if not FeatureSet.is_there(kept, of):
        learned = {
            s.patient
            for s, side in zip(samples, split.sides([s.patient for s in samples]), strict=True)
            if side == TRAIN
        }
        trunk.to(devices.choose(plan.settings.device)[0])
        inputs = variants(samples, learned, plan.amounts, plan.recipe)
        extract(trunk, inputs, plan.recipe.preprocessing).save(kept, of)
    return FeatureSet.open(kept)


def _chosen(outcome: Outcome, name: str) -> Tail:
    """Return the tail of the epoch that is best by a checkpoint's metric, or the last where it has no value."""
    tail = Tail().eval()
    load_networks(outcome.best.get(name, outcome.last), {TAIL: tail})
    return tail.to(memory_format=torch.channels_last)


def _per_second(outcome: Outcome | None, batch: int) -> float | None:
    return None if outcome is None or not outcome.seconds else round(outcome.steps * batch / outcome.seconds, 2)
