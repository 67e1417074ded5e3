"""Weight check: does a model's map depend on what the model learned? Runs as a job; says the outcome in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QVBoxLayout, QWidget

from app.jobs import Job
from app.studies.derived import base_uid
from app.ui import theme
from app.ui.findings.exam_again import exam_of
from app.ui.kinetics_cards import shrinkable
from app.ui.parts import button, clear

if TYPE_CHECKING:
    from app.ui.display import Display
    from app.workspace.history import StoredResult
    from inference.progress import Progress
    from inference.result import Heatmap
    from inference.sanity import RandomisationCheck, RandomisedMap

PICTURE = 132  # logical pixels across
EXPLAINED = (
    "The model runs again with its learned weights shuffled, the last layers first. A map that stays the same shows "
    "the image, not what the model learned (Adebayo et al. 2018)."
)


class WeightCheck(QWidget):
    """Picks a model that has drawn a map of the image on show, runs the check, shows both maps."""

    def __init__(self, display: Display) -> None:
        super().__init__()
        self.setObjectName("page")
        self.display, self.session = display, display.session
        self.outcome: RandomisationCheck | None = None
        self._of = ""  # uid of the result that was checked
        self.model = QComboBox()
        self.model.setAccessibleName("Model to check")
        self.model.setToolTip("A model that has drawn a map of this image")
        shrinkable(self.model)
        self.start = button("Shuffle the weights", self.run, tip="Takes as long as four analyses; Ctrl+. cancels")
        self.verdict = theme.label(wrap=True)
        self.verdict.hide()
        self._maps = QVBoxLayout()
        self._maps.setSpacing(theme.SPACE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(theme.label(EXPLAINED, "small", wrap=True))
        layout.addWidget(self.model)
        layout.addWidget(self.start)
        layout.addWidget(self.verdict)
        layout.addLayout(self._maps)

    def refresh(self) -> None:
        """Offer the models whose results lie on the image on show."""
        stored = self._candidates()
        before = self.model.currentData()
        self.model.clear()
        for one in stored:
            self.model.addItem(one.result.provenance.model_title, one.uid)
        self.model.setCurrentIndex(max(0, self.model.findData(before)) if stored else -1)
        self.start.setEnabled(bool(stored))
        if self._of and self._of not in [one.uid for one in stored]:
            self._show(None, "")

    def _candidates(self) -> tuple[StoredResult, ...]:
        uid, index = self.display.stack_uid, self.display.slice_index
        if uid is None or index is None or not self.display.own:
            return ()
        found = (reading.stored for reading in self.session.readings.all_of(base_uid(uid), index))
        return tuple(one for one in found if one is not None and one.result.heatmaps)

    def run(self) -> None:
        """Check the chosen model in the background."""
        stored = next((one for one in self._candidates() if one.uid == self.model.currentData()), None)
        if stored is None:
            return
        made = stored.result.provenance
        card, study = self.session.readings.card(made.model_id), self.session.study
        if card is None or study is None:
            self._show(None, f"The model {made.model_id} is no longer installed.", "alert")
            return
        again, device = exam_of(self.session, card, study, stored), self.session.readings.device

        def work(progress: Progress) -> RandomisationCheck:
            from inference.sanity import randomisation_check

            return randomisation_check(card, again(progress.part(0.0, 0.2)), progress.part(0.2, 1.0), device)

        self._show(None, "Checking …", "busy")
        self._of = stored.uid
        self.start.setEnabled(False)
        job = Job(f"Weight check of {made.model_title}", work, f"check {stored.uid}", self._take, self._failed)
        job.on_cancelled = lambda: self._end("The check was cancelled.", "quiet")
        self.session.jobs.start(job, "compute")

    def _take(self, outcome: RandomisationCheck) -> None:
        self.start.setEnabled(True)
        self._show(outcome, outcome.verdict, "good" if outcome.passed else "warn")

    def _failed(self, error: Exception) -> None:
        self._end(f"The check failed: {error}", "alert")

    def _end(self, said: str, tone: str) -> None:
        self.start.setEnabled(True)
        self._show(None, said, tone)

    def _show(self, outcome: RandomisationCheck | None, said: str, tone: str = "quiet") -> None:
        self.outcome = outcome
        clear(self._maps)
        self.verdict.setText(said)
        self.verdict.setVisible(bool(said))
        theme.retone(self.verdict, tone)
        for one in outcome.maps if outcome is not None else ():
            self._maps.addWidget(_compared(one, outcome.steps if outcome is not None else ()))


def _compared(one: RandomisedMap, steps: tuple[str, ...]) -> QWidget:
    """Return both maps side by side, and their correlation at each step."""
    holder = QWidget(objectName="page")
    grid = QGridLayout(holder)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.SPACE)
    grid.setVerticalSpacing(2)
    at = _slice_of_maximum(one.true)
    grid.addWidget(theme.label(one.title, wrap=True), 0, 0, 1, 2)
    for column, (heatmap, title) in enumerate(((one.true, "learned weights"), (one.randomised, "shuffled weights"))):
        grid.addWidget(theme.label(title, "small"), 1, column)
        grid.addWidget(_picture(heatmap, at, title), 2, column, Qt.AlignmentFlag.AlignTop)
    lines = "\n".join(
        f"{step} shuffled: rank correlation {value:+.2f}" for step, value in zip(steps, one.correlations, strict=True)
    )
    grid.addWidget(theme.label(lines, "small", wrap=True), 3, 0, 1, 2)
    return holder


def _slice_of_maximum(heatmap: Heatmap) -> int:
    array = np.nan_to_num(heatmap.volume.array.astype(np.float32), nan=-np.inf)
    return int(np.unravel_index(int(np.argmax(array)), array.shape)[0])


def _picture(heatmap: Heatmap | None, at: int, title: str) -> QLabel:
    """Return one slice of a map in colours, each map on its own scale."""
    from viewer.colours import table

    shown = QLabel()
    shown.setAccessibleName(f"Map with {title}")
    if heatmap is None or at >= heatmap.volume.array.shape[0]:
        shown.setText("no map")
        return shown
    plane = np.nan_to_num(heatmap.volume.array[at].astype(np.float32))
    low, high = float(plane.min()), float(plane.max())
    shades = np.clip((plane - low) / ((high - low) or 1.0) * 255, 0, 255).astype(np.uint8)
    colours = np.ascontiguousarray(table("inferno").astype(np.uint8)[shades])
    rows, columns = shades.shape
    image = QImage(colours.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888).copy()
    _, row_mm, column_mm = (float(value) for value in heatmap.volume.spacing)
    tall = min(round(PICTURE * rows * row_mm / (columns * column_mm)), 2 * PICTURE)
    shown.setPixmap(QPixmap.fromImage(image.scaled(PICTURE, tall)))
    shown.setToolTip(f"Map with {title}, in the slice of the true map's maximum; its own scale")
    return shown
