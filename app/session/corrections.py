"""Stored motion: corrections in memory and in the workspace; those of an earlier day count once the pixels agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import KEEPING, Job, Jobs
from app.notices import Notices
from app.session.images import Images
from app.session.keeping import Keeping
from app.session.library import OpenStudies
from app.studies.study import Dynamic

if TYPE_CHECKING:
    from app.workspace.corrections import Corrections, StoredCorrections
    from inference.prepare.register import Correction
    from inference.progress import Progress

Pair = tuple[str, str]
Parts = tuple[Jobs, Notices, Keeping, OpenStudies, Images]
NOT_KEPT = "The workspace is not open: this motion correction is lost when the program is closed."


class StoredMotion(QObject):
    """Corrections by the uids of the phase that moved and of its reference.

    Attributes
    ----------
    changed
        Any of what follows is new.
    known
        Corrections of just the pixels that are in memory.
    unchecked
        Corrections from the workspace whose images are not loaded yet.
    unused
        Uids of dynamic series whose corrections are not to be used.
    """

    changed = Signal()

    def __init__(self, parts: Parts, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.known: dict[Pair, Correction] = {}
        self.unchecked: dict[Pair, Correction] = {}
        self.unused: set[str] = set()
        self._jobs, self._notices, self._keeping, self._library, self._images = parts
        self._read: set[str] = set()
        self._unsaved: set[Pair] = set()
        self._library.turned.connect(self._find)
        self._keeping.opened.connect(self._save_what_waits)
        self._images.changed.connect(self._check)

    # -- from the workspace ----------------------------------------------------------------------------------------

    def _find(self) -> None:
        """Read what was stored of the current study, once."""
        study, workspace = self._library.study, self._keeping.workspace
        if study is None or workspace is None or study.uid in self._read or not study.dynamics:
            return
        uid, folder = study.uid, workspace.folder
        self._read.add(uid)

        def work(_: Progress) -> StoredCorrections:
            from app.workspace.corrections import Corrections

            return Corrections(folder).of_study(uid)

        failed = lambda error: self._notices.error("Earlier motion corrections could not be read", error)  # noqa: E731
        self._jobs.start(Job("Reading motion corrections", work, "", self._take_stored, failed, quiet=True))

    def _take_stored(self, stored: StoredCorrections) -> None:
        self.unchecked.update({pair: one for pair, one in stored.found.items() if pair not in self.known})
        self.unused.update(stored.unused)
        for problem in stored.problems:
            self._notices.warn(problem)
        for pair in stored.found:
            self._check(pair[0])
        self.changed.emit()

    def _check(self, uid: str) -> None:
        """Compare the pixels that have come with those a stored correction was made from."""
        for pair, correction in tuple(self.unchecked.items()):
            if uid not in pair:
                continue
            stacks = [self._images.loaded(one) for one in pair]
            if stacks[0] is None or stacks[1] is None:
                continue
            moving, fixed = stacks[0].volume, stacks[1].volume
            work = lambda _, c=correction, f=fixed, m=moving: c.fits(f, m)  # noqa: E731
            take = lambda fits, p=pair, c=correction: self._checked(p, c, fits)  # noqa: E731
            self._jobs.start(Job("Checking a motion correction", work, f"motion check {pair}", take, quiet=True))

    def _checked(self, pair: Pair, correction: Correction, fits: bool) -> None:
        if self.unchecked.get(pair) is not correction:
            return
        del self.unchecked[pair]
        if fits:
            self.known[pair] = correction
        else:
            self._notices.info(
                "A stored motion correction belongs to other images than these, so it is not used.",
                hint="Correct the motion again (Ctrl+M).",
                topic="study",
            )
        self.changed.emit()

    # -- to the workspace ------------------------------------------------------------------------------------------

    def put(self, pair: Pair, correction: Correction) -> None:
        """Take a new correction into use and keep it."""
        self.known[pair] = correction
        self.unchecked.pop(pair, None)
        self._unsaved.add(pair)
        if self._keeping.workspace is None:
            self._notices.info(NOT_KEPT, topic="study")
        self._save_what_waits()
        self.changed.emit()

    def _save_what_waits(self) -> None:
        for pair in tuple(self._unsaved) if self._keeping.workspace is not None else ():
            correction = self.known.get(pair)
            self._unsaved.discard(pair)
            if correction is not None:
                self._write(pair[0], lambda store, uid, p=pair, c=correction: store.save(uid, p, c))

    def set_unused(self, dynamic: Dynamic, unused: bool) -> None:
        """Put the corrections of a series out of use, or in use again."""
        (self.unused.add if unused else self.unused.discard)(dynamic.uid)
        study = self._library.study_of(dynamic.phases[0].stack_uid)
        of_study = {one.uid for one in study.dynamics} if study is not None else set()
        chosen = tuple(sorted(self.unused & of_study))
        self._write(dynamic.phases[0].stack_uid, lambda store, uid: store.set_unused(uid, chosen))
        self.changed.emit()

    def forget(self, dynamic: Dynamic) -> None:
        """Discard the corrections of a series, also on the disk."""
        uids = {phase.stack_uid for phase in dynamic.phases}
        pairs = tuple(pair for pair in (*self.known, *self.unchecked) if pair[0] in uids)
        for pair in pairs:
            self.known.pop(pair, None)
            self.unchecked.pop(pair, None)
            self._unsaved.discard(pair)
        self.unused.discard(dynamic.uid)
        if pairs:
            self._write(pairs[0][0], lambda store, uid: store.delete(uid, pairs))
        self.changed.emit()

    def _write(self, stack_uid: str, write: Callable[[Corrections, str], None]) -> None:
        study, workspace = self._library.study_of(stack_uid), self._keeping.workspace
        if study is None or workspace is None:
            return
        uid, folder = study.uid, workspace.folder

        def work(_: Progress) -> None:
            from app.workspace.corrections import Corrections

            write(Corrections(folder), uid)

        failed = lambda error: self._notices.error("The motion correction could not be saved", error)  # noqa: E731
        self._jobs.start(Job("Saving", work, on_failed=failed, quiet=True), KEEPING)
