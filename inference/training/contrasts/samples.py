"""Batches of system 002: slices of lesions drawn evenly, a subset of contrasts each, turned and changed at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inference.prepare.contrast_settings import CONTRASTS, SUBSETS
from inference.prepare.mri_slice import IMAGENET_MEAN, IMAGENET_STD
from inference.training.contrasts.patches import MARGIN, LesionSamples
from inference.training.contrasts.recipe import Recipe

Subset = tuple[str, ...]
_INDEX = np.array([[CONTRASTS.index(name) for name in subset] for subset in SUBSETS])


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


def batch(patches: Patches, recipe: Recipe, step: int, subset: Subset | None = None) -> tuple[Tensor, Tensor]:
    """Return the network input (n, 3, size, size) and labels of one step; the same for the same seed and step.

    Parameters
    ----------
    subset
        The contrasts; None draws three for each sample of those that its exam offers.
    """
    rng = np.random.default_rng((recipe.seed, 400, step))
    rows = rng.choice(len(patches.weight), size=recipe.batch, p=patches.weight)
    if subset is None:
        chosen = np.stack([_subset(patches.offered[row], rng) for row in rows])
    else:
        chosen = np.tile([CONTRASTS.index(name) for name in subset], (len(rows), 1))
    images = torch.from_numpy(patches.images[rows[:, None], chosen].astype(np.float32))
    images = _moved(images, recipe, recipe.size(step), rng)
    images = _other_scanner(images, chosen, recipe, rng)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    return (images - mean) / std, torch.from_numpy(patches.malignant[rows].astype(np.int64))


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
