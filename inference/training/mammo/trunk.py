"""The shared trunk of system 000 for feature extraction: BatchNorm folded into the convolutions, bfloat16."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision.models.resnet import Bottleneck

import resources
from inference.card import load_card
from inference.nets.attention_resnet import Trunk, split_imagenet
from inference.nets.patch_resnet import PatchTail
from inference.weights import fill, read_weights

SHARED_MODEL, SHARED_FILE = "mri-attention-000", "trunk.safetensors"


def shared_trunk() -> Trunk:
    """Return the trunk bundled with system 000, which inference of system 001 uses too.

    Raises
    ------
    CardError
        Where it is not there or has been altered.
    """
    trunk = Trunk()
    fill(trunk, read_weights(load_card(resources.folder("models") / SHARED_MODEL), SHARED_FILE), SHARED_MODEL)
    return trunk.eval()


def trunk_hash() -> str:
    """Return the SHA-256 of the shared trunk's weights, as its card states it."""
    card = load_card(resources.folder("models") / SHARED_MODEL)
    return next(one.sha256 for one in card.weights if one.file == SHARED_FILE)


def imagenet_tail(state: dict[str, torch.Tensor]) -> PatchTail:
    """Return a tail with ImageNet's last bottleneck and a classifier that says one half."""
    tail = PatchTail()
    tail.block.load_state_dict(split_imagenet(state)[1], strict=True)
    nn.init.zeros_(tail.fc.weight)
    nn.init.zeros_(tail.fc.bias)
    return tail.eval()


def fast(trunk: nn.Module) -> nn.Module:
    """Return a copy that gives the same features in bfloat16 about twice as fast on processors that have it."""
    quick = copy.deepcopy(trunk).eval()
    for module in quick.modules():
        if isinstance(module, Bottleneck):
            for number in "123":
                _fold(module, f"conv{number}", f"bn{number}")
            if isinstance(module.downsample, nn.Sequential):
                _fold(module.downsample, "0", "1")
    _fold(quick, "conv1", "bn1")
    return quick.to(torch.bfloat16).to(memory_format=torch.channels_last)


def _fold(owner: nn.Module, convolution: str, normalisation: str) -> None:
    conv, bn = owner.get_submodule(convolution), owner.get_submodule(normalisation)
    assert isinstance(conv, nn.Conv2d)
    assert isinstance(bn, nn.BatchNorm2d)
    setattr(owner, convolution, fuse_conv_bn_eval(conv, bn))
    setattr(owner, normalisation, nn.Identity())
