"""Reading card: what one model says of the image on show, in one card that folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ai_state import Reading
from app.session.overlays import Overlays
from app.ui import theme
from app.ui.findings.asked import Heading
from app.ui.findings.fold import OPEN, SHUT, Fold
from app.ui.findings.grade_card import GradeCard
from app.ui.findings.maps import Maps
from app.ui.findings.masks import Masks
from app.ui.findings.places import Places
from app.ui.findings.profiles import Profiles
from app.ui.findings.scores import Scores
from app.ui.findings.texts import provenance_text
from app.ui.findings.values import Facts, Quantities
from app.ui.layers import MapEntry, model_colour
from app.ui.parts import button, rule
from inference.result import Result


@dataclass(frozen=True)
class Around:
    """What a card needs beside its reading.

    Attributes
    ----------
    maps
        The result's maps that lie in the image on show.
    places
        Shows points of the result.
    live
        Makes a part that is only for this model, such as a mask that follows the slice; None for none.
    open_card
        Opens the model's card; None where the model is not installed any more.
    """

    overlays: Overlays
    maps: tuple[MapEntry, ...]
    places: Places
    live: Callable[[], QWidget] | None = None
    open_card: Callable[[], object] | None = None


class ReadingCard(QFrame):
    """Head with model and state; under it note, scores, grades, quantities, charts, masks, facts and provenance."""

    def __init__(
        self,
        heading: Heading,
        reading: Reading,
        around: Around,
        *,
        is_open: bool,
        on_fold: Callable[[bool], object],
    ) -> None:
        super().__init__()
        self.setObjectName("card")
        self.reading, self._around = reading, around
        self._on_fold = on_fold
        self.body: QWidget | None = None
        self.head = _Head(heading.title, foldable=reading.result is not None)
        self.state = theme.label(f"AI: {heading.state}", wrap=True)
        theme.retone(self.state, heading.tone)
        mark = QLabel()
        mark.setFixedSize(4, 20)
        mark.setStyleSheet(f"background: {model_colour(heading.model_id)}; border-radius: 2px;")
        mark.setToolTip("Colour of this model's boxes and masks")
        line = QHBoxLayout()
        line.setSpacing(theme.SPACE)
        line.addWidget(mark)
        line.addWidget(self.head, 1)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(11, 8, 11, 10)
        self._layout.setSpacing(4)
        self._layout.addLayout(line)
        self._layout.addWidget(self.state)
        self.head.setChecked(is_open)
        self.head.toggled.connect(self._turn)
        self._show(is_open)

    def _turn(self, on: bool) -> None:
        self._show(on)
        self._on_fold(on)

    def _show(self, on: bool) -> None:
        result = self.reading.result
        if result is None:
            return
        theme.dress(self.head, OPEN if on else SHUT)
        if on and self.body is None:
            self.body = body_of(result, self.reading, self._around)
            self._layout.addWidget(self.body)
        if self.body is not None:
            self.body.setVisible(on)


class _Head(QPushButton):
    """The model's title, shortened in the middle where the panel is narrow."""

    def __init__(self, title: str, *, foldable: bool) -> None:
        super().__init__()
        self.title = title
        self.setProperty("fold", True)
        self.setCheckable(foldable)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if foldable else Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setToolTip(f"{title}\nShow or hide what it says" if foldable else title)
        self.setAccessibleName(title)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten the title to the room there is."""
        super().resizeEvent(event)
        room = self.width() - (30 if self.isCheckable() else 8)
        self.setText(self.fontMetrics().elidedText(self.title, Qt.TextElideMode.ElideMiddle, room))


def body_of(result: Result, reading: Reading, around: Around) -> QWidget:
    """Return everything a result says; only what it has."""
    body = QWidget(objectName="page")
    layout = QVBoxLayout(body)
    layout.setContentsMargins(0, 4, 0, 0)
    layout.setSpacing(theme.SPACE)
    if note := result.provenance.model_note:
        layout.addWidget(_toned(f"{note[:1].upper()}{note[1:]}", "warn"))
    layout.addWidget(Scores(result))
    for part in _parts(result, reading, around):
        layout.addWidget(rule())
        layout.addWidget(part)
    for warning in result.warnings:
        layout.addWidget(theme.label(warning, "small", wrap=True))
    if result.facts:
        layout.addWidget(Fold("How this came about", lambda: Facts(result.facts), tip="What was read, and how"))
    made = result.provenance
    source = theme.label(
        f"{made.model_id} {made.model_version} · {made.device} · {made.created[:16].replace('T', ' ')}",
        "small",
        wrap=True,
    )
    source.setToolTip(provenance_text(result))
    foot = QHBoxLayout()
    foot.addWidget(source, 1)
    if around.open_card is not None:
        tip = "How this model was trained and measured, and what is known to fail"
        foot.addWidget(button("Model card", around.open_card, tip=tip), 0, Qt.AlignmentFlag.AlignTop)
    layout.addLayout(foot)
    return body


def _parts(result: Result, reading: Reading, around: Around) -> list[QWidget]:
    """Return grades, quantities, charts, maps and masks, in this order."""
    parts: list[QWidget] = [GradeCard(grade) for grade in result.grades]
    if result.quantities:
        parts.append(_section("MEASURED", Quantities(result.quantities)))
    if result.profiles:
        parts.append(_section("SLICE BY SLICE", Profiles(result.profiles, result.scores, around.places)))
    if around.maps:
        parts.append(_section("MAPS", Maps(around.maps, around.overlays, around.places)))
    if result.masks and reading.stored is not None:
        parts.append(_section("MASKS", Masks(reading.stored, around.overlays)))
    if around.live is not None:
        parts.append(around.live())
    return parts


def _section(title: str, part: QWidget) -> QWidget:
    holder = QWidget(objectName="page")
    layout = QVBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    layout.addWidget(theme.label(title, "section"))
    layout.addWidget(part)
    return holder


def _toned(text: str, tone: str) -> QLabel:
    made = theme.label(text, wrap=True)
    theme.retone(made, tone)
    return made
