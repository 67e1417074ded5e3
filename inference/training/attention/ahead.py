"""Batches made ahead: the next ones are augmented in threads while the networks are busy with this one."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from inference.training.engine.task import Batch

_MOST = 8


class Ahead:
    """Makes the batches of the following steps in threads; what a step gets depends on the step alone.

    Parameters
    ----------
    make
        Returns the batch of a step, from any thread.
    steps
        Of the training: none is made beyond.
    """

    def __init__(self, make: Callable[[int], Batch], steps: int) -> None:
        self._make, self._steps = make, steps
        self._depth = max(1, min(_MOST, (os.cpu_count() or 1) // 2))
        self._pool = ThreadPoolExecutor(self._depth, "batches")
        self._coming: dict[int, Future[Batch]] = {}

    def __call__(self, step: int) -> Batch:
        """Return the batch of a step, and begin those after it."""
        batch = self._coming.pop(step, None) or self._pool.submit(self._make, step)
        last = min(step + self._depth, self._steps - 1)
        for unwanted in [number for number in self._coming if not step < number <= last]:
            self._coming.pop(unwanted).cancel()
        for number in range(step + 1, last + 1):
            if number not in self._coming:
                self._coming[number] = self._pool.submit(self._make, number)
        return batch.result()

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)
