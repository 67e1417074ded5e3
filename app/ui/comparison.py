"""Comparison: which pane compares what with what, and how; by swipe, blink, difference or side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.studies.hanging import Slot
from app.ui.comparing import Candidate, Mode, candidates, with_image, with_map
from app.ui.content import Scene, image_layer
from viewer.layers.types import HeatmapLayer, PaneContent

if TYPE_CHECKING:
    from app.ui.display import Display

NOTHING = "There is nothing to compare this image with."
HOW = "Open a dynamic series, or analyse the slice with a second model, then compare."
ONE_MAP = "There are no two maps over this image, so there is no difference to show."


class Comparison(QObject):
    """What the active pane is compared with; one pane at a time.

    Attributes
    ----------
    changed
        Another mode or candidate was chosen.
    mode
        ``"swipe"``, ``"blink"``, ``"difference"`` or ``""`` for none.
    """

    changed = Signal()

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display = display
        self.mode: Mode = ""
        self._pane = -1
        self._key = ""
        display.session.library.study_changed.connect(self.stop)

    # -- choosing --------------------------------------------------------------------------------------------------

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What the active pane can be compared with."""
        display = self._display
        uid, study = display.stack_uid, display.study
        if uid is None or study is None or not display.own or display.session.images.loaded(uid) is None:
            return ()
        motion = display.session.motion
        maps = display.plain_content(display.grid.active_index).heatmaps  # the shown one may be the comparison itself
        return candidates(study, uid, maps, lambda of, reference: motion.correction(of, reference) is not None)

    @property
    def choice(self) -> Candidate | None:
        """What is compared with now; the first candidate until another was chosen."""
        found = self.candidates if self._pane == self._display.grid.active_index or not self.mode else ()
        fitting = [one for one in found if one.is_map] if self.mode == "difference" else found
        return next((one for one in fitting if one.key == self._key), fitting[0] if fitting else None)

    def toggle(self, mode: Mode) -> None:
        """Compare the active pane in this way, or stop."""
        if self.mode == mode and self._pane == self._display.grid.active_index:
            self.stop()
        else:
            self.start(mode)

    def start(self, mode: Mode, key: str = "") -> None:
        """Compare the active pane with a candidate, the one chosen last or the first by default."""
        self.stop()
        self.mode, self._pane, self._key = mode, self._display.grid.active_index, key or self._key
        if self.choice is None:
            self.mode = ""
            sentence = ONE_MAP if mode == "difference" else NOTHING
            self._display.session.notices.warn(sentence, "", HOW, "study")
        self._show()

    def stop(self) -> None:
        """Show the pane's own content alone."""
        if self.mode:
            self.mode, self._pane = "", -1
            self._show()

    def next(self) -> None:
        """Compare with the next candidate."""
        found = self.candidates
        here = [n for n, one in enumerate(found) if self.choice is not None and one.key == self.choice.key]
        if found:
            following = found[(here[0] + 1) % len(found)] if here and self.mode else found[0]
            self.start(
                self.mode if self.mode and (following.is_map or self.mode != "difference") else "swipe", following.key
            )

    def beside(self) -> None:
        """Show the pane's own image and the candidate in two linked panes."""
        display, choice = self._display, self.choice
        if choice is None or choice.is_map:
            display.session.notices.warn(NOTHING, "", HOW, "study")
            return
        own = display.slot
        self.stop()
        display.grid.set_layout("1x2")
        display.show_slots((own, Slot(choice.key, choice.title, own.plane, own.slab, follows=own.follows)))

    def _show(self) -> None:
        self._display.refresh()
        self.changed.emit()

    def awaits(self, uid: str) -> bool:
        """Whether that image is what the comparison shows."""
        return bool(self.mode) and self.choice is not None and self.choice.key == uid

    # -- showing ---------------------------------------------------------------------------------------------------

    def applied(self, n: int, scene: Scene, content: PaneContent) -> PaneContent:
        """Return the content of a pane with what it is compared with."""
        if not self.mode or n != self._pane:
            return content
        choice = self.choice
        if choice is None:
            return content
        if choice.is_map:
            return with_map(content, choice, self.mode, difference)
        other = self._display.session.images.loaded(choice.key)
        if other is None:
            self._display.session.images.request(choice.key)
            return content
        return with_image(content, self._display.title_of(n), image_layer(other), choice, self.mode)


def difference(one: HeatmapLayer, other: HeatmapLayer) -> HeatmapLayer | None:
    """Return the first map minus the other on the grid of the first; None where they do not meet."""
    from viewer.difference import difference_of

    return difference_of(one, other)
