"""Display: joins the session to the viewer's grid; decides nothing about pixels and nothing about models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.session import Session
from app.studies.derived import base_uid
from app.studies.hanging import Slot
from app.studies.study import Study
from app.ui.comparison import Comparison
from app.ui.content import Overlay, maps_over, pane_content
from app.ui.drops import StackDrops
from app.ui.exam_evidence import ExamEvidence
from app.ui.hanger import Hanger
from app.ui.images_in_use import ImagesInUse
from app.ui.marks import Marks
from app.ui.scenes import scene_of
from app.ui.slots import slot_for
from app.ui.time_steps import TimeSteps
from app.ui.tomo_marks import TomoMarks
from app.ui.window_groups import WindowGroups
from viewer.grid import ViewerGrid
from viewer.layers.types import HeatmapLayer
from viewer.pane import Pane

REFRESH_MS = 30  # corner texts follow the wheel without costing it a frame
OverlaySource = Callable[[str], Overlay]


class Display(QWidget):
    """The panes of the current study.

    Attributes
    ----------
    focus_changed
        Another pane, image or slice is the active one.
    hanging_changed
        Another step of the hanging protocol, or another prior, is on show.
    slots
        What each pane of the grid shows.
    """

    focus_changed = Signal()
    hanging_changed = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("display")
        self.session = session
        self.grid = ViewerGrid()
        self.slots: list[Slot] = [Slot()] * len(self.grid.panes)
        self._states: dict[int, dict[str, Any]] = {}
        self.overlay_sources: list[OverlaySource] = []
        self._stale: set[int] = set()
        self._refresher = QTimer(self, singleShot=True, interval=REFRESH_MS, timeout=self._refresh_stale)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.grid)
        self.windows = WindowGroups(self)
        self.hanger = Hanger(self)
        self.time = TimeSteps(self)
        self.comparison = Comparison(self)
        self.in_use = ImagesInUse(self)
        self.evidence = ExamEvidence(self)
        self._listen()
        self.marks = Marks(self)
        self.tomo_marks = TomoMarks(self)
        self._drops = StackDrops(self.grid, lambda uid, n: self.show_stack(uid, n))

    def _listen(self) -> None:
        session, grid = self.session, self.grid
        session.images.changed.connect(self._take_image)
        for signal in (session.annotations.changed, session.readings.changed, session.overlays.changed):
            signal.connect(self.refresh)
        grid.active_changed.connect(lambda _: self.focus_changed.emit())
        grid.slice_changed.connect(self._moved)
        grid.presentation_changed.connect(self._take_presentation)
        grid.pane_added.connect(self._take_pane)
        for signal in (grid.layout_changed, grid.overlays_toggled):
            signal.connect(lambda _: self.focus_changed.emit())

    def add_overlays(self, source: OverlaySource, changed: Any) -> None:
        """Draw what a source has for the frame of reference of each pane, anew whenever ``changed`` is emitted."""
        self.overlay_sources.append(source)
        changed.connect(self.refresh)

    # -- what is active --------------------------------------------------------------------------------------------

    @property
    def study(self) -> Study | None:
        """The study on show."""
        return self.hanger.study

    @property
    def stack_uids(self) -> list[str | None]:
        """The image of each pane: the uid of a stack, or of a derived image."""
        return [slot.uid for slot in self.slots]

    @property
    def visible_uids(self) -> list[str | None]:
        """The image of each pane that the layout shows."""
        return [self.slots[self.grid.panes.index(pane)].uid for pane in self.grid.visible_panes]

    @property
    def pane(self) -> Pane:
        """The active pane."""
        return self.grid.panes[self.grid.active_index]

    @property
    def slot(self) -> Slot:
        """What the active pane shows."""
        return self.slots[self.grid.active_index]

    @property
    def stack_uid(self) -> str | None:
        """Image in the active pane, which may be derived."""
        return self.slot.uid

    @property
    def slice_index(self) -> int | None:
        """Stored slice in the active pane, None where nothing is shown or the plane is reformatted."""
        return self.pane.sop_index if self.pane.content is not None else None

    @property
    def own(self) -> bool:
        """Whether the active pane shows an image of the current study, not one of a prior exam."""
        return self.is_own(self.stack_uid)

    def is_own(self, uid: str | None) -> bool:
        """Whether an image is of the current study."""
        study = self.study
        return study is not None and uid is not None and study.has(uid)

    @property
    def can_analyse(self) -> bool:
        """Whether a stored slice of the current study is on show."""
        uid = self.stack_uid
        loaded = uid is not None and self.own and self.session.images.loaded(base_uid(uid)) is not None
        return loaded and self.slice_index is not None

    def analyse(self) -> None:
        """Analyse the slice on show; of a derived image the slice of the phase it was made of."""
        if self.stack_uid is not None and self.slice_index is not None:
            self.session.readings.analyse(base_uid(self.stack_uid), self.slice_index)

    # -- showing ---------------------------------------------------------------------------------------------------

    def show_slots(self, slots: Sequence[Slot], states: Mapping[int, dict[str, Any]] | None = None) -> None:
        """Fill the panes; those beyond the slots become empty."""
        self._states = dict(states or {})
        empty = (Slot(),) * (len(self.grid.panes) - len(slots))
        for n, slot in enumerate((*slots, *empty)):
            self.show_slot(slot, n)

    def show_slot(self, slot: Slot, n: int) -> None:
        """Show something in a pane, reading its pixels if need be."""
        self.slots[n] = slot
        target, uid = self.grid.panes[n], slot.uid
        target.link = slot.link
        if uid is None:
            target.set_content(None)
            target.set_empty_text(self._empty_text(slot))
        elif self.session.images.loaded(uid) is not None:
            self._refresh(n, anew=True)
        else:
            target.set_content(None)
            target.set_empty_text(f"Loading {slot.title or self._name(uid)} …")
            self.session.images.request(uid)
        self.hanger.save_soon()
        self.focus_changed.emit()

    def show_stack(self, uid: str | None, pane: int | None = None) -> None:
        """Show an image in a pane (the active one by default)."""
        n = self.grid.active_index if pane is None else pane
        self.show_slot(slot_for(self.study, uid), n)

    def _empty_text(self, slot: Slot) -> str:
        if slot.title:
            return f"{slot.title}\nnot in this exam"
        return "Drag a series here" if self.study is not None else ""

    def _name(self, uid: str) -> str:
        study = self.study_of(uid)
        return study.series_of(uid)[0].label if study is not None else ""

    def study_of(self, uid: str) -> Study | None:
        """Return the open study an image belongs to; corrections by the user are in the current one."""
        return self.study if self.is_own(uid) else self.session.library.study_of(uid)

    def replace_slots(self, slots: Iterable[Slot]) -> None:
        """Show other images of the same place: slice, zoom, slab and window stay."""
        for n, slot in enumerate(slots):
            if slot != self.slots[n]:
                if slot.uid is not None and self.grid.panes[n].content is not None:
                    self._states[n] = {**self.grid.panes[n].view_state(), "image": slot.uid}
                self.show_slot(slot, n)

    def _take_image(self, uid: str) -> None:
        for n, slot in enumerate(self.slots):
            if slot.uid == uid and self.session.images.loaded(uid) is not None:
                self._refresh(n)
            elif slot.uid == uid:
                self.grid.panes[n].set_content(None)
                self.grid.panes[n].set_empty_text(self.session.images.unreadable.get(uid, ""))
        if uid in self.stack_uids:
            self.focus_changed.emit()
        if self.comparison.awaits(uid):
            self.refresh()
        self.hanger.prefetch()

    def view_states(self) -> dict[int, dict[str, Any]]:
        """Return how each pane is seen; of one whose pixels are still on their way, how it will be."""
        panes = enumerate(self.grid.panes)
        return {n: p.view_state() if p.content is not None else self._states.get(n, {}) for n, p in panes}

    # -- content ---------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Bring boxes, overlays and AI state of every pane up to date before the next paint."""
        for n in range(len(self.slots)):
            self._refresh(n)

    def _moved(self, pane: int, _value: object) -> None:
        self._stale.add(pane)
        self._refresher.start()
        self.hanger.save_soon()

    def _refresh_stale(self) -> None:
        stale, self._stale = self._stale, set()
        for n in stale:
            self._refresh(n)
        if self.grid.active_index in stale:
            self.focus_changed.emit()

    def _refresh(self, n: int, *, anew: bool = False) -> None:
        scene = scene_of(self, n)
        if scene is None:
            return
        pane, slot = self.grid.panes[n], self.slots[n]
        same = not anew and pane.content is not None and pane.content.image.uid == slot.uid
        pane.set_content(self.comparison.applied(n, scene, pane_content(scene)))
        if not same:
            self._begin(n, pane, slot)

    def _begin(self, n: int, pane: Pane, slot: Slot) -> None:
        """Bring an image that is new in its pane to where the reader left it, or to where the others are."""
        pane.set_smooth(self.session.settings.interpolation)
        if state := self._states.pop(n, None):
            pane.restore_view_state(state)
        else:
            self.windows.begin(n)
            pane.set_plane(slot.plane)
            pane.set_slab(slot.slab)
            pane.show_zoom(slot.zoom)
            if slot.start_mm is not None and pane.shot is not None:
                pane.set_slice(round(float(pane.shot.plane.to_index(slot.start_mm)[0])))
            self.grid.join(n)
        self._moved(n, None)

    def maps_of(self, n: int) -> tuple[HeatmapLayer, ...]:
        """Return every heat map in the frame of reference of a pane's image, without what it is compared with."""
        scene = scene_of(self, n)
        return maps_over(scene) if scene is not None else ()

    def title_of(self, n: int) -> str:
        """Return what a pane shows in a few words."""
        uid, study = self.slots[n].uid, self.study
        place = study.phase_of(uid) if study is not None and uid is not None else None
        if place is None:
            return self.slots[n].title
        label = place[0].phases[place[1]].label
        return label.capitalize() if base_uid(uid or "") == uid else f"Subtraction {label}"

    # -- events ----------------------------------------------------------------------------------------------------

    def _take_presentation(self, n: int, presentation: object) -> None:
        self.windows.take(n, presentation)
        self._moved(n, None)

    def _take_pane(self, pane: Pane) -> None:
        self.slots.append(Slot())
        pane.set_smooth(self.session.settings.interpolation)
        pane.cine_fps = self.session.settings.cine_fps
