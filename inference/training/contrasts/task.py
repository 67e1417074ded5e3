"""Training of system 002 for the engine: one trio of contrasts, or all 35 by one network; running mean of weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.nets.contrast_resnet import ContrastResNet
from inference.progress import Progress
from inference.training.contrasts.initial import new_network
from inference.training.contrasts.patches import LesionSamples
from inference.training.contrasts.recipe import Recipe
from inference.training.contrasts.samples import Subset, batch, gathered
from inference.training.contrasts.table import lesion_scores, offers
from inference.training.engine import Outcome, Settings, Task, fit, load_networks
from inference.training.statistics.roc import area

NETWORK, BEST = "network", "auc"


@dataclass(frozen=True)
class Material:
    """Lesions of the training and of the validation side (may be empty), and the trio read (None: any)."""

    train: Sequence[LesionSamples]
    validation: Sequence[LesionSamples] = ()
    subset: Subset | None = None


class ContrastTask(Task):
    """A ResNet-34 and the lesions it learns from."""

    def __init__(self, material: Material, recipe: Recipe) -> None:
        self.recipe, self.material = recipe, material
        self.network = new_network(recipe)
        self.steps, self.epoch_steps, self.average = recipe.steps, recipe.epoch, recipe.average
        self.best = (BEST,) if recipe.keep == "best" and material.validation else ()
        subset = material.subset
        usable = [one for one in material.train if subset is None or offers(one, subset)]
        self._patches = gathered(usable)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The one network."""
        return {NETWORK: self.network}

    def optimiser(self) -> torch.optim.Optimizer:
        """Return SGD with momentum (paper 002, Transfer Learning)."""
        recipe = self.recipe
        return torch.optim.SGD(
            self.network.parameters(), recipe.rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
        )

    def rate(self, step: int) -> float:
        """Fall as the recipe says."""
        return self.recipe.share_at(step)

    def prepare(self) -> None:
        """Put the network into training mode; frozen batch normalisation stays as it is."""
        self.network.train()
        if self.recipe.freeze_norm:
            for layer in self.network.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.eval()

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Return images (n, 3, size, size) and labels (n,)."""
        return batch(self._patches, self.recipe, step, self.material.subset)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the cross-entropy."""
        return F.cross_entropy(self.network(batch[0].to(memory_format=torch.channels_last)).float(), batch[1])

    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        """Return the area over the lesions of the validation side, for the one trio that is read."""
        network, subset = networks[NETWORK], self.material.subset
        assert isinstance(network, ContrastResNet)
        usable = [one for one in self.material.validation if subset is not None and offers(one, subset)]
        if not usable or subset is None:
            return {}
        scores = lesion_scores(network, usable, subset)
        value = area(np.array([one.malignant for one in usable], float), scores) if np.isfinite(scores).all() else 0.0
        return {} if np.isnan(value) else {BEST: value}

    def describe(self) -> dict[str, Any]:
        """Return recipe, trio and the examinations trained on."""
        seeds = sorted({(one.seed, len(one.images)) for one in (*self.material.train, *self.material.validation)})
        recipe = {key: value for key, value in asdict(self.recipe).items() if key != "only"}
        data = hashlib.sha256(repr(seeds).encode()).hexdigest()[:12]
        return {**super().describe(), "recipe": recipe, "subset": self.material.subset, "data": data}


def train_network(
    folder: Path, material: Material, recipe: Recipe, settings: Settings, progress: Progress, listen: Any = None
) -> tuple[ContrastResNet, Outcome]:
    """Train, or go on; return the network in evaluation mode, on the processor."""
    task = ContrastTask(material, recipe)
    outcome = fit(task, folder, settings, progress, listen)
    load_networks(outcome.best.get(BEST, outcome.last), {NETWORK: task.network.cpu()})
    return task.network.eval(), outcome
