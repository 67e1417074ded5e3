"""Masks: what a model drew, each with its eye, its colour and its volume."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from app.session.overlays import Overlays
from app.ui import theme
from app.ui.colour_button import ColourButton
from app.ui.findings.texts import ml_text
from app.ui.layers import mask_key, mask_values
from app.workspace.history import StoredResult


class Masks(QWidget):
    """One row for each mask of a result."""

    def __init__(self, stored: StoredResult, overlays: Overlays) -> None:
        super().__init__()
        self.setObjectName("page")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self.eyes: list[QCheckBox] = []
        self.colours: list[ColourButton] = []
        for mask in stored.result.masks:
            key, chosen = mask_key(stored, mask.name), mask_values(stored, mask.name, overlays.values)
            eye = QCheckBox(mask.title)
            eye.setChecked(chosen["visible"])
            eye.setToolTip(f"Show or hide the mask in the images (O hides all)\n{mask.rule}".strip())
            eye.toggled.connect(lambda on, k=key: overlays.set(k, visible=on))
            colour = ColourButton(chosen["colour"], lambda value, k=key: overlays.set(k, colour=value))
            row = QHBoxLayout()
            row.setSpacing(theme.SPACE)
            row.addWidget(eye, 1)
            row.addWidget(theme.label(ml_text(mask)))
            row.addWidget(colour)
            layout.addLayout(row)
            if mask.rule:
                layout.addWidget(theme.label(mask.rule, "small", wrap=True))
            self.eyes.append(eye)
            self.colours.append(colour)
