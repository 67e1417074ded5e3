"""Recipes of system 002: from random weights, and the paper's fine-tuning of ImageNet weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from inference.errors import EngineError
from inference.prepare.contrast_settings import CONTRASTS, PRESETS, SUBSETS
from inference.training.request import changed

_CHOICES = {
    "schedule": ("cosine", "steps"),
    "keep": ("best", "last"),
    "init": ("scratch", "torchvision"),
    "preset": tuple(PRESETS),
}


@dataclass(frozen=True)
class Recipe:
    """How the network is trained.

    Attributes
    ----------
    stages
        Pixels along an edge of the input and steps with them, ``"112:700 224:100"``: small images learn the most in
        the time there is; the last stage has the 224 of inference.
    rate, momentum, weight_decay
        SGD as in the paper.
    schedule, warm_up
        ``"cosine"`` to nothing after a warm-up, or ``"steps"``: ``drop`` times less every ``drop_every`` epochs.
    epoch
        Steps after which the validation side is read.
    turn, shift_px, zoom, gain, noise
        Augmentation: any rotation and flips (paper); shifts for boxes that are not centred like masks; zoom, grey
        values and noise of other scanners.
    average
        Decay of the running mean of the weights, which is what is kept; 0 keeps the weights themselves.
    keep
        ``"best"``: the epoch with the highest area on the validation side, where there is one; ``"last"``.
    init, weights
        ``"scratch"``, or ``"torchvision"``: its ImageNet weights of ResNet-34 from a file.
    freeze_norm
        Whether batch normalisation keeps the statistics it starts with.
    preset
        Of the preprocessing.
    only
        Trios of the search, ``"pre+post3+sub post1+post4+t2"``; all 35 where it is empty.
    """

    stages: str = "112:700 224:100"
    batch: int = 32
    rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: str = "cosine"
    warm_up: int = 50
    drop: float = 0.05
    drop_every: int = 7
    epoch: int = 100
    turn: bool = True
    shift_px: float = 3.0
    zoom: float = 0.1
    gain: float = 0.15
    noise: float = 0.02
    average: float = 0.98
    keep: str = "best"
    init: str = "scratch"
    weights: str = ""
    freeze_norm: bool = False
    preset: str = "default"
    only: str = ""
    seed: int = 1

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if getattr(self, name) not in choices:
                raise EngineError(f"{name} is {' or '.join(choices)}, not {getattr(self, name)!r}.")
        if min(self.batch, self.epoch, self.warm_up, self.drop_every, *(min(pair) for pair in self.sizes)) < 1:
            raise EngineError("Stages, batch, epoch, warm_up and drop_every must be at least 1.")
        unknown = set(self.subsets) - set(SUBSETS)
        if unknown:
            raise EngineError(f"only={self.only!r} names no trios of {', '.join(CONTRASTS)}.", "pre+post3+sub")

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Pixels along an edge and steps of each stage."""
        try:
            pairs = [text.split(":") for text in self.stages.replace(",", " ").split()]
            found = tuple((int(size), int(steps)) for size, steps in pairs)
        except ValueError as error:
            raise EngineError(f"stages is PIXELS:STEPS …, not {self.stages!r}.", "112:700 224:100") from error
        if not found:
            raise EngineError("There must be a stage.", "112:700 224:100")
        return found

    @property
    def subsets(self) -> tuple[tuple[str, ...], ...]:
        """Trios of the search, contrasts in the order of the network's channels."""
        if not self.only:
            return SUBSETS
        order = {name: place for place, name in enumerate(CONTRASTS)}
        trios = (text.split("+") for text in self.only.replace(",", " ").split())
        return tuple(tuple(sorted(trio, key=lambda name: order.get(name, -1))) for trio in trios)

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(steps for _, steps in self.sizes)

    def size(self, step: int) -> int:
        """Return the pixels along an edge at a step."""
        for size, steps in self.sizes:
            if step < steps:
                return size
            step -= steps
        return self.sizes[-1][0]

    def share_at(self, step: int) -> float:
        """Return the share of the learning rate at a step."""
        if self.schedule == "steps":
            return self.drop ** (step // (self.epoch * self.drop_every))
        warm = min(1.0, (step + 1) / self.warm_up)
        return warm * 0.5 * (1 + math.cos(math.pi * step / self.steps))


SCRATCH = Recipe()
# SGD from 1e-3, × 0.05 every 7 epochs, 25 epochs of batches of 32 (SYSTEMS.md §1.3); an epoch is 41 steps, as with the
# 1,316 patches of 120 phantom examinations.
FINE_TUNING = Recipe(
    stages="224:1025", rate=1e-3, weight_decay=0.0, schedule="steps", epoch=41, average=0.0, init="torchvision"
)


def recipe_of(changes: Mapping[str, str], seed: int) -> Recipe:
    """Return the recipe that a user's changes mean; ``init=torchvision`` starts from the paper's fine-tuning."""
    base = FINE_TUNING if changes.get("init") == "torchvision" else SCRATCH
    return changed(replace(base, seed=seed), changes)
