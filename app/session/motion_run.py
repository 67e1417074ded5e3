"""Motion run: registers the phases of one dynamic series one after the other, each in a job of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Jobs, JobState
from app.session.images import Images
from app.studies.errors import StudyError
from app.studies.study import Dynamic
from inference.errors import EngineError

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.prepare.register import Correction
    from inference.progress import Progress

KEY = "motion"


class MotionRun(QObject):
    """One run.

    Of the pixels only those of the two phases at work are held; the next phase is read meanwhile.

    Attributes
    ----------
    registered
        Uid of a phase and what was found: a correction, or the EngineError that says why there is none.
    ended
        The run is over: None where every phase was done or the user cancelled, else why it broke off.
    done
        Uids of the phases that are finished.
    """

    registered = Signal(str, object)
    ended = Signal(object)

    def __init__(self, dynamic: Dynamic, jobs: Jobs, images: Images, parent: QObject | None = None) -> None:
        super().__init__(parent)
        uids = [phase.stack_uid for phase in dynamic.phases]
        self.dynamic = dynamic
        self.reference = uids.pop(dynamic.pre_index or 0)
        self.others = tuple(uids)
        self.done: list[str] = []
        self._jobs, self._images = jobs, images
        self._job: Job | None = None
        self._over = False
        self._asked: set[str] = set()
        images.changed.connect(self._take_pixels)

    @property
    def current(self) -> str:
        """Uid of the phase at work, ``""`` when all are done."""
        return next((uid for uid in self.others if uid not in self.done), "")

    @property
    def fraction(self) -> float:
        """How far the phase at work is, 0 to 1."""
        if self._job is None or self._job.state is not JobState.RUNNING:
            return 0.0
        return min(max(self._job.fraction * len(self.others) - len(self.done), 0.0), 1.0)

    def go_on(self) -> None:
        """Ask for the pixels of the phase at work and start its job once they are there."""
        if self._over or self._job is not None:
            return
        if not self.current:
            self._end(None)
            return
        pair = (self.reference, self.current)
        stacks = [self._images.loaded(uid) for uid in pair]
        broken = [uid for uid in pair if uid in self._asked and uid in self._images.unreadable]
        if stacks[0] is not None and stacks[1] is not None:
            self._start(stacks[0].volume, stacks[1].volume)
        elif broken:
            self._end(StudyError(self._images.unreadable[broken[0]]))
        else:
            for uid, loaded in zip(pair, stacks, strict=True):
                if loaded is None:
                    self._asked.add(uid)
                    self._images.request(uid)

    def cancel(self) -> None:
        """Stop; what is registered already stays."""
        job, self._job, self._over = self._job, None, True
        if job is not None:
            self._jobs.cancel(job)
        self.ended.emit(None)

    def _take_pixels(self, uid: str) -> None:
        if uid in (self.reference, self.current):
            self.go_on()

    def _start(self, fixed: Volume, moving: Volume) -> None:
        uid, n, count = self.current, len(self.done), len(self.others)

        def work(progress: Progress) -> Correction | EngineError:
            from inference.prepare.register import register

            part = progress.part(n / count, (n + 1) / count, f"post {n + 1} of {count}: ")
            try:
                return register(fixed, moving, part)
            except EngineError as error:
                return error

        job = Job("Motion correction", work, KEY, lambda found: self._take(uid, found), self._end, self._stopped)
        self._job = self._jobs.start(job, "compute")
        for later in self.others[n + 1 : n + 2]:
            self._images.request(later, quiet=True)

    def _take(self, uid: str, found: Correction | EngineError) -> None:
        self._job = None
        self.done.append(uid)
        self.registered.emit(uid, found)
        self.go_on()

    def _stopped(self) -> None:
        """Take note that the job was cancelled where jobs are listed."""
        if not self._over:
            self._end(None)

    def _end(self, why: Exception | None) -> None:
        self._job, self._over = None, True
        self.ended.emit(why)
