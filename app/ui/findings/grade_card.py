"""Grade card: a grade, what it means, the arithmetic behind it, what its thresholds are worth, and “what if”."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QSlider, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.findings.fold import Fold
from app.ui.findings.grade_strip import GradeStrip
from app.ui.findings.operating_points import OperatingPoints
from app.ui.findings.texts import GRADE_TITLE, basis_text, digits_for, grade_meaning, per_cent
from app.ui.findings.values import selectable
from app.ui.findings.what_if import arithmetic, moved, points
from app.ui.parts import button
from inference.result import Grade


class GradeCard(QWidget):
    """One grade of one module.

    Attributes
    ----------
    grade
        As it was stored.
    shown
        As the sliders have it; the stored one until they are moved.
    """

    def __init__(self, grade: Grade) -> None:
        super().__init__()
        self.setObjectName("page")
        self.grade = self.shown = grade
        self.number = theme.label(f"{grade.value}", "title")
        self.number.setAccessibleName(f"{GRADE_TITLE} {grade.value}, {grade.title}")
        self.number.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.number.setMinimumWidth(28)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(theme.label(GRADE_TITLE, wrap=True))
        words.addWidget(theme.label(grade.title.removesuffix(f", {GRADE_TITLE}"), "quiet", wrap=True))
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self.number)
        head.addLayout(words, 1)
        self.strip, self.table = GradeStrip(grade), OperatingPoints(grade)
        self.reason = selectable(theme.label(arithmetic(grade), "small", wrap=True))
        meaning = theme.label(grade_meaning(), "small", wrap=True)
        self.definition = Fold("What does this grade mean?", lambda: meaning, tip="Definition; it is not ACR BI-RADS")
        self.what_if = WhatIf(self)
        what_if = Fold(
            "What if: move a threshold",
            lambda: self.what_if,
            tip="Move a threshold along the validation ROC and see the grade change; the stored grade stays",
            on_change=lambda on: None if on else self.what_if.reset(),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        layout.addLayout(head)
        layout.addWidget(self.strip)
        layout.addWidget(self.reason)
        layout.addWidget(self.table)
        layout.addWidget(theme.label(basis_text(grade), "small", wrap=True))
        for caveat in grade.caveats:
            layout.addWidget(_warning(caveat))
        layout.addWidget(self.definition)
        layout.addWidget(what_if)

    def show_grade(self, grade: Grade) -> None:
        """Show a grade of other thresholds; number and heading stay those of the stored one."""
        self.shown = grade
        self.strip.show_grade(grade)
        self.table.show_grade(grade)
        self.reason.setText(("" if grade == self.grade else "What if: ") + arithmetic(grade))
        theme.retone(self.reason, "" if grade == self.grade else "busy")


class WhatIf(QWidget):
    """Picks a threshold and moves it along the operating points of the validation set."""

    def __init__(self, card: GradeCard) -> None:
        super().__init__()
        self.setObjectName("page")
        self._card, self._points = card, points(card.grade)
        self._base = card.grade  # what the chosen threshold is moved from: those taken along come back
        self.which = QComboBox()
        self.which.setAccessibleName("Threshold to move")
        self.which.setToolTip("Which threshold the slider moves; those it would pass are taken along")
        for cut in card.grade.cut_offs:
            self.which.addItem(f"Threshold of grade {cut.grade}")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, max(0, len(self._points) - 1))
        self.slider.setPageStep(max(1, len(self._points) // 10))
        self.slider.setAccessibleName("Operating point of the threshold")
        self.slider.setToolTip("From the lowest to the highest threshold of the validation ROC")
        self.said = theme.label(role="small", wrap=True)
        self.verdict = theme.label(wrap=True)
        self.back = button("Back to the card's thresholds", self.reset, tip="Show the stored grade again")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        for widget in (self.which, self.slider, self.said, self.verdict, self.back):
            layout.addWidget(widget)
        self.which.currentIndexChanged.connect(lambda _: self._follow())
        self.slider.valueChanged.connect(self._move)
        self._follow()

    def reset(self) -> None:
        """Go back to the thresholds of the card."""
        self._card.show_grade(self._card.grade)
        self._follow()

    def _follow(self) -> None:
        """Put the slider where the chosen threshold is."""
        self._base = self._card.shown
        cuts, chosen = self._base.cut_offs, self.which.currentIndex()
        if 0 <= chosen < len(cuts):
            with QSignalBlocker(self.slider):
                self.slider.setValue(self._nearest(cuts[chosen].threshold))
        self._say()

    def _nearest(self, threshold: float) -> int:
        return min(range(len(self._points)), key=lambda n: abs(self._points[n].threshold - threshold))

    def _move(self, value: int) -> None:
        if self._points:
            self._card.show_grade(moved(self._base, self.which.currentIndex(), self._points[value].threshold))
            self._say()

    def _say(self) -> None:
        card, chosen = self._card, self.which.currentIndex()
        changed = card.shown != card.grade
        self.back.setEnabled(changed)
        if not 0 <= chosen < len(card.shown.cut_offs):
            return
        cut = card.shown.cut_offs[chosen]
        digits = digits_for([one.threshold for one in card.shown.cut_offs])
        self.said.setText(
            f"From {cut.threshold:.{digits}f}: sensitivity {per_cent(cut.sensitivity)}, "
            f"specificity {per_cent(cut.specificity)}"
        )
        same = card.shown.value == card.grade.value
        self.verdict.setText(
            "These are the card's thresholds."
            if not changed
            else f"What if: grade {card.shown.value}" + (", as stored" if same else f" (stored: {card.grade.value})")
        )
        theme.retone(self.verdict, "quiet" if not changed or same else "busy")


def _warning(text: str) -> QLabel:
    made = theme.label(text, "small", wrap=True)
    theme.retone(made, "warn")
    return made
