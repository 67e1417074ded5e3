"""Tool: what the left button does in a pane. A tool is a small class; the pane calls it and draws what it has begun."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter

if TYPE_CHECKING:
    from viewer.pane import Pane


@dataclass(frozen=True)
class Gesture:
    """Where the pointer is, in device pixels of the pane, and what is held with it."""

    x: float
    y: float
    shift: bool = False
    control: bool = False


class Tool:
    """Does nothing; the base of all tools."""

    name = ""
    cursor = Qt.CursorShape.ArrowCursor
    needs_slice = True  # whether it marks places, which on a slab of several slices would be wrong ones

    def press(self, pane: Pane, at: Gesture) -> None:
        """Begin at a point."""

    def move(self, pane: Pane, at: Gesture) -> None:
        """Go on with the button held."""

    def release(self, pane: Pane, at: Gesture) -> None:
        """Finish."""

    def hover(self, pane: Pane, at: Gesture) -> None:
        """Move without a button."""

    def cancel(self, pane: Pane) -> bool:
        """Drop what was begun; True if there was something."""
        return False

    def draw(self, pane: Pane, painter: QPainter) -> None:
        """Draw what was begun."""
