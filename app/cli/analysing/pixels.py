"""Pixels: stacks of a study kept for the next model, as far as the memory goes."""

from __future__ import annotations

from collections import OrderedDict

from app.studies.load import LoadedStack, load_stack
from app.studies.study import Study
from inference.progress import Progress

SHARE = 0.25  # of the memory that is free now: the rest is the models'
LEAST = 256 * 2**20


class Pixels:
    """What was loaded, least recently used first; several models read the same phases."""

    def __init__(self, study: Study) -> None:
        import psutil

        self._study = study
        self._limit = max(LEAST, int(SHARE * psutil.virtual_memory().available))
        self._kept: OrderedDict[str, LoadedStack] = OrderedDict()

    def load(self, uid: str, progress: Progress) -> LoadedStack:
        """Return a stack, read where it is not at hand."""
        if uid not in self._kept:
            loaded = load_stack(self._study, uid, progress)
            self._kept[uid] = loaded
            while len(self._kept) > 1 and self._bytes > self._limit:
                self._kept.popitem(last=False)
        self._kept.move_to_end(uid)
        return self._kept[uid]

    @property
    def _bytes(self) -> int:
        return sum(one.volume.array.nbytes for one in self._kept.values())
