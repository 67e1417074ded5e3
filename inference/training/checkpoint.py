"""Checkpoints: any nested state of tensors and plain values as one safetensors file; nothing is ever unpickled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from inference.errors import EngineError

_TENSOR = "\0tensor"  # stands in the JSON outline where a tensor was


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a state to a temporary name and move it into place, so that a kill leaves the old checkpoint or the new.

    Parameters
    ----------
    state
        Dictionaries, lists and tuples (read back as lists) of tensors, numbers, texts, booleans and None; the keys of a
        dictionary are texts or integers, as in the ``state_dict`` of networks and optimisers.
    """
    tensors: dict[str, torch.Tensor] = {}
    outline = _outline(state, tensors)
    temporary = path.with_name(f".{path.name}.part")
    save_file(tensors, temporary, metadata={"outline": json.dumps(outline)})
    temporary.replace(path)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Return the state of a checkpoint.

    Raises
    ------
    EngineError
        Where the file is not a checkpoint.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            outline = json.loads((file.metadata() or {})["outline"])
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise EngineError(f"{path} is not a checkpoint of a training run: {error}.", "Start the run again.") from error
    return _state(outline, tensors)


def _outline(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().clone().contiguous()  # clones: safetensors refuses shared memory
        return [_TENSOR, name]
    if isinstance(value, dict):
        return {"dict": [[key, _outline(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return {"list": [_outline(item, tensors) for item in value]}
    return value.item() if hasattr(value, "item") else value  # a number of numpy


def _state(outline: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(outline, list):
        return tensors[outline[1]]
    if isinstance(outline, dict) and "dict" in outline:
        return {key: _state(item, tensors) for key, item in outline["dict"]}
    if isinstance(outline, dict):
        return [_state(item, tensors) for item in outline["list"]]
    return outline
