"""Curve items: what a curve consists of, and the graphics items that draw it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from PySide6.QtGui import QColor


@dataclass(frozen=True)
class CurveLine:
    """One curve.

    Attributes
    ----------
    times
        Seconds, or phase numbers.
    values, spread
        Per cent enhancement and its standard deviation; no ``spread`` draws no band.
    zone
        Time from which a plateau band is drawn, its lower and upper end in per cent; None for none.
    """

    title: str
    times: tuple[float, ...]
    values: tuple[float, ...]
    spread: tuple[float, ...] = ()
    colour: str = "#dcdee1"
    zone: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class PlotColours:
    """Colours of the plot's furniture."""

    ground: str = "#18191c"
    text: str = "#9da2a9"
    grid: str = "#2b2e33"
    zone: str = "#9da2a9"


class DrawnCurve:
    """The graphics items of one curve; kept and hidden, never removed, since a live curve only changes their data."""

    def __init__(self, pg: Any, plot: Any) -> None:
        self._pg = pg
        self._zone, self._band = _Between(pg, plot), _Between(pg, plot)
        self._curve = pg.PlotDataItem(symbol="o", symbolSize=8, antialias=True, connect="finite")
        plot.addItem(self._curve)

    def draw(self, line: CurveLine | None, colours: PlotColours, factor: float) -> None:
        """Take the data of a curve; None hides it."""
        finite = line is not None and all(math.isfinite(value) for value in line.values)
        self._curve.setVisible(finite)
        self._zone.hide()
        self._band.hide()
        if line is None or not finite:
            return
        times, values, colour = np.asarray(line.times) * factor, np.asarray(line.values, float), QColor(line.colour)
        self._curve.setPen(self._pg.mkPen(colour, width=2))
        self._curve.setSymbolBrush(colour)
        self._curve.setSymbolPen(self._pg.mkPen(QColor(colours.ground), width=1.5))
        self._curve.setData(times, values)
        if line.spread:
            spread = np.asarray(line.spread, float)
            self._band.draw(times, values - spread, values + spread, colour)
        if line.zone is not None:
            start, low, high = line.zone
            ends = np.array([start * factor, times[-1]])
            self._zone.draw(ends, np.full(2, low), np.full(2, high), QColor(colours.zone))


class _Between:
    """A translucent band between two edges."""

    ALPHA = 42

    def __init__(self, pg: Any, plot: Any) -> None:
        self._pg = pg
        self._edges = pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)
        self._fill = pg.FillBetweenItem(*self._edges)
        for item in (*self._edges, self._fill):
            plot.addItem(item)

    def hide(self) -> None:
        """Hide the band."""
        self._fill.setVisible(False)

    def draw(self, x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: QColor) -> None:
        """Show the band."""
        colour = QColor(colour)
        colour.setAlpha(self.ALPHA)
        self._fill.setBrush(self._pg.mkBrush(colour))
        self._edges[0].setData(x, low)
        self._edges[1].setData(x, high)
        self._fill.setVisible(True)
