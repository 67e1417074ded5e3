"""Commands of measuring: the list, its export, and stepping through it; the tools are in the menu “Tools”."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow
    from app.ui.measurements_panel import MeasurementsPanel


def measure_commands(window: MainWindow, panel: MeasurementsPanel) -> Sequence[Command]:
    """Return the commands of measuring."""
    some = lambda: bool(window.session.annotations.measurements)  # noqa: E731
    return (
        Command(
            "measure.next",
            "Next measurement",
            "Tools",
            lambda: step(panel, 1),
            "}",
            help="Jump to the next measurement of the study",
            enabled=some,
            also=("Alt+Shift+PgDown",),
        ),
        Command(
            "measure.previous",
            "Previous measurement",
            "Tools",
            lambda: step(panel, -1),
            "{",
            enabled=some,
            also=("Alt+Shift+PgUp",),
        ),
        Command("measure.copy", "Copy measurements", "Tools", panel.copy, enabled=some),
        Command(
            "measure.export",
            "Export measurements…",
            "Tools",
            panel.export,
            help="Every measurement of the study as CSV, with units, basis, points and UIDs",
            enabled=some,
        ),
    )


def step(panel: MeasurementsPanel, by: int) -> None:
    """Jump to the next or previous measurement of the study."""
    every, marks = panel.session.annotations.measurements, panel.display.marks
    if every:
        uids = [one.uid for one in every]
        here = uids.index(marks.selected) if marks.selected in uids else -max(by, 0)
        marks.jump_to_measurement(every[(here + by) % len(every)])
