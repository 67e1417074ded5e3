"""Commands of the images in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.commands import Command
from app.session.budget import size_text

if TYPE_CHECKING:
    from app.ui.main_window import MainWindow


def images_commands(window: MainWindow) -> Sequence[Command]:
    """Return the commands of the images in memory."""
    session = window.session

    def free() -> None:
        freed = session.images.free_unseen()
        session.notices.info(f"{size_text(freed)} of images were let go; they are read again when needed.")

    return (
        Command(
            "file.free_memory",
            "Free memory of images not on show",
            "File",
            free,
            "",
            "eraser",
            "Pixels are read again when they are needed; boxes and results are not touched",
            lambda: session.images.bytes > 0,
        ),
    )
