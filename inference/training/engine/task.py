"""Task: what one recipe adds to the loop — networks, batches, loss, and by what the best epoch is chosen."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

Batch = tuple[Tensor, ...]


class Task(ABC):
    """One training.

    Attributes
    ----------
    steps
        Updates of the weights in all.
    epoch_steps
        Updates of an epoch: after each epoch the networks are evaluated and a checkpoint is written.
    best
        Metrics of :meth:`evaluate` whose best epoch is kept, larger is better; the first one ends the training early.
        System 000 has three.
    average
        Decay of the running mean of the weights that is evaluated and kept; 0 keeps the weights themselves.
    clip
        Largest norm of the gradient.
    """

    steps: int
    epoch_steps: int
    best: tuple[str, ...] = ()
    average: float = 0.0
    clip: float = 5.0

    @property
    @abstractmethod
    def networks(self) -> Mapping[str, nn.Module]:
        """The networks that are trained, by name; their weights are what a checkpoint holds."""

    @abstractmethod
    def optimiser(self) -> torch.optim.Optimizer:
        """Return a new optimiser over the networks' parameters."""

    @abstractmethod
    def batch(self, step: int) -> Batch:
        """Return the tensors of one step, all with the samples along the first axis.

        The same step must give the same batch, whatever went before: that is what makes a resumed training equal to
        an unbroken one. Draw from ``numpy.random.default_rng((seed, step))``.
        """

    @abstractmethod
    def loss(self, batch: Batch) -> Tensor:
        """Return the mean loss over the samples of a batch or of a part of it, under mixed precision where there is."""

    @abstractmethod
    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        """Return metrics of networks on the validation side, larger is better for those named in :attr:`best`."""

    def rate(self, step: int) -> float:
        """Return the factor of every learning rate at a step."""
        del step
        return 1.0

    def prepare(self) -> None:
        """Put the networks into the mode they are trained in; override it to keep BatchNorm's statistics."""
        for network in self.networks.values():
            network.train()

    def describe(self) -> dict[str, Any]:
        """Return what identifies the training, plain values for JSON: a folder is resumed only by the same training."""
        return {"task": type(self).__name__, "steps": self.steps, "epoch_steps": self.epoch_steps}
