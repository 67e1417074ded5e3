"""A small training for the engine's tests; as a program: ``toy_task.py FOLDER [--steps N] [--slow]``."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from inference.training.engine import Settings, Task, fit


class ToyTask(Task):
    """Two moons with dropout, batch normalisation and momentum: everything that has a state."""

    best = ("accuracy", "negative_loss")

    def __init__(
        self, steps: int = 30, epoch_steps: int = 10, *, normalised: bool = True, average: float = 0.9
    ) -> None:
        torch.manual_seed(1)
        self.steps, self.epoch_steps, self.average = steps, epoch_steps, average
        middle = nn.BatchNorm1d(16) if normalised else nn.Identity()
        dropout = nn.Dropout(0.2 if normalised else 0.0)
        self._network = nn.Sequential(nn.Linear(2, 16), middle, nn.ReLU(), dropout, nn.Linear(16, 2))
        self.pause_s = 0.0
        self.evaluated = 0

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"toy": self._network}

    def optimiser(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self._network.parameters(), lr=0.1, momentum=0.9, nesterov=True)

    def rate(self, step: int) -> float:
        return 1 - step / (2 * self.steps)

    def batch(self, step: int) -> tuple[Tensor, ...]:
        time.sleep(self.pause_s)
        return moons(12, (7, step))

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        return functional.cross_entropy(self._network(batch[0]).float(), batch[1])

    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        self.evaluated += 1
        points, labels = moons(200, (8,))
        with torch.inference_mode():
            logits = networks["toy"](points)
        right = (logits.argmax(1) == labels).float().mean()
        return {"accuracy": float(right), "negative_loss": -float(functional.cross_entropy(logits, labels))}


def moons(count: int, seed: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    angle, label = rng.uniform(0, np.pi, count), rng.integers(0, 2, count)
    x = np.where(label, 1 - np.cos(angle), np.cos(angle)) + rng.normal(0, 0.1, count)
    y = np.where(label, 0.5 - np.sin(angle), np.sin(angle)) + rng.normal(0, 0.1, count)
    return torch.from_numpy(np.stack([x, y], 1).astype(np.float32)), torch.from_numpy(label.astype(np.int64))


if __name__ == "__main__":
    torch.set_num_threads(1)
    task = ToyTask(normalised="--plain" not in sys.argv)
    task.pause_s = 0.05 if "--slow" in sys.argv else 0.0
    fit(task, Path(sys.argv[1]), Settings(device="cpu", precision="float32", save_every_s=0.2))
