"""Commands of the program: files, undo, help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def file_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “File”."""
    session, dialogs = window.session, window.dialogs
    opened = lambda: session.study is not None  # noqa: E731
    return (
        Command(
            "file.open_folder",
            "Open folder…",
            "File",
            dialogs.open_folder,
            "Ctrl+O",
            "folder-open",
            "Open every image of a folder",
        ),
        Command(
            "file.open_files",
            "Open files…",
            "File",
            dialogs.open_files,
            "Ctrl+Shift+O",
            "file-plus",
            "Open files, a zip or a DICOMDIR",
        ),
        Command(
            "file.open_demo",
            "Open the demo studies",
            "File",
            window.open_demo,
            "",
            "sparkle",
            "A mammogram and a breast MRI of fictitious patients",
        ),
        Command(
            "file.phases",
            "Phases of the dynamic series…",
            "File",
            dialogs.phases,
            "Ctrl+Shift+P",
            "clock",
            "Order, pre-contrast phase and times",
            lambda: bool(session.study and session.study.dynamics),
        ),
        Command(
            "file.spacing",
            "Pixel spacing…",
            "File",
            dialogs.spacing,
            "Ctrl+Shift+S",
            "ruler",
            "Say how large a pixel is where the file does not",
            lambda: window.display.stack_uid is not None,
        ),
        Command(
            "file.skipped",
            "Skipped files…",
            "File",
            dialogs.skipped,
            "",
            "file-x",
            "Every file that was not taken, with its reason",
            lambda: bool(session.library.skipped),
        ),
        Command("file.close", "Close study", "File", session.library.close_study, "Ctrl+W", "x", "", opened),
        Command("file.preferences", "Preferences…", "File", dialogs.preferences, "Ctrl+,", "gear"),
        Command("file.quit", "Quit", "File", window.close, "Ctrl+Q"),
    )


def edit_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “Edit”."""
    session = window.session
    return (
        Command(
            "edit.undo",
            "Undo",
            "Edit",
            session.annotations.undo,
            "Ctrl+Z",
            "arrow-u-up-left",
            "Take the last change of a box back, also one of an earlier day",
            session.annotations.undo_stack.canUndo,
        ),
        Command(
            "edit.redo",
            "Redo",
            "Edit",
            session.annotations.redo,
            "Ctrl+Shift+Z",
            "arrow-u-up-right",
            "",
            session.annotations.undo_stack.canRedo,
        ),
        Command(
            "edit.cancel",
            "Cancel the running job",
            "Edit",
            window.status.cancel_job,
            "Ctrl+.",
            "x",
            "",
            lambda: bool(session.jobs.active),
        ),
    )


def help_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the menu “Help”."""
    return (
        Command("help.keys", "Keys and mouse", "Help", window.show_help, "F1", "keyboard"),
        Command("help.about", "About BreastLens", "Help", window.dialogs.about, "", "info"),
    )
