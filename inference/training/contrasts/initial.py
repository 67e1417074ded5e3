"""First weights of system 002's network: random, or torchvision's of ImageNet from a file that the user gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from inference.errors import EngineError
from inference.nets.contrast_resnet import ContrastResNet
from inference.training.contrasts.recipe import Recipe

ADDRESS = "https://huggingface.co/timm/resnet34.tv_in1k"  # torchvision's ResNet34_Weights.IMAGENET1K_V1, same keys
_HEAD = ("fc.weight", "fc.bias")
_HINT = f"Fetch model.safetensors of {ADDRESS} on a computer that is on line, and give it with --set weights=FILE."


def new_network(recipe: Recipe) -> ContrastResNet:
    """Return the network before the first step; the head of two classes is always drawn anew.

    Raises
    ------
    EngineError
        Where ImageNet weights are asked for and there are none.
    """
    torch.manual_seed(recipe.seed)
    network = ContrastResNet().to(memory_format=torch.channels_last)
    if recipe.init == "torchvision":
        network.load_state_dict({**network.state_dict(), **_imagenet(recipe.weights, network)})
    return network


def found_weights(recipe: Recipe, data: Path | None) -> str:
    """Return the file of ImageNet weights: the one given, or ``weights/resnet34*`` of the data folder."""
    if recipe.init != "torchvision":
        return recipe.weights
    if not recipe.weights and data is not None:
        there = sorted(data.glob("weights/resnet34*.safetensors"))
        if there:
            return str(there[0].resolve())
    if not recipe.weights or not Path(recipe.weights).is_file():
        said = f"{recipe.weights} is not there" if recipe.weights else "none are given"
        raise EngineError(f"init=torchvision starts from ImageNet weights of ResNet-34, and {said}.", _HINT)
    return str(Path(recipe.weights).resolve())


def _imagenet(text: str, network: ContrastResNet) -> Mapping[str, Tensor]:
    path = Path(text)
    try:
        state = load_file(path)  # safetensors only: nothing is unpickled
    except (OSError, SafetensorError) as error:
        raise EngineError(f"{path} cannot be read as weights: {error}", _HINT) from error
    own = network.state_dict()
    wanted = {key for key in own if key not in _HEAD and not key.endswith("num_batches_tracked")}
    fits = isinstance(state, Mapping) and all(key in state and state[key].shape == own[key].shape for key in wanted)
    if not fits:
        raise EngineError(f"{path} does not hold torchvision's ResNet-34.", _HINT)
    return {key: state[key].float() for key in wanted}
