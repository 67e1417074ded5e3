"""Actions: the rows of the command table, each joining a key to one thing the window can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command
from app.ui.actions.hanging import hanging_commands
from app.ui.actions.images import images_commands
from app.ui.actions.kinetics import kinetics_commands
from app.ui.actions.measure import measure_commands
from app.ui.actions.motion import motion_commands
from app.ui.actions.planes import planes_commands
from app.ui.actions.program import edit_commands, file_commands, help_commands
from app.ui.actions.reading import ai_commands, boxes_commands
from app.ui.actions.size import size_commands
from app.ui.actions.viewing import image_commands, preset_commands, tools_commands, view_commands
from app.ui.actions.volume import volume_commands

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def all_commands(window: MainWindow) -> Sequence[Command]:
    """Return every command of the window, group by group."""
    return (
        *file_commands(window),
        *images_commands(window),
        *edit_commands(window),
        *view_commands(window),
        *size_commands(window),
        *volume_commands(window),
        *hanging_commands(window),
        *motion_commands(window),
        *kinetics_commands(window),
        *image_commands(window),
        *planes_commands(window),
        *preset_commands(window),
        *tools_commands(window),
        *ai_commands(window),
        *boxes_commands(window),
        *measure_commands(window, window.measurements),
        *help_commands(window),
    )
