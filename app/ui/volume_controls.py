"""Controls of the volume view: way of drawing, image, sides, brightness, threshold and opacity."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui import geometry, theme
from app.ui.parts import icon_button
from app.ui.volume_scene import Look
from viewer.volume3d.navigation import HELP
from viewer.volume3d.orbit import STANDARD
from viewer.volume3d.scene import MODES, Mode

SLIDERS = {  # name: title, tip, least, most, default in per cent
    "brightness": ("Brightness", "How bright enhancement is drawn; 100 % is the window of the slices", 25, 400, 100),
    "threshold": ("Threshold", "Shaded: from which part of the window on tissue is seen", 0, 100, 25),
    "opacity": ("Opacity", "Shaded: how opaque the brightest tissue is", 5, 100, 85),
}
ONLY_SHADED = ("threshold", "opacity")


class VolumeControls(QWidget):
    """Two rows over the view; they remember what was chosen.

    Attributes
    ----------
    changed
        Another way of drawing or another value.
    source_chosen
        Another image.
    side_chosen
        Name of a standard view, ``"whole"`` for the whole volume.
    """

    changed = Signal()
    source_chosen = Signal()
    side_chosen = Signal(str)

    def __init__(self, on_snapshot: Callable[[], object], on_close: Callable[[], object]) -> None:
        super().__init__()
        kept = geometry.store()
        self.mode_picker = QComboBox()
        self.mode_picker.setToolTip(
            "MIP: the brightest value along each line of sight. Shaded: tissue under a lamp  (M)"
        )
        self.mode_picker.setAccessibleName("Way of drawing")
        for name, title in MODES:
            self.mode_picker.addItem(title, name)
        self.mode_picker.setCurrentIndex(max(self.mode_picker.findData(str(kept.value("volume/mode", "mip"))), 0))
        self.source = QComboBox()
        self.source.setToolTip("Which image is shown as a volume")
        self.source.setAccessibleName("Image")
        self.source.setMinimumWidth(90)
        self.source.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.source.activated.connect(lambda _: self.source_chosen.emit())
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.mode_picker)
        row.addWidget(self.source, 1)
        for number, name in enumerate(STANDARD, start=1):
            row.addWidget(self._side(name, number))
        row.addWidget(icon_button("corners-out", "Whole volume  (R)", lambda: self.side_chosen.emit("whole")))
        row.addWidget(icon_button("camera", "Save a picture of the volume view as PNG…", on_snapshot))
        row.addWidget(icon_button("x", "Close the volume view  (Shift+V)", on_close))
        self.sliders = {name: self._slider(name, _kept(name)) for name in SLIDERS}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 4)
        layout.setSpacing(4)
        layout.addLayout(row)
        layout.addLayout(self._slider_rows())
        self.mode_picker.currentIndexChanged.connect(lambda _: self._changed())
        self._enable()

    def _side(self, name: str, number: int) -> QToolButton:
        made = QToolButton()
        made.setText(name[0].upper())
        made.setToolTip(f"From {'the ' if name in ('head', 'foot', 'left', 'right') else ''}{name}  ({number})\n{HELP}")
        made.setAccessibleName(f"View from {name}")
        made.clicked.connect(lambda _=False: self.side_chosen.emit(name))
        return made

    def _slider(self, name: str, value: int) -> QSlider:
        title, tip, least, most, _ = SLIDERS[name]
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(least, most)
        slider.setPageStep(10)
        slider.setValue(value)
        slider.setToolTip(tip)
        slider.setAccessibleName(title)
        slider.valueChanged.connect(lambda _: self._changed())
        return slider

    def _slider_rows(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        for column, name in enumerate(SLIDERS):
            grid.addWidget(theme.label(SLIDERS[name][0], "quiet"), 0, 2 * column)
            grid.addWidget(self.sliders[name], 0, 2 * column + 1)
            grid.setColumnStretch(2 * column + 1, 1)
        return grid

    @property
    def mode(self) -> Mode:
        """The way of drawing."""
        return self.mode_picker.currentData()

    @property
    def look(self) -> Look:
        """How the volume is to be drawn."""
        return Look(self.mode, *(self.sliders[name].value() / 100 for name in SLIDERS))

    def toggle_mode(self) -> None:
        """Take MIP for shaded, or the other way round."""
        self.mode_picker.setCurrentIndex((self.mode_picker.currentIndex() + 1) % self.mode_picker.count())

    def offer(self, choices: list[tuple[str, str]]) -> None:
        """List the images that can be shown, keeping the choice where it is still among them."""
        known = [(self.source.itemData(n), self.source.itemText(n)) for n in range(self.source.count())]
        if known == choices:
            return
        chosen = self.source.currentData()
        self.source.clear()
        for key, title in choices:
            self.source.addItem(title, key)
        self.source.setCurrentIndex(max(self.source.findData(chosen), 0))

    def _changed(self) -> None:
        self._enable()
        self.changed.emit()

    def _enable(self) -> None:
        for name in ONLY_SHADED:
            self.sliders[name].setEnabled(self.mode == "shaded")

    def save(self) -> None:
        """Remember mode and sliders."""
        kept = geometry.store()
        kept.setValue("volume/mode", self.mode)
        for name, slider in self.sliders.items():
            kept.setValue(f"volume/{name}", slider.value())
        kept.sync()


def _kept(name: str) -> int:
    """Return what a slider was left at; what cannot be read is the default."""
    default = SLIDERS[name][4]
    try:
        return int(str(geometry.store().value(f"volume/{name}", default)))
    except ValueError:
        return default
