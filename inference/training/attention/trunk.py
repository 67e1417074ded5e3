"""The first half of training system 000: the deeper layers of the trunk, once, for all three checkpoints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from inference.nets.attention_resnet import Prediction, Tail, Trunk
from inference.prepare.grid import reduce_mask
from inference.prepare.mri_slice import network_input
from inference.training.attention.ahead import Ahead
from inference.training.attention.augment import plain, planted, variant
from inference.training.attention.recipe import Recipe, joint_loss
from inference.training.attention.slices import Sample, contralateral
from inference.training.engine import Task

TRUNK, TAIL = "trunk", "tail"
_SHARES = {"breastdm": 0.35, "contralateral": 0.1, "planted": 0.1, "ispy1": 0.1, "phantom": 0.35}
_OF_BREASTDM = ("contralateral", "planted")
_EPOCH_STEPS = 75
_WARM_STEPS, _LEAST_RATE = 40, 0.03


class TrunkTask(Task):
    """Trains layer3, layer4 and the tail on random variants; the earlier layers and BatchNorm stay ImageNet's.

    Parameters
    ----------
    samples
        Training patients only.
    """

    def __init__(self, trunk: Trunk, tail: Tail, samples: Sequence[Sample], recipe: Recipe) -> None:
        self.recipe, self.trunk, self.tail = recipe, trunk, tail.to(memory_format=torch.channels_last)
        self.steps, self.epoch_steps = recipe.trunk_steps, _EPOCH_STEPS
        for early in (trunk.conv1, trunk.bn1, trunk.layer1, trunk.layer2):
            early.requires_grad_(False)
        self._pools, self._shares = _pools(samples, recipe)
        self._ahead = Ahead(self._made, self.steps)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """Trunk and tail."""
        return {TRUNK: self.trunk, TAIL: self.tail}

    def optimiser(self) -> torch.optim.Optimizer:
        """Return SGD with Nesterov momentum (paper), the pretrained layers slower."""
        deep = [*self.trunk.layer3.parameters(), *self.trunk.layer4.parameters(), *self.tail.block.parameters()]
        head = [*self.tail.attention.parameters(), *self.tail.fc.parameters()]
        return torch.optim.SGD(
            [{"params": deep, "lr": self.recipe.trunk_rate}, {"params": head, "lr": self.recipe.rate}],
            momentum=self.recipe.momentum,
            weight_decay=self.recipe.weight_decay,
            nesterov=True,
        )

    def rate(self, step: int) -> float:
        """Rise over the first steps, then fall along a cosine."""
        fall = _LEAST_RATE + (1 - _LEAST_RATE) * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return min(1.0, (step + 1) / _WARM_STEPS) * fall

    def prepare(self) -> None:
        """Keep BatchNorm's statistics (SYSTEMS.md §1.1)."""
        for network in self.networks.values():
            network.eval()

    def batch(self, step: int) -> tuple[Tensor, ...]:
        """Return images (n, 3, 240, 345), targets (n, 5) and cells (n, 8, 11)."""
        return self._ahead(step)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the joint loss."""
        images, targets, cells = batch
        with torch.no_grad():
            first = self.trunk.bn1(self.trunk.conv1(images.contiguous(memory_format=torch.channels_last)))
            early = self.trunk.layer2(self.trunk.layer1(self.trunk.maxpool(self.trunk.relu(first))))
        logits, attention = self.tail(self.trunk.layer4(self.trunk.layer3(early)))
        return joint_loss(Prediction(logits.float(), attention.float()), targets, cells, self.recipe)

    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        """Choose nothing: the tails do."""
        del networks
        return {}

    def describe(self) -> dict[str, Any]:
        """Return the recipe and the patients."""
        patients = sorted({sample.patient for pool in self._pools.values() for sample in pool})
        return {**super().describe(), "recipe": asdict(self.recipe), "patients": patients}

    def close(self) -> None:
        """End the threads that make batches."""
        self._ahead.close()

    def _made(self, step: int) -> tuple[Tensor, ...]:
        rng = np.random.default_rng((self.recipe.seed, 300, step))
        drawn = [self._draw(rng) for _ in range(self.recipe.trunk_batch)]
        pairs = [plain(sample) if self.recipe.strict else variant(sample, rng) for sample in drawn]
        grey, masks = (torch.from_numpy(np.stack(part)) for part in zip(*pairs, strict=True))
        keys = self.recipe.preprocessing
        cells = reduce_mask(masks, keys.target_grid, keys.reduction)
        cells[[not sample.place_known for sample in drawn]] = torch.nan
        return network_input(grey), torch.tensor([sample.targets for sample in drawn]), cells

    def _draw(self, rng: np.random.Generator) -> Sample:
        """Draw a kind of slice, then a patient, then one of the patient's slices."""
        kind = rng.choice(list(self._shares), p=list(self._shares.values()))
        pool = self._pools["breastdm" if kind in _OF_BREASTDM else kind]
        patients = sorted({sample.patient for sample in pool})
        patient = patients[rng.integers(len(patients))]
        own = [sample for sample in pool if sample.patient == patient]
        sample = own[rng.integers(len(own))]
        if kind == "contralateral":
            return contralateral(sample) or sample
        if kind == "planted":
            onto = contralateral(sample) if rng.random() < 0.5 else None
            return planted(sample, rng, onto or sample)
        return sample


def _pools(samples: Sequence[Sample], recipe: Recipe) -> tuple[dict[str, list[Sample]], dict[str, float]]:
    """Return the slices of each source, and the share of each kind of slice that there is."""
    pools: dict[str, list[Sample]] = {}
    for sample in samples:
        pools.setdefault(sample.source, []).append(sample)
    there = {
        kind: share
        for kind, share in _SHARES.items()
        if ("breastdm" if kind in _OF_BREASTDM else kind) in pools and not (recipe.strict and kind == "planted")
    }
    whole = sum(there.values())
    return pools, {kind: share / whole for kind, share in there.items()}
