"""Time steps: through the phases of a dynamic series, to their subtractions, with or without motion correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.ui.phases import in_time, toggled_subtraction, with_correction

if TYPE_CHECKING:
    from app.ui.display import Display


class TimeSteps(QObject):
    """Changes what the panes show along time; slice, zoom, slab and window stay."""

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display = display
        display.session.correction_changed.connect(self.follow_correction)

    def step(self, by: int) -> None:
        """Show the next or previous phase: in all panes that follow time, else in the active one."""
        display = self._display
        if display.study is not None:
            later = in_time(display.study, display.slots, display.grid.active_index, by)
            display.replace_slots(with_correction(later, self._in_use))

    def toggle_subtraction(self) -> None:
        """Show the subtraction of the phase in the active pane, or the phase again."""
        display, n = self._display, self._display.grid.active_index
        if display.study is not None:
            slot = toggled_subtraction(display.study, display.slot, self._in_use)
            display.replace_slots([*display.slots[:n], slot, *display.slots[n + 1 :]])

    def follow_correction(self) -> None:
        """Show subtractions with or without motion correction, as is in use now."""
        display, images = self._display, self._display.session.images
        display.replace_slots(with_correction(display.slots, self._in_use))
        for uid in display.visible_uids:
            if uid is not None and images.awaited(uid):  # made with another correction, so it was let go
                images.request(uid)

    def _in_use(self, of: str, reference: str) -> bool:
        return self._display.session.images.correction(of, reference) is not None
