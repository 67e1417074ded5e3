"""Commands of reading: analysis, findings, boxes and labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from app.commands import Command
from app.ui.actions.tables import pane_key
from app.ui.boxes_panel import choose_label, groups, next_label
from app.ui.steps import step_box

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def ai_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “AI”."""
    display, session = window.display, window.session
    devices = [
        Command(
            f"ai.device_{name}",
            title,
            "AI",
            lambda n=name: window.set_device(n),
            checked=lambda n=name: session.readings.device == n,
        )
        for name, title in (("auto", "Device: automatic"), ("cpu", "Device: CPU"), ("cuda", "Device: CUDA GPU"))
    ]
    return (
        Command(
            "ai.analyse",
            "Analyse this slice",
            "AI",
            window.analyse,
            "E",
            "brain",
            "Run the fitting model on the slice on show",
            lambda: display.can_analyse,
        ),
        Command(
            "ai.accept",
            "Make box from finding",
            "AI",
            window.findings.accept_selected,
            "K",
            "selection-plus",
            "The selected finding, or the strongest, becomes a box of yours",
            lambda: bool(display.marks.open_findings()),
        ),
        *devices,
    )


def boxes_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “Boxes”."""
    labels = [
        Command(
            f"boxes.label_{n}",
            f"Label group {n}",
            "Boxes",
            _label(window, n),
            f"F{n + 1}",
            "",
            "Arm the group's first label; again for the next",
            lambda n=n: n <= len(groups(window.session.annotations.taxonomy)),
        )
        for n in range(1, 9)
    ]
    return (
        Command("boxes.label_none", "No label", "Boxes", lambda: choose_label(window.display, ""), "Shift+F2", "tag"),
        *labels,
        Command(
            "boxes.delete",
            "Delete selected box",
            "Boxes",
            window.delete_box,
            "",
            "trash",
            "",
            lambda: bool(window.display.marks.selected),
            pane_key=pane_key("delete_box"),
        ),
        Command(
            "boxes.next",
            "Next box",
            "Boxes",
            lambda: step_box(window.display, 1),
            "]",
            "",
            "Jump to the next box of the study",
            lambda: bool(window.session.annotations.boxes),
            also=("Alt+PgDown",),
        ),
        Command(
            "boxes.previous",
            "Previous box",
            "Boxes",
            lambda: step_box(window.display, -1),
            "[",
            "",
            "",
            lambda: bool(window.session.annotations.boxes),
            also=("Alt+PgUp",),
        ),
    )


def _label(window: MainWindow, number: int) -> Callable[[], None]:
    def arm() -> None:
        choose_label(
            window.display, next_label(window.session.annotations.taxonomy, number, window.session.annotations.label)
        )

    return arm
