"""Independent tasks: serial and on Ray alike, resumed, cancelled, failing; Ray talks to this computer only."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from inference.errors import EngineError
from inference.progress import Cancelled, Progress
from inference.training.cluster import TasksFailedError, Workers, run_all

ROOT = Path(__file__).resolve().parents[3]
NUMBERS = [{"number": number} for number in (3, 1, 4, 1, 5)]


def square(number: int) -> dict[str, object]:
    return {"square": np.int64(number**2), "tuple": (number, np.float32(0.5)), "none": float("nan")}


def reciprocal(number: int) -> float:
    return 1 / number


def halves(number: int, progress: Progress) -> int:
    progress.report(0.5, f"half of {number}")
    return number


@dataclass(frozen=True)
class Recipe:
    epochs: int = 7


def test_results_come_in_the_order_of_the_tasks_as_json_values() -> None:
    results = run_all(square, NUMBERS)
    assert [one["square"] for one in results] == [9, 1, 16, 1, 25]
    assert results[0]["tuple"] == [3, 0.5]
    assert type(results[0]["square"]) is int
    assert np.isnan(results[0]["none"])
    assert run_all(square, []) == []


def test_a_failing_task_is_told_with_its_arguments_and_loses_no_other(tmp_path: Path) -> None:
    with pytest.raises(TasksFailedError, match=r"1 of 3 tasks failed.*'number': 0.*ZeroDivisionError") as caught:
        run_all(reciprocal, [{"number": 2}, {"number": 0}, {"number": 4}], done=tmp_path)
    assert caught.value.results == [0.5, None, 0.25]
    (failure,) = caught.value.failures
    assert (failure.number, failure.arguments) == (1, {"number": 0})
    assert "return 1 / number" in failure.details
    assert caught.value.hint
    assert len(list(tmp_path.glob("*.json"))) == 2


def test_a_result_that_json_cannot_say_fails_its_task_only() -> None:
    with pytest.raises(TasksFailedError, match="set cannot be kept as JSON"):
        run_all(lambda number: {number}, NUMBERS[:1])


def test_finished_tasks_are_not_run_again_unless_an_argument_changes(tmp_path: Path) -> None:
    ran: list[int] = []

    def task(number: int, recipe: Recipe, data: Path) -> int:
        ran.append(number)
        return number * recipe.epochs

    given = [{"number": number, "recipe": Recipe(), "data": Path("films")} for number in (1, 2)]
    assert run_all(task, given, done=tmp_path) == run_all(task, given, done=tmp_path) == [7, 14]
    assert ran == [1, 2]
    assert run_all(task, [{**given[1], "recipe": Recipe(2)}, given[0]], done=tmp_path) == [4, 7]
    assert ran == [1, 2, 2]


def test_a_foreign_or_damaged_file_among_the_results_is_told(tmp_path: Path) -> None:
    run_all(square, NUMBERS[:1], done=tmp_path)
    (path,) = tmp_path.glob("*.json")
    for damaged in ('{"arguments"', json.dumps({"arguments": {"number": 9}, "result": 1}), "[]"):
        path.write_text(damaged)
        with pytest.raises(EngineError, match=path.name):
            run_all(square, NUMBERS[:1], done=tmp_path)


def test_tasks_report_within_the_whole_and_can_be_cancelled(tmp_path: Path) -> None:
    heard: list[tuple[float, str]] = []

    def listen(fraction: float, text: str) -> None:
        heard.append((round(fraction, 3), text))
        if text.endswith("half of 4"):
            progress.cancel()

    progress = Progress(listen)
    with pytest.raises(Cancelled):
        run_all(halves, NUMBERS, progress=progress, done=tmp_path)
    assert (0.3, "Task 2 of 5: half of 1") in heard
    assert (0.4, "2 of 5 tasks") in heard
    assert len(list(tmp_path.glob("*.json"))) == 3  # 3, 1 and 4, which had finished when the whole was cancelled


def test_threads_are_limited_while_a_task_runs() -> None:
    import torch

    def threads() -> int:
        return torch.get_num_threads()

    before = torch.get_num_threads()
    assert run_all(threads, [{}], workers=Workers(threads=1)) == [1]
    assert torch.get_num_threads() == before


def test_a_missing_ray_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match="Ray is not installed") as caught:
        run_all(square, NUMBERS, ray="local")
    assert "breastlens[cluster]" in caught.value.hint


@pytest.fixture
def jobs(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Return a way to run Python code beside a module ``jobs``, in a process of its own where sockets are allowed."""
    (tmp_path / "jobs.py").write_text(JOBS)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}", "HOME": str(tmp_path)}

    def start(code: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start


JOBS = """
import os, time
from pathlib import Path
import torch

def log(folder, text):
    with (Path(folder) / "log").open("a") as file:
        file.write(f"{text}\\n")

def fit(seed, folder, seconds=0.0):
    log(folder, f"{seed} {os.getpid()}")
    if seed == 2 and not (Path(folder) / "mended").exists():
        raise ValueError("seed 2 is bad luck")
    if seed == 3 and not (Path(folder) / "mended").exists():
        os._exit(1)  # as a crash in native code
    time.sleep(seconds)
    torch.manual_seed(seed)
    x = torch.randn(64, 1, 16, 16)
    layers = torch.nn.Conv2d(1, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(1568, 1)
    network = torch.nn.Sequential(*layers)
    optimiser = torch.optim.SGD(network.parameters(), 0.01, momentum=0.9)
    for _ in range(20):
        optimiser.zero_grad()
        loss = ((network(x) - x.mean((1, 2, 3))[:, None]) ** 2).mean()
        loss.backward()
        optimiser.step()
    return {"seed": seed, "loss": loss.item(), "bias": network[0].bias.detach(), "threads": torch.get_num_threads()}
"""


def seeds_run(folder: Path) -> list[int]:
    return [int(line.split()[0]) for line in (folder / "log").read_text().splitlines()]


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(tmp_path: Path, jobs: Callable[..., subprocess.Popen[str]]) -> None:
    code = f"""
import jobs
from pathlib import Path
from inference.training.cluster import run_all
folder = {str(tmp_path)!r}
(Path(folder) / "mended").touch()
given = [{{"seed": seed, "folder": folder, "seconds": 0.3}} for seed in range(6)]
print(sum(one["seed"] for one in run_all(jobs.fit, given, done=Path(folder) / "done")))
"""
    first = jobs(code)
    deadline = time.monotonic() + 60
    while len(list((tmp_path / "done").glob("[0-9a-f]*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    finished = len(list((tmp_path / "done").glob("[0-9a-f]*.json")))
    assert 2 <= finished < 6
    before = seeds_run(tmp_path)
    out, said = jobs(code).communicate(timeout=60)
    assert out.strip() == "15", said
    assert seeds_run(tmp_path)[len(before) :] == list(range(finished, 6))


RAY = """
import json
from pathlib import Path
import psutil
import jobs
from inference.errors import EngineError
from inference.progress import Cancelled, Progress
from inference.training.cluster import TasksFailedError, Workers, run_all

folder = {folder!r}
done = Path(folder) / "done"
given = [{{"seed": seed, "folder": folder}} for seed in (5, 3, 0, 2, 4, 1)]
addresses = set()

def listen(fraction, text):
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        try:
            found = process.net_connections("inet")
        except psutil.Error:  # it ended meanwhile
            continue
        addresses.update(end.ip for one in found for end in (one.laddr, one.raddr) if end)

workers = Workers(2, threads=1)
try:
    run_all(jobs.fit, given, ray="local", workers=workers, progress=Progress(listen), done=done)
except TasksFailedError as error:
    failed = [[one.number, one.arguments["seed"], one.message] for one in error.failures]
    partly = error.results
(Path(folder) / "mended").touch()
first = len((Path(folder) / "log").read_text().splitlines())
resumed = run_all(jobs.fit, given, workers=workers, done=done)
again = (Path(folder) / "log").read_text().splitlines()[first:]
serial = run_all(jobs.fit, given, workers=workers)
try:
    run_all(jobs.fit, given, ray="127.0.0.1:{port}")
except EngineError as error:
    unreachable = [str(error), error.hint]
print(json.dumps([failed, partly, resumed, again, serial, sorted(addresses), unreachable]))
"""


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed (the extra [cluster])")
def test_two_workers_of_a_local_ray_give_what_a_serial_run_gives(
    tmp_path: Path, jobs: Callable[..., subprocess.Popen[str]]
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    out, said = jobs(RAY.format(folder=str(tmp_path), port=port)).communicate(timeout=170)
    assert out, said
    failed, partly, resumed, again, serial, addresses, unreachable = json.loads(out)
    assert [one["seed"] for one in serial] == [5, 3, 0, 2, 4, 1]
    assert resumed == serial
    assert {one["threads"] for one in serial} == {1}
    assert partly == [None if one["seed"] in (2, 3) else one for one in serial]
    assert [(number, seed) for number, seed, _ in failed] == [(1, 3), (3, 2)]
    assert "The worker was lost" in failed[0][2]
    assert failed[1][2] == "ValueError: seed 2 is bad luck"
    assert [int(line.split()[0]) for line in again] == [3, 2]
    own, workers = (again[0].split()[1], {line.split()[1] for line in (tmp_path / "log").read_text().splitlines()})
    assert len(workers - {own}) >= 2
    assert {address.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
    assert "No Ray cluster answers" in unreachable[0]
    assert unreachable[1]


@pytest.mark.parametrize("address", ["somewhere", "host:", "host:port", ":6379"])
def test_what_is_no_address_is_told(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", type(sys)("ray"))
    monkeypatch.setattr(sys.modules["ray"], "shutdown", lambda: None, raising=False)
    with pytest.raises(EngineError, match="no address of a Ray cluster"):
        run_all(square, NUMBERS, ray=address)
