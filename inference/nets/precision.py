"""Reduced precision where the device computes with it: bfloat16 on processors, float16 on graphics cards."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch


@cache
def processor_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself (AMX or AVX-512 BF16); others would emulate it."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def reduced(device: str) -> AbstractContextManager[object]:
    """Return a context in which convolutions and products are computed in reduced precision where the device has it."""
    if device == "cuda":
        return torch.autocast("cuda", torch.float16)
    if processor_has_bfloat16():
        return torch.autocast("cpu", torch.bfloat16)
    return nullcontext()
