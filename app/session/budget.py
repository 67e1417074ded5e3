"""Budget: how much memory images may fill, and which of them go first when it is full. Qt-free."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import psutil

if TYPE_CHECKING:
    from app.studies.load import LoadedStack

RESERVE = 512 * 2**20  # bytes left to the rest of the machine, as Weasis does
FLOOR = 256 * 2**20  # bytes: less than this holds no current exam, whatever the machine


@dataclass(frozen=True)
class Machine:
    """Memory in bytes: of the computer, of it still to be had, and what this program takes, images included."""

    total: int
    available: int
    program: int

    @staticmethod
    def now() -> Machine:
        """Measure."""
        memory = psutil.virtual_memory()
        return Machine(int(memory.total), int(memory.available), int(psutil.Process().memory_info().rss))

    @property
    def short(self) -> bool:
        """Whether so little memory is left that the system may begin to swap or to end programs."""
        return self.available < min(RESERVE, self.total // 8)


@dataclass(frozen=True)
class Budget:
    """What images may take.

    Attributes
    ----------
    limit
        Share × memory of the computer − 512 MB − what the program takes besides images; never below 256 MB.
    other
        What the program takes besides images.
    short
        The computer itself is short of memory: images not on show go first, whatever the limit.
    """

    limit: int
    other: int
    share: float
    total: int
    short: bool = False


def budget_of(share: float, images: int, machine: Machine) -> Budget:
    """Return the budget.

    Parameters
    ----------
    share
        Share of the computer's memory that the user grants to the program's images, 0.1 to 0.9.
    images
        Bytes of the images in memory now.
    machine
        As measured now. Where it is short of memory the limit is lowered by what is missing.
    """
    other = max(0, machine.program - images)
    limit = max(FLOOR, int(share * machine.total) - RESERVE - other)
    if machine.short:
        limit = min(limit, max(FLOOR, images - (RESERVE - machine.available)))
    return Budget(limit, other, share, machine.total, machine.short)


class ImageShelf:
    """The images in memory, in the order of their last use."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[str, LoadedStack] = OrderedDict()

    def __contains__(self, uid: str) -> bool:
        return uid in self._loaded

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._loaded))

    def get(self, uid: str) -> LoadedStack | None:
        """Return an image and note that it was used."""
        if uid in self._loaded:
            self._loaded.move_to_end(uid)
        return self._loaded.get(uid)

    def peek(self, uid: str) -> LoadedStack | None:
        """Return an image without noting a use."""
        return self._loaded.get(uid)

    def put(self, uid: str, loaded: LoadedStack) -> None:
        """Keep an image as the one used last."""
        self._loaded[uid] = loaded
        self._loaded.move_to_end(uid)

    def replace(self, uid: str, loaded: LoadedStack) -> None:
        """Put an image in the place of another without noting a use."""
        self._loaded[uid] = loaded

    def drop(self, uid: str) -> bool:
        """Forget an image; False where it was not there."""
        return self._loaded.pop(uid, None) is not None

    @property
    def bytes(self) -> int:
        """Memory of all images; arrays that several of them share count once."""
        return bytes_of(self._loaded.values())

    def bytes_of(self, uids: Collection[str]) -> int:
        """Memory of some of the images."""
        return bytes_of([loaded for uid, loaded in self._loaded.items() if uid in uids])

    def evict(self, limit: int, pinned: Collection[str]) -> tuple[str, ...]:
        """Forget the images used least recently until the rest fits into ``limit`` bytes; return their uids.

        What is pinned stays, also where it alone is larger than the limit.
        """
        gone: list[str] = []
        for uid in tuple(self._loaded) if self.bytes > limit else ():
            if uid not in pinned:
                del self._loaded[uid]
                gone.append(uid)
                if self.bytes <= limit:
                    break
        return tuple(gone)


def bytes_of(images: Collection[LoadedStack]) -> int:
    """Return the memory that the pixels of images hold; arrays with one owner count once, views as their owner."""
    owners: dict[int, int] = {}
    for loaded in images:
        owner = _owner(loaded.volume.array)
        owners[id(owner)] = owner.nbytes
    return sum(owners.values())


def _owner(array: np.ndarray) -> np.ndarray:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def size_text(count: float) -> str:
    """Return bytes as people read them: ``"820 MB"``, ``"1.2 GB"``."""
    return f"{count / 2**20:.0f} MB" if count < 1000 * 2**20 else f"{count / 2**30:.1f} GB"
