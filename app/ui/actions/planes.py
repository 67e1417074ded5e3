"""Commands of planes and slabs; the pane under the keyboard knows their keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command
from app.ui.actions.tables import pane_key

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def planes_commands(window: MainWindow) -> Sequence[Command]:
    """Return what the menu “Image” offers for slabs and the oblique plane."""
    pane = lambda: window.display.pane  # noqa: E731
    several = lambda: pane().content is not None and (pane().slice_count > 1 or pane().plane == "oblique")  # noqa: E731
    rows = (
        ("slab", "Slab", "Maximum through a slab around the slice on show, or single slices again", "stack"),
        ("slab_mode", "Slab: maximum, mean, minimum", "The next way of putting slices together", ""),
        ("slab_thicker", "Thicker slab", "Up to the whole volume", ""),
        ("slab_thinner", "Thinner slab", "Down to single slices", ""),
        ("oblique", "Oblique plane", "A plane through the cursor; Alt+arrow keys or Alt and drag tilt it", ""),
    )
    checked = {
        "slab": lambda: pane().slab is not None,
        "oblique": lambda: pane().plane == "oblique",
    }
    return [
        Command(
            f"image.{action}",
            title,
            "Image",
            lambda a=action: pane().perform(a),
            "",
            icon,
            tip,
            several,
            checked.get(action),
            pane_key(action),
        )
        for action, title, tip, icon in rows
    ]
