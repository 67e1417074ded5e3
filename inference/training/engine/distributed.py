"""Distributed: one training over several processes by PyTorch's own launcher (``torchrun``).

Every process draws the whole batch, reads its share of it, and the gradients are added up: the same update as one
process that accumulates as many parts, so that checkpoints go from one to several machines and back.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
from torch import distributed

_T = TypeVar("_T")


def join(device: str) -> tuple[int, int]:
    """Return this process's number and how many there are; joins the group where ``torchrun`` started several."""
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        return 0, 1
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return distributed.get_rank(), count


def share(parts: Sequence[_T], rank: int, count: int) -> Sequence[_T]:
    """Return the parts of a batch that one process reads."""
    return parts[rank::count]


def add_up(parameters: Iterable[torch.nn.Parameter], loss: torch.Tensor) -> torch.Tensor:
    """Add the gradients of all processes in place, and return the sum of their losses."""
    if not distributed.is_initialized():
        return loss
    for parameter in parameters:
        if parameter.grad is None:  # a process without a part of a short batch
            parameter.grad = torch.zeros_like(parameter)
        distributed.all_reduce(parameter.grad)
    distributed.all_reduce(loss)
    return loss


def wait() -> None:
    """Wait until all processes are here."""
    if distributed.is_initialized():
        distributed.barrier()
