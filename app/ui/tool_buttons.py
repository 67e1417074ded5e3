"""Tool buttons: several commands under one button that shows the one used last, and the slab of the active pane."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent
from PySide6.QtWidgets import QMenu, QToolButton

from app.commands import CommandTable
from app.ui import theme
from app.ui.display import Display
from viewer.slab import Slab, SlabMode

MODES: tuple[tuple[SlabMode, str], ...] = (("max", "Maximum (MIP)"), ("mean", "Mean"), ("min", "Minimum (MinIP)"))
THICKNESSES_MM = (5.0, 10.0, 20.0, 40.0, math.inf)


class MenuButton(QToolButton):
    """A flat button with a menu beside it; Down opens the menu."""

    def __init__(self) -> None:
        super().__init__()
        self.setIconSize(QSize(20, 20))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open the menu with Down."""
        if event.key() == Qt.Key.Key_Down:
            self.showMenu()
        else:
            super().keyPressEvent(event)


class GroupButton(MenuButton):
    """Commands of one kind; the button itself repeats the one chosen last.

    Parameters
    ----------
    ids
        Commands, each a switch; the first is shown at first.
    name
        What they have in common, for those who hear the window.
    """

    def __init__(self, table: CommandTable, ids: Sequence[str], name: str) -> None:
        super().__init__()
        menu = QMenu(self)
        for command_id in ids:
            action = table.action(command_id)
            menu.addAction(action)
            action.toggled.connect(lambda on, action=action: self.setDefaultAction(action) if on else None)
        self.setMenu(menu)
        self.setDefaultAction(next((a for a in menu.actions() if a.isChecked()), menu.actions()[0]))
        self.setAccessibleName(name)


class SlabButton(MenuButton):
    """Slab of the active pane: on and off, with its projection and thickness in words."""

    def __init__(self, table: CommandTable, display: Display) -> None:
        super().__init__()
        self._display, self._tip = display, table.action("image.slab").toolTip()
        self.setAccessibleName("Slab")
        self.setCheckable(True)
        theme.dress(self, "stack")
        self.clicked.connect(lambda _=False: self._do("slab"))
        menu = QMenu(self)
        self._modes = self._add(menu, [(title, mode) for mode, title in MODES], self._set_mode)
        menu.addSeparator()
        rows = [("Whole volume" if math.isinf(mm) else f"{mm:g} mm", mm) for mm in THICKNESSES_MM]
        self._thicknesses = self._add(menu, rows, self._set_thickness)
        menu.addSeparator()
        for name in ("slab_thicker", "slab_thinner"):
            menu.addAction(table.action(f"image.{name}"))
        menu.aboutToShow.connect(self._mark)
        self.setMenu(menu)

    def _add(self, menu: QMenu, rows: Sequence[tuple[str, object]], chosen: object) -> list[QAction]:
        group = QActionGroup(menu)
        made = []
        for title, value in rows:
            action = menu.addAction(title)
            action.setCheckable(True)
            action.setData(value)
            action.triggered.connect(lambda _=False, value=value: chosen(value))  # type: ignore[operator]
            group.addAction(action)
            made.append(action)
        return made

    def refresh(self) -> None:
        """Show the slab of the active pane."""
        pane = self._display.pane
        slab = pane.slab if pane.content is not None else None
        self.setEnabled(pane.content is not None and (pane.slice_count > 1 or slab is not None))
        self.setChecked(slab is not None)
        self.setText(slab.title if slab is not None else "Slab")
        now = "Single slices" if slab is None else f"Slab now: {slab.title}"
        self.setToolTip(f"{self._tip}\n{now}")

    @property
    def _slab(self) -> Slab:
        return self._display.pane.slab or Slab("max", 10.0)

    def _set_mode(self, mode: SlabMode) -> None:
        self._display.pane.set_slab(replace(self._slab, mode=mode))

    def _set_thickness(self, mm: float) -> None:
        self._display.pane.set_slab(replace(self._slab, thickness_mm=mm))

    def _mark(self) -> None:
        slab = self._display.pane.slab
        for action in self._modes:
            action.setChecked(slab is not None and action.data() == slab.mode)
        for action in self._thicknesses:
            action.setChecked(slab is not None and action.data() == slab.thickness_mm)

    def _do(self, action: str) -> None:
        self._display.pane.perform(action)
        self.refresh()
        self._display.pane.setFocus()
