"""Slice rule: a tumour's mask on the slice on show, by the model's rule, with a threshold that is moved live."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QSlider, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.content import Overlay
from app.ui.layers import mask_values
from app.ui.parts import button
from viewer.layers.types import MaskLayer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.ui.display import Display
    from app.workspace.history import StoredResult
    from inference.card import ModelCard
    from inference.result import Heatmap, Result

FAMILY = "mri-segmentation"
MAP = "tumour"
LOWEST, HIGHEST = 5, 95
FLOOR = 0.5  # below this the slice holds no tumour by the rule for whole volumes
OPACITY = 0.45
TITLES = {"paper": "Paper's rule", "code": "Rule of the authors' code"}
TIPS = {
    "paper": "Mask of this slice alone: from a share of its largest probability, joined to the maximum",
    "code": "Mask of this slice alone: from a share of its largest probability, joined to what is near the maximum",
}


@dataclass(frozen=True)
class Choice:
    """Which rule a model's card chooses, and its share of the slice's maximum, per cent."""

    rule: str = "paper"
    per_cent: int = 60

    @property
    def title(self) -> str:
        """The rule's name."""
        return TITLES[self.rule]


def choice_of(cards: Iterable[ModelCard], model_id: str) -> Choice:
    """Return what the card of a model chooses; the paper's rule where the card is not there or cannot be read."""
    from inference.errors import CardError
    from inference.interpret_segmentation import SegmentationInterpretation

    card = next((one for one in cards if one.id == model_id), None)
    if card is None:
        return Choice()
    try:
        keys = SegmentationInterpretation.from_card(card.interpretation)
    except CardError:
        return Choice()
    return Choice(keys.slice_rule, round(100 * keys.fraction))


def has_slice_rule(result: Result | None) -> bool:
    """Whether a result has the probability volume that the rule is for."""
    if result is None or not result.provenance.model_id.startswith(FAMILY):
        return False
    return any(one.name == MAP for one in result.heatmaps)


@dataclass(frozen=True)
class SliceMask:
    """The mask of one slice of a probability volume.

    Attributes
    ----------
    layer
        One slice thick, on the map's grid.
    maximum
        Largest probability of the slice.
    area_mm2
        Of the mask.
    """

    layer: MaskLayer
    maximum: float
    area_mm2: float


class SliceRule(QObject):
    """The live mask; off until the user turns it on.

    Attributes
    ----------
    changed
        Another mask, another rule, or none.
    choice
        Rule and threshold of the model's card.
    per_cent
        Threshold in use.
    """

    changed = Signal()

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display = display
        self.on, self.choice = False, Choice()
        self.per_cent = self.choice.per_cent
        self.stored: StoredResult | None = None
        self.mask: SliceMask | None = None
        self._key: object = None
        display.add_overlays(self.overlay, self.changed)

    def overlay(self, frame_uid: str) -> Overlay:
        """Return the mask where it lies in a frame of reference."""
        mask = self.mask
        if mask is None or str(mask.layer.volume.frame_of_reference_uid or "") != frame_uid:
            return Overlay()
        return Overlay(masks=(mask.layer,))

    def follow(self, stored: StoredResult | None) -> None:
        """Take the result whose probabilities are used, and the slice on show."""
        self.stored = stored
        if stored is not None:
            self._choose(choice_of(self._display.session.readings.cards, stored.result.provenance.model_id))
        self._make()

    def _choose(self, choice: Choice) -> None:
        if choice != self.choice:
            self.choice, self.per_cent = choice, choice.per_cent
            self.changed.emit()

    def set(self, *, on: bool | None = None, per_cent: int | None = None) -> None:
        """Turn the mask on or off, or move its threshold."""
        self.on = self.on if on is None else on
        self.per_cent = self.per_cent if per_cent is None else per_cent
        self._make()

    def _make(self) -> None:
        pane = self._display.pane
        shot = pane.shot if self.on and self.stored is not None else None
        key = None
        if shot is not None and self.stored is not None:
            key = (self.stored.uid, self.choice.rule, self.per_cent, shot.plane.key, shot.slice_index)
        if key == self._key:
            return
        self._key, self.mask = key, None
        if shot is not None and self.stored is not None:
            heatmap = next(one for one in self.stored.result.heatmaps if one.name == MAP)
            point = shot.plane.to_mm((float(shot.slice_index), 0.0, 0.0))
            colour = mask_values(self.stored, MAP, self._display.session.overlays.values)["colour"]
            self.mask = mask_of_slice(
                heatmap, np.asarray(point), shot.plane.normal, replace(self.choice, per_cent=self.per_cent), colour
            )
        self.changed.emit()


