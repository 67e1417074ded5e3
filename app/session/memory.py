"""Memory: keeps the loaded images within the budget, lets go of the least recently used, and says when it is short."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from app.notices import Notices
from app.session.budget import Budget, ImageShelf, Machine, budget_of, bytes_of, size_text
from app.studies.derived import base_uid

if TYPE_CHECKING:
    from app.studies.load import LoadedStack
    from app.studies.study import Study


class ImageMemory:
    """The shelf of images and what it may take.

    Attributes
    ----------
    share
        Share of the computer's memory that images may take.
    pinned
        Uids that must stay: what the panes show.
    machine
        Measures the memory.
    """

    def __init__(self, notices: Notices) -> None:
        self.share = 0.5
        self.pinned: Callable[[], Iterable[str]] = tuple
        self.machine: Callable[[], Machine] = Machine.now
        self.shelf = ImageShelf()
        self.budget: Budget = budget_of(self.share, 0, self.machine())
        self._notices = notices
        self._said_too_large = False
        self._freed = False
        self._sizes: dict[str, int] = {}  # of every image that was ever here

    def keep(self, uid: str, loaded: LoadedStack) -> None:
        """Keep an image as the one used last."""
        self.shelf.put(uid, loaded)
        self._sizes[uid] = bytes_of((loaded,))

    def bytes_wanted(self, study: Study, uid: str) -> int:
        """Return how much memory an image will take: what it took before, else by its size and 16 bits a pixel."""
        if uid in self._sizes:
            return self._sizes[uid]
        stack = study.stack(base_uid(uid))
        return 2 * stack.rows * stack.columns * len(stack.frames)

    def measure(self, coming: int = 0) -> None:
        """Work the budget out anew; ``coming`` bytes of images are being read and are no other use of memory."""
        self.budget = budget_of(self.share, self.shelf.bytes + coming, self.machine())

    def evict(self, limit: int, kept: Iterable[str]) -> tuple[str, ...]:
        """Let go of the least recently used images until the rest fits; pinned ones and ``kept`` stay.

        Returns
        -------
        tuple of str
            Uids of what was let go.
        """
        gone = self.shelf.evict(max(0, limit), {*self.pinned(), *kept})
        self._freed = self._freed or bool(gone)
        return gone

    def drop(self, uid: str) -> bool:
        """Let go of one image; False where it was not there."""
        gone = self.shelf.drop(uid)
        self._freed = self._freed or gone
        return gone

    def give_back(self) -> None:
        """Return what was freed to the system; some milliseconds, so it is left to a quiet moment."""
        if self._freed:
            self._freed = False
            trim_heap()

    def tell_too_large(self) -> None:
        """Say once that what is on show is larger than what images may take."""
        needed = self.shelf.bytes
        if needed <= self.budget.limit:
            self._said_too_large = False
        elif not self._said_too_large:
            self._said_too_large = True
            self._notices.warn(
                f"The images on show need {size_text(needed)}, more than the {size_text(self.budget.limit)} set aside.",
                "They are shown all the same; everything else is read again when it is needed.",
                "Close other programs, or raise “Memory for images” in the preferences.",
                "study",
            )


def trim_heap() -> None:
    """Return free pages of the heap to the system.

    glibc keeps what worker threads freed: of 24 MB let go, 15 MB stayed with the process. Other systems return it by
    themselves.
    """
    if sys.platform != "linux":
        return
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not in musl
    if trim is not None:
        trim(0)
