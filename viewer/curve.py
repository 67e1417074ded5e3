"""Curve plot: enhancement over time, with real spacing; drawn with pyqtgraph, which is imported with the first plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from viewer.curve_items import CurveLine, DrawnCurve, PlotColours

__all__ = ["CurveLine", "CurvePlot", "PlotColours"]

NEAR = 14.0  # logical pixels between mouse and point that still read it
STEPS = (50, 100, 150, 200, 300, 400, 600, 800, 1000, 1500, 2000, 3000)  # tops of the axis: a live curve must not jump
TICKS = {"s": (15, 30, 60, 120, 180, 300, 600, 1200), "min": (0.5, 1, 2, 3, 5, 10, 20), "phase": (1, 2, 5, 10)}
TICK_PIXELS = 46.0  # least distance of two labels
UNITS = {"s": (1.0, "s"), "min": (1 / 60, "min"), "phase": (1.0, "phase")}


class CurvePlot(QWidget):
    """Curves on one pair of axes; it takes no keys and no wheel."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        import pyqtgraph as pg

        self._pg = pg
        self._lines: tuple[CurveLine, ...] = ()
        self._names: tuple[str, ...] = ()
        self._unit, self._colours = "min", PlotColours()
        self._items: list[DrawnCurve] = []
        self._plot = pg.PlotWidget()
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.getViewBox().setDefaultPadding(0.0)
        self._plot.wheelEvent = lambda event: event.ignore()
        self._plot.scene().sigMouseMoved.connect(self._hover)
        self._empty = QLabel(self._plot)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._tip = QLabel(self._plot)
        self._tip.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumHeight(180)
        self.set_colours(self._colours)
        self.set_empty("")

    # -- looks -----------------------------------------------------------------------------------------------------

    def set_colours(self, colours: PlotColours) -> None:
        """Take the colours of another theme."""
        self._colours = colours
        self._plot.setBackground(QColor(colours.ground))
        font = QFont(self.font())
        font.setPixelSize(11)
        for name in ("left", "bottom"):
            axis = self._plot.getAxis(name)
            axis.setPen(QColor(colours.grid))
            axis.setTextPen(QColor(colours.text))
            axis.setTickFont(font)
            axis.setStyle(tickLength=-4)
        style = {"color": colours.text, "font-size": "11px"}
        self._plot.setLabel("left", "Enhancement %", **style)
        self._label_bottom()
        self._plot.getAxis("left").setWidth(46)
        self._plot.showGrid(x=False, y=True, alpha=0.15)
        self._empty.setStyleSheet(f"color: {colours.text}; background: transparent; padding: 24px;")
        self._tip.setStyleSheet(
            f"color: {colours.text}; background: {colours.ground}; border: 1px solid {colours.grid}; padding: 2px 6px;"
        )
        self._draw()

    def _label_bottom(self) -> None:
        name = "Phase" if self._unit == "phase" else f"Time ({UNITS[self._unit][1]})"
        self._plot.setLabel("bottom", name, color=self._colours.text, **{"font-size": "11px"})

    def set_empty(self, text: str) -> None:
        """Show a sentence in place of curves; the axes keep their place."""
        self._empty.setText(text)
        self._empty.setVisible(bool(text) and not self._lines)
        self._place_texts()

    def resizeEvent(self, event: Any) -> None:
        """Keep the sentence over the whole plot."""
        super().resizeEvent(event)
        self._place_texts()
        self._set_ranges(UNITS[self._unit][0])

    def _place_texts(self) -> None:
        self._empty.setGeometry(self.rect())

    # -- curves ----------------------------------------------------------------------------------------------------

    @property
    def lines(self) -> tuple[CurveLine, ...]:
        """What is drawn."""
        return self._lines

    def set_unit(self, unit: str) -> None:
        """Choose ``"s"``, ``"min"`` or ``"phase"`` for the axis."""
        if unit != self._unit:
            self._unit = unit
            self._label_bottom()
            self._draw()

    def set_curves(self, lines: Sequence[CurveLine], names: Sequence[str] = ()) -> None:
        """Draw curves; ``names`` of the phases are told on hovering."""
        self._lines, self._names = tuple(lines), tuple(names)
        self._empty.setVisible(bool(self._empty.text()) and not self._lines)
        self._draw()

    def _draw(self) -> None:
        factor = UNITS[self._unit][0]
        while len(self._items) < len(self._lines):
            self._items.append(DrawnCurve(self._pg, self._plot))
        for n, drawn in enumerate(self._items):
            drawn.draw(self._lines[n] if n < len(self._lines) else None, self._colours, factor)
        self._set_ranges(factor)
        self._tip.hide()

    def _set_ranges(self, factor: float) -> None:
        values = [v for line in self._lines for v in (*line.values, *(line.zone or ())[1:]) if math.isfinite(v)]
        times = [t * factor for line in self._lines for t in line.times] or [0.0, 7.0 if self._unit == "min" else 420.0]
        top = next((step for step in STEPS if step >= 1.04 * max(values, default=0.0)), STEPS[-1])
        bottom = -10 if min(values, default=0.0) > -10 else 50 * math.floor(min(values) / 50)
        view, last = self._plot.getViewBox(), max(times) or 1.0
        view.setRange(xRange=(-0.03 * last, 1.04 * last), yRange=(bottom, top), padding=0.0)
        self._plot.getAxis("bottom").setTicks([ticks(last, self._unit, view.width() or self.width())])

    # -- hovering --------------------------------------------------------------------------------------------------

    def _hover(self, position: QPointF) -> None:
        found = self.point_at(position)
        self._tip.setVisible(found is not None)
        if found is None:
            return
        line, n = found
        factor, unit = UNITS[self._unit]
        name = f"{self._names[n]} · " if n < len(self._names) else ""
        time = "" if self._unit == "phase" else f"{line.times[n] * factor:.3g} {unit} · "
        self._tip.setText(f"{name}{time}{line.values[n]:.0f} %")
        self._tip.adjustSize()
        left = min(max(0.0, position.x() - self._tip.width() / 2), self.width() - self._tip.width())
        above = position.y() - self._tip.height() - 10
        self._tip.move(int(left), int(above if above > 0 else position.y() + 14))

    def point_at(self, position: QPointF) -> tuple[CurveLine, int] | None:
        """Return the curve and the number of its point next to a place of the plot; None where none is near."""
        factor, view = UNITS[self._unit][0], self._plot.getViewBox()
        nearest: tuple[float, CurveLine, int] | None = None
        for line in self._lines:
            for n, (time, value) in enumerate(zip(line.times, line.values, strict=True)):
                if math.isfinite(value):
                    place = view.mapViewToScene(QPointF(time * factor, value))
                    apart = math.hypot(place.x() - position.x(), place.y() - position.y())
                    if apart <= NEAR and (nearest is None or apart < nearest[0]):
                        nearest = (apart, line, n)
        return nearest[1:] if nearest is not None else None


def ticks(last: float, unit: str, width: float) -> list[tuple[float, str]]:
    """Return places and labels of a time axis from 0 to ``last``: whole steps, with as many digits as they need.

    Parameters
    ----------
    width
        Of the axis, logical pixels.
    """
    most = max(1.0, width / TICK_PIXELS)
    steps = TICKS[unit]
    step = next((one for one in steps if last / one <= most), steps[-1] * math.ceil(last / steps[-1] / most))
    return [(n * step, f"{n * step:g}") for n in range(int(last * 1.04 / step) + 1)]
