"""The network before its training: ImageNet's weights, attention and classifier at their start."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from inference.errors import EngineError
from inference.nets.attention_resnet import Tail, Trunk, split_imagenet

IMAGENET = "weights/resnet50_imagenet_v1_fp16.safetensors"
_FEW_CELLS = -3.0  # logit: few cells hold a lesion


def pretrained(data: Path, seed: int) -> tuple[Trunk, Tail]:
    """Return trunk and tail with ImageNet weights, in evaluation mode; the classifier starts at random.

    Raises
    ------
    EngineError
        Where the weights are not there or not ResNet-50's.
    """
    path = data / IMAGENET
    try:
        trunk_state, block_state = split_imagenet({k: v.float() for k, v in load_file(path).items()})
        torch.manual_seed(seed)
        trunk, tail = Trunk(), Tail()
        trunk.load_state_dict(trunk_state, strict=True)
        tail.block.load_state_dict(block_state, strict=True)
    except (OSError, SafetensorError, RuntimeError) as error:
        raise EngineError(
            f"{path} does not hold the ImageNet weights of ResNet-50.",
            "data/README.md says which file it is; torchvision's weights of version 1 have the same keys.",
        ) from error
    with torch.no_grad():
        for parameter in (*tail.attention.parameters(), tail.fc.bias):
            parameter.fill_(0.0 if parameter.ndim > 1 or parameter is tail.fc.bias else _FEW_CELLS)
    return trunk.eval().to(memory_format=torch.channels_last), tail.eval()
