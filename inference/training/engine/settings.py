"""Settings: how a training runs, whatever is trained."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch

from inference import devices
from inference.errors import EngineError
from inference.nets.precision import multiplies_bfloat16

PRECISIONS = {"bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Settings:
    """How a training runs.

    Attributes
    ----------
    seed
        Of every random number outside the task's batches, such as dropout.
    device
        ``"auto"``, ``"cpu"`` or ``"cuda"``.
    precision
        ``"auto"`` (bfloat16 where the device multiplies it, float16 on other graphics cards), ``"float32"``,
        ``"bfloat16"`` or ``"float16"``.
    accumulate
        Parts that a batch is read in, one after the other, for batches beyond the memory. Batch normalisation and
        losses over a whole batch (004's Dice) see the parts.
    patience
        Epochs without a better first metric after which the training ends; 0 never ends it early.
    save_every_s
        Seconds after which a checkpoint is written within an epoch as well.
    """

    seed: int = 1
    device: str = "auto"
    precision: str = "auto"
    accumulate: int = 1
    patience: int = 0
    save_every_s: float = 120.0

    def __post_init__(self) -> None:
        if self.precision not in ("auto", "float32", *PRECISIONS):
            raise EngineError(f"There is no precision {self.precision!r}.", "auto, float32, bfloat16 or float16")
        if self.accumulate < 1 or self.patience < 0 or self.save_every_s < 0:
            raise EngineError("accumulate must be at least 1; patience and save_every_s must not be negative.")


def device_of(settings: Settings) -> str:
    """Return the device, ``"cpu"`` or ``"cuda"``."""
    return devices.choose(settings.device)[0]


def precision_of(settings: Settings, device: str) -> torch.dtype:
    """Return the type that convolutions and products are computed in."""
    if settings.precision != "auto":
        return PRECISIONS.get(settings.precision, torch.float32)
    if multiplies_bfloat16(device):
        return torch.bfloat16
    return torch.float16 if device == "cuda" else torch.float32


def autocast(device: str, precision: torch.dtype) -> AbstractContextManager[object]:
    """Return the context of the forward pass."""
    return nullcontext() if precision is torch.float32 else torch.autocast(device, precision)
