"""Commands of viewing: layout, panes, planes, windows, tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command
from app.ui.actions.tables import LAYOUTS, MORE_LAYOUTS, PLANES, TOOLS, pane_key
from app.ui.steps import step_pane, step_series
from viewer.presets import PRESETS

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def view_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “View”."""
    display, grid = window.display, window.display.grid
    layouts = [
        Command(
            f"view.layout_{name}",
            title,
            "View",
            lambda n=name: display.hanger.set_layout(n),
            key,
            icon,
            "",
            checked=lambda n=name: grid.layout_name == n,
        )
        for name, title, icon, key in (*LAYOUTS, *MORE_LAYOUTS)
    ]
    return (
        *layouts,
        Command(
            "view.linked",
            "Link panes in millimetres",
            "View",
            window.toggle_linked,
            "Ctrl+L",
            "link",
            "Panes of one frame of reference follow each other",
            checked=lambda: grid.linked,
        ),
        Command(
            "view.overlays",
            "Overlays",
            "View",
            window.toggle_overlays,
            "",
            "eye",
            "Show or hide every map, mask and box",
            checked=lambda: grid.overlays_visible,
            pane_key=pane_key("overlays"),
        ),
        *_camera_commands(window),
        Command("view.next_pane", "Next pane", "View", lambda: step_pane(window.display, 1), "Ctrl+Tab"),
        Command("view.previous_pane", "Previous pane", "View", lambda: step_pane(window.display, -1), "Ctrl+Shift+Tab"),
        Command("view.studies", "Go to studies", "View", window.focus_studies, "Alt+1"),
        Command("view.images", "Go to images", "View", window.focus_images, "Alt+2"),
        Command("view.findings", "Go to findings", "View", lambda: window.focus_tab(0), "Alt+3"),
        Command("view.layers", "Go to layers", "View", lambda: window.focus_tab(1), "Alt+4"),
        Command("view.boxes", "Go to boxes", "View", lambda: window.focus_tab(2), "Alt+5"),
        Command("view.measurements", "Go to measurements", "View", lambda: window.focus_tab(3), "Alt+6"),
        Command("view.kinetics", "Go to kinetics", "View", lambda: window.focus_tab(4), "Alt+7"),
        Command(
            "view.full_screen",
            "Full screen",
            "View",
            window.toggle_full_screen,
            "F11",
            "corners-out",
            checked=window.isFullScreen,
        ),
        Command("view.palette", "Command palette…", "View", window.show_palette, "Ctrl+K", "command"),
    )


def _camera_commands(window: MainWindow) -> list[Command]:
    """Return what the pane under the keyboard does with its camera."""
    pane = lambda: window.display.pane  # noqa: E731
    rows = (
        ("maximise", "One pane large and back", "arrows-out-simple"),
        ("fit", "Fit to pane", "frame-corners"),
        ("one_to_one", "One image pixel per screen pixel", ""),
        ("zoom_in", "Zoom in", ""),
        ("zoom_out", "Zoom out", ""),
        ("rotate", "Rotate clockwise", "arrow-clockwise"),
        ("flip_horizontal", "Flip left and right", ""),
        ("flip_vertical", "Flip top and bottom", ""),
        ("smooth", "Smooth or plain pixels", ""),
    )
    return [
        Command(
            f"view.{action}",
            title,
            "View",
            lambda a=action: pane().perform(a),
            "",
            icon,
            enabled=lambda: pane().content is not None,
            pane_key=pane_key(action),
        )
        for action, title, icon in rows
    ]


def image_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “Image”."""
    display = window.display
    shown = lambda: display.pane.content is not None  # noqa: E731
    planes = [
        Command(
            f"image.plane_{name}",
            title,
            "Image",
            lambda n=name: display.pane.set_plane(n),
            key,
            "",
            "Plane of the active pane",
            shown,
            lambda n=name: shown() and display.pane.plane == n,
        )
        for name, title, key in PLANES
    ]
    return (
        Command(
            "image.next_series",
            "Next series",
            "Image",
            lambda: step_series(window.display, 1),
            "Ctrl+PgDown",
            "caret-down",
            "",
            shown,
        ),
        Command(
            "image.previous_series",
            "Previous series",
            "Image",
            lambda: step_series(window.display, -1),
            "Ctrl+PgUp",
            "caret-up",
            "",
            shown,
        ),
        *planes,
        Command(
            "image.next_window",
            "Next window of the file",
            "Image",
            lambda: window.display.pane.perform("next_window"),
            "",
            "",
            "",
            shown,
            pane_key=pane_key("next_window"),
        ),
        Command(
            "image.previous_window",
            "Previous window of the file",
            "Image",
            lambda: window.display.pane.perform("previous_window"),
            "",
            "",
            "",
            shown,
            pane_key=pane_key("previous_window"),
        ),
        Command(
            "image.cine",
            "Cine",
            "Image",
            window.toggle_cine,
            "",
            "play",
            "Play the slices of the active pane",
            shown,
            checked=lambda: display.pane.cine,
            pane_key=pane_key("cine"),
        ),
    )


def preset_commands(window: MainWindow) -> Sequence[Command]:
    """Return the computed windows, and the way back to the file's own; all are done by the pane."""
    pane = lambda: window.display.pane  # noqa: E731
    shown = lambda: pane().content is not None  # noqa: E731
    rows = [(f"preset:{one.name}", f"Window: {one.title}", "Computed from the slice on show") for one in PRESETS]
    rows += [
        ("auto_window", "Window from the pixels shown", "1–99.5 % of the slice on show"),
        ("reset_window", "Reset window", "The window the file asks for"),
        ("reset_view", "Reset view and window", "Fitted, upright, and the window of the file"),
        ("invert", "Invert grey", ""),
    ]
    return [
        Command(
            f"image.{action.replace(':', '_')}",
            title,
            "Image",
            lambda a=action: pane().perform(a),
            help=tip,
            enabled=shown,
            pane_key=pane_key(action),
        )
        for action, title, tip in rows
    ]


def tools_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “Tools”."""
    grid = window.display.grid
    return [
        Command(
            f"tool.{name}",
            title,
            "Tools",
            lambda n=name: grid.set_tool(n),
            "",
            icon,
            checked=lambda n=name: grid.tool == n,
            pane_key=pane_key(f"tool:{name}"),
        )
        for name, title, icon in TOOLS
    ]