def mask_of_slice(
    heatmap: Heatmap, point_mm: np.ndarray, normal: np.ndarray, choice: Choice, colour: str
) -> SliceMask | None:
    """Return the mask of the map's slice that lies nearest to a plane; None outside the map.

    Parameters
    ----------
    point_mm, normal
        A point of the plane (LPS mm) and its unit normal; the map is cut along the array axis nearest to the normal.
    choice
        Rule and share of the slice's maximum.
    """
    from inference.slice_rule import slice_mask

    volume = heatmap.volume
    affine = np.asarray(volume.affine, float)
    steps = affine[:3, :3]
    along = np.abs(normal @ steps) / np.linalg.norm(steps, axis=0)
    axis = int(np.argmax(along))
    step_mm = float(normal @ steps[:, axis])
    middle = affine[:3, 3] + steps @ ((np.array(volume.spatial_shape) - 1) / 2)
    number = round((volume.spatial_shape[axis] - 1) / 2 + float(normal @ (point_mm - middle)) / step_mm)
    if not 0 <= number < volume.spatial_shape[axis]:
        return None
    part = tuple(slice(number, number + 1) if n == axis else slice(None) for n in range(3))
    plane = np.asarray(volume.array[part]).astype(np.float32)
    mask = slice_mask(plane.squeeze(axis), choice.per_cent / 100, choice.rule).reshape(plane.shape)
    beside = np.linalg.norm(np.cross(*(steps[:, n] for n in range(3) if n != axis)))
    cut = volume[part].with_array(mask.astype(np.uint8))
    layer = MaskLayer("slice-rule", f"{choice.per_cent} % of the slice's maximum", cut, colour, OPACITY)
    return SliceMask(layer, float(np.nan_to_num(plane).max(initial=0.0)), float(mask.sum()) * float(beside))


class SliceRuleCard(QWidget):
    """Switch, slider and what the mask is on this slice."""

    def __init__(self, rule: SliceRule) -> None:
        super().__init__()
        self.setObjectName("page")
        self.rule = rule
        self.switch = QCheckBox()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(LOWEST, HIGHEST)
        self.slider.setPageStep(5)
        self.slider.setAccessibleName("Share of the slice's largest probability, per cent")
        self.share = theme.label(role="quiet")
        self.share.setMinimumWidth(40)
        self.back = button("Reset", lambda: rule.set(per_cent=rule.choice.per_cent), tip="The model's threshold again")
        self.back.setProperty("compact", True)
        self.said = theme.label(role="small", wrap=True)
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(self.slider, 1)
        row.addWidget(self.share)
        row.addWidget(self.back)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(theme.label("ON THIS SLICE", "section"))
        layout.addWidget(self.switch)
        layout.addLayout(row)
        layout.addWidget(self.said)
        self.switch.toggled.connect(lambda on: rule.set(on=on))
        self.slider.valueChanged.connect(lambda value: rule.set(per_cent=value))
        rule.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show rule, threshold and outcome."""
        rule, choice = self.rule, self.rule.choice
        self.switch.setText(f"{choice.title} on the slice on show")
        self.switch.setToolTip(TIPS[choice.rule])
        self.slider.setToolTip(f"Share of the slice's largest probability; the model's is {choice.per_cent} %")
        with QSignalBlocker(self.switch), QSignalBlocker(self.slider):
            self.switch.setChecked(rule.on)
            self.slider.setValue(rule.per_cent)
        self.share.setText(f"{rule.per_cent} %")
        for widget in (self.slider, self.share, self.back):
            widget.setEnabled(rule.on)
        text, tone = rule_text(rule)
        self.said.setText(text)
        theme.retone(self.said, tone)


def rule_text(rule: SliceRule) -> tuple[str, str]:
    """Return what the mask of the slice on show is, and how loud that must be said."""
    mask = rule.mask
    if not rule.on:
        return "The rule marks something in every slice; use it where you know there is a tumour.", ""
    if mask is None or mask.maximum <= 0:
        return "The model gives no probability on this slice.", ""
    text = (
        f"Largest probability here {mask.maximum:.2f}: mask from {rule.per_cent / 100 * mask.maximum:.2f} upwards, "
        f"{mask.area_mm2:.0f} mm²."
    )
    if mask.maximum < FLOOR:
        return f"{text} Below {FLOOR:g} the model sees no tumour here; the mask is then noise.", "warn"
    return text, ""
