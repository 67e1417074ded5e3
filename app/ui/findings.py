"""Findings: what the AI says of the slice on show, with model, version, its note, scores and places."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ai_state import AiState, Reading
from app.ui import theme
from app.ui.display import Display
from app.ui.parts import ScoreBar, button, clear, page, rule
from app.ui.places import box_size_mm
from inference.result import Result
from viewer.layers.types import BoxShape

NEXT_STEP = {
    AiState.NOT_RUN: "Show the slice you want to ask about, then analyse it.",
    AiState.RUNNING: "The analysis runs in the background; you may go on reading.",
    AiState.FAILED: "The reason is above. Nothing was concluded about this image.",
    AiState.OUT_OF_SCOPE: "No model was run on this image; the reason is above.",
}


class FindingsPanel(QWidget):
    """Tab “Findings”."""

    def __init__(self, display: Display, analyse: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display, self.session = display, display.session
        self._shown: tuple[str, int, Reading] | None = None
        self.model = QComboBox()
        self.model.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.model.setToolTip("Which model reads the slice; “Fitting model” takes the first that accepts it")
        self.model.setAccessibleName("Model")
        self.model.currentIndexChanged.connect(self._choose_model)
        self.run = button("Analyse this slice", analyse, primary=True, tip="Run the model on the slice on show  (E)")
        self.state = theme.label(wrap=True)
        self.next_step = theme.label(role="quiet", wrap=True)
        self.answer = QVBoxLayout()
        self.answer.setSpacing(theme.SPACE)
        self.list = QListWidget()
        self.list.setAccessibleName("Findings")
        self.list.itemActivated.connect(self._jump)
        self.list.itemClicked.connect(self._jump)
        self.make_box = button("Make box", self.accept_selected, tip="Make a box of your own from the finding  (K)")
        area, layout = page()
        layout.addWidget(self.model)
        layout.addWidget(self.run)
        layout.addSpacing(8)
        layout.addWidget(self.state)
        layout.addWidget(self.next_step)
        layout.addLayout(self.answer)
        layout.addWidget(self.list)
        layout.addWidget(self.make_box)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.session.readings.changed.connect(self.refresh)
        self.session.annotations.changed.connect(self._fill_list)
        self.session.readings.cards_found.connect(self._fill_models)
        display.focus_changed.connect(self.refresh)
        self._fill_models()
        self.refresh()

    def _fill_models(self) -> None:
        self.model.blockSignals(True)
        self.model.clear()
        self.model.addItem("Fitting model", "")
        for card in self.session.readings.cards:
            self.model.addItem(f"{card.title}  {card.version}", card.id)
            self.model.setItemData(self.model.count() - 1, card.note, Qt.ItemDataRole.ToolTipRole)
        self.model.setCurrentIndex(max(0, self.model.findData(self.session.readings.model_id)))
        self.model.blockSignals(False)

    def _choose_model(self, _index: int) -> None:
        self.session.readings.model_id = self.model.currentData() or ""

    def refresh(self) -> None:
        """Show the reading of the slice on show."""
        uid, index = self.display.stack_uid, self.display.slice_index
        reading = (
            self.session.readings.of(uid, index) if uid is not None and index is not None else Reading(AiState.NOT_RUN)
        )
        self.run.setEnabled(self.display.can_analyse and reading.state is not AiState.RUNNING)
        self.state.setText(reading.text if uid is not None else "AI: not run")
        theme.retone(self.state, reading.tone)
        step = NEXT_STEP.get(reading.state, "")
        self.next_step.setText(step if uid is not None else "Open a study to begin.")
        self.next_step.setVisible(bool(self.next_step.text()))
        place = (uid or "", -1 if index is None else index, reading)
        if place != self._shown:
            self._shown = place
            self._fill_answer(reading.result)
        self._fill_list()

    def _fill_answer(self, result: Result | None) -> None:
        clear(self.answer)
        if result is None:
            return
        made = result.provenance
        if made.model_note:
            note = theme.label(f"{made.model_note[:1].upper()}{made.model_note[1:]}", wrap=True)
            theme.retone(note, "warn")
            self.answer.addWidget(note)
        self.answer.addWidget(rule())
        tip = provenance_text(result)
        for score in result.scores:
            self.answer.addWidget(ScoreBar(score, score_tip(score.title, score.operating_point, score.checkpoint, tip)))
        for warning in result.warnings:
            self.answer.addWidget(theme.label(warning, "small", wrap=True))
        source = theme.label(
            f"{made.model_title} {made.model_version} · {made.device} · {made.created[:16]}", "small", wrap=True
        )
        source.setToolTip(tip)
        self.answer.addWidget(source)
        self.answer.addWidget(rule())

    def _fill_list(self) -> None:
        shapes = self.display.marks.open_findings()
        self.list.clear()
        for shape in shapes:
            width, height = box_size_mm(shape)
            item = QListWidgetItem(f"{shape.text}   {width:.0f} × {height:.0f} mm")
            item.setData(Qt.ItemDataRole.UserRole, shape)
            item.setToolTip("Click to jump there; K makes it a box of yours")
            self.list.addItem(item)
        self.list.setVisible(bool(shapes))
        self.list.setFixedHeight(min(6, max(1, len(shapes))) * 30 + 8)
        self.make_box.setVisible(bool(shapes))

    def _jump(self, item: QListWidgetItem) -> None:
        shape: BoxShape = item.data(Qt.ItemDataRole.UserRole)
        stored = next(one for one in self.session.readings.stored if shape.uid.startswith(f"{one.uid}#"))
        self.display.marks.jump(shape, stored.stack_uid)

    def accept_selected(self) -> None:
        """Make a box from the selected finding, or the strongest."""
        item = self.list.currentItem()
        self.display.marks.accept(item.data(Qt.ItemDataRole.UserRole) if item is not None else None)


def score_tip(title: str, operating_point: float | None, checkpoint: str, provenance: str) -> str:
    """Return what hovering over a score says."""
    tick = f"Counts as positive from {operating_point:.2f} (the tick)." if operating_point is not None else ""
    weights = f"Checkpoint {checkpoint}." if checkpoint else ""
    return "\n".join(line for line in (title, tick, weights, "", provenance) if line or line == "")


def provenance_text(result: Result) -> str:
    """Return where a result comes from, line by line."""
    made = result.provenance
    times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in made.seconds.items())
    return "\n".join(
        (
            f"{made.model_title} ({made.model_id}) version {made.model_version}",
            made.model_note,
            f"Weights {made.weights_sha256[:12]}… · BreastLens {made.app_version}",
            f"On {made.device}, {made.created}" + (f": {times}" if times else ""),
        )
    )
