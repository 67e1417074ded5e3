"""Findings panel: asks the models, and lists what each says of the image on show."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.ai_state import AiState, Reading
from app.studies.derived import base_uid
from app.ui import theme
from app.ui.asking import Asking
from app.ui.card_dialog import show_card
from app.ui.display import Display
from app.ui.findings.asked import heading_of, key_of, loudest_first, model_of
from app.ui.findings.found_list import FoundList
from app.ui.findings.map_check import MapCheck
from app.ui.findings.places import Places
from app.ui.findings.reading_card import Around, ReadingCard
from app.ui.findings.running import Running
from app.ui.findings.slice_rule import SliceRule, SliceRuleCard, has_slice_rule
from app.ui.findings.verdicts import Verdicts
from app.ui.findings.who_reads import WhoReads
from app.ui.kinetics_cards import shrinkable
from app.ui.layers import map_entries
from app.ui.parts import button, clear, page

NOT_RUN = "No model has read this image. That says nothing about what is in it."
NO_STUDY = "Open a study to begin."
ALL = "Every model that fits"
MODEL_TIP = (
    "Which model is asked; of every model those are asked that can read the image,\n"
    "one that reads the whole examination only once"
)


class FindingsPanel(QWidget):
    """Tab “Findings”."""

    def __init__(self, display: Display, asking: Asking, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display, self.session = display, display.session
        self.slice_rule = SliceRule(display)
        self.cards: list[ReadingCard] = []
        self._keys: object = None
        self._folded: dict[str, bool] = {}
        self._asking = asking
        self._verdicts = Verdicts(display.session.readings)
        self._make_parts()
        self._lay_out()
        self._listen()
        self._fill_models()
        self.refresh()

    def _make_parts(self) -> None:
        asking = self._asking
        self.model = QComboBox()
        shrinkable(self.model)
        self.model.setToolTip(MODEL_TIP)
        self.model.setAccessibleName("Model")
        self.run = button("Analyse image", asking.image, primary=True, tip="Ask about the image on show  (E)")
        self.run_study = button("Whole study", asking.study, tip="Ask about everything in the study  (Ctrl+E)")
        self.run_lesion = button(
            "Lesion at the cross", asking.lesion, tip="Ask about the lesion under the cross  (Ctrl+Shift+E)"
        )
        self.who = WhoReads()
        self.running = Running(self.session.jobs)
        self.state = theme.label(wrap=True)
        self.found = FoundList(self.display)
        self.answers = QVBoxLayout()
        self.answers.setSpacing(theme.SPACE)
        self.check = MapCheck(self.display)

    def _lay_out(self) -> None:
        self._area, layout = page()
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.run, 1)
        row.addWidget(self.run_study, 1)
        layout.addWidget(self.model)
        layout.addLayout(row)
        layout.addWidget(self.run_lesion)
        layout.addWidget(self.who)
        layout.addWidget(self.running)
        layout.addWidget(self.state)
        layout.addWidget(self.found)
        layout.addLayout(self.answers)
        layout.addWidget(self.check)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self._area)

    def _listen(self) -> None:
        session, display = self.session, self.display
        self.model.currentIndexChanged.connect(self._choose_model)
        session.readings.changed.connect(self.refresh)
        session.readings.cards_found.connect(self._fill_models)
        session.annotations.changed.connect(self._marks_changed)
        display.focus_changed.connect(self.refresh)

    # -- models ----------------------------------------------------------------------------------------------------

    def _fill_models(self) -> None:
        self.model.blockSignals(True)
        self.model.clear()
        self.model.addItem(ALL, "")
        for card in self.session.readings.cards:
            self.model.addItem(f"{card.title}  {card.version}", card.id)
            self.model.setItemData(self.model.count() - 1, f"{card.id}\n{card.note}", Qt.ItemDataRole.ToolTipRole)
        self.model.setCurrentIndex(max(0, self.model.findData(self.session.readings.model_id)))
        self.model.blockSignals(False)
        self.refresh()

    def _choose_model(self, _index: int) -> None:
        self.session.readings.model_id = self.model.currentData() or ""
        self.refresh()

    # -- what is on show -------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what every model says of the image on show."""
        readings = self._readings()
        self._show_state(readings)
        self._show_who()
        keys = (self._frame_uid(), [key_of(one) for one in readings])
        if keys != self._keys:
            self._keys = keys
            self._fill_answers(readings)
        self.found.fill()
        self.slice_rule.follow(next((one.stored for one in readings if has_slice_rule(one.result)), None))
        self.check.setVisible(any(one.result is not None for one in readings))
        self.check.refresh()

    def _readings(self) -> tuple[Reading, ...]:
        place = self._place()
        return loudest_first(self.session.readings.all_of(*place)) if place is not None else ()

    def _place(self) -> tuple[str, int] | None:
        """Return stored stack and slice of the image on show; of a derived image those of the phase it was made of."""
        uid, index = self.display.stack_uid, self.display.slice_index
        if uid is None or index is None or not self.display.own:
            return None
        return base_uid(uid), index

    def _show_state(self, readings: tuple[Reading, ...]) -> None:
        place = self._place()
        busy = self._is_busy(readings)
        self.run.setEnabled(self.display.can_analyse and not busy)
        self.run_study.setEnabled(self.session.study is not None)
        dynamic = self.session.study is not None and bool(self.session.study.dynamics)
        self.run_lesion.setVisible(dynamic and bool(self._asking.lesion_models))
        self.run_lesion.setEnabled(self._asking.can_ask_lesion)
        if self.session.study is None:
            said, tone = NO_STUDY, "quiet"
        elif place is None:
            said, tone = "Show an image as it was acquired to see what the models say of it.", "quiet"
        else:
            reading = self.session.readings.of(*place)
            said = reading.text if reading.state is not AiState.NOT_RUN else f"{reading.text}\n{NOT_RUN}"
            tone = reading.tone
        self.state.setText(said)
        self.state.setVisible(not readings)
        theme.retone(self.state, tone)

    def _is_busy(self, readings: tuple[Reading, ...]) -> bool:
        """Whether every model that would be asked is at it already."""
        chosen = self.session.readings.model_id
        return any(one.state is AiState.RUNNING and model_of(one) == (chosen or model_of(one)) for one in readings)

    def _show_who(self) -> None:
        study, place = self.session.study, self._place()
        self.who.show_verdicts(self._verdicts.of(study, *place) if study is not None and place is not None else ())

    def _frame_uid(self) -> str:
        uid = self.display.stack_uid
        loaded = self.session.images.loaded(uid) if uid is not None else None
        return str(loaded.volume.frame_of_reference_uid or "") if loaded is not None else ""

    # -- answers ---------------------------------------------------------------------------------------------------

    def _fill_answers(self, readings: tuple[Reading, ...]) -> None:
        clear(self.answers)
        titles = {card.id: card.title for card in self.session.readings.cards}
        entries = map_entries(self.session.readings.stored, self._frame_uid())
        self.cards = []
        for n, reading in enumerate(readings):
            maps = tuple(one for one in entries if reading.stored is not None and one.stored.uid == reading.stored.uid)
            live = (lambda: SliceRuleCard(self.slice_rule)) if has_slice_rule(reading.result) else None
            model_id = model_of(reading)
            card = ReadingCard(
                heading_of(reading, titles),
                reading,
                Around(self.session.overlays, maps, Places(self.display), live, self._card_opener(model_id)),
                is_open=self._folded.get(model_id, n == 0),
                on_fold=lambda on, m=model_id: self._folded.__setitem__(m, on),
            )
            self.answers.addWidget(card)
            self.cards.append(card)

    def _card_opener(self, model_id: str) -> Callable[[], object] | None:
        card = self.session.readings.card(model_id)
        return None if card is None else lambda: show_card(card, self.window())

    def open_card(self) -> None:
        """Open the card of the chosen model, or of the first that has said something of the image on show."""
        chosen = self.session.readings.model_id or next((model_of(one.reading) for one in self.cards), "")
        card = self.session.readings.card(chosen) or next(iter(self.session.readings.cards), None)
        if card is not None:
            show_card(card, self.window())

    def _marks_changed(self) -> None:
        self.found.fill()
        self.check.refresh()

    def accept_selected(self) -> None:
        """Make a box from the selected finding, or the strongest."""
        self.found.accept_selected()

    def toggle_slice_rule(self) -> None:
        """Show or hide the mask of the slice on show by the model's rule."""
        self.slice_rule.set(on=not self.slice_rule.on)

    def open_check(self) -> None:
        """Open the tests of the maps and put the keyboard there."""
        self.check.head.setChecked(True)
        self.check.head.setFocus(Qt.FocusReason.ShortcutFocusReason)
        QTimer.singleShot(60, self, lambda: self._area.ensureWidgetVisible(self.check, 0, 0))  # once it is laid out

    def check_weights(self) -> None:
        """Run the weight check of the chosen model."""
        self.open_check()
        self.check.weights.run()
