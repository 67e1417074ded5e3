"""Jobs: slow work on executor lanes, reported to the Qt thread by one queued signal, cancellable and supersedable."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from inference.progress import Cancelled, Progress

Work = Callable[[Progress], Any]
KEEPING = "keeping"
LANES = {"compute": 1, "disk": 2, KEEPING: 1}  # what is kept is written in order, and also when the window closes
REPORT_EVERY_S = 0.05  # a folder of 2,000 files reports 2,000 times; the eye needs twenty a second


class JobState(StrEnum):
    """Where a job is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(eq=False)
class Job:
    """One piece of work: what it is called, how far it is, and who waits for it.

    ``on_done`` receives what the work returned, ``on_failed`` the exception; both run in the Qt thread, and neither
    is called once the job was cancelled or superseded.
    """

    title: str
    work: Work
    key: str = ""
    on_done: Callable[[Any], None] | None = None
    on_failed: Callable[[Exception], None] | None = None
    on_cancelled: Callable[[], None] | None = None
    quiet: bool = False
    progress: Progress = field(default_factory=Progress)
    state: JobState = JobState.WAITING
    fraction: float = 0.0
    text: str = ""
    connected: bool = True
    lane: str = "disk"

    @property
    def active(self) -> bool:
        """Whether the job still waits or runs, and somebody still wants its result."""
        return self.connected and self.state in (JobState.WAITING, JobState.RUNNING)


class Jobs(QObject):
    """All jobs of the window.

    Attributes
    ----------
    changed
        Emitted in the Qt thread whenever a job starts, advances or ends.
    """

    changed = Signal()
    failed = Signal(object, object)
    _ended = Signal(object, object)
    _advanced = Signal(object, float, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lanes = {name: ThreadPoolExecutor(n, thread_name_prefix=name) for name, n in LANES.items()}
        self._jobs: list[Job] = []
        self._ended.connect(self._end, Qt.ConnectionType.QueuedConnection)
        self._advanced.connect(self._advance, Qt.ConnectionType.QueuedConnection)

    @property
    def active(self) -> tuple[Job, ...]:
        """Jobs that wait or run, oldest first."""
        return tuple(job for job in self._jobs if job.active)

    def start(self, job: Job, lane: str = "disk") -> Job:
        """Put a job on a lane.

        An earlier job with the same non-empty ``key`` is cancelled and disconnected first, so its late result cannot
        land on the new subject.
        """
        if job.key:
            self.supersede(job.key)
        job.progress, job.lane = Progress(self._reporter(job)), lane
        self._jobs.append(job)
        future = self._lanes[lane].submit(self._run, job)
        future.add_done_callback(lambda done: self._deliver(job, done))
        self.changed.emit()
        return job

    def cancel(self, job: Job) -> None:
        """Cancel at the user's wish; ``on_cancelled`` is called once, now, however long the work takes to notice."""
        if not job.active:
            return
        job.progress.cancel()
        job.state, job.connected = JobState.CANCELLED, False
        if job.on_cancelled is not None:
            job.on_cancelled()
        self.changed.emit()

    def supersede(self, key: str) -> None:
        """Cancel and disconnect every active job with that key; nobody is told."""
        for job in self.active:
            if job.key == key:
                job.progress.cancel()
                job.connected = False

    def cancel_all(self) -> None:
        """Cancel every active job."""
        for job in self.active:
            self.cancel(job)

    def shut_down(self) -> None:
        """Cancel everything but what is being kept, and wait for the lanes to empty; used once, at the end."""
        for job in self._jobs:
            job.connected = False
            if job.lane != KEEPING:
                job.progress.cancel()
        for name, lane in self._lanes.items():
            lane.shutdown(wait=True, cancel_futures=name != KEEPING)

    def _reporter(self, job: Job) -> Callable[[float, str], None]:
        last = 0.0

        def report(fraction: float, text: str) -> None:
            nonlocal last
            now = time.monotonic()
            if now - last >= REPORT_EVERY_S or fraction >= 1.0:
                last = now
                self._advanced.emit(job, fraction, text)

        return report

    def _run(self, job: Job) -> Any:
        job.progress.check()
        if job.state is JobState.WAITING:
            job.state = JobState.RUNNING
        return job.work(job.progress)

    def _deliver(self, job: Job, future: Future) -> None:
        if not future.cancelled():
            self._ended.emit(job, future)

    def _advance(self, job: Job, fraction: float, text: str) -> None:
        if job.active:
            job.fraction, job.text = fraction, text or job.text
            self.changed.emit()

    def _end(self, job: Job, future: Future) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
        if job.connected:
            self._tell(job, future)
        self.changed.emit()

    def _tell(self, job: Job, future: Future) -> None:
        error = future.exception()
        job.connected = False
        if error is None:
            job.state, job.fraction = JobState.DONE, 1.0
            if job.on_done is not None:
                job.on_done(future.result())
        elif isinstance(error, Cancelled):
            job.state = JobState.CANCELLED
            if job.on_cancelled is not None:
                job.on_cancelled()
        elif isinstance(error, Exception):
            job.state = JobState.FAILED
            self._tell_failure(job, error)

    def _tell_failure(self, job: Job, error: Exception) -> None:
        if job.on_failed is not None:
            job.on_failed(error)
        else:
            self.failed.emit(job, error)
