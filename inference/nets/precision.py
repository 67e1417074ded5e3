"""Reduced precision where the device computes with it: bfloat16 on processors, float16 on graphics cards."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch


@cache
def multiplies_bfloat16(device: str) -> bool:
    """Whether a device multiplies bfloat16 in hardware, where others would emulate it and be slower than in float32.

    Parameters
    ----------
    device
        ``"cpu"`` (AMX or AVX-512 BF16) or ``"cuda"`` (Ampere and later).
    """
    if device != "cpu":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def is_reduced(device: str) -> bool:
    """Whether :func:`reduced` changes anything on a device."""
    return device == "cuda" or multiplies_bfloat16("cpu")


def reduced(device: str) -> AbstractContextManager[object]:
    """Return a context in which convolutions and products are computed in reduced precision where the device has it."""
    if device == "cuda":
        return torch.autocast("cuda", torch.float16)
    if multiplies_bfloat16("cpu"):
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()
