"""One task of many: a function with its arguments, its result as JSON, and the file that says it is finished."""

from __future__ import annotations

import hashlib
import inspect
import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from inference.errors import EngineError
from inference.progress import Cancelled, Progress
from inference.training.json_files import read_json, write_json

Function = Callable[..., Any]


@dataclass(frozen=True)
class Workers:
    """How a Ray runs the tasks.

    Attributes
    ----------
    count
        Tasks at the same time; None takes one for each processor of a local Ray, or what a cluster has room for.
    threads
        Threads of each task. None leaves a serial run as it is, shares the processors out among the workers of a local
        Ray, and takes one on a cluster. Sums in another number of threads may differ in their last digits: give a
        number where a run on Ray must equal a serial one to the bit.
    gpus
        Graphics cards of each task; 0.5 lets two tasks share one.
    """

    count: int | None = None
    threads: int | None = None
    gpus: float = 0.0


@dataclass(frozen=True)
class Failure:
    """A task that raised an error, or whose worker died.

    Attributes
    ----------
    number
        Place among the tasks, from 0.
    details
        Traceback, for the log.
    """

    number: int
    arguments: Mapping[str, Any]
    message: str
    details: str


@dataclass(frozen=True)
class Answer:
    """What came of a task: its result as JSON text, or a message where it failed."""

    text: str = ""
    message: str = ""
    details: str = ""


def run_task(function: Function, arguments: Mapping[str, Any], threads: int | None, progress: Progress) -> Answer:
    """Run one task; an error becomes an answer, so that it never ends the others. Cancelling passes through."""
    given = {"progress": progress} if "progress" in inspect.signature(function).parameters else {}
    try:
        with threads_limited(threads):
            result = function(**arguments, **given)
        return Answer(text=json.dumps(result, default=_plain))
    except Cancelled:
        raise
    except Exception as error:  # noqa: BLE001 - the job runner of trainings: told with its arguments when the others are done
        said = str(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
        return Answer(message=said, details=traceback.format_exc())


@contextmanager
def threads_limited(threads: int | None) -> Iterator[None]:
    """Give PyTorch and the linear algebra of NumPy so many threads for a while; None leaves them as they are."""
    if threads is None:
        yield
        return
    before = torch.get_num_threads()
    with threadpool_limits(threads):
        torch.set_num_threads(threads)
        try:
            yield
        finally:
            torch.set_num_threads(before)


class Finished:
    """Folder with one JSON file for each finished task, named by its function and arguments.

    Parameters
    ----------
    folder
        None keeps nothing.
    """

    def __init__(self, folder: Path | None, function: Function) -> None:
        self._folder = folder
        self._function = f"{function.__module__}.{function.__qualname__}"

    def read(self, arguments: Mapping[str, Any]) -> str | None:
        """Return the result of a finished task as JSON text; None where it is not finished."""
        path = self._path(arguments)
        if path is None or not path.exists():
            return None
        entry = read_json(path)
        if not isinstance(entry, dict) or "result" not in entry or entry.get("arguments") != _json(arguments):
            raise EngineError(f"{path} is not the result of this task.", "Choose another folder for the results.")
        return json.dumps(entry["result"])

    def write(self, arguments: Mapping[str, Any], text: str) -> None:
        """Keep the result of a task."""
        path = self._path(arguments)
        if path is not None:
            entry = {"function": self._function, "arguments": _json(arguments), "result": json.loads(text)}
            write_json(path, entry)

    def _path(self, arguments: Mapping[str, Any]) -> Path | None:
        if self._folder is None:
            return None
        said = json.dumps([self._function, _json(arguments)], sort_keys=True)
        return self._folder / f"{hashlib.sha256(said.encode()).hexdigest()[:24]}.json"


def _json(arguments: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(dict(arguments), default=_plain))


def _plain(value: Any) -> Any:
    """Return what JSON cannot say by itself: paths, data classes, numbers and arrays of NumPy and PyTorch."""
    if isinstance(value, Path):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be kept as JSON")
