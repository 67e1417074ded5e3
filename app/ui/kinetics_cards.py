"""Cards of the kinetics panel: thresholds and time zero, maps over the image, table of the classes."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QColor, QPixmap
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.session.kinetic_layers import COLOURS
from app.session.kinetics import Kinetics
from app.ui import kinetics_memory, theme
from app.ui.kinetics_text import HEAD, ORDER
from app.ui.layers_panel import per_cent_slider

PEAKS = (50, 80, 100)
GATES = (("initial", "initial peak"), ("highest", "highest phase"))
NOT_KNOWN = -1


class ThresholdCard(QWidget):
    """Least enhancement, plateau band, and when contrast was injected."""

    def __init__(self, kinetics: Kinetics) -> None:
        super().__init__()
        self._kinetics = kinetics
        self.peaks = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(4)
        for value in PEAKS:
            choice = QPushButton(f"{value}")
            choice.setCheckable(True)
            choice.setProperty("compact", True)
            choice.setToolTip(f"Classify voxels that enhance by {value} % or more")
            self.peaks.addButton(choice, value)
            row.addWidget(choice, 1)
        self.peaks.setExclusive(False)
        self.peak = _spin("Least enhancement, per cent", 10, 500, " %")
        row.addWidget(self.peak, 1)
        self.change = _spin("Plateau, per cent up or down", 0, 50, " %")
        self.change.setPrefix("± ")
        self.gate = QComboBox()
        self.gate.setAccessibleName("Enhancement that counts")
        self.gate.setToolTip("Which enhancement must reach the threshold: of the first two minutes or of any phase")
        for name, title in GATES:
            self.gate.addItem(title, name)
        shrinkable(self.gate)
        self.injected = _spin("Seconds from injection to the start of the first phase after contrast", -1, 600, " s")
        self.injected.setSpecialValueText("not known")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.addWidget(theme.label("Least enhancement", "quiet"), 0, 0, 1, 2)
        grid.addLayout(row, 1, 0, 1, 2)
        for number, (text, widget) in enumerate(
            (("of the", self.gate), ("Plateau", self.change), ("Injected before post 1", self.injected)), start=2
        ):
            grid.addWidget(theme.label(text, "quiet"), number, 0)
            grid.addWidget(widget, number, 1)
        self.peaks.idClicked.connect(lambda value: kinetics.set_thresholds(peak_percent=value))
        self.peak.valueChanged.connect(lambda value: kinetics.set_thresholds(peak_percent=value))
        self.change.valueChanged.connect(lambda value: kinetics.set_thresholds(change_percent=value))
        self.injected.valueChanged.connect(
            lambda value: kinetics.set_injection(None if value == NOT_KNOWN else float(value))
        )
        self.gate.activated.connect(lambda _: kinetics.set_thresholds(gate=self.gate.currentData()))
        kinetics_memory.restore(kinetics)
        kinetics.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the thresholds in force, and remember them."""
        settings = self._kinetics.settings
        kinetics_memory.keep(self._kinetics)
        self.gate.setCurrentIndex(max(0, self.gate.findData(settings.gate)))
        _set(self.peak, round(settings.peak_percent))
        _set(self.change, round(settings.change_percent))
        for choice in self.peaks.buttons():
            choice.setChecked(self.peaks.id(choice) == round(settings.peak_percent))
        seconds = self._kinetics.injected_before_s
        _set(self.injected, NOT_KNOWN if seconds is None else round(seconds))


