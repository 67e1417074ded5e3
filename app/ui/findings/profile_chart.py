"""Profile chart: a value slice by slice, such as the probability of a lesion; a click or the arrow keys jump."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui import theme
from inference.result import Profile

HEIGHT = 132
STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: -10_000, Qt.Key.Key_End: 10_000}
MOST_TICKS = 8


class ProfileChart(QWidget):
    """One bar for each slice; the largest is bright. pyqtgraph is imported with the first chart, not with the window.

    Attributes
    ----------
    chosen
        A slice was clicked or gone to with the keyboard: its point, LPS mm.
    """

    chosen = Signal(object)

    def __init__(self, profile: Profile, operating_point: float | None = None, numbers: Sequence[int] = ()) -> None:
        super().__init__()
        self.setObjectName("page")
        import pyqtgraph as pg

        self._pg, self.profile, self._operating_point = pg, profile, operating_point
        values = profile.values
        self.numbers = tuple(numbers) or tuple(range(1, len(values) + 1))  # of the slices, as the pane counts them
        self.top = max(range(len(values)), key=lambda n: values[n], default=0)
        self.at = self.top
        self.setFixedHeight(HEIGHT)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolTip("Click a bar to go to its slice; with the keyboard: ← → Home End")
        self.setAccessibleName(f"{profile.title}, slice by slice")
        self._plot = pg.PlotWidget()
        self._plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._plot.setMouseEnabled(x=False, y=False)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._plot.wheelEvent = lambda event: event.ignore()
        self._plot.scene().sigMouseClicked.connect(self._click)
        self._bars = pg.BarGraphItem(x=[], height=[], width=0.8)
        self._plot.addItem(self._bars)
        self._line: Any = None
        if operating_point is not None:
            self._line = pg.InfiniteLine(operating_point, angle=0)
            self._plot.addItem(self._line)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._plot)
        theme.news.changed.connect(self._dress)
        self._dress()

    def text(self) -> str:
        """Return what the chosen bar says."""
        if not self.profile.values:
            return ""
        most = "  (largest)" if self.at == self.top else ""
        return f"Slice {self.numbers[self.at]}: {self.profile.values[self.at]:.2f}{most}"

    # -- drawing ---------------------------------------------------------------------------------------------------

    def _dress(self) -> None:
        """Take the colours of the theme."""
        plot, quiet = self._plot, QColor(theme.colour("text_quiet"))
        plot.setBackground(QColor(theme.colour("panel")))
        font = QFont(self.font())
        font.setPixelSize(11)
        for name in ("left", "bottom"):
            axis = plot.getAxis(name)
            axis.setPen(QColor(theme.colour("line_strong")))
            axis.setTextPen(quiet)
            axis.setTickFont(font)
            axis.setStyle(tickLength=-4)
        plot.getAxis("left").setWidth(34)
        plot.getAxis("left").setTicks([[(0.0, "0"), (0.5, "0.5"), (1.0, "1")]])
        plot.getAxis("bottom").setTicks([self._ticks()])
        if self._line is not None:
            self._line.setPen(self._pg.mkPen(theme.colour("accent"), style=Qt.PenStyle.DashLine))
        view = plot.getViewBox()
        view.setRange(xRange=(0.4, max(len(self.profile.values), 6) + 0.6), yRange=(0.0, 1.04), padding=0.0)
        self._draw()

    def _ticks(self) -> list[tuple[float, str]]:
        count = len(self.profile.values)
        step = max(1, -(-count // MOST_TICKS))
        return [(float(n + 1), f"{self.numbers[n]}") for n in range(0, count, step)]

    def _draw(self) -> None:
        values, n = self.profile.values, self.at
        brushes = [QColor(theme.colour("accent" if k == n else "text_faint")) for k in range(len(values))]
        self._bars.setOpts(x=list(range(1, len(values) + 1)), height=list(values), width=0.8, brushes=brushes, pen=None)

    # -- choosing --------------------------------------------------------------------------------------------------

    def _click(self, event: Any) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        place = self._plot.getViewBox().mapSceneToView(event.scenePos())
        self.choose(round(QPointF(place).x()) - 1)

    def choose(self, n: int) -> None:
        """Go to a slice of the profile; beyond its ends to the nearest."""
        if self.profile.values:
            self.at = min(max(n, 0), len(self.profile.values) - 1)
            self._draw()
            self.chosen.emit(self.profile.points_mm[self.at])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step with the arrow keys, go to either end with Home and End."""
        step = STEPS.get(Qt.Key(event.key()))
        if step is None or event.modifiers() not in (
            Qt.KeyboardModifier.NoModifier,
            Qt.KeyboardModifier.KeypadModifier,
        ):
            super().keyPressEvent(event)
        else:
            self.choose(self.at + step)
