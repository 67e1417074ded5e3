"""Images: the stacks whose pixels are in memory, those on their way, and the thumbnails of a study."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import psutil
from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.library import OpenStudies

if TYPE_CHECKING:
    import numpy as np

    from app.studies.load import LoadedStack
    from app.studies.study import Study
    from inference.progress import Progress

ALWAYS_KEPT = 4  # one per pane, whatever the memory


class Images(QObject):
    """The pixels of the open studies.

    Attributes
    ----------
    changed
        Stack uid: its pixels have arrived, failed or were replaced.
    thumbnail_ready
        Stack uid and uint8 image (rows, columns[, 3]).
    unreadable
        Why a stack could not be read, for the pane that should have shown it.
    """

    changed = Signal(str)
    thumbnail_ready = Signal(str, object)

    def __init__(self, jobs: Jobs, notices: Notices, library: OpenStudies, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.memory_share = 0.5
        self.unreadable: dict[str, str] = {}
        self._jobs, self._notices, self._library = jobs, notices, library
        self._loaded: OrderedDict[str, LoadedStack] = OrderedDict()
        library.turned.connect(self._turn)
        library.respaced.connect(self.forget)

    def loaded(self, stack_uid: str) -> LoadedStack | None:
        """Return a stack's pixels where they are in memory."""
        if stack_uid in self._loaded:
            self._loaded.move_to_end(stack_uid)
        return self._loaded.get(stack_uid)

    def awaited(self, stack_uid: str) -> bool:
        """Whether a stack's pixels are not there and may still come."""
        return stack_uid not in self._loaded and stack_uid not in self.unreadable

    @property
    def bytes(self) -> int:
        """How much memory the images in memory take."""
        return sum(loaded.volume.array.nbytes for loaded in self._loaded.values())

    def forget(self, stack_uid: str = "") -> None:
        """Drop a stack from memory, or all of them; what is on its way is not waited for."""
        for uid in [stack_uid] if stack_uid else list(self._loaded):
            self._jobs.supersede(f"load {uid}")
            self._loaded.pop(uid, None)

    def request(self, stack_uid: str, *, quiet: bool = False) -> None:
        """Read a stack in the background unless it is in memory or on its way."""
        study = self._library.study
        key = f"load {stack_uid}"
        if study is None or stack_uid in self._loaded or any(job.key == key for job in self._jobs.active):
            return
        self.unreadable.pop(stack_uid, None)

        def work(progress: Progress) -> LoadedStack:
            from app.studies.load import load_stack

            return load_stack(study, stack_uid, progress, background=quiet)

        take = lambda loaded: self._take(study, stack_uid, loaded)  # noqa: E731
        failed = lambda error: self._refused(stack_uid, error)  # noqa: E731
        cancelled = lambda: self._refused(stack_uid, None)  # noqa: E731
        title = f"Loading {study.series_of(stack_uid)[0].label}"
        self._jobs.start(Job(title, work, key, take, failed, cancelled, quiet=quiet))

    def _take(self, study: Study, stack_uid: str, loaded: LoadedStack) -> None:
        current = self._library.study
        if current is None or current.uid != study.uid:
            return
        self._loaded[stack_uid] = loaded
        self._loaded.move_to_end(stack_uid)
        most = psutil.virtual_memory().total * self.memory_share
        while len(self._loaded) > ALWAYS_KEPT and self.bytes > most:
            self._loaded.popitem(last=False)
        self.changed.emit(stack_uid)

    def _refused(self, stack_uid: str, error: Exception | None) -> None:
        hint = f"\n{getattr(error, 'hint', '')}" if getattr(error, "hint", "") else ""
        self.unreadable[stack_uid] = f"{error}{hint}" if error else "Loading was cancelled. Double-click to load again."
        if error is not None:
            self._notices.error("The images could not be shown", error)
        self.changed.emit(stack_uid)

    # -- thumbnails ------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        self._jobs.supersede("thumbnails")
        self._make_thumbnails(self._library.stack_uids)

    def _make_thumbnails(self, uids: list[str]) -> None:
        """Make one thumbnail after the other, so that pixels the user asked for never wait behind them."""
        study = self._library.study
        if study is None or not uids:
            return
        uid, rest = uids[0], uids[1:]

        def work(_: Progress) -> np.ndarray:
            from app.studies.thumbnails import thumbnail

            return thumbnail(study, uid)

        def take(image: np.ndarray) -> None:
            self.thumbnail_ready.emit(uid, image)
            self._make_thumbnails(rest)

        skip = lambda _error: self._make_thumbnails(rest)  # noqa: E731 - the pane says why it cannot be read
        self._jobs.start(Job("Thumbnails", work, "thumbnails", take, skip, quiet=True))
