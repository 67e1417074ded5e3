"""Command of motion correction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt

from app.commands import Command
from app.studies.errors import StudyError

if TYPE_CHECKING:
    from app.studies.study import Dynamic
    from app.ui.main_window import MainWindow
    from app.ui.motion_dialog import MotionDialog


def motion_commands(window: MainWindow) -> Sequence[Command]:
    """Return the command of motion correction."""
    return (
        Command(
            "hang.motion",
            "Motion correction…",
            "Hanging",
            lambda: show_motion(window),
            "Ctrl+M",
            "person-simple-run",
            "Register the phases of the dynamic series to the pre-contrast one, with a before/after check",
            lambda: _dynamic(window) is not None,
        ),
    )


def show_motion(window: MainWindow) -> MotionDialog:
    """Show the dialog for the dynamic series in the active pane, else for the first of the study."""
    from app.ui.motion_dialog import MotionDialog

    dynamic, display, session = _dynamic(window), window.display, window.session
    if dynamic is None:
        raise StudyError("This study has no dynamic series, so there is no motion between phases to correct.")
    study, uid = session.study, display.stack_uid
    in_series = study is not None and uid is not None and study.phase_of(uid) is not None
    dialog = MotionDialog(session, session.motion, dynamic, display.slice_index if in_series else None, window)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()
    return dialog


def _dynamic(window: MainWindow) -> Dynamic | None:
    study, uid = window.session.study, window.display.stack_uid
    if study is None or not study.dynamics:
        return None
    place = study.phase_of(uid) if uid is not None else None
    return place[0] if place is not None else study.dynamics[0]
