"""Commands of size: same size, true size, calibration of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command
from app.ui.actions.tables import pane_key
from app.ui.true_size import TrueSize

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def size_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “View” that have to do with size; the key T of the panes is joined here too."""
    grid, size = window.display.grid, TrueSize(window)
    grid.action_requested.connect(lambda action: size.show() if action == "true_size" else None)
    shown = lambda: any(pane.content is not None for pane in grid.visible_panes)  # noqa: E731
    return (
        Command(
            "view.same_size",
            "Same size",
            "View",
            grid.same_size,
            "",
            "arrows-in-line-horizontal",
            "All images at one scale, the largest at which every breast fits; breasts of a row at one level",
            shown,
            pane_key=pane_key("same_size"),
        ),
        Command(
            "view.true_size",
            "True size",
            "View",
            size.show,
            "",
            "ruler",
            "A millimetre of the image is one on the screen; of a mammogram, a millimetre in the detector plane",
            shown,
            pane_key=pane_key("true_size"),
        ),
        Command(
            "view.calibrate",
            "Calibrate screen …",
            "View",
            size.calibrate,
            "",
            "credit-card",
            "Measure the pixels of this screen with a bank card or a ruler, for true size",
        ),
    )
