"""Training of system 004 for the engine: generalised Dice, Adam, and Dice on breasts set aside."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.nets.unet_v4 import WIDTH, UNetV4, folded
from inference.prepare.segmentation_keys import SegmentationPreprocessing
from inference.training.engine import Task
from inference.training.segmentation.breasts import Case, Sampler, Sampling
from inference.training.segmentation.evaluate import evaluate

_SMOOTH = 1e-6
NETWORK = "network"


@dataclass(frozen=True)
class Recipe:
    """How the network is trained.

    Attributes
    ----------
    width
        Channels of the first layer.
    rate
        Of Adam; paper 1e-6 over 48,000 patches an epoch. Falls to a hundredth along a cosine over ``steps``.
    batch
        Patches of a step.
    epoch_steps
        Steps after which the breasts set aside are scored.
    """

    width: int = WIDTH
    rate: float = 1e-6
    batch: int = 16
    steps: int = 48_000
    epoch_steps: int = 3000
    seed: int = 1


# Small sets (SYSTEMS.md §1.5 names 1e-4 for fine-tuning); larger patches share what neighbouring ones compute.
SMALL = Recipe(rate=1e-3, batch=4, steps=3000, epoch_steps=250)
SMALL_SAMPLING = Sampling(slices=4, size=53, tumour_share=0.5, flips=0.5, gain=1.15)


class SegmentationTask(Task):
    """A network of system 004, the examinations it is trained on and those it is scored on.

    Parameters
    ----------
    validation
        Files of phantom examinations of the training side that are set aside; with none, only the last weights are
        kept.
    """

    clip = 0.0  # as the authors

    def __init__(self, cases: list[Case], recipe: Recipe, sampling: Sampling, validation: Sequence[Path] = ()) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.sampling = recipe, sampling
        self.steps, self.epoch_steps = recipe.steps, recipe.epoch_steps
        self.best = ("dice",) if validation else ()
        self.network = UNetV4(recipe.width).to(memory_format=torch.channels_last_3d)
        self._sampler, self._validation = Sampler(cases, sampling), tuple(validation)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The one network."""
        return {NETWORK: self.network}

    def optimiser(self) -> torch.optim.Optimizer:
        """Return Adam (paper)."""
        return torch.optim.Adam(self.network.parameters(), lr=self.recipe.rate)

    def rate(self, step: int) -> float:
        """Fall along a cosine to a hundredth."""
        return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(step / self.steps, 1.0)))

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return patches (n, 3, …) and labels (n, …)."""
        patches, labels = self._sampler.batch(self.recipe.batch, np.random.default_rng((self.recipe.seed, step, 42)))
        return torch.from_numpy(patches).to(memory_format=torch.channels_last_3d), torch.from_numpy(labels)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the generalised Dice loss."""
        return generalised_dice(self.network.dense(batch[0]), batch[1])

    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        """Return the median Dice of the breasts set aside, by the paper's slice rule and from 0.5 upwards."""
        network = networks[NETWORK]
        assert isinstance(network, UNetV4)
        if not self._validation:
            return {}
        plain = folded(copy.deepcopy(network).cpu()).to(memory_format=torch.channels_last_3d)
        scores = evaluate(plain, self._validation, SegmentationPreprocessing())
        if not scores:
            return {}
        return {
            "dice": float(np.median([score.dice for score in scores])),
            "floor_dice": float(np.median([score.floor_dice for score in scores])),
            "peak_on_lesion": float(np.mean([score.peak_inside for score in scores])),
        }

    def describe(self) -> dict[str, Any]:
        """Return recipe and sampling."""
        return {**super().describe(), "recipe": asdict(self.recipe), "sampling": asdict(self.sampling)}


def generalised_dice(logits: Tensor, labels: Tensor) -> Tensor:
    """Return 2 − D0 − D1, where D = (2 Σ y p + 1e-6) / (Σ y² + Σ p² + 1e-6) over the whole batch (authors' code).

    Parameters
    ----------
    logits
        Shape (n, 2, slices, rows, columns).
    labels
        1 tumour, 0 other, shape (n, slices, rows, columns).
    """
    p = logits.float().softmax(1)
    y = torch.stack((1 - labels, labels), 1)
    over = (0, 2, 3, 4)
    dice = (2 * (y * p).sum(over) + _SMOOTH) / ((y * y).sum(over) + (p * p).sum(over) + _SMOOTH)
    return 2 - dice.sum()
