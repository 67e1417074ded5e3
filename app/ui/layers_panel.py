"""Layers: eye, opacity, threshold and colour table of each overlay in the active pane."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from app.ui import theme
from app.ui.compare_card import CompareCard
from app.ui.display import Display
from app.ui.layers import newest, overlay_key, overlay_values
from app.ui.parts import clear, page
from viewer.colours import DIVERGING, TABLES


class LayersPanel(QWidget):
    """Tab “Layers”."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display, self.session = display, display.session
        self._uids: list[str] | None = None
        area, layout = page()
        self.empty = theme.label(
            "No overlays yet.\n\nAnalyse a slice; its attention map appears here, with opacity, threshold and colours.",
            "quiet",
            wrap=True,
        )
        self.cards = QVBoxLayout()
        self.cards.setSpacing(theme.SPACE)
        layout.addWidget(CompareCard(display))
        layout.addWidget(self.empty)
        layout.addLayout(self.cards)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.session.readings.changed.connect(self.refresh)
        self.session.library.study_changed.connect(self.refresh)
        display.focus_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List the overlays that lie in the frame of reference of the active pane."""
        found = overlays(self.display)
        uids = [uid for uid, _, _ in found]
        if uids == self._uids:
            return
        self._uids = uids
        clear(self.cards)
        layers = self.session.overlays.values
        for uid, title, position in found:
            self.cards.addWidget(OverlayCard(title, overlay_values(uid, position, layers), self._setter(uid)))
        self.empty.setVisible(not found)

    def _setter(self, uid: str) -> Callable[..., None]:
        return lambda **values: self.session.overlays.set(uid, **values)


class OverlayCard(QFrame):
    """The controls of one overlay; each passes its value on and knows nothing else."""

    def __init__(self, title: str, chosen: dict, on_change: Callable[..., None]) -> None:
        super().__init__()
        self.setObjectName("card")
        values = chosen
        self.eye = QCheckBox(title)
        self.eye.setToolTip("Show or hide this overlay (O hides all)")
        self.eye.setChecked(values["visible"])
        self.eye.toggled.connect(lambda on: on_change(visible=on))
        self.table = QComboBox()
        self.table.setToolTip("Colour table of the map")
        self.table.addItems((*TABLES, *DIVERGING))
        self.table.setCurrentText(values["table"])
        self.table.currentTextChanged.connect(lambda name: on_change(table=name))
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        for row, name in enumerate(("opacity", "threshold")):
            slider, shown = per_cent_slider(name, values[name], on_change)
            grid.addWidget(theme.label(name.capitalize(), "quiet"), row, 0)
            grid.addWidget(slider, row, 1)
            grid.addWidget(shown, row, 2)
        grid.addWidget(theme.label("Colours", "quiet"), 2, 0)
        grid.addWidget(self.table, 2, 1, 1, 2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(self.eye, 1)
        layout.addLayout(head)
        layout.addLayout(grid)


def per_cent_slider(name: str, value: float, on_change: Callable[..., None]) -> tuple[QSlider, QLabel]:
    """Return a slider from 0 to 100 % and the label that shows its value."""
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, 100)
    slider.setPageStep(10)
    slider.setValue(round(value * 100))
    slider.setAccessibleName(name)
    slider.setToolTip(f"{name.capitalize()} of the overlay, per cent")
    shown = theme.label(f"{slider.value()} %", "quiet")
    shown.setFixedWidth(44)
    shown.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def changed(per_cent: int) -> None:
        shown.setText(f"{per_cent} %")
        on_change(**{name: per_cent / 100})

    slider.valueChanged.connect(changed)
    return slider, shown


def overlays(display: Display) -> list[tuple[str, str, int]]:
    """Return key, title and place among the maps of its result of each kind of map that lies in the active pane."""
    uid = display.stack_uid
    loaded = display.session.images.loaded(uid) if uid is not None else None
    if loaded is None:
        return []
    frame_uid = loaded.volume.frame_of_reference_uid
    found: dict[str, tuple[str, str, int]] = {}
    for one in newest(display.session.readings.stored):
        for position, heatmap in enumerate(one.result.heatmaps):
            if heatmap.volume.frame_of_reference_uid == frame_uid:
                key = overlay_key(one, heatmap.name)
                title = f"{heatmap.title} · {one.result.provenance.model_id}"
                found[key] = (key, title, position)
    return list(found.values())
