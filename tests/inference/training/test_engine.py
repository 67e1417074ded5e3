"""The training loop: resumed equals unbroken, parts equal the whole, and every way to fail has a sentence."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from inference.errors import EngineError
from inference.progress import Cancelled, Progress
from inference.training.checkpoint import read_checkpoint
from inference.training.engine import Outcome, Settings, fit, load_networks, state
from inference.training.engine.journal import epochs_of, read_journal
from tests.inference.training.toy_task import ToyTask

PLAIN = Settings(device="cpu", precision="float32")
ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("toy_task.py")


def weights(folder: Path, file: str = "last.safetensors") -> dict[str, Tensor]:
    """Every tensor of a checkpoint, by its place."""
    found: dict[str, Tensor] = {}

    def collect(value: Any, path: str) -> None:
        if isinstance(value, Tensor):
            found[path] = value
        for key, one in (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        ):
            collect(one, f"{path}/{key}")

    collect({k: v for k, v in read_checkpoint(folder / file).items() if k != "seconds"}, "")
    return found


def stopping_at(step: int) -> Progress:
    """A progress that is cancelled when a step begins."""
    progress = Progress(lambda _, text: progress.cancel() if text.startswith(f"step {step} ") else None)
    return progress


def assert_same(one: Path, other: Path, file: str = "last.safetensors", within: float = 0.0) -> None:
    first, second = weights(one, file), weights(other, file)
    assert first.keys() == second.keys()
    for name, value in first.items():
        torch.testing.assert_close(value, second[name], rtol=0, atol=within, msg=name)


def test_a_training_learns_and_leaves_its_files(tmp_path: Path) -> None:
    events: list[dict[str, Any]] = []
    outcome = fit(ToyTask(60), tmp_path, PLAIN, listen=events.append)
    assert outcome.values["accuracy"][0] > 0.85
    assert outcome.steps == 60
    assert not outcome.stopped_early
    assert {path.name for path in tmp_path.iterdir()} == {
        "last.safetensors", "best-accuracy.safetensors", "best-negative_loss.safetensors", "run.jsonl", "run.json",
    }  # fmt: skip
    assert read_journal(tmp_path) == events
    assert [event["event"] for event in events if event["event"] != "step"] == ["start", *["epoch"] * 6, "end"]
    epochs = epochs_of(events)
    assert [event["epoch"] for event in epochs] == [1, 2, 3, 4, 5, 6]
    best, epoch = outcome.values["accuracy"]
    assert best == max(event["metrics"]["accuracy"] for event in epochs) == epochs[epoch - 1]["metrics"]["accuracy"]
    kept = ToyTask(60)
    assert load_networks(outcome.best["accuracy"], kept.networks)["accuracy"] == best
    kept.networks["toy"].eval()
    assert kept.evaluate(kept.networks)["accuracy"] == best


def test_what_is_finished_is_not_trained_again(tmp_path: Path) -> None:
    first = fit(ToyTask(), tmp_path, PLAIN)
    task = ToyTask()
    second = fit(task, tmp_path, PLAIN)
    assert task.evaluated == 0
    assert (second.steps, second.values) == (first.steps, first.values)


def test_a_cancelled_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    unbroken, broken = tmp_path / "a", tmp_path / "b"
    fit(ToyTask(), unbroken, PLAIN)
    for stop in (4, 17, 23):
        progress = stopping_at(stop)
        with pytest.raises(Cancelled):
            fit(ToyTask(), broken, PLAIN, progress)
    fit(ToyTask(), broken, PLAIN)
    for file in ("last.safetensors", "best-accuracy.safetensors", "best-negative_loss.safetensors"):
        assert_same(unbroken, broken, file)
    losses = [[event["loss"] for event in epochs_of(read_journal(folder))] for folder in (unbroken, broken)]
    assert losses[0] == losses[1]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs kill -9")
def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(PROGRAM), str(tmp_path / "broken")]
    for more in (1, 2):
        with subprocess.Popen([*command, "--slow"], env=environment, cwd=ROOT) as program:
            path = tmp_path / "broken" / "last.safetensors"
            seen = path.stat().st_mtime_ns if path.exists() else 0
            changes = 0
            for _ in range(6000):
                now = path.stat().st_mtime_ns if path.exists() else 0
                changes, seen = changes + (now != seen), now
                if changes >= more or program.poll() is not None:
                    break
                time.sleep(0.01)
            program.kill()
    assert 0 < read_checkpoint(tmp_path / "broken" / "last.safetensors")["step"] < 30
    subprocess.run(command, env=environment, cwd=ROOT, check=True)
    subprocess.run([*command[:2], str(tmp_path / "unbroken")], env=environment, cwd=ROOT, check=True)
    assert_same(tmp_path / "unbroken", tmp_path / "broken")
    assert_same(tmp_path / "unbroken", tmp_path / "broken", "best-accuracy.safetensors")


@pytest.mark.parametrize("parts", [2, 5, 12, 50])
def test_a_batch_in_parts_is_the_batch(tmp_path: Path, parts: int) -> None:
    fit(ToyTask(normalised=False), tmp_path / "whole", PLAIN)
    fit(ToyTask(normalised=False), tmp_path / "parts", Settings(device="cpu", precision="float32", accumulate=parts))
    assert_same(tmp_path / "whole", tmp_path / "parts", within=1e-5)


def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launcher, str(PROGRAM), str(tmp_path / "two"), "--plain"], env=environment, cwd=ROOT, check=True)
    subprocess.run(
        [sys.executable, str(PROGRAM), str(tmp_path / "one"), "--plain"], env=environment, cwd=ROOT, check=True
    )
    assert_same(tmp_path / "one", tmp_path / "two", within=1e-5)
    assert [event["event"] for event in read_journal(tmp_path / "two")].count("epoch") == 3


class Stalled(ToyTask):
    """Never gets better after its first epoch."""

    def evaluate(self, networks: Mapping[str, nn.Module]) -> dict[str, float]:
        self.evaluated += 1
        return {"accuracy": 0.5, "negative_loss": float("nan")}


def test_it_ends_early_when_nothing_gets_better(tmp_path: Path) -> None:
    task = Stalled(100)
    outcome = fit(task, tmp_path, Settings(device="cpu", patience=2))
    assert (outcome.stopped_early, outcome.steps, task.evaluated) == (True, 30, 3)
    assert outcome.values == {"accuracy": (0.5, 1)}  # NaN is never best
    assert fit(Stalled(100), tmp_path, Settings(device="cpu", patience=2)).steps == 30
    assert not fit(Stalled(100), tmp_path, Settings(device="cpu", patience=0)).stopped_early


class Broken(ToyTask):
    """Its loss is no number from some step on, for some steps."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__(60)
        self._bad, self._now = range(first, last), 0

    def batch(self, step: int) -> tuple[Tensor, ...]:
        self._now = step
        return super().batch(step)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        return super().loss(batch) * (float("nan") if self._now in self._bad else 1.0)


