"""Weights from safetensors files only, checked against the card before a single number is used."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_bytes
from torch import nn

from inference.errors import CardError

if TYPE_CHECKING:
    from torch import Tensor

    from inference.card import ModelCard, WeightsFile

_HINT = "Install the model again."


def read_weights(card: ModelCard, file: str) -> dict[str, Tensor]:
    """Read one weights file of a card as float32 tensors.

    Raises
    ------
    CardError
        Where the card does not list the file, or its length or SHA-256 is not the card's, or it is not safetensors.
    """
    item = next((item for item in card.weights if item.file == file), None)
    if item is None:
        raise CardError(f"The card of {card.title} lists no weights {file!r}.", _HINT)
    content = _checked_bytes(card, item)
    try:
        tensors = load_bytes(content)
    except SafetensorError as error:
        raise CardError(f"{file} of {card.title} is not a safetensors file: {error}.", _HINT) from error
    return {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}


def fill(module: nn.Module, state: dict[str, Tensor], what: str) -> None:
    """Load a state into a module, which may be on the meta device; every key must be there and none left over.

    Raises
    ------
    CardError
        Where keys or shapes differ.
    """
    # num_batches_tracked counts training steps; inference does not use it and the files do not hold it.
    counters = {key: torch.tensor(0) for key in module.state_dict() if key.endswith("num_batches_tracked")}
    try:
        module.load_state_dict({**counters, **state}, strict=True, assign=True)
    except RuntimeError as error:
        raise CardError(f"The weights of {what} do not fit the network: {error}", _HINT) from error


def _checked_bytes(card: ModelCard, item: WeightsFile) -> bytes:
    path = card.path_of(item)
    try:
        if path.stat().st_size != item.bytes:
            raise CardError(f"The weights {path} have the wrong length.", _HINT)
        content = path.read_bytes()
    except OSError as error:
        raise CardError(f"The weights {path} cannot be read: {error.strerror}.", _HINT) from error
    if hashlib.sha256(content).hexdigest() != item.sha256:
        raise CardError(f"The weights {path} have been altered: their SHA-256 is not the one in the card.", _HINT)
    return content
