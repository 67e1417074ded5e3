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
    Key("slab", "Slab (MIP) or single slices", ("Shift+M",), "", "Slices"),
    Key("slab_mode", "Slab: maximum, mean, minimum", ("Shift+N",), "", "Slices"),
    Key("slab_thicker", "Thicker slab", ("Ctrl+Up",), "", "Slices"),
    Key("slab_thinner", "Thinner slab", ("Ctrl+Down",), "", "Slices"),
    Key("oblique", "Oblique plane through the cursor, or back", ("Shift+O",), "", "Slices"),
    Key("tilt", "Tilt the oblique plane by 1°", ("Alt+arrow keys",), "Alt and left button", "Slices"),
    Key("tilt_five", "Tilt the oblique plane by 5°", ("Alt+Shift+arrow keys",), "", "Slices"),
    Key("cine", "Play or stop cine", ("C",), "", "Slices"),
    Key("zoom_in", "Zoom in", ("+", "="), "Ctrl+wheel (wheel on a single image)", "View"),
    Key("zoom_out", "Zoom out", ("-",), "", "View"),
    Key("fit", "Fit to pane", ("F",), "", "View"),
    Key("one_to_one", "One image pixel per screen pixel", ("1",), "", "View"),
    Key("true_size", "True size: a millimetre is a millimetre", ("T",), "", "View"),
    Key("same_size", "Same size in all panes, breasts level", ("Y",), "", "View"),
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
    Key("tool:length", "Tool: length", ("Shift+L",), "Drag, or click both ends", "Measuring"),
    Key("tool:bidimensional", "Tool: two diameters", ("Shift+D",), "Longest first, then across it", "Measuring"),
    Key("tool:angle", "Tool: angle", ("Shift+A",), "Three clicks, the second at the vertex", "Measuring"),
    Key(
        "tool:ellipse", "Tool: ellipse with mean, SD and area", ("Shift+E",), "Drag from corner to corner", "Measuring"
    ),
    Key("tool:freehand", "Tool: freehand region", ("Shift+F",), "Drag along the border", "Measuring"),
    Key(
        "nudge",
        "Move the selected box or measurement by a pixel",
        ("Arrow keys",),
        "Drag inside the selected box",
        "Boxes",
    ),
    Key("nudge_ten", "Move the selected box or measurement by ten pixels", ("Shift+arrow keys",), "", "Boxes"),
    Key("resize", "Resize the selected box", (), "Drag one of its eight handles", "Boxes"),
    Key("delete_box", "Delete the selected box or measurement", ("Del", "Backspace"), "", "Boxes"),
    Key("cancel", "Cancel, then unselect", ("Esc",), "", "Boxes"),
    Key("overlays", "Show or hide all overlays", ("O",), "", "Layout"),
    Key("compare_swipe", "Compare: swipe", ("Shift+C",), "Drag the line", "Layout"),
    Key("compare_blink", "Compare: blink", ("Shift+B",), "", "Layout"),
    Key("move_swipe", "Move the swipe line", ("Alt+Left / Right",), "Drag it", "Layout"),
    Key("maximise", "One pane large and back", ("Return",), "Double click", "Layout"),
    Key("next_pane", "Next pane", ("G",), "Click into it", "Layout"),
)
VOLUME_KEYS = (  # what the volume view does while it has the keyboard: keys, title
    ("1 – 6", "From anterior, posterior, left, right, head, foot"),
    ("Arrow keys", "Turn by 5°"),
    ("+  -", "Zoom"),
    ("R", "Whole volume"),
    ("M", "MIP or shaded"),
    ("Shift+drag", "Move"),
    ("Click", "Set the cursor in the slices"),
)
SPOKEN = (  # written for people, handled by their own code
    *("Space (hold)", "Arrow keys", "Shift+arrow keys"),
    *("Alt+arrow keys", "Alt+Shift+arrow keys", "Alt+Left / Right"),
)

ACTIONS: dict[str, str] = {key: entry.action for entry in KEYS for key in entry.keys if key not in SPOKEN}
