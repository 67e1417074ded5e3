"""Training of one module's tail (last bottleneck and classifier) for the engine, on cached features of the trunk."""

from __future__ import annotations

import copy
import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.nets.patch_resnet import PatchTail, probability
from inference.training.engine import Settings, Task
from inference.training.engine.settings import autocast, device_of, precision_of
from inference.training.mammo.labels import CASE, CONTROL
from inference.training.mammo.recipe import Recipe
from inference.training.mammo.tables import WindowTable, read_features

NETWORK = "tail"
_AT_ONCE = 128


class TailTask(Task):
    """A copy of a tail and the windows it learns from; BatchNorm keeps its statistics.

    The paper has no validation side: after its 7 or 6 epochs the last weights are kept.

    Parameters
    ----------
    rows
        Windows that may be drawn: cases and controls, both present.
    start
        Usually ImageNet's last bottleneck with the classifier of :func:`inference.training.mammo.head.with_head`.
    """

    clip = 0.0  # the paper names none

    def __init__(self, table: WindowTable, rows: np.ndarray, start: PatchTail, recipe: Recipe, cache: Path) -> None:
        self.recipe, self._table = recipe, table
        self.epoch_steps = max(1, recipe.draws // recipe.batch)
        self.steps = recipe.epochs(table.module) * self.epoch_steps
        self.tail = copy.deepcopy(start)
        self._by_film = {label: _by_film(table, rows[table.labels[rows] == label]) for label in (CASE, CONTROL)}
        drawn = np.concatenate([np.zeros(0, int), *(self.rows_of(step) for step in range(self.steps))])
        self._known = np.unique(drawn)  # only these are held in memory
        self._features = read_features(table, self._known, cache)
        self._windows = _name(table, rows)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The one network."""
        return {NETWORK: self.tail}

    def optimiser(self) -> torch.optim.Optimizer:
        """Return Adam (paper), slower for the bottleneck than for the classifier."""
        groups = [
            {"params": self.tail.block.parameters(), "lr": self.recipe.rate},
            {"params": self.tail.fc.parameters(), "lr": self.recipe.head_rate},
        ]
        return torch.optim.AdamW(groups, weight_decay=self.recipe.weight_decay)

    def rate(self, step: int) -> float:
        """Fall to zero as half a cosine."""
        return (1 + math.cos(math.pi * step / self.steps)) / 2

    def rows_of(self, step: int) -> np.ndarray:
        """Return the windows of a step: half cases and half controls, a film first and then one of its windows."""
        rng, half = np.random.default_rng((self.recipe.seed, step, 700)), self.recipe.batch // 2
        drawn = []
        for label, share in ((CASE, half), (CONTROL, self.recipe.batch - half)):
            films = self._by_film[label]
            drawn += [rng.choice(films[film]) for film in rng.integers(len(films), size=share)]
        return np.array(drawn)

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return trunk features (n, channels, height, width) and labels (n,)."""
        rows = self.rows_of(step)
        features = self._features[np.searchsorted(self._known, rows)]
        return _tensor(features), torch.from_numpy(self._table.labels[rows].astype(np.int64))

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the cross-entropy of two classes (paper)."""
        return F.cross_entropy(logits(self.tail, batch[0], self.recipe.dropout), batch[1])

    def prepare(self) -> None:
        """Train, but keep BatchNorm's statistics: windows of a batch are no sample of any image."""
        self.tail.train()
        for module in self.tail.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()

    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        """Return nothing: there is no validation side, and the test side must not choose."""
        del networks
        return {}

    def describe(self) -> dict[str, Any]:
        """Return recipe, module, and a name of the windows with their labels."""
        own = {"module": self._table.module, "recipe": asdict(self.recipe), "windows": self._windows}
        return {**super().describe(), **own}


def logits(tail: PatchTail, features: Tensor, dropout: float) -> Tensor:
    """Return logits (n, 2); the classifier is computed in float32."""
    pooled = tail.block(features).mean((2, 3)).float()
    with torch.autocast(pooled.device.type, enabled=False):
        return tail.fc(F.dropout(pooled, dropout, training=dropout > 0))


def probabilities(tail: PatchTail, features: np.ndarray, settings: Settings) -> np.ndarray:
    """Return the softmax probability of the class "case" for cached features, (n,) float32."""
    device = device_of(settings)
    tail = tail.to(device).eval()
    found = [np.zeros(0, np.float32)]
    with torch.inference_mode(), autocast(device, precision_of(settings, device)):
        for first in range(0, len(features), _AT_ONCE):
            part = _tensor(features[first : first + _AT_ONCE]).to(device)
            found.append(probability(logits(tail, part, 0.0)).float().cpu().numpy())
    return np.concatenate(found)


def _by_film(table: WindowTable, rows: np.ndarray) -> list[np.ndarray]:
    return [rows[table.film[rows] == film] for film in np.unique(table.film[rows])]


def _tensor(features: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(features)).float().to(memory_format=torch.channels_last)


def _name(table: WindowTable, rows: np.ndarray) -> str:
    names = [table.films[film].path.stem for film in table.film[rows]]
    said = repr([*zip(names, table.place[rows].tolist(), table.labels[rows].tolist(), strict=True)])
    return hashlib.sha256(said.encode()).hexdigest()[:16]
