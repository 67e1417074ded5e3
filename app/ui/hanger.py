"""Hanger: hangs the current study, goes through the steps of its protocol, and remembers how it was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.studies.hanging import Hanging, Slot, modality_of
from app.studies.study import Study
from app.ui import habits
from app.ui.arrangement import Arrangement, arrangement_of, as_values
from app.ui.protocol import Protocol
from viewer.layout import cells

if TYPE_CHECKING:
    from app.ui.display import Display

SAVE_MS = 1500


class Hanger(QObject):
    """Puts hangings into the grid of a display.

    Attributes
    ----------
    study
        The study on show, None for none.
    protocol
        Its steps and priors.
    """

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display, self._session = display, display.session
        self.study: Study | None = None
        self.protocol = Protocol()
        self._saver = QTimer(self, singleShot=True, interval=SAVE_MS, timeout=self.save)
        self._session.library.study_changed.connect(self._take_study)

    # -- hanging ---------------------------------------------------------------------------------------------------

    def _take_study(self) -> None:
        """Hang the new study as it was left, or by its kind."""
        self.save()
        study = self._session.study
        self.study = study
        self.protocol = Protocol(study, self._session.library.studies)
        if study is None:
            self._display.show_slots(())
            self._display.hanging_changed.emit()
            return
        values = self._session.keeping.view(study.uid)
        kept = arrangement_of(values, study, self.protocol.priors)
        self._session.overlays.restore(kept.overlays)
        self.protocol.take_prior(kept.prior)
        self.protocol.go(kept.step)
        if kept.states:
            self._show(Hanging(kept.step, kept.layout, kept.slots, kept.active), kept.states)
        else:
            self._show_step()

    def again(self) -> None:
        """Forget the user's arrangement and hang by the kind of study."""
        if self.study is not None and self.protocol.hangings:
            self.protocol.take_prior("")
            self.protocol.index = 0
            habits.forget(modality_of(self.study), self.protocol.hangings[0].name)
            self._show_step()

    def step(self, by: int) -> None:
        """Show the next or previous step of the protocol."""
        if self.protocol.step(by) is not None:
            self._show_step()

    def go(self, name: str) -> None:
        """Show a step by its name."""
        if self.protocol.go(name):
            self._show_step()

    def cycle_prior(self) -> None:
        """Hang the next prior exam below the current one, after the last none."""
        if self.protocol.priors:
            self.protocol.cycle_prior()
            self._show_step()

    def _show_step(self) -> None:
        hanging = self.protocol.current
        if hanging is not None and self.study is not None:
            self._show(habits.as_preferred(hanging, modality_of(self.study)), {})
            for sentence in hanging.notes:
                self._session.notices.info(sentence, topic="study")

    def _show(self, hanging: Hanging, states: dict) -> None:
        display = self._display
        display.grid.set_layout(hanging.layout)
        display.show_slots(hanging.slots, states)
        display.grid.set_active(hanging.active)
        display.time.follow_correction()
        display.hanging_changed.emit()
        display.focus_changed.emit()

    def set_layout(self, name: str) -> None:
        """Show panes in rows and columns; newly shown ones without a purpose take images that are not on show yet."""
        display = self._display
        display.grid.set_layout(name)
        rows, columns = cells(name)
        count = rows * columns
        shown = [slot.uid for slot in display.slots[:count]]
        spare = [uid for uid in self._session.library.stack_uids if uid not in shown]
        for n in range(count):
            if display.slots[n] == Slot() and spare:
                display.show_stack(spare.pop(0), n)
        if self.study is not None and self.protocol.current is not None:
            habits.remember(modality_of(self.study), self.protocol.current.name, name)
        self.save_soon()

    def prefetch(self) -> None:
        """Read what the reader will want next, once everything on show is there: other phases, then the next step."""
        study, images = self.study, self._session.images
        shown = [uid for uid in self._display.stack_uids if uid is not None]
        if study is None or any(images.awaited(uid) for uid in shown):
            return
        wanted = [
            phase.stack_uid
            for dynamic in study.dynamics
            if any(phase.stack_uid in shown for phase in dynamic.phases)
            for phase in dynamic.phases
        ]
        if len(self.protocol.hangings) > 1:
            following = self.protocol.hangings[(self.protocol.index + 1) % len(self.protocol.hangings)]
            wanted += [uid for uid in following.stack_uids if uid is not None]
        images.prefetch(wanted)

    # -- what is kept ----------------------------------------------------------------------------------------------

    def save_soon(self) -> None:
        """Remember the arrangement when the reader pauses."""
        self._saver.start()

    def save(self) -> None:
        """Remember layout, slices, windows and zoom of the study."""
        self._saver.stop()
        display = self._display
        if self.study is None or not any(display.stack_uids):
            return
        protocol = self.protocol
        shown = Arrangement(
            display.grid.layout_name, tuple(display.slots), display.grid.active_index, display.view_states(),
            self._session.overlays.chosen, protocol.current.name if protocol.current is not None else "",
            protocol.prior.uid if protocol.prior is not None else "",
        )  # fmt: skip
        self._session.keeping.save_view(self.study.uid, as_values(shown))
