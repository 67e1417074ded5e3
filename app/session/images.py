"""Images: the stacks and derived images whose pixels are in memory, those on their way, and those to be read ahead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Jobs
from app.notices import Notices, is_unexpected
from app.session.budget import Budget
from app.session.fetching import Fetching, roots
from app.session.library import OpenStudies
from app.session.memory import ImageMemory
from app.session.reading_ahead import ReadingAhead
from app.session.thumbnails import ThumbnailMaker
from app.session.turnover import Turnover
from app.studies.derived import parse
from app.studies.errors import StudyError
from app.studies.recipe import is_corrected, sources_of

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from app.studies.study import Study
    from inference.prepare.register import Correction

CANCELLED = "Loading was cancelled. Double-click to load again."


class Images(QObject):
    """The pixels of the open studies.

    Attributes
    ----------
    changed
        Uid of a stack or derived image: its pixels have arrived, failed or were replaced.
    evicted
        Uid of an image that left memory; it is read again when it is asked for.
    measured
        The memory was measured: :attr:`budget` is new.
    thumbnail_ready
        Stack uid and uint8 image (rows, columns[, 3]).
    unreadable
        Why an image could not be read, for the pane that should have shown it.
    memory
        What images may take, and what must stay: ``memory.pinned`` is set by the display.
    correction
        How a phase moved against its reference (uids of both), None where that is not known. Set by the session.
    """

    changed = Signal(str)
    evicted = Signal(str)
    measured = Signal()
    thumbnail_ready = Signal(str, object)

    def __init__(self, jobs: Jobs, notices: Notices, library: OpenStudies, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.unreadable: dict[str, str] = {}
        self.correction: Callable[[str, str], Correction | None] = lambda _of, _reference: None
        self.memory = ImageMemory(notices)
        self._notices, self._library = notices, library
        self._fetching = Fetching(jobs, library, self)
        self._fetching.came.connect(self._take)
        self._fetching.failed.connect(self._refused)
        self._ahead = ReadingAhead(self, library, self._fetching, self.memory)
        thumbnails = ThumbnailMaker(jobs, self)
        thumbnails.ready.connect(self.thumbnail_ready)
        Turnover(self, library, thumbnails)

    # -- what is there ---------------------------------------------------------------------------------------------

    def loaded(self, uid: str) -> LoadedStack | None:
        """Return an image's pixels where they are in memory, and note that they are used."""
        return self.memory.shelf.get(uid)

    def awaited(self, uid: str) -> bool:
        """Whether an image's pixels are not there and may still come."""
        return uid not in self.memory.shelf and uid not in self.unreadable

    @property
    def bytes(self) -> int:
        """How much memory the images in memory take; arrays that several share count once."""
        return self.memory.shelf.bytes

    @property
    def budget(self) -> Budget:
        """How much memory images may take, as measured last."""
        return self.memory.budget

    @property
    def memory_share(self) -> float:
        """Share of the computer's memory that images may take; :class:`app.session.budget.Budget` has the rule."""
        return self.memory.share

    @memory_share.setter
    def memory_share(self, share: float) -> None:
        self.memory.share = share
        self.relieve()

    @property
    def pinned(self) -> Callable[[], Iterable[str]]:
        """Return the uids that must stay in memory: what the panes show. Set by the display."""
        return self.memory.pinned

    @pinned.setter
    def pinned(self, pinned: Callable[[], Iterable[str]]) -> None:
        self.memory.pinned = pinned

    # -- what goes -------------------------------------------------------------------------------------------------

    def forget(self, uid: str = "") -> None:
        """Drop a stack and what is derived from it, or everything; what is on its way is not waited for."""
        self.forget_where(lambda known: not uid or uid in roots(known))

    def forget_corrected(self, pairs: Collection[tuple[str, str]]) -> None:
        """Drop the motion-corrected images of these phases (of, reference): another correction is in use."""

        def made_with(uid: str) -> bool:
            derived = parse(uid)
            return derived is not None and is_corrected(uid) and (derived.of, derived.reference) in pairs

        self.forget_where(made_with)

    def give_up_others(self, study: Study | None) -> None:
        """Read nothing ahead any more, and nothing for other studies than this one."""
        self._ahead.take(())
        self._fetching.give_up_others(study)

    def forget_where(self, chosen: Callable[[str], bool]) -> None:
        """Drop the images whose uids are chosen; what is on its way is not waited for."""
        for known in {*self.memory.shelf, *self._fetching.uids}:
            if chosen(known):
                self._fetching.give_up(known)
                if self.memory.drop(known):
                    self.evicted.emit(known)
        self.unreadable = {known: why for known, why in self.unreadable.items() if not chosen(known)}

    def free_unseen(self) -> int:
        """Drop everything that no pane shows; return how many bytes became free."""
        before = self.bytes
        self._ahead.take(())
        self._evict(0)
        self.relieve()
        return before - self.bytes

    def relieve(self) -> None:
        """Measure the memory, let go of what does not fit any more, and return it to the system.

        The window does this every two seconds.
        """
        self.memory.give_back()
        self.memory.measure(sum(self._fetching.coming.values()))
        self._evict(self.budget.limit)
        self.measured.emit()

    def _evict(self, limit: int, kept: Iterable[str] = ()) -> None:
        """Let go of what was used least recently; what derived images on their way are made from stays."""
        for uid in self.memory.evict(limit, {*self._fetching.sources, *kept}):
            self.evicted.emit(uid)

    # -- what comes ------------------------------------------------------------------------------------------------

    def request(self, uid: str, *, quiet: bool = False) -> None:
        """Read or compute an image of any open study in the background, unless it is in memory or on its way.

        Parameters
        ----------
        quiet
            Whether nobody waits for it: no progress is shown, and other reading goes first.
        """
        study, fetching = self._library.study_of(uid), self._fetching
        if study is None or uid in self.memory.shelf:
            return
        if uid in fetching.uids:
            if not quiet:
                fetching.hurry(uid)
            return
        self.unreadable.pop(uid, None)
        if quiet:
            fetching.quiet.add(uid)
        if parse(uid) is None:
            fetching.read(study, uid, self._make_room(study, uid))
            return
        fetching.waiting.add(uid)
        for source in sources_of(uid):
            self.request(source, quiet=quiet)
        self._derive_ready()

    def _make_room(self, study: Study, uid: str) -> int:
        """Let go of what has no place beside an image that is on its way; return its size in bytes."""
        coming, size = sum(self._fetching.coming.values()), self.memory.bytes_wanted(study, uid)
        self.memory.measure(coming)
        self._evict(self.budget.limit - coming - size)
        return size

    def _derive_ready(self) -> None:
        """Start computing what has its sources, and give up what cannot have them."""
        for uid in tuple(self._fetching.waiting):
            study, sources = self._library.study_of(uid), sources_of(uid)
            failed = [source for source in sources if source in self.unreadable]
            there = [loaded for source in sources if (loaded := self.memory.shelf.peek(source)) is not None]
            if uid not in self._fetching.waiting or study is None:
                continue
            if failed:
                self._refused(uid, StudyError(self.unreadable[failed[0]]))
            elif len(there) == len(sources):
                derived = parse(uid)
                needs = derived is not None and parse(sources[0]) is None and is_corrected(uid)
                correction = self.correction(derived.of, derived.reference) if needs and derived else None
                self._fetching.derive(study, uid, self._make_room(study, uid), there, correction)

    def prefetch(self, uids: Iterable[str]) -> None:
        """Read these ahead, one by one and in this order, whenever nothing that was asked for is on its way.

        Nothing is read that would push out an image on show or another one of these. A later call replaces the list.
        """
        self._ahead.take(uids)

    # -- what came -------------------------------------------------------------------------------------------------

    def _take(self, uid: str, loaded: LoadedStack) -> None:
        asked_for = () if uid in self._fetching.quiet else (uid,)
        self._fetching.settled(uid)
        self.memory.keep(uid, loaded)
        self.memory.measure(sum(self._fetching.coming.values()))
        self._evict(self.budget.limit, asked_for)
        self.memory.tell_too_large()
        self._arrived(uid)

    def _refused(self, uid: str, error: Exception | None) -> None:
        loud = uid not in self._fetching.quiet and parse(uid) is None
        self._fetching.settled(uid)
        self.unreadable[uid] = f"{error}\n{getattr(error, 'hint', '')}".strip() if error else CANCELLED
        if error is not None and (loud or is_unexpected(error)):
            self._notices.error("The images could not be shown", error)
        self._arrived(uid)

    def _arrived(self, uid: str) -> None:
        self._derive_ready()
        self.changed.emit(uid)
        self._ahead.go_on()
