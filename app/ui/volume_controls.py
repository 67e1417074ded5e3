"""Controls of the volume view: image, way of drawing, sides, brightness, cut at the back, threshold and opacity."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
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

SLIDERS = {  # name: title, tip, least, most, default in per cent; in the order of the rows, two in each
    "brightness": ("Brightness", "How bright enhancement is drawn; 100 % is the window of the slices", 25, 400, 100),
    "cut": ("Cut back", "Cut away so much of the depth from the back: heart and chest wall hide the breasts", 0, 90, 0),
    "threshold": ("Threshold", "From which part of the window on tissue is seen", 0, 100, 25),
    "opacity": ("Opacity", "How opaque the brightest tissue is", 5, 100, 85),
}
ONLY_SHADED = ("threshold", "opacity")
KEPT = ("brightness", "threshold", "opacity")  # a cut belongs to one patient


class VolumeControls(QWidget):
    """Rows over the view; they remember what was chosen.

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
        self.mode_picker = self._mode_picker()
        self.source = self._source()
        self.breasts = self._breasts()
        self.sliders = {name: self._slider(name) for name in SLIDERS}
        self._titles = {name: theme.label(SLIDERS[name][0], "quiet") for name in SLIDERS}
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.source, 1)
        first.addWidget(icon_button("corners-out", "Whole volume  (R)", lambda: self.side_chosen.emit("whole")))
        first.addWidget(icon_button("camera", "Save a picture of the volume view as PNG…", on_snapshot))
        first.addWidget(icon_button("x", "Close the volume view  (Shift+V)", on_close))
        second.addWidget(self.mode_picker)
        second.addWidget(self.breasts)
        second.addStretch(1)
        second.addWidget(theme.label("From", "quiet"))
        for number, name in enumerate(STANDARD, start=1):
            second.addWidget(self._side(name, number))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 4)
        layout.setSpacing(4)
        for row in (first, second):
            row.setSpacing(4)
            layout.addLayout(row)
        layout.addLayout(self._slider_rows())
        self.mode_picker.currentIndexChanged.connect(lambda _: self._changed())
        self._enable()

    def _mode_picker(self) -> QComboBox:
        made = QComboBox()
        made.setToolTip("MIP: the brightest value along each line of sight. Shaded: tissue under a lamp  (M)")
        made.setAccessibleName("Way of drawing")
        for name, title in MODES:
            made.addItem(title, name)
        made.setCurrentIndex(max(made.findData(str(geometry.store().value("volume/mode", "mip"))), 0))
        return made

    def _source(self) -> QComboBox:
        made = QComboBox()
        made.setToolTip("Which image is shown as a volume")
        made.setAccessibleName("Image")
        made.setMinimumWidth(90)
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        made.activated.connect(lambda _: self.source_chosen.emit())
        return made

    def _breasts(self) -> QCheckBox:
        made = QCheckBox("Breasts only")
        made.setToolTip("Hide heart, chest wall and axilla by an automatic mask; for subtractions")
        made.setChecked(str(geometry.store().value("volume/breasts", "true")) == "true")
        made.toggled.connect(lambda _: self._changed())
        return made

    def _side(self, name: str, number: int) -> QToolButton:
        made = QToolButton()
        made.setText(name[0].upper())
        made.setToolTip(f"From {'the ' if name in ('head', 'foot', 'left', 'right') else ''}{name}  ({number})\n{HELP}")
        made.setAccessibleName(f"View from {name}")
        made.clicked.connect(lambda _=False: self.side_chosen.emit(name))
        return made

    def _slider(self, name: str) -> QSlider:
        title, tip, least, most, _ = SLIDERS[name]
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(least, most)
        slider.setPageStep(10)
        slider.setValue(_kept(name))
        slider.setToolTip(tip)
        slider.setAccessibleName(title)
        slider.valueChanged.connect(lambda _: self._changed())
        return slider

    def _slider_rows(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        for place, name in enumerate(SLIDERS):
            row, column = divmod(place, 2)
            grid.addWidget(self._titles[name], row, 2 * column)
            grid.addWidget(self.sliders[name], row, 2 * column + 1)
            grid.setColumnStretch(2 * column + 1, 1)
        return grid

    @property
    def mode(self) -> Mode:
        """The way of drawing."""
        return self.mode_picker.currentData()

    @property
    def look(self) -> Look:
        """How the volume is to be drawn."""
        return Look(self.mode, **{name: slider.value() / 100 for name, slider in self.sliders.items()})

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
            self.sliders[name].setVisible(self.mode == "shaded")
            self._titles[name].setVisible(self.mode == "shaded")

    def save(self) -> None:
        """Remember mode and sliders."""
        kept = geometry.store()
        kept.setValue("volume/mode", self.mode)
        kept.setValue("volume/breasts", "true" if self.breasts.isChecked() else "false")
        for name in KEPT:
            kept.setValue(f"volume/{name}", self.sliders[name].value())
        kept.sync()


def _kept(name: str) -> int:
    """Return what a slider was left at; what cannot be read is the default."""
    default = SLIDERS[name][4]
    try:
        return int(str(geometry.store().value(f"volume/{name}", default))) if name in KEPT else default
    except ValueError:
        return default
