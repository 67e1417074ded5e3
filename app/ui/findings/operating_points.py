"""Operating points: the table of thresholds with what each is worth on the validation images."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from app.ui import theme
from app.ui.findings.texts import digits_for, per_cent
from app.ui.findings.values import selectable
from inference.grading import LOWEST, MEANING
from inference.result import CutOff, Grade

HEAD = ("Grade", "From", "Sens.", "Spec.")
TIPS = (
    "Grade from this threshold of the image score upwards",
    "Threshold of the image score, 0 to 1",
    "Sensitivity: validation images with such a lesion that reach the threshold",
    "Specificity: validation images without such a lesion that stay below it",
)


class OperatingPoints(QWidget):
    """One row for each threshold, highest grade first; the row of this image's grade is bright."""

    def __init__(self, grade: Grade) -> None:
        super().__init__()
        self.setObjectName("page")
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(3)
        for column, (text, tip) in enumerate(zip(HEAD, TIPS, strict=True)):
            head = theme.label(text, "small")
            head.setToolTip(tip)
            self._grid.addWidget(head, 0, column, _side(column))
            self._grid.setColumnStretch(column, 1)
        rows = range(1, len(grade.cut_offs) + 2)
        self.cells = [[selectable(theme.label()) for _ in HEAD] for _ in rows]
        for row, cells in zip(rows, self.cells, strict=True):
            for column, cell in enumerate(cells):
                self._grid.addWidget(cell, row, column, _side(column))
        self.show_grade(grade)

    def show_grade(self, grade: Grade) -> None:
        """Fill the table with the thresholds of a grade."""
        digits = digits_for([cut.threshold for cut in grade.cut_offs])
        for cells, cut in zip(self.cells, grade.cut_offs, strict=False):
            texts = (
                f"{cut.grade}",
                f"{cut.threshold:.{digits}f}",
                per_cent(cut.sensitivity),
                per_cent(cut.specificity),
            )
            _fill(cells, texts, bright=cut.grade == grade.value, tip=_tip(cut))
        lowest = grade.cut_offs[-1].threshold if grade.cut_offs else 0.0
        texts = (f"{LOWEST}", f"< {lowest:.{digits}f}", "", "")
        _fill(
            self.cells[-1],
            texts,
            bright=grade.value == LOWEST,
            tip=f"Grade {LOWEST}, {MEANING[LOWEST]}: below every threshold.",
        )


def _fill(cells: list[QLabel], texts: tuple[str, ...], *, bright: bool, tip: str) -> None:
    for cell, text in zip(cells, texts, strict=True):
        cell.setText(text)
        cell.setToolTip(tip)
        theme.retone(cell, "" if bright else "quiet")


def _tip(cut: CutOff) -> str:
    return f"Grade {cut.grade}, {MEANING.get(cut.grade, '')}: {cut.target}"


def _side(column: int) -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
