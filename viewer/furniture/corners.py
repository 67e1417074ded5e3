"""Corners: the four quiet texts, the AI state, the orientation letters and the scale bar of a pane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from viewer.colours import FAINT, OUTLINE, SECOND, TEXT, TONES
from viewer.furniture.text import SIZE, draw_text, elided, font, width_of, wrapped
from viewer.layers.types import PaneContent
from viewer.shot import Shot, scale_bar

MARGIN = 9.0  # logical pixels from the pane's edge
LINE = 16.0  # logical pixels from base line to base line
LETTER = 15
LINES = 4  # into which a sentence is broken at most
NARROW = 420.0  # logical pixels: in a pane that is narrower, the least important lines are left out
OUTER_ROOM = 200.0  # logical pixels that texts may take on the side away from the chest wall, where there is air
BANNER = 16
VIEW = 24
Line = tuple[str, str]  # text and colour


@dataclass(frozen=True)
class Sheet:
    """A painter with the pane's size and device pixel ratio."""

    painter: QPainter
    width: float
    height: float
    ratio: float
    outer: str = ""

    @property
    def room(self) -> float:
        """How wide the texts of a corner may be; texts on one side only may cross the middle."""
        half = self.width / 2 - (2 * MARGIN + LETTER) * self.ratio
        whole = self.width - 4 * (MARGIN + LETTER) * self.ratio
        return max(half, min(whole, OUTER_ROOM * self.ratio)) if self.outer else half

    @property
    def narrow(self) -> bool:
        """Whether there is no room for every text."""
        return self.width < NARROW * self.ratio

    def wrapped(self, text: str, colour: str, room: float = 0) -> list[Line]:
        """Return a text that must be readable to its end as a few lines."""
        return [(line, colour) for line in wrapped(text, room or self.room, self.ratio, lines=LINES)]

    def column(self, lines: Sequence[Line], *, right: bool, bottom: bool, below: float = 0.0) -> None:
        """Draw lines from a corner of the pane, those of the top below what is there already."""
        margin, step = MARGIN * self.ratio, LINE * self.ratio
        first = self.height - margin - (len(lines) - 1) * step if bottom else margin + below + SIZE * self.ratio
        for number, (line, colour) in enumerate(lines):
            text = elided(line, self.room, self.ratio) if right or bottom else line
            x = self.width - margin - width_of(text, self.ratio) if right else margin
            draw_text(self.painter, QPointF(x, first + number * step), text, QColor(colour), self.ratio)


def draw_corners(sheet: Sheet, content: PaneContent, own: Sequence[str], note: str, outer: str = "") -> None:
    """Draw the four texts; the AI state closes the top left, notes and the pane's own lines the bottom left.

    Parameters
    ----------
    outer
        ``"left"`` or ``"right"``: the side away from the chest wall, to which all texts keep; "" uses all corners.
    """
    if outer:
        _draw_outside(replace(sheet, outer=outer), content, own, note)
        return
    texts = content.corners
    left = _lines(texts.top_left)
    # below the texts of both corners a line may cross the whole pane
    low = len(left) >= len(_lines(texts.top_right)) and not content.view_label
    state = _state(sheet, content, sheet.width - 2 * MARGIN * sheet.ratio if low else 0)
    sheet.column([*_cut(sheet, left), *state], right=False, bottom=False)
    below = draw_view_label(sheet, content.view_label, right=True)
    sheet.column(_lines(texts.top_right), right=True, bottom=False, below=below)
    bottom = [*_notes(sheet, content, note), *_lines(texts.bottom_left), *_lines(own)]
    sheet.column(bottom, right=False, bottom=True)
    sheet.column(_lines(texts.bottom_right), right=True, bottom=True)


def _draw_outside(sheet: Sheet, content: PaneContent, own: Sequence[str], note: str) -> None:
    texts, right = content.corners, sheet.outer == "right"
    below = draw_view_label(sheet, content.view_label, right=right)
    # What an image is called stands large above: in a narrow pane its description and spacing are left out.
    top = [*texts.top_left] if sheet.narrow else [*texts.top_left, *texts.top_right]
    bottom = [*own] if sheet.narrow else [*texts.bottom_left, *texts.bottom_right, *own]
    if sheet.narrow:
        top, bottom = _joined(sheet, top), _joined(sheet, bottom)
    sheet.column([*_cut(sheet, _lines(top)), *_state(sheet, content)], right=right, bottom=False, below=below)
    sheet.column([*_notes(sheet, content, note), *_lines(bottom)], right=right, bottom=True)


def _joined(sheet: Sheet, texts: Sequence[str]) -> list[str]:
    """Return texts with as many in a line as fit."""
    found: list[str] = []
    for text in filter(None, texts):
        together = f"{found[-1]} · {text}" if found else text
        if found and width_of(together, sheet.ratio) <= sheet.room:
            found[-1] = together
        else:
            found.append(text)
    return found


