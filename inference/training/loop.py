"""The joint loss of system 000 and the loop that trains a tail on trunk features."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inference.nets.attention_resnet import Prediction, Tail, attend
from inference.training.features import FeatureSet


@dataclass(frozen=True)
class Recipe:
    """How a tail is trained. The paper states SGD with Nesterov momentum and the joint model; the rest is SYSTEMS.md's.

    Attributes
    ----------
    rate, block_rate
        Learning rates of attention and classifier, and of the pretrained bottleneck; both fall as a cosine.
    attention_weight
        λ in L = BCE(5 outputs) + λ·BCE(p, mask).
    lesion_cell_weight
        Weight of the lesion share of a cell in BCE(p, mask); 1 is the plain loss.
    detach_attention
        True keeps the classification loss from changing the attention.
    real_share
        Share of each epoch drawn from real slices; the rest are phantoms.
    trunk_steps, trunk_batch, trunk_rate
        Steps, slices a step, and learning rate of the trunk's deeper layers (:mod:`inference.training.finetune`).
    """

    epochs: int = 3
    batch: int = 16
    rate: float = 1e-2
    block_rate: float = 2e-3
    momentum: float = 0.9
    weight_decay: float = 1e-4
    attention_weight: float = 1.0
    lesion_cell_weight: float = 8.0
    detach_attention: bool = False
    real_share: float = 0.5
    per_epoch: int = 800
    trunk_steps: int = 450
    trunk_batch: int = 8
    trunk_rate: float = 4e-3
    seed: int = 1


def joint_loss(prediction: Prediction, targets: Tensor, cells: Tensor, recipe: Recipe) -> Tensor:
    """Return BCE over the known labels + λ·BCE over the cells of slices whose lesion's place is known.

    Parameters
    ----------
    targets
        (n, 5), NaN where a label is not known.
    cells
        (n, rows, columns) share of lesion in each cell, NaN where the place is not known.
    """
    weight = torch.tensor(recipe.lesion_cell_weight)
    return _known_bce(prediction.logits, targets) + recipe.attention_weight * _known_bce(
        prediction.attention, cells, weight
    )


def _known_bce(logits: Tensor, targets: Tensor, weight: Tensor | None = None) -> Tensor:
    """Return the mean binary cross-entropy where the target is not NaN; 0 where none is known."""
    known = ~torch.isnan(targets)
    loss = F.binary_cross_entropy_with_logits(logits[known], targets[known], pos_weight=weight, reduction="sum")
    return loss / known.sum().clamp(min=1)


def epochs(tail: Tail, features: FeatureSet, rows: np.ndarray, recipe: Recipe) -> Iterator[tuple[int, Tail]]:
    """Train a copy of ``tail`` on the chosen rows and yield it after each epoch, counted from 1.

    The tail yielded goes on being trained: copy what is to be kept. BatchNorm keeps its ImageNet statistics.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng((recipe.seed, 200))
    tail = copy.deepcopy(tail).eval().to(memory_format=torch.channels_last)
    head = [*tail.attention.parameters(), *tail.fc.parameters()]
    groups = [{"params": head, "lr": recipe.rate}, {"params": tail.block.parameters(), "lr": recipe.block_rate}]
    optimiser = torch.optim.SGD(groups, momentum=recipe.momentum, weight_decay=recipe.weight_decay, nesterov=True)
    steps = recipe.epochs * math.ceil(recipe.per_epoch / recipe.batch)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / 50) * 0.5 * (1 + math.cos(math.pi * step / steps))
    )
    for epoch in range(1, recipe.epochs + 1):
        for batch in _batches(features, rows, recipe, rng):
            loss = joint_loss(_forward(tail, features, batch, recipe), *_truth(features, batch), recipe)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(tail.parameters(), 5.0)
            optimiser.step()
            schedule.step()
        yield epoch, tail


def predict(tail: Tail, features: FeatureSet, rows: np.ndarray, batch: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (n, 5) and attention p (n, 8, 11) of the chosen rows."""
    scores, maps = [], []
    index = np.flatnonzero(rows)
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for start in range(0, len(index), batch):
            logits, attention = tail(_input(features, index[start : start + batch]))
            scores.append(logits.float().sigmoid().numpy())
            maps.append(attention.float().sigmoid().numpy())
    return np.concatenate(scores), np.concatenate(maps)


def _forward(tail: Tail, features: FeatureSet, batch: np.ndarray, recipe: Recipe) -> Prediction:
    with torch.autocast("cpu", dtype=torch.bfloat16):  # seven times as fast on processors that have it
        if not recipe.detach_attention:
            prediction = tail(_input(features, batch))
        else:
            block = tail.block(_input(features, batch))
            attention = tail.attention(block)[:, 0]
            prediction = Prediction(tail.fc(attend(block, attention.detach())), attention)
    return Prediction(prediction.logits.float(), prediction.attention.float())


def _input(features: FeatureSet, index: np.ndarray) -> Tensor:
    return torch.from_numpy(features.features[index]).float().to(memory_format=torch.channels_last)


def _truth(features: FeatureSet, index: np.ndarray) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(features.targets[index]), torch.from_numpy(features.cells[index])


def _batches(features: FeatureSet, rows: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Draw an epoch: real and phantom slices in the recipe's proportion, each kind evenly among its patients."""
    index = np.flatnonzero(rows)
    real = features.source[index] != "phantom"
    weight = np.zeros(len(index))
    for kind, share in ((real, recipe.real_share), (~real, 1 - recipe.real_share)):
        if kind.any():
            weight[kind] = share * _evenly(features.patient[index[kind]])
    drawn = rng.choice(index, size=recipe.per_epoch, p=weight / weight.sum())
    for start in range(0, recipe.per_epoch, recipe.batch):
        yield drawn[start : start + recipe.batch]


def _evenly(patients: np.ndarray) -> np.ndarray:
    """Return weights that sum to 1 and lie between even over slices and even over patients."""
    _, which, count = np.unique(patients, return_inverse=True, return_counts=True)
    weight = 1.0 / np.sqrt(count[which])
    return weight / weight.sum()
