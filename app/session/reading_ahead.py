"""Reading ahead: what the reader will want next, one by one, whenever nothing that was asked for is on its way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.session.fetching import Fetching, roots
from app.session.library import OpenStudies
from app.session.memory import ImageMemory

if TYPE_CHECKING:
    from app.session.images import Images
    from app.studies.study import Study


class ReadingAhead:
    """The list of images to be read ahead; nothing is read that would push out what is on show or another of these."""

    def __init__(self, images: Images, library: OpenStudies, fetching: Fetching, memory: ImageMemory) -> None:
        self._images, self._library, self._fetching, self._memory = images, library, fetching, memory
        self._uids: tuple[str, ...] = ()

    def take(self, uids: Iterable[str]) -> None:
        """Read these, in this order; the list before is forgotten."""
        self._uids = tuple(dict.fromkeys(uids))
        self.go_on()

    def go_on(self) -> None:
        """Read the next one, unless others are on their way or memory is short."""
        if self._fetching.uids or self._memory.budget.short:
            return
        for uid in self._uids:
            study = self._library.study_of(uid)
            if study is not None and self._images.awaited(uid):
                if self._fits(study, uid):
                    self._images.request(uid, quiet=True)
                return

    def _fits(self, study: Study, uid: str) -> bool:
        shelf = self._memory.shelf
        new = [one for one in roots(uid) if one not in shelf]
        kept = {*self._memory.pinned(), *self._uids, *roots(uid)}
        wanted = sum(self._memory.bytes_wanted(study, one) for one in new)
        return shelf.bytes_of(kept) + wanted <= self._memory.budget.limit