class MapsCard(QWidget):
    """Switches of the class map and the parameter maps, and their opacity."""

    def __init__(self, kinetics: Kinetics) -> None:
        super().__init__()
        from inference.kinetics import PARAMETERS

        self._kinetics = kinetics
        self.classes = QCheckBox("Colour map of the classes")
        self.classes.setToolTip("Washout, plateau, persistent over the images  (Shift+U)")
        self.in_breasts = QCheckBox("Only inside the breasts")
        self.in_breasts.setToolTip("Leave heart, liver and chest wall uncoloured; the breasts are found in front of it")
        self.parameter = QComboBox()
        self.parameter.setToolTip("One number per voxel over the images; thresholds hold here too")
        self.parameter.setAccessibleName("Parameter map")
        self.parameter.addItem("No parameter map", "")
        for one in PARAMETERS.values():
            self.parameter.addItem(f"{one.title} ({one.unit})" if one.unit else one.title, one.name)
            self.parameter.setItemData(self.parameter.count() - 1, one.help, Qt.ItemDataRole.ToolTipRole)
        shrinkable(self.parameter)
        self.state = theme.label(role="small", wrap=True)
        slider, shown = per_cent_slider("opacity", kinetics.opacity, lambda opacity: kinetics.show(opacity=opacity))
        line = QHBoxLayout()
        for widget in (theme.label("Opacity", "quiet"), slider, shown):
            line.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.SPACE)
        for widget in (self.classes, self.in_breasts, self.parameter):
            layout.addWidget(widget)
        layout.addLayout(line)
        layout.addWidget(self.state)
        self.classes.toggled.connect(lambda on: kinetics.show(visible=on))
        self.in_breasts.toggled.connect(lambda on: kinetics.show(in_breasts=on))
        self.parameter.activated.connect(lambda _: kinetics.show(parameter=self.parameter.currentData()))
        kinetics.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show what is drawn, and whether it is still being computed."""
        kinetics = self._kinetics
        with QSignalBlocker(self.classes):
            self.classes.setChecked(kinetics.visible)
        with QSignalBlocker(self.in_breasts):
            self.in_breasts.setChecked(kinetics.in_breasts)
        self.parameter.setCurrentIndex(max(0, self.parameter.findData(kinetics.parameter)))
        text = "Computing the maps …" if kinetics.busy else kinetics.map_problem
        self.state.setText(text)
        self.state.setVisible(bool(text))
        self.setEnabled(kinetics.dynamic is not None)


class ClassTable(QWidget):
    """Volume and share of each class."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)
        self._cells: list[tuple[QLabel, ...]] = []
        for column, text in enumerate(HEAD, start=1):
            head = theme.label(text, "small")
            self._grid.addWidget(head, 0, column, _side(column))
        for row in range(len(ORDER) + 2):
            cells = tuple(theme.label(role="" if row < len(ORDER) else "quiet") for _ in HEAD)
            for column, cell in enumerate(cells, start=1):
                self._grid.addWidget(cell, row + 1, column, _side(column))
                cell.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._cells.append(cells)
            if row < len(ORDER):
                chip = QLabel()
                chip.setPixmap(swatch(COLOURS[int(ORDER[row])]))
                self._grid.addWidget(chip, row + 1, 0)

    def fill(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Show the rows of :func:`app.ui.kinetics_text.class_rows`."""
        for cells, row in zip(self._cells, rows, strict=True):
            for cell, text in zip(cells, row, strict=True):
                cell.setText(text)


def shrinkable(choice: QComboBox) -> None:
    """Let a list be narrower than its longest entry, so that the panel fits 300 pixels."""
    choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    choice.setMinimumContentsLength(6)


def swatch(colour: str) -> QPixmap:
    """Return a small square of a class's colour."""
    pixmap = QPixmap(20, 20)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(QColor(colour))
    return pixmap


def _side(column: int) -> Qt.AlignmentFlag:
    return Qt.AlignmentFlag.AlignLeft if column == 1 else Qt.AlignmentFlag.AlignRight


def _spin(name: str, low: int, high: int, suffix: str) -> QSpinBox:
    spin = QSpinBox()
    theme.inset(spin)
    spin.setRange(low, high)
    spin.setSuffix(suffix)
    spin.setAccessibleName(name)
    spin.setToolTip(name)
    spin.setKeyboardTracking(False)
    return spin


def _set(spin: QSpinBox, value: int) -> None:
    with QSignalBlocker(spin):
        spin.setValue(value)
