"""State: everything a training goes on from, and how it is written and read back."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from inference.errors import EngineError
from inference.training.checkpoint import read_checkpoint, write_checkpoint
from inference.training.engine.journal import not_written
from inference.training.engine.task import Task

LAST, IDENTITY = "last.safetensors", "run.json"


def best_file(metric: str) -> str:
    """Return the file of the epoch that is best by a metric."""
    return f"best-{metric}.safetensors"


@dataclass
class State:
    """Where a training is.

    Attributes
    ----------
    mean
        Running means of the networks; the networks themselves where there are none.
    step
        Updates done.
    best
        Metric: its best value and that epoch, counted from 1.
    loss, counted
        Sum and number of the losses of the epoch under way.
    skipped
        Updates in a row that were left out, since their gradient was not finite.
    seconds
        Time trained, over all sittings.
    """

    networks: Mapping[str, nn.Module]
    mean: Mapping[str, nn.Module]
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    step: int = 0
    best: dict[str, tuple[float, int]] = field(default_factory=dict)
    loss: float = 0.0
    counted: int = 0
    skipped: int = 0
    seconds: float = 0.0

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What is trained, in the order of the networks."""
        return [one for network in self.networks.values() for one in network.parameters() if one.requires_grad]


def new_state(task: Task, device: str, *, scaled: bool) -> State:
    """Return the state before the first update, on a device."""
    for network in task.networks.values():
        network.to(device)
    mean = {name: copy.deepcopy(one) for name, one in task.networks.items()} if task.average else task.networks
    return State(task.networks, mean, task.optimiser(), torch.amp.GradScaler(device, enabled=scaled))


def identify(folder: Path, description: dict[str, Any]) -> None:
    """Write what is trained into a new folder, or check that a folder holds the same training.

    Raises
    ------
    EngineError
        Where the folder holds another one, or cannot be written.
    """
    path, wanted = folder / IDENTITY, json.loads(json.dumps(description, default=str))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            path.write_text(json.dumps(wanted, indent=1))
            return
    except OSError as error:
        raise not_written(path, error) from error
    try:
        known = json.loads(path.read_text())
    except ValueError:
        known = {}
    if known != wanted:
        keys = sorted(key for key in {*known, *wanted} if known.get(key) != wanted.get(key))
        raise EngineError(
            f"{folder} holds another training: {', '.join(keys)} {'differ' if len(keys) > 1 else 'differs'}.",
            "Choose another folder, or the settings of the run it holds.",
        )


def save(folder: Path, state: State) -> None:
    """Write the last checkpoint, whole or not at all."""
    content = {
        "networks": _weights(state.networks),
        "mean": _weights(state.mean) if state.mean is not state.networks else {},
        "optimiser": state.optimiser.state_dict(),
        "scaler": state.scaler.state_dict(),
        "best": {name: list(value) for name, value in state.best.items()},
        **{name: getattr(state, name) for name in ("step", "loss", "counted", "skipped", "seconds")},
    }
    _write(folder / LAST, content)


def save_best(folder: Path, metric: str, state: State, metrics: Mapping[str, float]) -> None:
    """Write the networks of the best epoch by a metric."""
    _write(folder / best_file(metric), {"networks": _weights(state.mean), "metrics": dict(metrics), "step": state.step})


def resume(folder: Path, state: State) -> bool:
    """Take up the last checkpoint where there is one; whether there was.

    Raises
    ------
    EngineError
        Where the checkpoint is damaged or of other networks.
    """
    path = folder / LAST
    if not path.is_file():
        return False
    stored = read_checkpoint(path)
    try:
        _fill(state.networks, stored["networks"])
        if state.mean is not state.networks:
            _fill(state.mean, stored["mean"])
        state.optimiser.load_state_dict(stored["optimiser"])
        state.scaler.load_state_dict(stored["scaler"])
        state.best = {name: (float(value), int(epoch)) for name, (value, epoch) in stored["best"].items()}
        for name in ("step", "loss", "counted", "skipped", "seconds"):
            setattr(state, name, stored[name])
    except (KeyError, RuntimeError, ValueError, TypeError) as error:
        raise EngineError(f"{path} is not a checkpoint of this training.", "Remove it to start again.") from error
    return True


def load_networks(path: Path, networks: Mapping[str, nn.Module]) -> dict[str, Any]:
    """Fill networks from a best or last checkpoint; return its metrics (empty for the last)."""
    stored = read_checkpoint(path)
    _fill(networks, stored.get("mean") or stored["networks"])
    return dict(stored.get("metrics", {}))


def _weights(networks: Mapping[str, nn.Module]) -> dict[str, Any]:
    return {name: network.state_dict() for name, network in networks.items()}


def _fill(networks: Mapping[str, nn.Module], stored: Mapping[str, Any]) -> None:
    for name, network in networks.items():
        network.load_state_dict(stored[name])


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        write_checkpoint(path, content)
    except (OSError, SafetensorError) as error:
        path.with_name(f".{path.name}.part").unlink(missing_ok=True)
        raise not_written(path, error) from error
