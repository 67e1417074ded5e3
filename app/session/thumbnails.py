"""Thumbnails: made one after the other in the background, so that pixels the user asked for never wait behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Jobs

if TYPE_CHECKING:
    import numpy as np

    from app.studies.study import Study
    from inference.progress import Progress

KEY = "thumbnails"


class ThumbnailMaker(QObject):
    """Makes the thumbnails of one study at a time.

    Attributes
    ----------
    ready
        Stack uid and uint8 image (rows, columns[, 3]).
    """

    ready = Signal(str, object)

    def __init__(self, jobs: Jobs, parent: QObject) -> None:
        super().__init__(parent)
        self._jobs = jobs
        self._made: set[str] = set()

    def start(self, study: Study | None) -> None:
        """Make those of a study that were not made yet; what another study still waits for is given up."""
        self._jobs.supersede(KEY)
        if study is not None:
            uids = [stack.uid for series in study.series for stack in series.stacks]
            self._next(study, [uid for uid in uids if uid not in self._made])

    def forget(self, stack_uid: str) -> None:
        """Make one anew when its study is opened the next time."""
        self._made.discard(stack_uid)

    def _next(self, study: Study, uids: list[str]) -> None:
        if not uids:
            return
        uid, rest = uids[0], uids[1:]

        def work(_: Progress) -> np.ndarray:
            from app.studies.thumbnails import thumbnail

            return thumbnail(study, uid)

        def take(image: np.ndarray) -> None:
            self._made.add(uid)
            self.ready.emit(uid, image)
            self._next(study, rest)

        skip = lambda _error: self._next(study, rest)  # noqa: E731 - the pane says why it cannot be read
        self._jobs.start(Job("Thumbnails", work, KEY, take, skip, quiet=True))
