"""Menus: made from the command table; “Open recent” is asked for when it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

if TYPE_CHECKING:
    from app.session import Session
    from app.ui.main_window import MainWindow

MENUS = ("File", "Edit", "View", "Hanging", "Image", "Tools", "AI", "Boxes", "Help")
BREAKS = {
    "file.phases",
    "file.close",
    "file.preferences",
    "hang.again",
    "image.next_phase",
    "hang.subtraction",
    "compare.swipe",
    "view.maximise",
    "view.next_pane",
    "view.studies",
    "view.full_screen",
    "image.plane_native",
    "image.next_window",
    "image.preset_full",
    "image.auto_window",
    "ai.device_auto",
    "boxes.delete",
}


def fill_menus(window: MainWindow) -> None:
    """Fill the menu bar."""
    groups = window.commands.groups()
    for title in MENUS:
        menu = window.menuBar().addMenu(title)
        for command in groups[title]:
            if command.id in BREAKS:
                menu.addSeparator()
            menu.addAction(window.commands.action(command.id))
            if command.id == "file.open_demo":
                add_recent_menu(menu, window.session)
        menu.aboutToShow.connect(window.commands.refresh)


def add_recent_menu(menu: QMenu, session: Session) -> None:
    """Add the studies opened last as a submenu."""
    recent = menu.addMenu("Open recent")

    def fill() -> None:
        recent.clear()
        for one in session.keeping.recent():
            action = recent.addAction(f"{one.title}   {Path(one.path).name}")
            action.setToolTip(str(one.path))
            action.triggered.connect(lambda _=False, one=one: session.open_paths([Path(one.path)], one.study_uid))
        if recent.isEmpty():
            recent.addAction("Nothing was opened yet").setEnabled(False)

    recent.aboutToShow.connect(fill)
