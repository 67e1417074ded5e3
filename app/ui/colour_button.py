"""Colour button: a patch of colour that offers the others, and such patches as icons."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QMenu, QToolButton

from app.ui.layers import MODEL_COLOURS

NAMES = ("Yellow", "Pink", "Violet", "Green", "Vermilion")  # of MODEL_COLOURS


class ColourButton(QToolButton):
    """A patch of colour; a click offers others."""

    def __init__(self, colour: str, on_change: Callable[[str], object]) -> None:
        super().__init__()
        self.colour, self._on_change = colour, on_change
        self.setToolTip("Colour of the mask")
        self.setAccessibleName("Colour of the mask")
        self.setIconSize(QSize(14, 14))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; }")
        menu = QMenu(self)
        for name, value in zip(NAMES, MODEL_COLOURS, strict=True):
            menu.addAction(patch(value), name, lambda v=value: self.choose(v))
        self.setMenu(menu)
        self.setIcon(patch(colour))

    def choose(self, colour: str) -> None:
        """Take another colour."""
        self.colour = colour
        self.setIcon(patch(colour))
        self._on_change(colour)


def patch(colour: str) -> QIcon:
    """Return a small square of a colour."""
    pixmap = QPixmap(28, 28)
    pixmap.setDevicePixelRatio(2)
    pixmap.fill(QColor(colour))
    return QIcon(pixmap)
