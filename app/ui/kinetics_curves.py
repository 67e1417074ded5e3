"""Curves of the kinetics panel: the live one, the region's, those that were pinned; one plot, one line that judges."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QButtonGroup, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.session.kinetic_layers import COLOURS
from app.session.kinetics import Kinetics
from app.ui import theme
from app.ui.kinetics_cards import shrinkable
from app.ui.kinetics_text import verdict
from app.ui.parts import button
from inference.errors import HintedError

if TYPE_CHECKING:
    from inference.kinetics import Curve
    from viewer.curve import CurveLine, CurvePlot

MOST_PINS = 4
PIN_COLOURS = ("#669999", "#9966cc", "#996633", "#9933ff")  # none of them a class's colour
AREAS = (((3, 1), "3 × 3 voxels"), ((3, 3), "3 × 3 × 3 voxels"), ((5, 3), "5 × 5 × 3 voxels"), ((1, 1), "1 voxel"))
Point = tuple[float, float, float]


class CurveCard(QWidget):
    """Plot, legend and verdict."""

    def __init__(self, kinetics: Kinetics) -> None:
        super().__init__()
        self._kinetics = kinetics
        self.live: Curve | None = None
        self.region: Curve | None = None
        self.pins: list[tuple[Point, tuple[int, int], Curve]] = []
        self._mm: Point | None = None
        self._pins_made = 0
        self.plot: CurvePlot | None = None
        self.area = QComboBox()
        self.area.setAccessibleName("Neighbourhood of the cursor")
        self.area.setToolTip("Voxels around the cursor whose mean is drawn")
        for value, title in AREAS:
            self.area.addItem(title, value)
        shrinkable(self.area)
        self.area.activated.connect(lambda _: self._again())
        self.units = QButtonGroup(self)
        self.legend = theme.label(role="small", wrap=True)
        self.verdict = theme.label(wrap=True)
        self.verdict.setMinimumHeight(36)
        self.pin = button("Pin", self.pin_curve, tip="Keep the curve under the cursor, to compare others with it")
        self.clear = button("Clear", self.clear_pins, tip="Remove the pinned curves")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(theme.SPACE)
        self._lay_out()
        theme.news.changed.connect(self._recolour)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(theme.label("CURVE", "section"), 1)
        for number, name in enumerate(("s", "min")):
            choice = QPushButton(name)
            choice.setCheckable(True)
            choice.setChecked(name == "min")
            choice.setProperty("compact", True)
            choice.setToolTip("Seconds on the time axis" if name == "s" else "Minutes on the time axis")
            self.units.addButton(choice, number)
            head.addWidget(choice)
        self.units.idClicked.connect(lambda _: self._draw())
        foot = QHBoxLayout()
        foot.addWidget(self.area, 1)
        foot.addWidget(self.pin)
        foot.addWidget(self.clear)
        self._layout.addLayout(head)
        self._layout.addWidget(self.legend)
        self._layout.addWidget(self.verdict)
        self._layout.addLayout(foot)

    def _plot(self) -> CurvePlot:
        """Return the plot, made when it is first looked at: its library takes longer to import than the window."""
        if self.plot is None:
            from viewer.curve import CurvePlot

            self.plot = CurvePlot()
            self.plot.setFixedHeight(220)
            self._layout.insertWidget(1, self.plot)
            self._recolour()
        return self.plot

    def _recolour(self) -> None:
        if self.plot is not None:
            from viewer.curve import PlotColours

            tone = theme.colour
            self.plot.set_colours(
                PlotColours(tone("panel"), tone("text_quiet"), tone("line_strong"), tone("text_quiet"))
            )
            self._draw()

    # -- what is drawn ---------------------------------------------------------------------------------------------

    @property
    def curves(self) -> tuple[Curve, ...]:
        """Every curve that is drawn, the live one first."""
        found = (self.live, self.region, *(curve for _, _, curve in self.pins))
        return tuple(curve for curve in found if curve is not None)

    def follow(self, mm: Point) -> None:
        """Draw the curve under the cursor; outside the series the last one stays."""
        self._mm = mm
        in_plane, slices = self.area.currentData()
        curve = self._kinetics.curve_at(mm, slices, in_plane)
        if curve is not None:
            self.live = curve
            self._draw()

    def set_region(self, curve: Curve | None) -> None:
        """Draw the mean curve of a region beside the live one, from the next refresh on."""
        self.region = curve

    def pin_curve(self) -> None:
        """Keep the curve under the cursor."""
        if self.live is None or self._mm is None:
            return
        self._pins_made += 1
        kept = replace(self.live, title=f"Pin {self._pins_made}")
        self.pins = [*self.pins, (self._mm, self.area.currentData(), kept)][-MOST_PINS:]
        self._draw()

    def clear_pins(self) -> None:
        """Remove the pinned curves."""
        self.pins, self._pins_made = [], 0
        self._draw()

    def _again(self) -> None:
        if self._mm is not None:
            self.follow(self._mm)

    def refresh(self, no_dynamic: str) -> None:
        """Draw every curve anew from the phases at hand, at the thresholds in force."""
        kinetics, plot = self._kinetics, self._plot()
        if kinetics.dynamic is None or kinetics.problem:
            self.live = self.region = None
            self.pins = []
            plot.set_empty(no_dynamic if kinetics.dynamic is None else kinetics.problem)
        elif kinetics.phases() is None:
            plot.set_empty("Loading the phases …")
        else:
            plot.set_empty("Move the mouse over the images; the curve follows it.")
            self._work_out_anew()
        self._draw()

    def _work_out_anew(self) -> None:
        try:
            anew = [(mm, area, self._kinetics.curve_at(mm, area[1], area[0]), old) for mm, area, old in self.pins]
        except (HintedError, IndexError):  # another study
            self.region, anew = None, []
        self.pins = [(mm, area, replace(curve, title=old.title)) for mm, area, curve, old in anew if curve is not None]

    def _draw(self) -> None:
        if self.plot is None:
            return
        lines = [self._line(curve, colour, n == 0) for n, (curve, colour) in enumerate(self._coloured())]
        timing, dynamic = self._kinetics.timing, self._kinetics.dynamic
        known = timing is None or timing.known
        names = [dynamic.phases[n].label for n in timing.shown] if timing is not None and dynamic is not None else []
        self.plot.set_unit(("s", "min")[self.units.checkedId()] if known else "phase")
        self.plot.set_curves(lines, names)
        marks = (f'<span style="color:{one.colour}">●</span>&nbsp;{one.title}' for one in lines)
        self.legend.setText("&nbsp;&nbsp; ".join(marks))
        self._judge(known)
        self.pin.setEnabled(self.live is not None)
        self.clear.setEnabled(bool(self.pins))

    def _coloured(self) -> list[tuple[Curve, str]]:
        """Return the curves with their colours; the region goes before the live one, which lies on top at the end."""
        found = [(self.live, theme.colour("text")), (self.region, theme.colour("accent"))]
        found += [(curve, PIN_COLOURS[n]) for n, (_, _, curve) in enumerate(self.pins)]
        return [(curve, colour) for curve, colour in found if curve is not None]

    def _line(self, curve: Curve, colour: str, first: bool) -> CurveLine:
        from viewer.curve import CurveLine

        margin, zone = self._kinetics.settings.change_percent / 100, None
        if first and curve.defined:
            peak = curve.initial_peak + 100
            zone = (curve.initial_time, peak * (1 - margin) - 100, peak * (1 + margin) - 100)
        title = f"Cursor, {self.area.currentText()}" if curve is self.live else curve.title
        title = f"{title} ({curve.voxels} voxels)" if curve is self.region else title
        spread = curve.enhancement_sd if curve is self.region else ()
        return CurveLine(title, curve.times, curve.enhancement, spread, colour, zone)

    def _judge(self, known: bool) -> None:
        rows = []
        for curve in (self.live, self.region):
            if curve is not None:
                chip = f'<span style="color:{COLOURS[int(curve.kind)]}">■</span> ' if int(curve.kind) else ""
                name = "" if curve is self.live else f"{curve.title}: "
                rows.append(f"{chip}{name}{verdict(curve, self._kinetics.settings, known)}")
        self.verdict.setText("<br>".join(rows))
