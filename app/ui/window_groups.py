"""Window groups: the phases of a dynamic series share one window, its subtractions another, their projections a third.

Equal grey must mean equal signal, or washout cannot be seen; other images keep the window they were given.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from app.studies.derived import DerivedKind, parse
from viewer.presentation import Presentation, Window

if TYPE_CHECKING:
    from app.studies.hanging import Slot
    from app.studies.study import Study
    from app.ui.display import Display


class WindowGroups(QObject):
    """Remembers the windows a reader has chosen and gives them to the panes they belong to."""

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display = display
        self._chosen: dict[Hashable, Presentation] = {}
        self._inverted: dict[str, bool] = {}
        self._giving = False

    def take(self, n: int, presentation: Any) -> None:
        """Remember the window of a pane, and give it to every other pane on show with an image of its group."""
        display, uid = self._display, self._display.slots[n].uid
        key = self._key(display.slots[n])
        if uid is not None:
            self._inverted[uid] = presentation.invert
        if key is None or self._giving:
            return
        self._chosen[key] = presentation
        self._giving = True
        try:
            for other in display.grid.visible_panes:
                slot = display.slots[display.grid.panes.index(other)]
                shown = other.content.image.uid if other.content is not None else None
                if other is not display.grid.panes[n] and shown == slot.uid and self._key(slot) == key:
                    self._give(other, presentation)
        finally:
            self._giving = False

    def begin(self, n: int) -> None:
        """Give a new image the window that was chosen for it or its group."""
        pane, slot = self._display.grid.panes[n], self._display.slots[n]
        known = self._chosen.get(self._key(slot))
        if known is not None:
            self._give(pane, known)
        own = pane.presentation
        if own is not None and self._inverted.get(slot.uid or "", own.invert) != own.invert:
            pane.set_presentation(own.inverted())

    def _give(self, pane: Any, chosen: Presentation) -> None:
        if pane.presentation is not None and pane.presentation.voi != chosen.voi:
            pane.set_presentation(adapted(pane.presentation, chosen))

    def _key(self, slot: Slot) -> Hashable | None:
        if slot.uid is None:
            return None
        return group_of(self._display.study_of(slot.uid), slot)


def group_of(study: Study | None, slot: Slot) -> Hashable:
    """Return what the images with one window have in common: dynamic series, kind of image, projected or not."""
    uid = slot.uid or ""
    place, derived = study.phase_of(uid) if study is not None else None, parse(uid)
    if place is None:
        return uid
    subtracted = derived is not None and derived.kind is DerivedKind.SUBTRACTION
    return place[0].uid, subtracted, slot.slab is not None


def adapted(own: Presentation, chosen: Presentation) -> Presentation:
    """Return the presentation of an image with the window of another; it keeps its own choices and inversion."""
    window = chosen.voi
    same = next((n for n, voi in enumerate(own.vois) if isinstance(window, Window) and _alike(voi, window)), None)
    if same is not None:
        return replace(own, chosen=same)
    return own.with_voi(replace(window, origin="user"))


def _alike(voi: object, window: Window) -> bool:
    return isinstance(voi, Window) and (voi.center, voi.width, voi.function) == (
        window.center, window.width, window.function,
    )  # fmt: skip
