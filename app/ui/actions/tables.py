"""Tables: tools, layouts and planes, with titles, icons and keys; menus, tool bar and commands read them."""

from __future__ import annotations

from viewer.keys import KEYS

TOOLS = (
    ("navigate", "Navigate", "cursor"),
    ("window_level", "Window / level", "sun"),
    ("pan", "Pan", "hand"),
    ("zoom", "Zoom", "magnifying-glass-plus"),
    ("magnify", "Magnifier", "magnifying-glass"),
    ("box", "Box by drag", "bounding-box"),
    ("extreme_points", "Box by four extreme points", "polygon"),
    ("length", "Length", "ruler"),
    ("bidimensional", "Two diameters", "arrows-out"),
    ("angle", "Angle", "triangle"),
    ("ellipse", "Ellipse: mean, SD, area", "circle-dashed"),
    ("freehand", "Freehand region: mean, SD, area", "scribble-loop"),
)
MEASURE_TOOLS = ("length", "bidimensional", "angle", "ellipse", "freehand")
LAYOUTS = (
    ("1", "One pane", "square", "Ctrl+1"),
    ("1x2", "Two panes side by side", "columns", "Ctrl+2"),
    ("2x1", "Two panes, one over the other", "rows", "Ctrl+3"),
    ("2x2", "Four panes", "grid-four", "Ctrl+4"),
)
MORE_LAYOUTS = (
    ("1x3", "Three panes side by side", "columns", "Ctrl+5"),
    ("1x4", "Four panes side by side", "columns", "Ctrl+6"),
    ("2x3", "Two rows of three", "dots-nine", "Ctrl+7"),
    ("2x4", "Two rows of four", "dots-nine", "Ctrl+8"),
)
PLANES = (
    ("native", "As acquired", "Ctrl+Shift+1"),
    ("axial", "Axial", "Ctrl+Shift+2"),
    ("sagittal", "Sagittal", "Ctrl+Shift+3"),
    ("coronal", "Coronal", "Ctrl+Shift+4"),
)
OBLIQUE = ("oblique", "Oblique", "")


def pane_key(action: str) -> str:
    """Return the first key the pane has for one of its actions, "" for none."""
    return next((entry.keys[0] for entry in KEYS if entry.action == action and entry.keys), "")
