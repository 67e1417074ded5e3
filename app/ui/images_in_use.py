"""Images in use: what must stay in memory, and what panes do when an image has left it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from app.ui.display import Display


class ImagesInUse(QObject):
    """Pins what is on show; hidden panes let their images go and get them back when they are shown.

    Attributes
    ----------
    others
        Parts of the window beside the panes that keep images in use, each a function that names them.
    """

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display = display
        self.others: list[Callable[[], Iterable[str]]] = []
        images = display.session.images
        images.pinned = self.needed
        images.evicted.connect(self._let_go)
        display.grid.layout_changed.connect(lambda _: self._show_visible())

    def needed(self) -> list[str]:
        """Return the images that must stay: on show, compared with, or in use beside the panes."""
        display = self._display
        compared = display.comparison.choice if display.comparison.mode else None
        shown = [uid for uid in display.visible_uids if uid]
        others = [uid for source in self.others for uid in source()]
        return shown + others + ([compared.key] if compared is not None else [])

    def _let_go(self, uid: str) -> None:
        """Empty hidden panes whose image left memory."""
        grid = self._display.grid
        for pane, slot in zip(grid.panes, self._display.slots, strict=True):
            if slot.uid == uid and pane not in grid.visible_panes:
                pane.set_content(None)

    def _show_visible(self) -> None:
        """Read again what panes lost while they were hidden."""
        display = self._display
        for pane in display.grid.visible_panes:
            n = display.grid.panes.index(pane)
            if pane.content is None and display.slots[n].uid is not None:
                display.show_slot(display.slots[n], n)
