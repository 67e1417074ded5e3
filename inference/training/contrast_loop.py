"""The loop that trains system 002's ResNet-34: a random subset of contrasts per sample, small images first."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inference.nets.contrast_resnet import ContrastResNet
from inference.prepare.contrast_settings import CONTRASTS, SUBSETS
from inference.prepare.mri_slice import IMAGENET_MEAN, IMAGENET_STD
from inference.training.checkpoint import read_checkpoint, write_checkpoint
from inference.training.contrast_patches import MARGIN, LesionSamples

_log = logging.getLogger(__name__)
_INDEX = np.array([[CONTRASTS.index(name) for name in subset] for subset in SUBSETS])
_SAVE_EVERY_S = 60.0


@dataclass(frozen=True)
class Recipe:
    """How the network is trained. The paper fine-tunes an ImageNet network, which is not to be had: from scratch.

    Attributes
    ----------
    stages
        Pixels along an edge of the input and steps with them: small images learn the most in the time there is; the
        last stage has the 224 of inference.
    rate, momentum, weight_decay
        SGD as in the paper, with the rate of a network that starts at random; it falls as a cosine after a warm-up.
    turn, shift_px, zoom, gain, noise
        Augmentation: any rotation and flips (paper); shifts for boxes that are not centred like masks; zoom, grey
        values and noise of other scanners.
    average
        Decay of the running mean of the weights, which is what is published.
    """

    stages: tuple[tuple[int, int], ...] = ((112, 700), (224, 100))
    batch: int = 32
    rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warm_up: int = 50
    turn: bool = True
    shift_px: float = 3.0
    zoom: float = 0.1
    gain: float = 0.15
    noise: float = 0.02
    average: float = 0.98
    seed: int = 1

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(steps for _, steps in self.stages)

    def size(self, step: int) -> int:
        """Return the pixels along an edge at a step."""
        for size, steps in self.stages:
            if step < steps:
                return size
            step -= steps
        return self.stages[-1][0]

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step."""
        warm = min(1.0, (step + 1) / self.warm_up)
        return self.rate * warm * 0.5 * (1 + math.cos(math.pi * step / self.steps))


@dataclass(frozen=True)
class Patches:
    """All slices that are trained on, in one array.

    Attributes
    ----------
    images
        float16, (n, 7, 72, 72).
    weight
        How often each is drawn: both classes alike, lesions nearly alike whatever their number of slices.
    """

    images: np.ndarray
    malignant: np.ndarray
    offered: np.ndarray
    weight: np.ndarray


def gathered(samples: Sequence[LesionSamples]) -> Patches:
    """Return the slices of lesions in one array, without those that show another lesion (paper, Preprocessing)."""
    kept = [(one, one.images[~one.shared]) for one in samples if not one.shared.all()]
    counts = np.array([len(images) for _, images in kept])
    malignant = np.repeat([one.malignant for one, _ in kept], counts)
    weight = np.repeat(1 / np.sqrt(counts), counts)
    for label in (False, True):
        weight[malignant == label] /= max(weight[malignant == label].sum(), 1e-9)
    offered = np.repeat(np.stack([one.offered for one, _ in kept]), counts, axis=0)
    return Patches(np.concatenate([images for _, images in kept]), malignant, offered, weight / weight.sum())


def batch(patches: Patches, recipe: Recipe, step: int) -> tuple[Tensor, Tensor]:
    """Return the network input (n, 3, size, size) and labels of one step; the same for the same seed and step."""
    rng = np.random.default_rng((recipe.seed, 400, step))
    rows = rng.choice(len(patches.weight), size=recipe.batch, p=patches.weight)
    chosen = np.stack([_subset(patches.offered[row], rng) for row in rows])
    images = torch.from_numpy(patches.images[rows[:, None], chosen].astype(np.float32))
    images = _moved(images, recipe, recipe.size(step), rng)
    images = _other_scanner(images, chosen, recipe, rng)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (images - mean) / std, torch.from_numpy(patches.malignant[rows].astype(np.int64))


