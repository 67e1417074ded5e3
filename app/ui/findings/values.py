"""Values: what a model measured, with its basis, and the facts about how the result came about."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.findings.texts import quantity_text
from inference.result import Fact, Quantity


class Quantities(QWidget):
    """One line for each number: title, value; beneath it what it was measured on."""

    def __init__(self, quantities: Sequence[Quantity]) -> None:
        super().__init__()
        self.setObjectName("page")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        row, subject, basis = 0, "", ""
        for one in quantities:
            if one.subject != subject:
                subject, basis = one.subject, ""
                grid.addWidget(theme.label(subject, "quiet", wrap=True), row, 0, 1, 2)
                row += 1
            value = selectable(theme.label(quantity_text(one)))
            value.setToolTip(one.basis)
            grid.addWidget(theme.label(one.title, wrap=True), row, 0)
            grid.addWidget(value, row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
            row += 1
            if one.basis and one.basis != basis:
                basis = one.basis
                grid.addWidget(theme.label(basis, "small", wrap=True), row, 0, 1, 2)
                row += 1


class Facts(QWidget):
    """Sentences about how the result came about, each under its title."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        super().__init__()
        self.setObjectName("page")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        for fact in facts:
            layout.addWidget(theme.label(fact.title, "quiet", wrap=True))
            layout.addWidget(selectable(theme.label(fact.text, "small", wrap=True)))
            layout.addSpacing(4)


def selectable(label: QLabel) -> QLabel:
    """Let the text of a label be marked and copied with the mouse."""
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
