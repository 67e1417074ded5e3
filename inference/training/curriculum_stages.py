"""The two stages of system 003's training, and reading breasts with what was trained."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from inference.families.mri_curriculum import Model, arithmetic, read_breast
from inference.nets.curriculum_resnet import CHANNELS, CurriculumResNet, draw_head, initialise
from inference.training.breast_data import PATCH, Breast, Images, patch, shifted, whole

_log = logging.getLogger(__name__)
T2 = CHANNELS - 1
VOXELS = {"patch": math.prod(PATCH), "breast": 256 * 256 * 32}


@dataclass(frozen=True)
class Recipe:
    """How the network is trained; the paper trains 50 and 100 epochs at 1e-4 and 1e-5, far beyond two cores.

    Attributes
    ----------
    patch_steps, patch_batch, patch_rate
        Stage 1; the rate falls as a cosine.
    breast_steps, breast_batch, breast_rate
        Stage 2.
    transfer_head
        Whether stage 2 keeps the head of stage 1 (SYSTEMS.md §1.4: the paper's code draws a new one).
    t2_dropout
        Share of the samples whose T2 channel is set to 0, so that the network can do without it.
    """

    patch_steps: int = 1500
    patch_batch: int = 16
    patch_rate: float = 5e-4
    breast_steps: int = 200
    breast_batch: int = 4
    breast_rate: float = 1e-4
    transfer_head: bool = True
    t2_dropout: float = 0.3
    seed: int = 1

    def naive(self) -> Recipe:
        """Return the recipe of stage 2 alone from random weights, which sees as many voxels, at the rate of stage 1."""
        seen = self.patch_steps * self.patch_batch * VOXELS["patch"] / (self.breast_batch * VOXELS["breast"])
        steps = self.breast_steps + math.ceil(seen)
        return Recipe(0, self.patch_batch, self.patch_rate, steps, self.breast_batch, self.patch_rate, seed=self.seed)


@dataclass
class Run:
    """A training that can be stopped and taken up again: the network, its optimiser, and where it is."""

    network: CurriculumResNet
    recipe: Recipe
    stage: int = 1
    step: int = 0
    optimiser: torch.optim.Optimizer | None = None

    def state(self) -> dict[str, object]:
        """Return all that :func:`resume` needs."""
        held = None if self.optimiser is None else self.optimiser.state_dict()
        return {"network": self.network.state_dict(), "stage": self.stage, "step": self.step, "optimiser": held}


def start(recipe: Recipe) -> Run:
    """Return a run with freshly drawn weights."""
    torch.manual_seed(recipe.seed)
    network = CurriculumResNet()
    initialise(network)
    return Run(network.to(memory_format=torch.channels_last_3d), recipe, 1 if recipe.patch_steps else 2)


def resume(recipe: Recipe, state: dict) -> Run:
    """Return a run where :meth:`Run.state` left it."""
    run = start(recipe)
    run.network.load_state_dict(state["network"])
    run.stage, run.step = state["stage"], state["step"]
    if state["optimiser"] is not None:
        run.optimiser = _optimiser(run)
        run.optimiser.load_state_dict(state["optimiser"])
    return run


def train(run: Run, breasts: Sequence[Breast], images: Images, may_go_on: Callable[[Run, float], bool]) -> bool:
    """Train until both stages are done; return False where ``may_go_on(run, loss)`` said to stop before."""
    while run.stage <= 2:
        recipe = run.recipe
        last = recipe.patch_steps if run.stage == 1 else recipe.breast_steps
        run.optimiser = run.optimiser or _optimiser(run)
        while run.step < last:
            rng = np.random.default_rng((recipe.seed, run.stage, run.step))
            batch_of = _patches if run.stage == 1 else _whole_breasts
            channels, labels = batch_of(breasts, images, recipe, rng)
            loss = _step(run, channels, labels, last)
            run.step += 1
            if not may_go_on(run, loss):
                return False
        run.stage, run.step, run.optimiser = run.stage + 1, 0, None
        if run.stage == 2 and not recipe.transfer_head:
            draw_head(run.network)
    return True


def _optimiser(run: Run) -> torch.optim.Optimizer:
    rate = run.recipe.patch_rate if run.stage == 1 else run.recipe.breast_rate
    return torch.optim.Adam(run.network.parameters(), lr=rate)


def _step(run: Run, channels: Tensor, labels: Tensor, last: int) -> float:
    assert run.optimiser is not None
    rate = run.recipe.patch_rate if run.stage == 1 else run.recipe.breast_rate
    share = min(1.0, (run.step + 1) / 20) * 0.5 * (1 + math.cos(math.pi * run.step / last))
    for group in run.optimiser.param_groups:
        group["lr"] = rate * max(share, 0.02)
    run.network.train()
    run.optimiser.zero_grad()
    total = 0.0
    pieces = 1 if run.stage == 1 else len(labels)  # one whole breast at a time: memory
    for part, truth in zip(channels.chunk(pieces), labels.chunk(pieces), strict=True):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = run.network(part).logits
        loss = F.cross_entropy(logits.float(), truth) / pieces
        loss.backward()
        total += float(loss.detach())
    norm = torch.nn.utils.clip_grad_norm_(run.network.parameters(), 5.0)
    if not bool(torch.isfinite(norm)):  # one such step would make every weight NaN
        _log.warning("stage %d, step %d: gradient not finite, loss %s; step left out", run.stage, run.step, total)
        return math.log(2)
    run.optimiser.step()
    return total


def _patches(
    breasts: Sequence[Breast], images: Images, recipe: Recipe, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Draw lesions, malignant and benign ones alike often, and a random patch around each."""
    lesions = [(breast, i) for breast in breasts for i in range(len(breast.centres))]
    chosen = _evenly([int(breast.malignant[i]) for breast, i in lesions], recipe.patch_batch, rng)
    found, labels = [], []
    for number in chosen:
        breast, lesion = lesions[number]
        centre, label = shifted(breast, lesion, rng)
        found.append(_without_t2(patch(images[breast], centre, rng), recipe, rng))
        labels.append(label)
    return torch.from_numpy(np.stack(found)), torch.tensor(labels)


def _whole_breasts(
    breasts: Sequence[Breast], images: Images, recipe: Recipe, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Draw malignant and other breasts alike often."""
    chosen = [breasts[k] for k in _evenly([breast.label for breast in breasts], recipe.breast_batch, rng)]
    found = [_without_t2(whole(images[breast], rng), recipe, rng) for breast in chosen]
    return torch.from_numpy(np.stack(found)), torch.tensor([breast.label for breast in chosen])


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


@dataclass(frozen=True)
class Readings:
    """What a network says of breasts: malignancy, where its map's maximum lies, and the maximum.

    Attributes
    ----------
    probability, top
        Shape (n,).
    place
        Network voxels (x, y, z) of the map's maximum, (n, 3).
    """

    probability: np.ndarray
    top: np.ndarray
    place: np.ndarray


def read(network: CurriculumResNet, breasts: Sequence[Breast], images: Images, *, with_t2: bool) -> Readings:
    """Read whole breasts as inference does."""
    model = Model(network.eval(), "cpu", arithmetic("cpu"))
    probability, top, place = [], [], []
    for breast in breasts:
        channels = np.ascontiguousarray(whole(images[breast], None))
        if not with_t2:
            channels[T2] = 0
        found = read_breast(model, torch.from_numpy(channels)[None])
        cell = np.unravel_index(int(np.argmax(found.difference)), found.difference.shape)
        probability.append(found.probability)
        top.append(float(found.difference.max()))
        place.append(np.array(cell, float) * (32, 32, 4))
    return Readings(np.array(probability), np.array(top), np.array(place))
