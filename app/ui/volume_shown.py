"""Volumes shown: what is rendered of an image, whole or the breasts alone, made ready off the Qt thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Jobs
from app.ui.volume_scene import is_subtraction, reference_of
from viewer.volume3d.prepared import prepared

if TYPE_CHECKING:
    from highdicom import Volume

    from app.session.images import Images
    from app.studies.load import LoadedStack
    from inference.progress import Progress

MARGIN = 2  # voxels around the breasts
BREASTS_ONLY = "Breasts only, by an automatic mask: chest wall, axilla and heart are hidden"


@dataclass(frozen=True, eq=False)
class Shown:
    """A volume that is ready to be rendered.

    Attributes
    ----------
    note
        What was left out of it, or why nothing was; "" for the whole image.
    """

    volume: Volume
    note: str = ""


class ShownVolumes(QObject):
    """Makes ready one volume at a time; VTK is imported with the first.

    Attributes
    ----------
    changed
        What was asked for is ready.
    """

    changed = Signal()

    def __init__(self, jobs: Jobs, images: Images, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._images = jobs, images
        self._made: tuple[Any, Shown] | None = None
        self._awaited: Any = None

    def get(self, loaded: LoadedStack, *, breasts: bool) -> Shown | None:
        """Return an image made ready; None while that is under way, which ``changed`` will tell."""
        reference = reference_of(loaded) if breasts and is_subtraction(loaded) else ""
        pre = self._images.loaded(reference) if reference else None
        if reference and pre is None and reference not in self._images.unreadable:
            self._images.request(reference, quiet=True)
            return None
        key = (loaded.stack.uid, id(loaded.volume), pre is not None)
        if self._made is not None and self._made[0] == key:
            return self._made[1]
        if self._awaited != key:
            self._awaited = key
            self._start(key, loaded.volume, pre.volume if pre is not None else None)
        return None

    def _start(self, key: Any, volume: Volume, pre: Volume | None) -> None:
        def work(progress: Progress) -> Shown:
            made = breasts_of(volume, pre, progress) if pre is not None else Shown(volume)
            progress.check()
            ready(made.volume)
            return made

        def take(made: Shown) -> None:
            self._awaited, self._made = None, (key, made)
            self.changed.emit()

        def fail(error: Exception) -> None:  # what keeps a volume from being drawn is said by the view
            take(Shown(volume, f"Whole image: the breasts were not found ({error})." if pre is not None else ""))

        self._jobs.start(Job("Preparing the volume", work, "volume", take, fail, quiet=True), "disk")

    def drop(self) -> None:
        """Forget what was made ready, whose memory is given back."""
        self._made = None


def ready(volume: Volume) -> None:
    """Do what is slow before a volume is rendered for the first time."""
    import viewer.volume3d.renderer  # noqa: F401 - VTK, 0.4 s

    prepared(volume)


def breasts_of(volume: Volume, pre: Volume, progress: Progress) -> Shown:
    """Return the part of a subtraction around the breasts, all else at its smallest value; whole where none are found.

    Parameters
    ----------
    pre
        The pre-contrast phase, of whose tissue the mask is made.
    """
    from inference.lesion_region import on_grid_of
    from inference.prepare.breast_mask import breast_mask

    mask = breast_mask(pre, progress)
    if mask.problem:
        return Shown(volume, f"Whole image: {mask.problem}")
    inside = on_grid_of(mask.volume, volume) > 0
    if not inside.any():
        return Shown(volume, "Whole image: the breasts lie outside it.")
    array = np.asarray(volume.array)
    alone = volume.with_array(np.where(inside, array, array.min()))
    return Shown(alone[_bounds(inside)], BREASTS_ONLY)


def _bounds(inside: np.ndarray) -> tuple[slice, ...]:
    """Return the part of a grid that holds everything inside, and a margin."""
    found = []
    for axis in range(3):
        there = np.flatnonzero(inside.any(axis=tuple(other for other in range(3) if other != axis)))
        found.append(slice(max(int(there[0]) - MARGIN, 0), min(int(there[-1]) + 1 + MARGIN, inside.shape[axis])))
    return tuple(found)