def draw_view_label(sheet: Sheet, label: str, *, right: bool) -> float:
    """Draw side and view in large quiet letters in an upper corner; returns the device pixels they take."""
    if not label:
        return 0.0
    margin, size = MARGIN * sheet.ratio, VIEW * sheet.ratio
    x = sheet.width - margin - width_of(label, sheet.ratio, VIEW) if right else margin
    draw_text(sheet.painter, QPointF(x, margin + size), label, QColor(TEXT), sheet.ratio, VIEW)
    return size + 6 * sheet.ratio


def _cut(sheet: Sheet, lines: Sequence[Line]) -> list[Line]:
    return [(elided(text, sheet.room, sheet.ratio), colour) for text, colour in lines]


def _state(sheet: Sheet, content: PaneContent, room: float = 0) -> list[Line]:
    fits = width_of(content.ai_state, sheet.ratio) <= (room or sheet.room)
    text = content.ai_state if fits or not content.ai_brief else content.ai_brief
    return sheet.wrapped(text, TONES.get(content.ai_tone, TEXT), room)


def _notes(sheet: Sheet, content: PaneContent, note: str) -> list[Line]:
    return [line for text in dict.fromkeys((*content.notes, note)) for line in sheet.wrapped(text, TONES["warn"])]


def _lines(texts: Sequence[str]) -> list[Line]:
    """Return lines without the empty ones; the first stands out."""
    return [(text, TEXT if number == 0 else SECOND) for number, text in enumerate(filter(None, texts))]


def letters_shown(content: PaneContent, shot: Shot) -> tuple[str, str, str, str]:
    """Return letters at the left, right, top and bottom: given ones for the stored image, else from the affine."""
    image = content.image
    if image.row_letters is not None and shot.plane.name == "native":
        return shot.turned_letters(image.row_letters)
    return shot.edge_letters() if image.has_patient_axes else ("", "", "", "")


def draw_letters(sheet: Sheet, letters: tuple[str, str, str, str], outer: str = "") -> None:
    """Draw orientation letters at the middle of the edges; in a narrow pane away from the texts at its outer side."""
    left, right, top, bottom = letters
    margin, size = MARGIN * sheet.ratio, LETTER * sheet.ratio
    middle = sheet.height / 2 + size / 3
    share = 0.5 if not (outer and sheet.narrow) else 0.75 if outer == "left" else 0.25
    places = (
        (left, margin, middle),
        (right, sheet.width - margin - width_of(right, sheet.ratio, LETTER), middle),
        (top, sheet.width * share - width_of(top, sheet.ratio, LETTER) / 2, margin + size),
        (bottom, sheet.width * share - width_of(bottom, sheet.ratio, LETTER) / 2, sheet.height - margin),
    )
    for text, x, y in places:
        if text:
            draw_text(sheet.painter, QPointF(x, y), text, QColor(TEXT), sheet.ratio, LETTER)


def draw_scale_bar(sheet: Sheet, zoom: float, outer: str = "") -> None:
    """Draw a bar of a round length with its millimetres, above the bottom letter; in a narrow pane beside its texts."""
    length_mm, pixels = scale_bar(zoom, min(sheet.width * 0.3, 220 * sheet.ratio))
    text = f"{length_mm / 10:g} cm" if length_mm >= 10 else f"{length_mm:g} mm"
    y = sheet.height - (MARGIN + 26) * sheet.ratio
    left = (sheet.width - pixels) / 2
    if outer and sheet.narrow:
        apart = sheet.width - pixels - (MARGIN + LETTER) * sheet.ratio
        left = apart if outer == "left" else sheet.width - pixels - apart
    tick = 4 * sheet.ratio
    for colour, width in ((OUTLINE, 3.6), (TEXT, 1.5)):
        sheet.painter.setPen(QPen(QColor(colour), width * sheet.ratio))
        sheet.painter.drawLine(QPointF(left, y), QPointF(left + pixels, y))
        for x in (left, left + pixels / 2, left + pixels):
            high = tick if x != left + pixels / 2 else tick / 2
            sheet.painter.drawLine(QPointF(x, y - high), QPointF(x, y))
    at = QPointF(left + (pixels - width_of(text, sheet.ratio, 11)) / 2, y - 7 * sheet.ratio)
    draw_text(sheet.painter, at, text, QColor(TEXT), sheet.ratio, 11)


def draw_banner(sheet: Sheet, text: str) -> None:
    """Draw a sentence across the middle of an image that is not what it seems, such as a slice that is missing."""
    lines = wrapped(text, sheet.width * 0.8, sheet.ratio, BANNER, 3)
    step = (BANNER + 6) * sheet.ratio
    for number, line in enumerate(lines):
        x = (sheet.width - width_of(line, sheet.ratio, BANNER)) / 2
        y = sheet.height / 2 + (number - (len(lines) - 1) / 2) * step
        draw_text(sheet.painter, QPointF(x, y), line, QColor(TONES["warn"]), sheet.ratio, BANNER)


def draw_empty(sheet: Sheet, text: str) -> None:
    """Draw the sentence of a pane without an image."""
    sheet.painter.setPen(QColor(FAINT))
    sheet.painter.setFont(font(sheet.ratio, 13))
    room = QRectF(0, 0, sheet.width, sheet.height).adjusted(*(24 * sheet.ratio * s for s in (1, 1, -1, -1)))
    sheet.painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap), text)
