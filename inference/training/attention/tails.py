"""The second half of training system 000: a tail on the trunk's features, three checkpoints from one run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.families.mri_attention import CHECKPOINTS
from inference.nets.attention_resnet import Prediction, Tail, attend
from inference.training.attention.features import FeatureSet
from inference.training.attention.recipe import Recipe, joint_loss
from inference.training.attention.score import criteria
from inference.training.engine import Task

TAIL = "tail"
_WARM_STEPS = 50


class TailTask(Task):
    """Last bottleneck, attention and classifier; the epoch of each checkpoint is chosen by its own metric.

    Parameters
    ----------
    tail
        Is trained in place; BatchNorm keeps its ImageNet statistics.
    learned, choosing
        Rows of the features, (n,) bool: those trained on, and those the checkpoints are chosen by.
    """

    def __init__(
        self, tail: Tail, features: FeatureSet, learned: np.ndarray, choosing: np.ndarray, recipe: Recipe
    ) -> None:
        self.recipe, self.tail = recipe, tail.to(memory_format=torch.channels_last)
        self.epoch_steps = math.ceil(recipe.per_epoch / recipe.batch)
        self.steps = recipe.epochs * self.epoch_steps
        self.best = CHECKPOINTS if choosing.any() else ()
        self._features, self._choosing = features, choosing
        self._index = np.flatnonzero(learned)
        self._weight = _weights(features, self._index, recipe)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The tail."""
        return {TAIL: self.tail}

    def optimiser(self) -> torch.optim.Optimizer:
        """Return SGD with Nesterov momentum (paper)."""
        head = [*self.tail.attention.parameters(), *self.tail.fc.parameters()]
        return torch.optim.SGD(
            [
                {"params": head, "lr": self.recipe.rate},
                {"params": self.tail.block.parameters(), "lr": self.recipe.block_rate},
            ],
            momentum=self.recipe.momentum,
            weight_decay=self.recipe.weight_decay,
            nesterov=True,
        )

    def rate(self, step: int) -> float:
        """Rise over the first steps, then fall to 0 along a cosine."""
        return min(1.0, (step + 1) / _WARM_STEPS) * 0.5 * (1 + math.cos(math.pi * step / self.steps))

    def prepare(self) -> None:
        """Keep BatchNorm's statistics (SYSTEMS.md §1.1)."""
        self.tail.eval()

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """Return features (n, 2048, 8, 11), targets (n, 5) and cells (n, 8, 11)."""
        rng = np.random.default_rng((self.recipe.seed, 200, step))
        drawn = rng.choice(self._index, size=self.recipe.batch, p=self._weight)
        features = self._features
        return tuple(torch.from_numpy(part[drawn]) for part in (features.features, features.targets, features.cells))

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the joint loss."""
        values, targets, cells = batch
        logits, attention = _forward(self.tail, values, detach=self.recipe.detach_attention)
        return joint_loss(Prediction(logits.float(), attention.float()), targets, cells, self.recipe)

    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        """Return what each checkpoint is chosen by."""
        tail = networks[TAIL]
        assert isinstance(tail, Tail)
        if not self._choosing.any():
            return {}
        scores, maps = predict(tail, self._features, self._choosing)
        return criteria(self._features, self._choosing, scores, maps, strict=self.recipe.strict)

    def describe(self) -> dict[str, Any]:
        """Return the recipe and the patients on either side."""
        sides = {"learned": self._index, "choosing": np.flatnonzero(self._choosing)}
        patients = {name: sorted(set(self._features.patient[rows].tolist())) for name, rows in sides.items()}
        return {**super().describe(), "recipe": asdict(self.recipe), **patients}


def predict(tail: Tail, features: FeatureSet, rows: np.ndarray, batch: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (n, 5) and attention p (n, 8, 11) of the chosen rows, in bfloat16 as it is trained."""
    scores, maps = [], []
    index, device = np.flatnonzero(rows), tail.fc.weight.device
    with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16):
        for start in range(0, len(index), batch):
            values = torch.from_numpy(features.features[index[start : start + batch]]).to(device)
            logits, attention = _forward(tail, values)
            scores.append(logits.float().sigmoid().cpu().numpy())
            maps.append(attention.float().sigmoid().cpu().numpy())
    return np.concatenate(scores), np.concatenate(maps)


def _forward(tail: Tail, values: Tensor, *, detach: bool = False) -> Prediction:
    values = values.float().contiguous(memory_format=torch.channels_last)
    if not detach:
        return tail(values)
    block = tail.block(values)
    attention = tail.attention(block)[:, 0]
    return Prediction(tail.fc(attend(block, attention.detach())), attention)


def _weights(features: FeatureSet, index: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Return how often each row is drawn: real and phantom slices as the recipe says, each evenly among patients."""
    real = features.source[index] != "phantom"
    weight = np.zeros(len(index))
    for kind, share in ((real, recipe.real_share), (~real, 1 - recipe.real_share)):
        if kind.any():
            weight[kind] = share * _evenly(features.patient[index[kind]])
    return weight / weight.sum()


def _evenly(patients: np.ndarray) -> np.ndarray:
    """Return weights that sum to 1 and lie between even over slices and even over patients."""
    _, which, count = np.unique(patients, return_inverse=True, return_counts=True)
    weight = 1.0 / np.sqrt(count[which])
    return weight / weight.sum()
