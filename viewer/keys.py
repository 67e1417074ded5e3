"""Keys: the one table of what keys and mouse do in a pane; the key sheet (F1) reads it, and panes obey it. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass

from viewer.presets import PRESETS


@dataclass(frozen=True)
class Key:
    """One action: its name, a title for people, its keys in Qt's portable text, and what the mouse does for it."""

    action: str
    title: str
    keys: tuple[str, ...] = ()
    mouse: str = ""
    group: str = "View"


KEYS = (
    Key("previous_slice", "Previous slice", ("Up", "PgUp"), "Wheel up", "Slices"),
    Key("next_slice", "Next slice", ("Down", "PgDown"), "Wheel down", "Slices"),
    Key("back_ten", "Ten slices back", ("Shift+PgUp",), "Shift+wheel up", "Slices"),
    Key("on_ten", "Ten slices on", ("Shift+PgDown",), "Shift+wheel down", "Slices"),
    Key("first_slice", "First slice", ("Home",), "", "Slices"),
    Key("last_slice", "Last slice", ("End",), "", "Slices"),
    Key("cine", "Play or stop cine", ("C",), "", "Slices"),
    Key("zoom_in", "Zoom in", ("+", "="), "Ctrl+wheel (wheel on a single image)", "View"),
    Key("zoom_out", "Zoom out", ("-",), "", "View"),
    Key("fit", "Fit to pane", ("F",), "", "View"),
    Key("one_to_one", "One image pixel per screen pixel", ("1",), "", "View"),
    Key("rotate", "Rotate clockwise", ("R",), "", "View"),
    Key("flip_horizontal", "Flip left and right", ("H",), "", "View"),
    Key("flip_vertical", "Flip top and bottom", ("V",), "", "View"),
    Key("reset_view", "Reset view and window", ("0",), "", "View"),
    Key("pan_hold", "Pan", ("Space (hold)",), "Middle button, or Space and left button", "View"),
    Key("smooth", "Smooth or plain pixels", ("S",), "", "View"),
    Key("invert", "Invert grey", ("I",), "", "Window"),
    Key("next_window", "Next window of the file", ("W",), "", "Window"),
    Key("previous_window", "Previous window of the file", ("Shift+W",), "", "Window"),
    Key("auto_window", "Window from the pixels shown", ("A",), "", "Window"),
    *(Key(f"preset:{one.name}", f"Window: {one.title}", (one.key,), "", "Window") for one in PRESETS),
    Key("reset_window", "Window the file asks for", ("D",), "", "Window"),
    Key("drag_window", "Window and level", (), "Right button: across width, up and down level", "Window"),
    Key("tool:navigate", "Tool: navigate and select", ("N",), "Left button sets the cursor, selects boxes", "Tools"),
    Key("tool:window_level", "Tool: window and level", ("L",), "", "Tools"),
    Key("tool:pan", "Tool: pan", ("P",), "", "Tools"),
    Key("tool:zoom", "Tool: zoom", ("Z",), "", "Tools"),
    Key("tool:magnify", "Tool: magnifier", ("M",), "", "Tools"),
    Key("tool:box", "Tool: box by dragging", ("B",), "Drag from corner to corner", "Boxes"),
    Key("tool:extreme_points", "Tool: box by four extreme points", ("X",), "Four clicks in any order", "Boxes"),
    Key("nudge", "Move the selected box by a pixel", ("Arrow keys",), "Drag inside the selected box", "Boxes"),
    Key("nudge_ten", "Move the selected box by ten pixels", ("Shift+arrow keys",), "", "Boxes"),
    Key("resize", "Resize the selected box", (), "Drag one of its eight handles", "Boxes"),
    Key("delete_box", "Delete the selected box", ("Del", "Backspace"), "", "Boxes"),
    Key("cancel", "Cancel, then unselect", ("Esc",), "", "Boxes"),
    Key("overlays", "Show or hide all overlays", ("O",), "", "Layout"),
    Key("maximise", "One pane large and back", ("Return",), "Double click", "Layout"),
    Key("next_pane", "Next pane", ("G",), "Click into it", "Layout"),
)
SPOKEN = ("Space (hold)", "Arrow keys", "Shift+arrow keys")  # written for people, handled by their own code

ACTIONS: dict[str, str] = {key: entry.action for entry in KEYS for key in entry.keys if key not in SPOKEN}
