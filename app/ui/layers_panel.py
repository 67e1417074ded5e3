"""Layers: eye, opacity, threshold and colour table of each overlay in the active pane."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSignalBlocker, Qt
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
from app.ui.colour_button import ColourButton
from app.ui.compare_card import CompareCard
from app.ui.display import Display
from app.ui.layers import map_entries, mask_key, mask_values, masks_in, overlay_values
from app.ui.parts import clear, page
from viewer.colours import DIVERGING, TABLES


class LayersPanel(QWidget):
    """Tab “Layers”."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display, self.session = display, display.session
        self._keys: list[tuple[str, str]] | None = None
        self._shown: list[OverlayCard | MaskCard] = []
        area, layout = page()
        self.empty = theme.label(
            "No overlays yet.\n\nAnalyse an image; maps and masks of the models appear here, with opacity, threshold "
            "and colours.",
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
        self.session.overlays.changed.connect(self.refresh)
        self.session.library.study_changed.connect(self.refresh)
        display.focus_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """List the overlays that lie in the frame of reference of the active pane, and show how each is drawn."""
        found, masks = overlays(self.display), mask_overlays(self.display)
        keys = [(key, title) for key, title, _ in found] + [(key, title) for key, title, _ in masks]
        layers = self.session.overlays.values
        if keys != self._keys:
            self._keys = keys
            clear(self.cards)
            self._shown = []
            for key, title, position in found:
                self._add(OverlayCard(title, overlay_values(key, position, layers), self._setter(key)))
            for key, title, values in masks:
                self._add(MaskCard(title, values, self._setter(key)))
            self.empty.setVisible(not keys)
        self._show_values(found, masks)

    def _add(self, card: OverlayCard | MaskCard) -> None:
        self.cards.addWidget(card)
        self._shown.append(card)

    def _show_values(self, found: Sequence[tuple[str, str, int]], masks: Sequence[tuple[str, str, dict]]) -> None:
        layers = self.session.overlays.values
        values = [overlay_values(key, position, layers) for key, _, position in found]
        for card, chosen in zip(self._shown, [*values, *(one for _, _, one in masks)], strict=True):
            with QSignalBlocker(card.eye):
                card.eye.setChecked(chosen["visible"])

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


class MaskCard(QFrame):
    """The controls of one mask of a model."""

    def __init__(self, title: str, chosen: dict, on_change: Callable[..., None]) -> None:
        super().__init__()
        self.setObjectName("card")
        self.eye = QCheckBox(title)
        self.eye.setToolTip("Show or hide this mask (O hides all)")
        self.eye.setChecked(chosen["visible"])
        self.eye.toggled.connect(lambda on: on_change(visible=on))
        slider, shown = per_cent_slider("opacity", chosen["opacity"], on_change)
        row = QHBoxLayout()
        row.setSpacing(12)
        for widget in (
            theme.label("Opacity", "quiet"),
            slider,
            shown,
            ColourButton(chosen["colour"], lambda value: on_change(colour=value)),
        ):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(12)
        layout.addWidget(self.eye)
        layout.addLayout(row)


def overlays(display: Display) -> list[tuple[str, str, int]]:
    """Return key, title and place among the maps of its result of each kind of map that lies in the active pane."""
    entries = map_entries(display.session.readings.stored, _frame_uid(display))
    return list({one.key: (one.key, one.title, one.position) for one in entries}.values())


def mask_overlays(display: Display) -> list[tuple[str, str, dict]]:
    """Return key, title and looks of each kind of mask that lies in the active pane."""
    found: dict[str, tuple[str, str, dict]] = {}
    for one, mask in masks_in(display.session.readings.stored, _frame_uid(display)):
        key = mask_key(one, mask.name)
        title = f"{mask.title} · {one.result.provenance.model_id}"
        found[key] = (key, title, mask_values(one, mask.name, display.session.overlays.values))
    return list(found.values())


def _frame_uid(display: Display) -> str:
    uid = display.stack_uid
    loaded = display.session.images.loaded(uid) if uid is not None else None
    return str(loaded.volume.frame_of_reference_uid or "no image") if loaded is not None else "no image"