def train(patches: Patches, recipe: Recipe, work: Path, minutes: float = math.inf) -> ContrastResNet | None:
    """Train, or go on where the last call stopped; returns the averaged network, None where the time was up before.

    Parameters
    ----------
    work
        Folder of the checkpoint; steps are seeded by their number, so that interrupting changes nothing.
    """
    torch.manual_seed(recipe.seed)
    network = ContrastResNet().to(memory_format=torch.channels_last)
    mean = copy.deepcopy(network)
    optimiser = torch.optim.SGD(
        network.parameters(), recipe.rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
    work.mkdir(parents=True, exist_ok=True)
    parts = {"network": network, "mean": mean, "optimiser": optimiser}
    path = work / "checkpoint.pt"
    first = _resumed(path, parts)
    started = saved = time.perf_counter()
    for step in range(first, recipe.steps):
        loss = _step(network, optimiser, batch(patches, recipe, step), recipe.rate_at(step))
        _average(mean, network, min(recipe.average, (step + 1) / (step + 10)))
        if step % 20 == 0:
            _log.info("step %d of %d, %d px: loss %.3f", step, recipe.steps, recipe.size(step), loss)
        now = time.perf_counter()
        if now - saved > _SAVE_EVERY_S or step + 1 == recipe.steps:
            _save(path, step + 1, parts)
            saved = now
        if now - started > minutes * 60 and step + 1 < recipe.steps:
            _save(path, step + 1, parts)
            return None
    return mean.eval()


def _subset(offered: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    usable = _INDEX[offered[_INDEX].all(axis=1)]
    return usable[rng.integers(len(usable))]


def _moved(images: Tensor, recipe: Recipe, size: int, rng: np.random.Generator) -> Tensor:
    """Return the inner 50 pixels, turned, flipped, shifted and zoomed, at the size of the network's input."""
    count, edge = len(images), images.shape[-1]
    angle = rng.uniform(0, 2 * np.pi, count) if recipe.turn else np.zeros(count)
    scale = (edge - 2 * MARGIN) / edge * np.exp(rng.uniform(-recipe.zoom, recipe.zoom, count))
    flip = np.where(rng.random(count) < 0.5, -1.0, 1.0)
    shift = rng.uniform(-recipe.shift_px, recipe.shift_px, (count, 2)) * 2 / edge
    affine = np.zeros((count, 2, 3), np.float32)
    affine[:, 0, 0], affine[:, 0, 1] = np.cos(angle) * scale * flip, -np.sin(angle) * scale
    affine[:, 1, 0], affine[:, 1, 1] = np.sin(angle) * scale * flip, np.cos(angle) * scale
    affine[:, :, 2] = shift
    grid = F.affine_grid(torch.from_numpy(affine), [count, 3, size, size], align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def _other_scanner(images: Tensor, chosen: np.ndarray, recipe: Recipe, rng: np.random.Generator) -> Tensor:
    """Change gain and noise; Sub is stretched about its zero, at a half."""
    count = len(images)
    gain = np.exp(rng.uniform(-recipe.gain, recipe.gain, (count, 1))) * np.ones(chosen.shape)
    own = np.exp(rng.uniform(-recipe.gain, recipe.gain, chosen.shape))
    gain = np.where(chosen >= CONTRASTS.index("sub"), own, gain)  # Sub and T2 have ranges of their own
    zero = torch.from_numpy(np.where(chosen == CONTRASTS.index("sub"), 0.5, 0.0).astype(np.float32))[:, :, None, None]
    images = (images - zero) * torch.from_numpy(gain.astype(np.float32))[:, :, None, None] + zero
    noise = rng.standard_normal((count, 3, *(images.shape[2] // 2,) * 2)).astype(np.float32)
    level = rng.uniform(0, recipe.noise, (count, 1, 1, 1)).astype(np.float32)
    return images + F.interpolate(torch.from_numpy(noise * level), size=images.shape[2:], mode="bilinear")


def _step(
    network: ContrastResNet, optimiser: torch.optim.Optimizer, drawn: tuple[Tensor, Tensor], rate: float
) -> float:
    images, labels = drawn
    for group in optimiser.param_groups:
        group["lr"] = rate
    network.train()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(images.to(memory_format=torch.channels_last))
    loss = F.cross_entropy(logits.float(), labels)
    optimiser.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimiser.step()
    return loss.item()


def _average(mean: ContrastResNet, network: ContrastResNet, decay: float) -> None:
    with torch.no_grad():
        for value, now in zip(mean.parameters(), network.parameters(), strict=True):
            value.lerp_(now, 1 - decay)
        for value, now in zip(mean.buffers(), network.buffers(), strict=True):  # running statistics are means already
            value.copy_(now)


def _save(path: Path, step: int, parts: dict) -> None:
    write_checkpoint(path, {"step": step, **{name: part.state_dict() for name, part in parts.items()}})


def _resumed(path: Path, parts: dict) -> int:
    if not path.exists():
        return 0
    stored = read_checkpoint(path)
    for name, part in parts.items():
        part.load_state_dict(stored[name])
    _log.info("going on at step %d", stored["step"])
    return int(stored["step"])
