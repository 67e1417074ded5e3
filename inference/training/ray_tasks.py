"""Tasks on Ray: a local one that talks to this computer only, or a cluster; Ray's telemetry and dashboard are off."""

from __future__ import annotations

import importlib
import logging
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from inference.errors import EngineError
from inference.progress import Progress
from inference.training.tasks import Answer, Function, Workers, run_task

LOCAL = "local"
_CLIENT = "ray://"
_REACH_S = 5.0  # how long an address may take to answer
_LOOK_S = 0.2  # how often cancelling is looked for
_log = logging.getLogger(__name__)
# Read by Ray when it is imported or started: no usage reports; the notice about graphics cards is for older versions.
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
# A local Ray has the address 127.0.0.1, listens there only, and asks every caller for the token in the user's home.
_OWN_COMPUTER = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_AUTH_MODE": "token"}


def answers_of_ray(
    function: Function, missing: Mapping[int, Mapping[str, Any]], address: str, workers: Workers, progress: Progress
) -> Iterator[tuple[int, Answer]]:
    """Yield the answer of each task with its number, as they are done.

    Raises
    ------
    EngineError
        Where Ray is not installed or cannot be reached.
    Cancelled
        Where it was cancelled; tasks that run are stopped.
    """
    with _connected(address, workers) as ray:
        count, threads = _room(ray, address, workers)
        # A dead worker's task is tried once more: another task may have taken its memory.
        remote = ray.remote(num_cpus=threads, num_gpus=workers.gpus, max_retries=1)(_run)
        waiting, running = list(missing), {}
        try:
            while waiting or running:
                while waiting and len(running) < count:
                    number = waiting.pop(0)
                    running[remote.remote(function, dict(missing[number]), threads)] = number
                ready, _ = ray.wait(list(running), timeout=_LOOK_S)
                progress.check()
                for reference in ready:
                    yield running.pop(reference), _answer(ray, reference)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _run(function: Function, arguments: Mapping[str, Any], threads: int) -> Answer:
    return run_task(function, arguments, threads, Progress())


def _answer(ray: Any, reference: Any) -> Answer:
    try:
        return ray.get(reference)
    except ray.exceptions.RayError as error:  # the worker died, or what was sent could not be read
        return Answer(message=f"The worker was lost: {str(error).strip()}", details=str(error))


def _room(ray: Any, address: str, workers: Workers) -> tuple[int, int]:
    """Return how many tasks run at the same time, and the threads of each."""
    if address == LOCAL:
        return _local_room(workers)
    threads = workers.threads or 1
    there = ray.cluster_resources()
    room = there.get("CPU", 1.0) / threads
    if workers.gpus:
        room = min(room, there.get("GPU", 0.0) / workers.gpus)
    if room < 1:
        raise EngineError(
            f"The cluster at {address} has no room for a task of {threads} threads and {workers.gpus:g} "
            f"graphics cards.",
            "Ask for less, or add computers.",
        )
    return min(workers.count or int(room), int(room)), threads


def _local_room(workers: Workers) -> tuple[int, int]:
    cores = os.cpu_count() or 1
    count = workers.count or max(1, cores // (workers.threads or 1))
    return count, workers.threads or max(1, cores // count)


@contextmanager
def _connected(address: str, workers: Workers) -> Iterator[Any]:
    """Start a Ray or join one, and leave it whatever happens."""
    with _environment(_QUIET | (_OWN_COMPUTER if address == LOCAL else {})):
        try:
            ray = importlib.import_module("ray")
        except ImportError as error:
            raise EngineError("Ray is not installed.", "Install it: pip install 'breastlens[cluster]'") from error
        _silence()
        folder = tempfile.mkdtemp(prefix="breastlens-ray-") if address == LOCAL else ""
        try:
            if address == LOCAL:
                _start(ray, folder, workers)
            else:
                _join(ray, address)
            yield ray
        finally:
            ray.shutdown()
            if folder:
                shutil.rmtree(folder, ignore_errors=True)


def _silence() -> None:
    """Keep Ray from printing on the standard output, which may carry our JSON lines; there is no option for it."""
    if module := sys.modules.get("ray._private.worker"):
        vars(module)["_worker_logs_enabled"] = False  # as Ray's own debugger does


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start(ray: Any, folder: str, workers: Workers) -> None:
    count, threads = _local_room(workers)
    try:
        ray.init(
            address=LOCAL,
            num_cpus=count * threads,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _temp_dir=folder,
            _system_config={"task_oom_retries": 1},  # Ray's default tries for ever
        )
    except (RuntimeError, OSError, ValueError) as error:
        raise EngineError(f"Ray cannot be started on this computer: {error}", "Run without Ray.") from error


def _join(ray: Any, address: str) -> None:
    _reach(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (RuntimeError, OSError, ValueError, AssertionError) as error:
        raise EngineError(
            f"The Ray cluster at {address} does not take this computer: {error}",
            "It needs the same versions of Python and Ray. HOST:PORT is for a computer that is a node of the cluster "
            "(ray start --address=HOST:PORT); ray://HOST:10001 is for any other.",
        ) from error


def _reach(address: str) -> None:
    """Knock at the address, since Ray itself would go on trying for minutes."""
    host, _, port = address.removeprefix(_CLIENT).rpartition(":")
    if not host or not port.isdigit():
        raise EngineError(
            f"{address!r} is no address of a Ray cluster.", "Give HOST:PORT, ray://HOST:PORT, or the word local."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_S).close()
    except (OSError, OverflowError) as error:
        raise EngineError(
            f"No Ray cluster answers at {address}: {error}.", "Start it there (ray start --head), or use local."
        ) from error
