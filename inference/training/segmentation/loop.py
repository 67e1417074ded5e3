"""Training loop of system 004: generalised Dice, Adam, turns of limited time that can be resumed."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from inference.nets.precision import multiplies_bfloat16
from inference.nets.unet_v4 import WIDTH, UNetV4
from inference.training.checkpoint import read_checkpoint, write_checkpoint
from inference.training.segmentation.breasts import Case, Sampler, Sampling

_SMOOTH = 1e-6
_SAVE_EVERY_S = 120.0  # an interrupted turn loses no more than this
_log = logging.getLogger(__name__)


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
    mixed
        bfloat16 where the processor multiplies it.
    """

    width: int = WIDTH
    rate: float = 1e-6
    batch: int = 16
    steps: int = 48_000
    seed: int = 1
    mixed: bool = True


# Small sets (SYSTEMS.md §1.5 names 1e-4 for fine-tuning); larger patches share what neighbouring ones compute.
SMALL = Recipe(rate=1e-3, batch=4, steps=3000)
SMALL_SAMPLING = Sampling(slices=4, size=53, tumour_share=0.5, flips=0.5, gain=1.15)


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


class Trainer:
    """A network, its optimiser and how far it is; :meth:`turn` goes on for some minutes."""

    def __init__(self, cases: list[Case], recipe: Recipe, sampling: Sampling) -> None:
        torch.manual_seed(recipe.seed)
        self.recipe, self.sampling, self._cases = recipe, sampling, cases
        self.network = UNetV4(recipe.width).to(memory_format=torch.channels_last_3d)
        self._optimiser = torch.optim.Adam(self.network.parameters(), lr=recipe.rate)
        self.step, self.seconds = 0, 0.0

    def turn(self, minutes: float, path: Path | None = None) -> None:
        """Train until the steps or the minutes are used up; save to ``path`` every two minutes and at the end.

        Each step draws its patches from a generator of its own number, so that a turn which is interrupted and resumed
        gives what an unbroken one gives.
        """
        start = last = saved = time.perf_counter()
        losses: list[float] = []
        sampler = Sampler(self._cases, self.sampling)
        self.network.train()
        while self.step < self.recipe.steps and last - start < 60 * minutes:
            rng = np.random.default_rng((self.recipe.seed, self.step, 42))
            losses.append(self._update(*sampler.batch(self.recipe.batch, rng)))
            self.step += 1
            now = time.perf_counter()
            self.seconds, last = self.seconds + now - last, now
            if self.step % 25 == 0:
                _log.info("step %d: loss %.3f, %.0f s", self.step, np.mean(losses[-25:]), now - start)
            if path is not None and now - saved > _SAVE_EVERY_S:
                self.save(path)
                saved = now
        if path is not None:
            self.save(path)

    def _update(self, patches: np.ndarray, labels: np.ndarray) -> float:
        x = torch.from_numpy(patches).to(memory_format=torch.channels_last_3d)
        for group in self._optimiser.param_groups:
            group["lr"] = self.rate()
        mixed = self.recipe.mixed and multiplies_bfloat16("cpu")
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            logits = self.network.dense(x)
        loss = generalised_dice(logits, torch.from_numpy(labels))
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), math.inf)
        if not bool(torch.isfinite(norm)):  # one such step would make every weight NaN
            _log.warning("step %d: gradient not finite, loss %s; step left out", self.step, float(loss.detach()))
            return 1.0
        self._optimiser.step()
        return float(loss.detach())

    def rate(self) -> float:
        """Return the learning rate of the next step."""
        share = min(self.step / self.recipe.steps, 1.0)
        return self.recipe.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))

    def save(self, path: Path) -> None:
        """Write network, optimiser and progress."""
        write_checkpoint(
            path,
            {
                "network": self.network.state_dict(),
                "optimiser": self._optimiser.state_dict(),
                "step": self.step,
                "seconds": self.seconds,
                "recipe": asdict(self.recipe),
                "sampling": asdict(self.sampling),
            },
        )

    def resume(self, path: Path) -> None:
        """Go on from a file that :meth:`save` wrote."""
        state = read_checkpoint(path)
        self.network.load_state_dict(state["network"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]
