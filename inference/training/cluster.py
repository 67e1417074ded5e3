"""Many independent tasks, such as 35 subsets × 10 folds: one after the other, or on Ray with the same results."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference.errors import EngineError
from inference.progress import Progress
from inference.training.tasks import Answer, Failure, Finished, Function, Workers, run_task

_log = logging.getLogger(__name__)
_HINT = "See the log. The same command runs those again; results that were kept in a folder are not computed twice."


class TasksFailedError(EngineError):
    """Some tasks failed; the others' results are kept.

    Attributes
    ----------
    results
        In the order of the tasks; None for those that failed.
    failures
        In the order of the tasks.
    """

    def __init__(self, results: list[Any], failures: Sequence[Failure]) -> None:
        first = failures[0]
        super().__init__(
            f"{len(failures)} of {len(results)} tasks failed; the first, with {dict(first.arguments)}, said: "
            f"{first.message}",
            _HINT,
        )
        self.results = results
        self.failures = tuple(failures)


def run_all(
    function: Function,
    arguments: Sequence[Mapping[str, Any]],
    *,
    ray: str | None = None,
    workers: Workers | None = None,
    progress: Progress | None = None,
    done: Path | None = None,
) -> list[Any]:
    """Call a function once with each set of arguments and return the results in that order.

    Results are JSON values wherever they were computed (tuples come back as lists, NumPy's numbers as Python's), so
    that a serial run, a run on Ray and a resumed one give the same.

    Parameters
    ----------
    function
        A function of a module (not a lambda), called with keywords; everything its result depends on is among them.
        Where it takes ``progress``, a serial run lets it report and be cancelled; on Ray it is stopped from outside.
    arguments
        For each task its keywords: JSON values, paths or data classes.
    ray
        None runs one task after the other in this process; ``"local"`` starts a Ray on this computer, which listens to
        this computer only; ``"HOST:PORT"`` joins the cluster this computer is a node of, ``"ray://HOST:PORT"`` one
        elsewhere. Every computer needs the same versions of Python, Ray and BreastLens, and the same paths to data.
    done
        Folder in which each result is kept as soon as it is there. Tasks with a result there are not run again.

    Raises
    ------
    TasksFailedError
        When all others are done, where tasks failed.
    EngineError
        Where Ray is not installed or cannot be reached, or where a result cannot be kept.
    Cancelled
        Where it was cancelled; finished tasks are kept.
    """
    progress = progress or Progress()
    workers = workers or Workers()
    finished = Finished(done, function)
    texts = [finished.read(one) for one in arguments]
    missing = {number: arguments[number] for number, text in enumerate(texts) if text is None}
    failures: dict[int, Failure] = {}
    there = len(texts) - len(missing)
    progress.report(there / max(len(texts), 1), f"{there} of {len(texts)} tasks")
    with closing(_answers(function, missing, ray, workers, _Share(progress, len(texts), there))) as answers:
        for number, answer in answers:
            if answer.message:
                _log.warning("task %s failed: %s", dict(arguments[number]), answer.details)
                failures[number] = Failure(number, arguments[number], answer.message, answer.details)
            else:
                texts[number] = answer.text
                finished.write(arguments[number], answer.text)
            there += 1
            progress.report(there / len(texts), f"{there} of {len(texts)} tasks")
    results = [None if text is None else json.loads(text) for text in texts]
    if failures:
        raise TasksFailedError(results, [failures[number] for number in sorted(failures)])
    return results


@dataclass(frozen=True)
class _Share:
    """The part of the whole progress that each task of a serial run has."""

    whole: Progress
    tasks: int
    there: int

    def of(self, place: int) -> Progress:
        start = self.there + place
        prefix = f"Task {start + 1} of {self.tasks}: "
        return self.whole.part(start / self.tasks, (start + 1) / self.tasks, prefix)


def _answers(
    function: Function, missing: Mapping[int, Mapping[str, Any]], ray: str | None, workers: Workers, share: _Share
) -> Generator[tuple[int, Answer]]:
    """Yield the answer of each task with its number, in the order in which they are done."""
    if not missing:
        return
    if ray is not None:
        from inference.training.ray_tasks import answers_of_ray  # Ray is an extra

        yield from answers_of_ray(function, missing, ray, workers, share.whole)
        return
    for place, (number, arguments) in enumerate(missing.items()):
        share.whole.check()
        yield number, run_task(function, arguments, workers.threads, share.of(place))
