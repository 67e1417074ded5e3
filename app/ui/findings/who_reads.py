"""Who reads: which models can read what is on show, and a sentence for each that cannot, before anything is run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui import theme
from app.ui.findings.fold import Fold


@dataclass(frozen=True)
class Verdict:
    """Whether a model can read what is on show.

    Attributes
    ----------
    reads
        What it would read, such as ``"the whole examination"``; "" where it cannot.
    reason
        Why it cannot, as a sentence.
    """

    model_id: str
    title: str
    reads: str = ""
    reason: str = ""


class WhoReads(Fold):
    """A list that opens under its heading; the heading counts."""

    def __init__(self) -> None:
        self._list = QWidget(objectName="page")
        self._rows = QVBoxLayout(self._list)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(2)
        super().__init__("Models", lambda: self._list, tip="Which models can read this, and why the others cannot")
        self.verdicts: tuple[Verdict, ...] = ()

    def show_verdicts(self, verdicts: Iterable[Verdict]) -> None:
        """List the models."""
        verdicts = tuple(verdicts)
        if verdicts == self.verdicts and self._rows.count():
            return
        self.verdicts = verdicts
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        able = sum(bool(one.reads) for one in verdicts)
        self.head.setText(f"Can read this: {able} of {len(verdicts)} models")
        for one in verdicts:
            self._rows.addWidget(theme.label(one.title, "" if one.reads else "quiet", wrap=True))
            said = theme.label(f"reads {one.reads}" if one.reads else one.reason, "small", wrap=True)
            theme.retone(said, "" if one.reads else "warn")
            said.setContentsMargins(12, 0, 0, 4)
            self._rows.addWidget(said)
        self.setVisible(bool(verdicts))
