"""Training of one module's tail (last bottleneck and classifier) on cached features of the shared trunk."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.nets.patch_resnet import PatchTail
from inference.training.mammo.dataset import CALCIFICATION, NODULE
from inference.training.mammo.features import WindowFeatures
from inference.training.mammo.labels import CASE, CONTROL

_AT_ONCE = 128


@dataclass(frozen=True)
class Recipe:
    """How a tail is trained; epochs, batch and Adam are the paper's, the rest is ours ([R]).

    Attributes
    ----------
    nodule_epochs, calcification_epochs
        Paper: 7 and 6. 0 keeps ImageNet's last bottleneck: only the classifier is fitted, by logistic regression.
    draws
        Windows per epoch: half cases and half controls, each half drawn film by film.
    rate, head_rate
        Adam's learning rates of the last bottleneck and of the classifier; they fall to zero as half a cosine.
    weight_decay
        Decoupled (AdamW).
    dropout
        Of pooled features before the classifier, in training only.
    """

    nodule_epochs: int = 7
    calcification_epochs: int = 6
    draws: int = 640
    batch: int = 32
    rate: float = 5e-5
    head_rate: float = 1e-4
    weight_decay: float = 1e-2
    dropout: float = 0.5
    seed: int = 1

    def epochs(self, module: str) -> int:
        """Return the number of epochs of a module."""
        return {NODULE: self.nodule_epochs, CALCIFICATION: self.calcification_epochs}[module]


def train_tail(start: PatchTail, windows: WindowFeatures, rows: np.ndarray, module: str, recipe: Recipe) -> PatchTail:
    """Return a trained copy of a tail; BatchNorm keeps its statistics.

    Parameters
    ----------
    start
        Usually ImageNet's last bottleneck with the classifier of :func:`inference.training.mammo.head.with_head`.
    rows
        Which of the windows may be drawn; among them, discarded ones never are.
    """
    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng((recipe.seed, 700))
    tail = copy.deepcopy(start).train()
    _freeze_statistics(tail)
    optimiser = torch.optim.AdamW(
        [
            {"params": tail.block.parameters(), "lr": recipe.rate},
            {"params": tail.fc.parameters(), "lr": recipe.head_rate},
        ],
        weight_decay=recipe.weight_decay,
    )
    steps = recipe.epochs(module) * recipe.draws // recipe.batch
    if steps == 0:
        return tail.eval()
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    draw = _Draw(windows, rows, rng)
    for _ in range(steps):
        drawn = draw(recipe.batch)
        truth = torch.from_numpy(windows.labels[drawn].astype(np.int64))
        loss = F.cross_entropy(_logits(tail, _tensor(windows.features[drawn]), recipe.dropout), truth)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return tail.eval()


def probabilities(tail: PatchTail, features: np.ndarray) -> np.ndarray:
    """Return the softmax probability of the class "case" for cached features, (n,) float32."""
    tail.eval()
    found = []
    with torch.inference_mode():
        for first in range(0, len(features), _AT_ONCE):
            logits = _logits(tail, _tensor(features[first : first + _AT_ONCE]), 0.0)
            found.append(logits.softmax(dim=1)[:, CASE].numpy())
    return np.concatenate(found) if found else np.zeros(0, np.float32)


class _Draw:
    """Draws batches: half cases and half controls, a film first and then one of its windows."""

    def __init__(self, windows: WindowFeatures, rows: np.ndarray, rng: np.random.Generator) -> None:
        self._rng = rng
        self._rows = {label: _by_film(windows, rows[windows.labels[rows] == label]) for label in (CASE, CONTROL)}

    def __call__(self, count: int) -> np.ndarray:
        shares = {CASE: count // 2, CONTROL: count - count // 2}
        return np.array(
            [
                self._rng.choice(self._rows[label][film])
                for label, share in shares.items()
                for film in self._rng.integers(len(self._rows[label]), size=share)
            ]
        )


def _by_film(windows: WindowFeatures, rows: np.ndarray) -> list[np.ndarray]:
    return [rows[windows.film[rows] == film] for film in np.unique(windows.film[rows])]


def _logits(tail: PatchTail, features: Tensor, dropout: float) -> Tensor:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pooled = tail.block(features).mean((2, 3))
    return tail.fc(F.dropout(pooled.float(), dropout, training=dropout > 0))


def _tensor(features: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(features)).float().to(memory_format=torch.channels_last)


def _freeze_statistics(tail: PatchTail) -> None:
    for module in tail.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
