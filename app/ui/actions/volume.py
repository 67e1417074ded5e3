"""Volume commands: show the volume view, its way of drawing, its picture, regions of enhancement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def volume_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the volume view; the window's panel is ``window.volume``."""
    panel = window.volume
    shown = panel.isVisible
    return (
        Command(
            "view.volume",
            "Volume view",
            "View",
            panel.toggle,
            "Shift+V",
            "cube",
            "MIP or shaded rendering of the subtraction beside the slices",
            lambda: window.display.stack_uid is not None,
            checked=shown,
        ),
        Command(
            "view.volume_mode",
            "Volume view: MIP or shaded",
            "View",
            panel.controls.toggle_mode,
            help="In the volume view: M",
            enabled=shown,
        ),
        Command(
            "view.volume_picture",
            "Volume view: save picture…",
            "View",
            panel.ask_snapshot,
            icon="camera",
            help="PNG with texts and provenance",
            enabled=shown,
        ),
        Command(
            "view.volume_region",
            "Outline enhancement at the cursor",
            "View",
            panel.outline,
            help="Surface, volume and diameters of what enhances around the cursor",
            enabled=shown,
        ),
    )
