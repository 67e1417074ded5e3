"""Scores: the outputs of a model as bars, grouped by what they speak of."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui import theme
from app.ui.findings.texts import by_subject, provenance_text, score_tip
from app.ui.parts import ScoreBar
from inference.result import Result


class Scores(QWidget):
    """Every score of a result; those of a breast or a lesion under its name."""

    def __init__(self, result: Result) -> None:
        super().__init__()
        self.setObjectName("page")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE // 2)
        tip = provenance_text(result)
        for subject, scores in by_subject(result.scores):
            if subject:
                layout.addWidget(theme.label(subject, "quiet", wrap=True))
            for score in scores:
                layout.addWidget(ScoreBar(score, score_tip(score, tip)))
