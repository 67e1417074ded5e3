"""Fetching: the jobs that read stacks and compute derived images, and which of them nobody waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Jobs
from app.session.library import OpenStudies
from app.studies.dynamic_windows import DynamicWindows
from app.studies.recipe import make, sources_of, title_of

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from app.studies.study import Study
    from inference.prepare.register import Correction
    from inference.progress import Progress


class Fetching(QObject):
    """What is on its way.

    Derived images are computed on the disk lane as well: the compute lane may be busy for minutes with a registration
    or a model, and a subtraction takes a hundredth of a second.

    Attributes
    ----------
    came
        Uid and LoadedStack: an image is there.
    failed
        Uid and exception, None where the user cancelled: it will not come.
    coming
        Bytes that each image being read or computed will take.
    waiting
        Derived images whose sources are being read.
    quiet
        Images that are read ahead: nobody waits for them.
    """

    came = Signal(str, object)
    failed = Signal(str, object)

    def __init__(self, jobs: Jobs, library: OpenStudies, parent: QObject) -> None:
        super().__init__(parent)
        self.coming: dict[str, int] = {}
        self.waiting: set[str] = set()
        self.quiet: set[str] = set()
        self._jobs, self._library, self._windows = jobs, library, DynamicWindows()

    @property
    def uids(self) -> set[str]:
        """Every image on its way."""
        return {*self.coming, *self.waiting}

    @property
    def sources(self) -> set[str]:
        """The images that those on their way are made from."""
        return {source for uid in self.uids for source in sources_of(uid)}

    def read(self, study: Study, uid: str, size: int) -> None:
        """Read a stored stack, which will take about ``size`` bytes."""

        def work(progress: Progress) -> LoadedStack:
            from app.studies.load import load_stack

            return self._windows.applied(study, load_stack(study, uid, progress, background=uid in self.quiet))

        self._start(uid, size, work, f"Loading {study.series_of(uid)[0].label}")

    def derive(
        self, study: Study, uid: str, size: int, sources: list[LoadedStack], correction: Correction | None
    ) -> None:
        """Compute a derived image, which will take about ``size`` bytes, from what it is made from."""

        def work(progress: Progress) -> LoadedStack:
            progress.report(0.0, title_of(study, uid))
            made = make(
                study, uid, sources, correction, self._windows, progress.part(0.0, 1.0, f"{title_of(study, uid)}: ")
            )
            progress.report(1.0)
            return made

        self.waiting.discard(uid)
        self._start(uid, size, work, title_of(study, uid))

    def _start(self, uid: str, size: int, work: Callable[[Progress], LoadedStack], title: str) -> None:
        self.coming[uid] = size
        take = lambda loaded: self.came.emit(uid, loaded)  # noqa: E731
        failed = lambda error: self.failed.emit(uid, error)  # noqa: E731
        cancelled = lambda: self.failed.emit(uid, None)  # noqa: E731
        self._jobs.start(Job(title, work, _key(uid), take, failed, cancelled, quiet=uid in self.quiet))

    def hurry(self, uid: str) -> None:
        """Show the progress of what was read ahead and is now asked for."""
        self.quiet.discard(uid)
        job = next((job for job in self._jobs.active if job.key == _key(uid)), None)
        if job is not None and job.quiet:
            job.quiet = False
            self._jobs.changed.emit()
        for source in sources_of(uid) if uid in self.waiting else ():
            self.hurry(source)

    def give_up(self, uid: str) -> None:
        """Cancel what is on its way; nobody is told."""
        self._jobs.supersede(_key(uid))
        self.settled(uid)

    def settled(self, uid: str) -> None:
        """Note that an image has come or will not."""
        self.coming.pop(uid, None)
        self.waiting.discard(uid)
        self.quiet.discard(uid)

    def give_up_others(self, study: Study | None) -> None:
        """Cancel what is being read for other studies than this one."""
        for uid in self.uids:
            owner = self._library.study_of(uid)
            if study is None or owner is None or owner.uid != study.uid:
                self.give_up(uid)


def _key(uid: str) -> str:
    return f"load {uid}"


def roots(uid: str) -> set[str]:
    """Return an image's own uid and those of all that it is made from."""
    return {uid}.union(*(roots(source) for source in sources_of(uid)))
