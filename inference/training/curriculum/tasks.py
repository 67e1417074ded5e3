"""The two stages of system 003 for the engine: patches around lesions, then whole breasts."""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from inference.nets.curriculum_resnet import CHANNELS, CurriculumResNet
from inference.nets.precision import multiplies_bfloat16
from inference.training.curriculum.breasts import Breast, Images, label_at, patch, shifted, whole
from inference.training.curriculum.reading import T2, read
from inference.training.curriculum.recipe import Recipe
from inference.training.engine import Task
from inference.training.statistics.roc import area

NETWORK, BEST = "network", "log_likelihood"
_WARM_UP, _LEAST_RATE = 20, 0.02
_NEVER_CERTAIN = 1e-6


@dataclass(frozen=True)
class Material:
    """Breasts of the training and of the validation side, and where their values are."""

    train: Sequence[Breast]
    validation: Sequence[Breast]
    images: Images


class StageTask(Task):
    """What both stages share: the network, Adam, cross-entropy, and the epoch of its lowest value on validation."""

    stage: int

    def __init__(self, network: CurriculumResNet, material: Material, recipe: Recipe) -> None:
        self.network, self.material, self.recipe = network, material, recipe
        self.best = (BEST,) if recipe.keep == "best" and material.validation else ()

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The one network."""
        return {NETWORK: self.network}

    @property
    @abstractmethod
    def first_rate(self) -> float:
        """Learning rate before it falls."""

    def optimiser(self) -> torch.optim.Optimizer:
        """Return Adam with its defaults (paper's code)."""
        return torch.optim.Adam(self.network.parameters(), lr=self.first_rate)

    def rate(self, step: int) -> float:
        """Rise for 20 steps, then fall along a cosine to a fiftieth."""
        share = min(1.0, (step + 1) / _WARM_UP) * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return max(share, _LEAST_RATE)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Return the cross-entropy of volumes (n, 6, x, y, z) and labels (n,)."""
        return F.cross_entropy(self.network(batch[0]).logits.float(), batch[1])

    def describe(self) -> dict[str, Any]:
        """Return stage, recipe and the breasts trained on."""
        recipe = {key: value for key, value in asdict(self.recipe).items() if key != "compare"}
        names = " ".join(breast.file for breast in (*self.material.train, *self.material.validation))
        data = hashlib.sha256(names.encode()).hexdigest()[:12]
        return {**super().describe(), "stage": self.stage, "recipe": recipe, "data": data}

    def _rng(self, step: int) -> np.random.Generator:
        return np.random.default_rng((self.recipe.seed, self.stage, step))


class PatchTask(StageTask):
    """Stage 1: patches of 64 × 64 × 4 around lesions (paper 003, section 3.1)."""

    stage = 1

    def __init__(self, network: CurriculumResNet, material: Material, recipe: Recipe) -> None:
        super().__init__(network, material, recipe)
        self.steps, self.epoch_steps = recipe.patch_steps, recipe.patch_epoch
        self._lesions = [(breast, i) for breast in material.train for i in range(len(breast.centres))]
        self._labels = [int(breast.malignant[i]) for breast, i in self._lesions]

    @property
    def first_rate(self) -> float:
        """Of stage 1."""
        return self.recipe.patch_rate

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Draw lesions, malignant and benign ones alike often, and a random patch around each."""
        rng, found, labels = self._rng(step), [], []
        for number in _evenly(self._labels, self.recipe.patch_batch, rng):
            breast, lesion = self._lesions[number]
            centre, label = shifted(breast, lesion, rng)
            found.append(_without_t2(patch(self.material.images[breast], centre, rng), self.recipe, rng))
            labels.append(label)
        return torch.from_numpy(np.stack(found)), torch.tensor(labels)

    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        """Read the patch around every lesion of the validation side, as it is."""
        network, images = _of(networks), self.material.images
        found, truth = [], []
        for breast in self.material.validation:
            if breast.centres:
                patches = np.stack([patch(images[breast], centre, None) for centre in breast.centres])
                found.append(_probability(network, torch.from_numpy(np.ascontiguousarray(patches))))
                truth += [label_at(breast, centre) for centre in breast.centres]
        return _metrics(np.array(truth, float), np.concatenate(found)) if found else {}


class BreastTask(StageTask):
    """Stage 2, and naive training: whole breasts, all weights trained."""

    stage = 2

    def __init__(self, network: CurriculumResNet, material: Material, recipe: Recipe) -> None:
        super().__init__(network, material, recipe)
        self.steps, self.epoch_steps = recipe.breast_steps, recipe.breast_epoch

    @property
    def first_rate(self) -> float:
        """Of stage 2."""
        return self.recipe.breast_rate

    def batch(self, step: int) -> tuple[Tensor, Tensor]:
        """Draw malignant and other breasts alike often."""
        rng, breasts = self._rng(step), self.material.train
        drawn = _evenly([breast.label for breast in breasts], self.recipe.breast_batch, rng)
        chosen = [breasts[number] for number in drawn]
        found = [_without_t2(whole(self.material.images[breast], rng), self.recipe, rng) for breast in chosen]
        return torch.from_numpy(np.stack(found)), torch.tensor([breast.label for breast in chosen])

    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        """Read the whole breasts of the validation side."""
        breasts = self.material.validation
        if not breasts:
            return {}
        readings = read(_of(networks), breasts, self.material.images, with_t2=True)
        probability = np.array([one.probability for one in readings])
        return _metrics(np.array([breast.label for breast in breasts], float), probability)


def _of(networks: Mapping[str, nn.Module]) -> CurriculumResNet:
    network = networks[NETWORK]
    assert isinstance(network, CurriculumResNet)
    return network


def _probability(network: CurriculumResNet, patches: Tensor) -> np.ndarray:
    """Return the probability of malignancy of patches (n, 6, 64, 64, 4)."""
    assert patches.shape[1] == CHANNELS
    device = next(network.parameters()).device.type
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=multiplies_bfloat16(device)):
        logits = network(patches.to(device)).logits
    return torch.softmax(logits.float(), 1)[:, 1].cpu().numpy()


def _metrics(truth: np.ndarray, probability: np.ndarray) -> dict[str, float]:
    """Return minus the cross-entropy, and the area under the ROC curve where both classes are there.

    Nothing where the network gives no numbers: such an epoch is never the best.
    """
    if not np.isfinite(probability).all():
        return {}
    of_truth = np.where(truth > 0, probability, 1 - probability)
    found = {BEST: float(np.log(np.maximum(of_truth, _NEVER_CERTAIN)).mean())}
    value = area(truth, probability)
    return found if np.isnan(value) else {**found, "auc": value}


def _evenly(labels: Sequence[int], count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw with weights by class prevalence, so that both classes come alike often (SYSTEMS.md §1.4)."""
    known = np.array(labels)
    weight = np.where(known == 1, 0.5 / max(1, (known == 1).sum()), 0.5 / max(1, (known == 0).sum()))
    return rng.choice(len(known), size=count, p=weight / weight.sum())


def _without_t2(channels: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    channels = np.ascontiguousarray(channels)
    if rng.random() < recipe.t2_dropout:
        channels[T2] = 0
    return channels
