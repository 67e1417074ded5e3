"""Grade strip: the grades side by side with their thresholds, and where the score lies among them."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui import theme
from app.ui.findings.texts import digits_for
from inference.grading import LOWEST
from inference.result import Grade

BAND = QRectF(0, 14, 0, 26)  # top and height of the band of grades


class GradeStrip(QWidget):
    """Five fields of equal width, lowest grade first; inside a field the score is placed to scale."""

    def __init__(self, grade: Grade) -> None:
        super().__init__()
        self.grade = grade
        self.setFixedHeight(60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Fields are drawn equally wide; numbers below are the thresholds, the mark above is the score")
        self.show_grade(grade)

    def show_grade(self, grade: Grade) -> None:
        """Show another grade, such as one of other thresholds."""
        self.grade = grade
        self.setAccessibleName(f"Grade {grade.value} at image score {grade.score:.3f}")
        self.update()

    @property
    def fields(self) -> list[tuple[int, float, float]]:
        """Grade, lowest and highest score of each field, from left to right."""
        cuts = self.grade.cut_offs[::-1]
        edges = [0.0, *(cut.threshold for cut in cuts), 1.0]
        names = [LOWEST, *(cut.grade for cut in cuts)]
        return [(name, edges[n], edges[n + 1]) for n, name in enumerate(names)]

    def place_of(self, score: float) -> float:
        """Return where a score lies along the strip, 0 at the left end and 1 at the right."""
        fields = self.fields
        n = max((n for n, (_, low, _) in enumerate(fields) if score >= low), default=0)
        _, low, high = fields[n]
        inside = (score - low) / (high - low) if high > low else 1.0
        return (n + min(max(inside, 0.0), 1.0)) / len(fields)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw fields, thresholds and the mark of the score."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fields, edge = self.fields, 5.0  # the mark may lie at the very end
        wide = (self.width() - 2 * edge) / len(fields)
        for n, (name, low, high) in enumerate(fields):
            field = QRectF(edge + n * wide + 1, BAND.top(), wide - 2, BAND.height())
            chosen = name == self.grade.value
            painter.setPen(QPen(QColor(theme.colour("text" if chosen else "line_strong")), 1.5 if chosen else 1))
            painter.setBrush(QColor(theme.colour("selection" if chosen else "raised")))
            painter.drawRoundedRect(field, 3, 3)
            empty = high <= low
            painter.setPen(QColor(theme.colour("text" if chosen else "text_faint" if empty else "text_quiet")))
            painter.drawText(field, Qt.AlignmentFlag.AlignCenter, f"{name}" + (" –" if empty else ""))
        self._thresholds(painter, fields, edge, wide)
        x = edge + self.place_of(self.grade.score) * wide * len(fields)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.colour("accent")))
        painter.drawPolygon(QPolygonF([QPointF(x - 5, 3), QPointF(x + 5, 3), QPointF(x, 12)]))
        painter.end()

    def _thresholds(self, painter: QPainter, fields: list[tuple[int, float, float]], edge: float, wide: float) -> None:
        font = painter.font()
        font.setPixelSize(11)
        painter.setFont(font)
        painter.setPen(QColor(theme.colour("text_quiet")))
        digits = digits_for([low for _, low, _ in fields[1:]])
        for n, (_, low, _) in enumerate(fields[1:], start=1):
            at = QRectF(edge + (n - 0.5) * wide, BAND.bottom() + 2, wide, 16)
            painter.drawText(at, Qt.AlignmentFlag.AlignCenter, f"{low:.{digits}f}")
