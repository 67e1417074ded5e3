"""Commands of kinetics: bring the tab forward, colour map on and off, pin the curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def kinetics_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of kinetics; the window has the panel as ``window.kinetics``."""
    kinetics = window.session.kinetics
    there = lambda: kinetics.dynamic is not None  # noqa: E731
    return (
        Command(
            "kinetics.show",
            "Kinetics",
            "Image",
            lambda: window.tabs.setCurrentWidget(window.kinetics),
            "U",
            "chart-line",
            "Time–intensity curve under the cursor, classes and their volumes",
        ),
        Command(
            "kinetics.map",
            "Colour map of kinetics",
            "Image",
            lambda: kinetics.show(visible=not kinetics.visible),
            "Shift+U",
            "palette",
            "Washout, plateau and persistent over the images",
            there,
            checked=lambda: kinetics.visible,
        ),
        Command(
            "kinetics.pin",
            "Pin the curve under the cursor",
            "Image",
            lambda: window.kinetics.curves.pin_curve(),
            "",
            "push-pin",
            "Keeps the curve, to compare others with it",
            there,
        ),
    )
