"""Commands of the hanging protocol: steps, priors, time, subtraction, comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command
from app.ui.actions.tables import pane_key
from app.ui.window_sharing import share_window

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def hanging_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “Hanging”."""
    display, hanger = window.display, window.display.hanger
    several = lambda: len(hanger.protocol.hangings) > 1  # noqa: E731
    return (
        Command(
            "hang.next",
            "Next step",
            "Hanging",
            lambda: hanger.step(1),
            "Q",
            "skip-forward",
            "Overview, pairs, each view at 1:1, its quadrants … and round again",
            several,
        ),
        Command(
            "hang.previous", "Previous step", "Hanging", lambda: hanger.step(-1), "Shift+Q", "skip-back", "", several
        ),
        Command(
            "hang.again",
            "Hang by kind of study",
            "Hanging",
            hanger.again,
            "Ctrl+0",
            "stack",
            "The overview of the protocol; forgets your own arrangement and preferred layout",
        ),
        Command(
            "hang.prior",
            "Next prior exam",
            "Hanging",
            hanger.cycle_prior,
            "J",
            "clock-counter-clockwise",
            "Current over prior, matched view by view; after the last prior the current exam alone",
            lambda: bool(hanger.protocol.priors),
        ),
        *_time_commands(window),
        Command(
            "hang.subtraction",
            "Subtraction of this phase",
            "Hanging",
            display.time.toggle_subtraction,
            "Shift+S",
            "minus-circle",
            "Phase minus pre-contrast in the active pane, or the phase again",
            lambda: window.dynamic_on_show,
        ),
        Command(
            "hang.same_window",
            "Same window in all panes of this kind",
            "Hanging",
            lambda: share_window(display),
            "Shift+G",
            "sun-dim",
            "Give the window of the active pane to every pane with the same kind of image",
            lambda: display.pane.content is not None,
        ),
        *_compare_commands(window),
    )


def _time_commands(window: MainWindow) -> Sequence[Command]:
    display = window.display
    later, earlier = lambda: display.time.step(1), lambda: display.time.step(-1)
    on_show = lambda: window.dynamic_on_show  # noqa: E731
    tip = "The same place at the {} time, in every pane that follows time"
    return (
        Command("image.next_phase", "Next phase", "Hanging", later, ".", "caret-right", tip.format("next"), on_show),
        Command(
            "image.previous_phase", "Previous phase", "Hanging", earlier, ",", "caret-left", tip.format("last"), on_show
        ),
    )


def _compare_commands(window: MainWindow) -> Sequence[Command]:
    comparison = window.display.comparison
    shown = lambda: window.display.pane.content is not None  # noqa: E731
    rows = (
        ("swipe", "Compare: swipe", "square-half", "Own image left of a line that can be dragged, other right"),
        ("blink", "Compare: blink", "lightning", "Own and other image in turn, once a second"),
        (
            "difference",
            "Compare: difference of maps",
            "plus-minus",
            "Map minus the other, on the grid of the first",
        ),
    )
    modes = [
        Command(
            f"compare.{mode}",
            title,
            "Hanging",
            lambda m=mode: comparison.toggle(m),
            "",
            icon,
            tip,
            shown,
            checked=lambda m=mode: comparison.mode == m,
            pane_key=pane_key(f"compare_{mode}"),
        )
        for mode, title, icon, tip in rows
    ]
    return (
        *modes,
        Command(
            "compare.next",
            "Compare: next candidate",
            "Hanging",
            comparison.next,
            "Ctrl+J",
            "arrows-left-right",
            "Another phase, or the map of another model",
            shown,
        ),
        Command(
            "compare.beside",
            "Compare: side by side",
            "Hanging",
            lambda: comparison.beside(),
            "Ctrl+Shift+J",
            "columns",
            "Own image and the other one in two linked panes",
            shown,
        ),
    )