def test_a_step_without_a_finite_loss_is_left_out(tmp_path: Path) -> None:
    outcome: Outcome = fit(Broken(5, 8), tmp_path, PLAIN)
    assert outcome.steps == 60
    assert all(bool(torch.isfinite(value).all()) for value in weights(tmp_path).values())
    assert [event["step"] for event in read_journal(tmp_path) if event["event"] == "skipped"] == [5, 6, 7]


def test_a_loss_that_stays_no_number_ends_the_training_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no finite number for 20 steps") as caught:
        fit(Broken(15, 60), tmp_path, PLAIN)
    assert "learning rate" in caught.value.hint
    assert read_checkpoint(tmp_path / "last.safetensors")["step"] < 35
    assert all(bool(torch.isfinite(value).all()) for value in weights(tmp_path).values())


def test_a_full_disk_is_a_sentence_and_the_last_checkpoint_stays(tmp_path: Path, monkeypatch: Any) -> None:
    real, calls = state.write_checkpoint, []

    def full(path: Path, content: dict[str, Any]) -> None:
        calls.append(path)
        if len(calls) > 4:
            path.with_name(f".{path.name}.part").write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(path, content)

    monkeypatch.setattr(state, "write_checkpoint", full)
    with pytest.raises(EngineError, match="No space left") as caught:
        fit(ToyTask(), tmp_path, PLAIN)
    assert "goes on from the last checkpoint" in caught.value.hint
    assert not list(tmp_path.glob(".*"))
    monkeypatch.setattr(state, "write_checkpoint", real)
    assert fit(ToyTask(), tmp_path, PLAIN).steps == 30
    fit(ToyTask(), tmp_path / "unbroken", PLAIN)
    assert_same(tmp_path, tmp_path / "unbroken")


def test_a_folder_of_another_training_is_refused(tmp_path: Path) -> None:
    fit(ToyTask(), tmp_path, PLAIN)
    with pytest.raises(EngineError, match="another training: seed, steps differ"):
        fit(ToyTask(40), tmp_path, Settings(seed=2, device="cpu"))
    (tmp_path / "last.safetensors").write_bytes(b"damaged")
    with pytest.raises(EngineError, match="not a checkpoint"):
        fit(ToyTask(), tmp_path, PLAIN)


def test_settings_that_cannot_be_are_refused() -> None:
    with pytest.raises(EngineError, match="float64"):
        Settings(precision="float64")
    with pytest.raises(EngineError, match="accumulate"):
        Settings(accumulate=0)


def test_a_line_cut_off_by_a_kill_does_not_spoil_the_journal(tmp_path: Path) -> None:
    fit(ToyTask(), tmp_path, PLAIN)
    events = read_journal(tmp_path)
    with (tmp_path / "run.jsonl").open("a") as file:
        file.write('{"event": "epo')
    assert read_journal(tmp_path) == events
