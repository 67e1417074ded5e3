"""Recipe of system 003: how long, how fast and with what both stages are trained, and the naive one beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from inference.errors import EngineError
from inference.training.curriculum.breasts import PATCH

VOXELS = {"patch": math.prod(PATCH), "breast": 256 * 256 * 32}
KEPT = ("best", "last")


@dataclass(frozen=True)
class Recipe:
    """How the network is trained; the paper trains 50 and 100 epochs at 1e-4 and 1e-5, far beyond two cores.

    Attributes
    ----------
    patch_steps, patch_batch, patch_rate, patch_epoch
        Stage 1; the rate falls as a cosine; after ``patch_epoch`` steps the validation side is read.
    breast_steps, breast_batch, breast_rate, breast_epoch
        Stage 2.
    transfer_head
        Whether stage 2 keeps the head of stage 1 (SYSTEMS.md §1.4: the paper's code draws a new one).
    t2_dropout
        Share of the samples whose T2 channel is set to 0, so that the network can do without it.
    keep
        ``"best"``: the epoch of the lowest cross-entropy on the validation side (paper's code); ``"last"``.
    compare
        Whether the naive network is trained as well, where a model is published.
    """

    patch_steps: int = 1500
    patch_batch: int = 16
    patch_rate: float = 5e-4
    patch_epoch: int = 250
    breast_steps: int = 200
    breast_batch: int = 4
    breast_rate: float = 1e-4
    breast_epoch: int = 50
    transfer_head: bool = True
    t2_dropout: float = 0.3
    keep: str = "best"
    compare: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        if self.keep not in KEPT:
            raise EngineError(f"keep is {' or '.join(KEPT)}, not {self.keep!r}.")
        counts = (self.patch_batch, self.patch_epoch, self.breast_steps, self.breast_batch, self.breast_epoch)
        if self.patch_steps < 0 or min(counts) < 1:
            raise EngineError("Steps, batches and epochs of the recipe must be at least 1.", "patch_steps may be 0.")

    def naive(self) -> Recipe:
        """Return the recipe of stage 2 alone from random weights, which sees as many voxels, at the rate of stage 1."""
        seen = self.patch_steps * self.patch_batch * VOXELS["patch"] / (self.breast_batch * VOXELS["breast"])
        steps = self.breast_steps + math.ceil(seen)
        return replace(self, patch_steps=0, breast_steps=steps, breast_rate=self.patch_rate)
