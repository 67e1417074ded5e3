"""Display: joins the session to the viewer's grid; decides nothing about pixels and nothing about models."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.session import Session
from app.studies.hanging import hang
from app.studies.study import Study
from app.ui.arrangement import Arrangement, arrangement_of, as_values
from app.ui.content import Scene, pane_content
from app.ui.drops import StackDrops
from app.ui.marks import Marks
from viewer.grid import ViewerGrid
from viewer.pane import Pane

REFRESH_MS = 30  # corner texts follow the wheel without costing it a frame
SAVE_MS = 1500


class Display(QWidget):
    """The panes of the current study.

    Attributes
    ----------
    focus_changed
        Another pane, stack or slice is the active one.
    """

    focus_changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("display")
        self.session = session
        self.grid = ViewerGrid()
        self.stack_uids: list[str | None] = [None] * 4
        self._study: Study | None = None
        self._states: dict[int, dict[str, Any]] = {}
        self._stale: set[int] = set()
        self._refresher = _timer(self, REFRESH_MS, self._refresh_stale)
        self._saver = _timer(self, SAVE_MS, self.save_view_state)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.grid)
        self._listen()
        self.marks = Marks(self)
        self._drops = StackDrops(self.grid, lambda uid, n: self.show_stack(uid, n))

    def _listen(self) -> None:
        session, grid = self.session, self.grid
        session.library.study_changed.connect(self._hang)
        session.images.changed.connect(self._take_stack)
        for signal in (session.annotations.changed, session.readings.changed, session.overlays.changed):
            signal.connect(self.refresh)
        grid.active_changed.connect(self._focus)
        grid.slice_changed.connect(self._moved)
        grid.presentation_changed.connect(self._moved)
        grid.layout_changed.connect(self._arranged)
        grid.overlays_toggled.connect(self._arranged)

    # -- what is active --------------------------------------------------------------------------------------------

    @property
    def pane(self) -> Pane:
        """The active pane."""
        return self.grid.panes[self.grid.active_index]

    @property
    def stack_uid(self) -> str | None:
        """Stack in the active pane."""
        return self.stack_uids[self.grid.active_index]

    @property
    def slice_index(self) -> int | None:
        """Stored slice in the active pane, None where nothing is shown or the plane is reformatted."""
        return self.pane.sop_index if self.pane.content is not None else None

    @property
    def can_analyse(self) -> bool:
        """Whether a stored slice is on show."""
        uid = self.stack_uid
        return uid is not None and self.session.images.loaded(uid) is not None and self.slice_index is not None

    def analyse(self) -> None:
        """Analyse the slice on show."""
        if self.stack_uid is not None and self.slice_index is not None:
            self.session.readings.analyse(self.stack_uid, self.slice_index)

    # -- hanging ---------------------------------------------------------------------------------------------------

    def _hang(self) -> None:
        """Hang the new study as it was left, or by its kind."""
        self.save_view_state()
        study = self.session.study
        self._study, self._states = study, {}
        if study is None:
            self._assign([])
            return
        kept = arrangement_of(self.session.keeping.view(study.uid), study)
        self.session.overlays.restore(kept.overlays)
        self._states = kept.states
        self.grid.set_layout(kept.layout)
        self._assign(list(kept.stack_uids))
        self.grid.set_active(kept.active)
        self.focus_changed.emit()

    def hang_again(self) -> None:
        """Forget the user's arrangement and hang by the kind of study."""
        if (study := self._study) is not None:
            hanging = hang(study)
            self._states = {}
            self.grid.set_layout(hanging.layout)
            self._assign(list(hanging.stack_uids))
            for pane in self.grid.panes:
                pane.reset_view()
            self._saver.start()

    def set_layout(self, name: str) -> None:
        """Show 1, 2 or 4 panes; newly shown empty panes take stacks that are not on show yet."""
        self.grid.set_layout(name)
        count = {"1": 1, "1x2": 2, "2x1": 2}.get(name, 4)
        spare = [uid for uid in self.session.library.stack_uids if uid not in self.stack_uids[:count]]
        for n in range(count):
            if self.stack_uids[n] is None and spare:
                self.show_stack(spare.pop(0), n)
        self._saver.start()

    def _assign(self, uids: list[str | None]) -> None:
        for n in range(4):
            self.show_stack(uids[n] if n < len(uids) else None, n)

    def show_stack(self, uid: str | None, pane: int | None = None) -> None:
        """Show a stack in a pane (the active one by default), reading its pixels if need be."""
        n = self.grid.active_index if pane is None else pane
        self.stack_uids[n] = uid
        target = self.grid.panes[n]
        if uid is None:
            target.set_content(None)
            target.set_empty_text("Drag a series here" if self._study is not None else "")
        elif self.session.images.loaded(uid) is not None:
            self._refresh(n)
        else:
            target.set_content(None)
            name = self._study.series_of(uid)[0].label if self._study is not None else ""
            target.set_empty_text(f"Loading {name} …")
            self.session.images.request(uid)
        self._saver.start()
        self.focus_changed.emit()

    def step_phase(self, step: int) -> None:
        """Show the next or previous phase of the dynamic series in the active pane, at the same place."""
        uid, study = self.stack_uid, self._study
        place = study.phase_of(uid) if study is not None and uid is not None else None
        if place is None:
            return
        phases = place[0].phases
        target = place[1] + step
        if 0 <= target < len(phases):
            state = {**self.pane.view_state(), "image": phases[target].stack_uid}
            self._states[self.grid.active_index] = state
            self.show_stack(phases[target].stack_uid)

    def _take_stack(self, uid: str) -> None:
        for n, shown in enumerate(self.stack_uids):
            if shown == uid and self.session.images.loaded(uid) is not None:
                self._refresh(n)
            elif shown == uid:
                self.grid.panes[n].set_content(None)
                self.grid.panes[n].set_empty_text(self.session.images.unreadable.get(uid, ""))
        if uid in self.stack_uids:
            self.focus_changed.emit()
        self._prefetch()

    def _prefetch(self) -> None:
        """Read the other phases once everything on show is there, so that stepping through time is instant."""
        study, images = self._study, self.session.images
        shown = [uid for uid in self.stack_uids if uid is not None]
        if study is None or any(images.awaited(uid) for uid in shown):
            return
        for dynamic in study.dynamics:
            uids = [phase.stack_uid for phase in dynamic.phases]
            missing = [uid for uid in uids if images.awaited(uid)]
            if missing and any(uid in shown for uid in uids):
                images.request(missing[0], quiet=True)
                return

    # -- content ---------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring boxes, overlays and AI state of every pane up to date before the next paint."""
        for n in range(4):
            self._refresh(n)

    def _moved(self, pane: int, _value: object) -> None:
        self._stale.add(pane)
        self._refresher.start()
        self._saver.start()

    def _refresh_stale(self) -> None:
        stale, self._stale = self._stale, set()
        for n in stale:
            self._refresh(n)
        if self.grid.active_index in stale:
            self.focus_changed.emit()

    def _refresh(self, n: int) -> None:
        uid, study = self.stack_uids[n], self._study
        loaded = self.session.images.loaded(uid) if uid is not None else None
        if loaded is None or study is None:
            return
        pane = self.grid.panes[n]
        same = pane.content is not None and pane.content.image.uid == uid
        session = self.session
        slice_index = pane.sop_index if same else len(loaded.stack.frames) // 2
        scene = Scene(
            study=study,
            loaded=loaded,
            plane=pane.plane if same else "native",
            slice_index=slice_index,
            reading=session.readings.of(loaded.stack.uid, -1 if slice_index is None else slice_index),
            boxes=session.annotations.boxes,
            stored=session.readings.stored,
            layers=session.overlays.values,
            taxonomy=session.annotations.taxonomy,
        )
        pane.set_content(pane_content(scene))
        if not same:
            pane.set_smooth(session.settings.interpolation)
            if state := self._states.pop(n, None):
                pane.restore_view_state(state)
            else:
                self.grid.join(n)
            self._moved(n, None)

    # -- view state and events -------------------------------------------------------------------------------------

    def save_view_state(self) -> None:
        """Remember layout, slices, windows and zoom of the study."""
        self._saver.stop()
        if self._study is None or not any(self.stack_uids):
            return
        states = {
            n: pane.view_state() if pane.content is not None else self._states.get(n, {})
            for n, pane in enumerate(self.grid.panes)
        }
        shown = Arrangement(
            self.grid.layout_name, tuple(self.stack_uids), self.grid.active_index, states, self.session.overlays.chosen
        )
        self.session.keeping.save_view(self._study.uid, as_values(shown))

    def _focus(self, _index: int) -> None:
        self.focus_changed.emit()

    def _arranged(self, _: object) -> None:
        self._saver.start()
        self.focus_changed.emit()


def _timer(parent: QObject, milliseconds: int, on_timeout: Any) -> QTimer:
    timer = QTimer(parent, singleShot=True, interval=milliseconds)
    timer.timeout.connect(on_timeout)
    return timer
