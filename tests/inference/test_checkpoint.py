"""Checkpoints: a resumed optimiser goes on exactly as the unbroken one; no pickle in the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from inference.errors import EngineError
from inference.training.checkpoint import read_checkpoint, write_checkpoint


def _run() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Linear(3, 1))
    return network, torch.optim.Adam(network.parameters(), lr=0.01)


def _step(network: torch.nn.Module, optimiser: torch.optim.Optimizer, seed: int) -> None:
    inputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(seed))
    optimiser.zero_grad()
    network(inputs).square().mean().backward()
    optimiser.step()


def test_a_resumed_run_goes_on_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    network, optimiser = _run()
    for seed in range(3):
        _step(network, optimiser, seed)
    path = tmp_path / "run.safetensors"
    write_checkpoint(path, {"network": network.state_dict(), "optimiser": optimiser.state_dict(), "step": np.int64(3)})
    for seed in range(3, 6):
        _step(network, optimiser, seed)
    again, other = _run()
    stored = read_checkpoint(path)
    again.load_state_dict(stored["network"])
    other.load_state_dict(stored["optimiser"])
    for seed in range(stored["step"], 6):
        _step(again, other, seed)
    for first, second in zip(network.state_dict().values(), again.state_dict().values(), strict=True):
        torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.safetensors"]


def test_plain_values_come_back(tmp_path: Path) -> None:
    state = {"text": "a", "none": None, "flag": True, "list": [1, 2.5, {"deep": "b"}], "by number": {7: "seven"}}
    write_checkpoint(tmp_path / "c", state)
    assert read_checkpoint(tmp_path / "c") == state


def test_what_is_not_a_checkpoint_is_said(tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"no checkpoint at all")
    with pytest.raises(EngineError, match="not a checkpoint"):
        read_checkpoint(tmp_path / "c")
