"""Comparison: which pane compares what with what, and how; by swipe, blink, difference or side by side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.studies.hanging import Slot
from app.ui.comparing import Candidate, Differences, Mode, candidates, own_title, with_image, with_map
from app.ui.content import Scene, image_layer
from app.ui.window_sharing import alike
from viewer.layers.types import PaneContent
from viewer.view_state import window_state

if TYPE_CHECKING:
    from app.ui.display import Display

NOTHING = "There is nothing to compare this image with."
HOW = "Open a dynamic series, or analyse the slice with a second model, then compare."
NO_IMAGE = "There is no image in this pane yet, so there is nothing to compare."
OF_A_PRIOR = "An image of a prior exam is not compared in one pane."
PRIORS_HOW = "Hang it beside the current exam with J."
ONE_MAP = "There are no two maps of the same kind over this image, so there is no difference to show."
ONE_MAP_HOW = "Analyse the slice with a second model, then compare."
UNREAD = "“{title}” could not be read, so it is not compared with this image."


class Comparison(QObject):
    """What a pane is compared with; one pane at a time, until it shows something that nothing compares with.

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
        self._own: str | None = None  # the image compared, to notice when the pane shows another
        self._differences = Differences()
        display.session.library.study_changed.connect(self.stop)
        display.hanging_changed.connect(self.stop)
        display.session.images.changed.connect(self._take_image)
        display.focus_changed.connect(self._follow)

    # -- choosing --------------------------------------------------------------------------------------------------

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """What the active pane can be compared with."""
        return self._candidates_of(self._display.grid.active_index)

    def _candidates_of(self, n: int) -> tuple[Candidate, ...]:
        display, uid = self._display, self._display.slots[n].uid
        study = display.study
        if uid is None or study is None or not study.has(uid) or display.session.images.loaded(uid) is None:
            return ()
        motion = display.session.motion
        return candidates(
            study, uid, display.maps_of(n), lambda of, reference: motion.correction(of, reference) is not None
        )

    @property
    def choice(self) -> Candidate | None:
        """What a pane is compared with now; while none is, what the active one would be compared with."""
        return self._choice_of(self._pane if self.mode else self._display.grid.active_index)

    def _choice_of(self, n: int) -> Candidate | None:
        found = self._candidates_of(n)
        if self.mode == "difference":
            maps = self._display.maps_of(n)
            unit = next((layer.unit for layer in maps if layer.title == own_title(maps)), "")
            found = tuple(one for one in found if one.is_map and one.unit == unit)
        return next((one for one in found if one.key == self._key), found[0] if found else None)

    @property
    def compares_active(self) -> bool:
        """Whether the pane that is compared is the active one."""
        return bool(self.mode) and self._pane == self._display.grid.active_index

    def toggle(self, mode: Mode) -> None:
        """Compare the active pane in this way, or stop."""
        if self.mode == mode and self.compares_active:
            self.stop()
        else:
            self.start(mode)

    def start(self, mode: Mode, key: str = "") -> None:
        """Compare the active pane with a candidate, the one chosen last or the first by default."""
        n = self._display.grid.active_index
        self.stop()
        self.mode, self._pane, self._key, self._own = mode, n, key or self._key, self._display.slots[n].uid
        if self.choice is None:
            self._refuse(mode)
        self._show()

    def _refuse(self, mode: Mode) -> None:
        self.mode, self._pane = "", -1
        notices, display = self._display.session.notices, self._display
        if display.pane.content is None:
            notices.warn(NO_IMAGE, topic="study")
        elif not display.own:
            notices.warn(OF_A_PRIOR, "", PRIORS_HOW, "study")
        elif mode == "difference":
            notices.warn(ONE_MAP, "", ONE_MAP_HOW, "study")
        else:
            notices.warn(NOTHING, "", HOW, "study")

    def stop(self) -> None:
        """Show the pane's own content alone."""
        if self.mode:
            self.mode, self._pane, self._own = "", -1, None
            self._differences.forget()
            self._show()

    def next(self) -> None:
        """Compare the active pane with the next candidate."""
        found = self.candidates
        choice = self._choice_of(self._display.grid.active_index)
        if not found or choice is None:
            self._refuse("swipe")
            return
        following = found[(found.index(choice) + 1) % len(found)] if self.compares_active else choice
        mode = self.mode or "swipe"
        self.start("swipe" if mode == "difference" and not following.is_map else mode, following.key)

    def beside(self, key: str = "") -> None:
        """Show the own image and the candidate, or one image with either map, in two linked panes."""
        display, n = self._display, self._display.grid.active_index
        self._key = key or self._key
        choice = self._choice_of(n)
        if choice is None:
            self._refuse("swipe")
            return
        own, state, title = display.slot, display.pane.view_state(), own_title(display.maps_of(n))
        if choice.is_map:
            first, second = replace(own, only_map=title), replace(own, only_map=choice.key)
        else:
            first, second = own, Slot(choice.key, choice.title, own.plane, own.slab, follows=own.follows)
        presentation = display.pane.presentation
        there = {**state, "image": second.uid}
        if presentation is not None and not choice.is_map and alike(display, str(own.uid), choice.key):
            there["presentation"] = window_state(presentation)
        self.stop()
        display.grid.set_layout("1x2")
        display.show_slots((first, second), {0: state, 1: there})
        display.grid.set_active(0)

    def _show(self) -> None:
        self._display.refresh()
        self.changed.emit()

    # -- following -------------------------------------------------------------------------------------------------

    def awaits(self, uid: str) -> bool:
        """Whether that image is what the comparison shows."""
        return bool(self.mode) and self.choice is not None and self.choice.key == uid

    def _take_image(self, uid: str) -> None:
        choice = self.choice if self.mode else None
        if choice is not None and choice.key == uid and (why := self._display.session.images.unreadable.get(uid)):
            self.stop()
            self._display.session.notices.warn(UNREAD.format(title=choice.title), why, topic="study")

    def _follow(self) -> None:
        """Stop where the pane has gone, is empty, or shows what nothing compares with."""
        if not self.mode:
            return
        grid, uid = self._display.grid, self._display.slots[self._pane].uid
        gone = grid.panes[self._pane] not in grid.visible_panes and not grid.maximised
        there = uid is not None and self._display.session.images.loaded(uid) is not None
        if gone or uid is None or (there and self.choice is None):
            self.stop()

    def _keep_up(self) -> None:
        """After a step in time onto the image compared with, compare with the one that was on show before."""
        uid = self._display.slots[self._pane].uid
        if uid != self._own:
            if uid == self._key and self._own is not None:
                self._key = self._own
            self._own = uid

    # -- showing ---------------------------------------------------------------------------------------------------

    def applied(self, n: int, scene: Scene, content: PaneContent) -> PaneContent:
        """Return the content of a pane with what it is compared with."""
        if not self.mode or n != self._pane:
            return content
        self._keep_up()
        choice = self._choice_of(n)
        if choice is None:
            return content
        if choice.is_map:
            return with_map(content, choice, self.mode, self._differences)
        images = self._display.session.images
        other = images.loaded(choice.key)
        if other is None:
            if choice.key not in images.unreadable:
                images.request(choice.key)
            return content
        same = alike(self._display, scene.loaded.stack.uid, choice.key)
        layer = replace(image_layer(other), row_letters=content.image.row_letters)
        return with_image(content, self._display.title_of(n), layer, choice, self.mode, same_window=same)
