"""Tool bar: made from the command table, with pickers for window, plane, label and device beside it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from app.commands import CommandTable
from app.ui import theme
from app.ui.actions.tables import LAYOUTS, MEASURE_TOOLS, MORE_LAYOUTS, OBLIQUE, PLANES, TOOLS
from app.ui.display import Display
from app.ui.parts import rule
from app.ui.tool_buttons import GroupButton, SlabButton
from app.ui.wording import voi_title
from viewer.pane import Pane
from viewer.presentation import Presentation
from viewer.presets import PRESETS

NARROW, WORDS = 80, 1560  # logical pixels: a picker at its narrowest, the bar from which every word fits
MEASURING = tuple(f"tool.{name}" for name, *_ in TOOLS if name in MEASURE_TOOLS)
LAYING = tuple(f"view.layout_{name}" for name, *_ in (*LAYOUTS, *MORE_LAYOUTS))
GROUPS = {MEASURING: "Measuring tools", LAYING: "Layout"}
HANGING, EDITING = ("hang.previous", "hang.next", "hang.prior"), ("edit.undo", "edit.redo")
SPARED = {HANGING: 1340, EDITING: 1160}  # sets of buttons that a bar narrower than this leaves to menus and keys
SETS: tuple[tuple[str | tuple[str, ...], ...], ...] = (
    ("file.open_folder",),
    (*(f"tool.{name}" for name, *_ in TOOLS if name not in MEASURE_TOOLS), MEASURING),
    (LAYING,),
    HANGING,
    ("view.linked", "view.overlays", "image.cine"),
    EDITING,
)


class ToolBar(QWidget):
    """One row of icons of one family; every icon is a command with a tool tip and a key."""

    def __init__(self, table: CommandTable, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("toolBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(48)
        self.table, self.display = table, display
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(8, 0, 16, 0)
        self._row.setSpacing(4)
        self._buttons: dict[str, QToolButton] = {}
        self._rules: dict[object, QWidget] = {}
        for ids in SETS:
            for command_id in ids:
                self._row.addWidget(
                    self._button(command_id)
                    if isinstance(command_id, str)
                    else GroupButton(table, command_id, GROUPS[command_id])
                )
            self._rules[ids] = self._add_rule()
        self.step_picker = self._picker("Step of the hanging protocol  (Q, Shift+Q)", 184)
        self.step_picker.setPlaceholderText("Hanging")
        self.step_picker.activated.connect(self._choose_step)
        self._row.addWidget(self.step_picker, 3)
        self.window_picker = self._picker(
            "Window and VOI of the active pane: the file's own choices, presets, computed", 240
        )
        self.window_picker.activated.connect(self._choose_window)
        self.plane_picker = self._picker("Plane of the active pane", 136)
        for name, title, _key in (*PLANES, OBLIQUE):
            self.plane_picker.addItem(title, name)
        self.plane_picker.activated.connect(lambda _: display.pane.set_plane(self.plane_picker.currentData()))
        self._row.addWidget(self.window_picker, 4)
        self._row.addWidget(self.plane_picker, 3)
        self.slab_button = SlabButton(table, display)
        self._row.addWidget(self.slab_button)
        self._row.addStretch(1)
        self._analyse = analyse = self._button("ai.analyse")
        analyse.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._row.addWidget(analyse)
        display.focus_changed.connect(self.refresh)
        display.grid.pane_added.connect(self._follow)
        for pane in display.grid.panes:
            self._follow(pane)
        display.hanging_changed.connect(self._fill_steps)
        self._fill_steps()
        self.refresh()

    def _add_rule(self) -> QWidget:
        line = QWidget()
        line.setFixedSize(9, 24)
        row = QHBoxLayout(line)
        row.setContentsMargins(4, 0, 4, 0)
        row.addWidget(rule(vertical=True))
        self._row.addWidget(line)
        return line

    def _button(self, command_id: str) -> QToolButton:
        made = QToolButton()
        made.setDefaultAction(self.table.action(command_id))
        made.setIconSize(QSize(20, 20))
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setAccessibleName(self.table.action(command_id).text())
        self._buttons[command_id] = made
        return made

    def _follow(self, pane: Pane) -> None:
        """Show at once what plane and slab a pane has now."""
        for signal in (pane.plane_changed, pane.slab_changed):
            signal.connect(lambda _: self.refresh() if pane is self.display.pane else None)

    def _picker(self, tip: str, width: int) -> QComboBox:
        picker = QComboBox()
        picker.setToolTip(tip)
        picker.setAccessibleName(tip.split(":")[0])
        picker.setMinimumWidth(NARROW)
        picker.setMaximumWidth(width)
        picker.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        picker.setMinimumContentsLength(1)
        picker.view().setMinimumWidth(width)
        picker.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return picker

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave words and the buttons that menus and keys stand in for away where they would not fit."""
        beside, icon = Qt.ToolButtonStyle.ToolButtonTextBesideIcon, Qt.ToolButtonStyle.ToolButtonIconOnly
        for button in (self._analyse, self.slab_button):
            button.setToolButtonStyle(beside if self.width() >= WORDS else icon)
        for ids, width in SPARED.items():
            for part in (*(self._buttons[one] for one in ids), self._rules[ids]):
                part.setVisible(self.width() >= width)
        super().resizeEvent(event)

    def refresh(self) -> None:
        """Show window, plane and slab of the active pane."""
        pane = self.display.pane
        self.slab_button.refresh()
        presentation = pane.presentation if pane.content is not None else None
        self.window_picker.setEnabled(presentation is not None)
        self.plane_picker.setEnabled(presentation is not None and pane.slice_count > 1)
        choices = window_choices(presentation)
        if choices != [(self.window_picker.itemText(n), self.window_picker.itemData(n)) for n in self._rows()]:
            self.window_picker.clear()
            for title, action in choices:
                self.window_picker.addItem(title, action)
            if PRESETS[0].name in (action for _, action in choices):
                self.window_picker.insertSeparator(len(choices) - len(PRESETS))
        self.window_picker.setCurrentIndex(presentation.chosen if presentation is not None else 0)
        self.plane_picker.setCurrentIndex(
            max(0, self.plane_picker.findData(pane.plane if presentation is not None else "native"))
        )

    def _fill_steps(self) -> None:
        protocol = self.display.hanger.protocol
        self.step_picker.clear()
        for number, hanging in enumerate(protocol.hangings, start=1):
            self.step_picker.addItem(f"{number}  {hanging.name}", hanging.name)
        self.step_picker.setCurrentIndex(protocol.index if protocol.hangings else -1)
        self.step_picker.setEnabled(len(protocol.hangings) > 1)

    def _choose_step(self, row: int) -> None:
        self.display.hanger.go(self.step_picker.itemData(row))
        self.display.pane.setFocus()

    def _rows(self) -> list[int]:
        """Return the rows of the window picker without the line between file and computed choices."""
        picker = self.window_picker
        line = Qt.ItemDataRole.AccessibleDescriptionRole
        return [n for n in range(picker.count()) if picker.itemData(n, line) != "separator"]

    def _choose_window(self, row: int) -> None:
        pane, action = self.display.pane, self.window_picker.itemData(row)
        if pane.presentation is None:
            return
        if isinstance(action, str):
            pane.perform(f"preset:{action}")
        else:
            pane.set_presentation(pane.presentation.with_voi(pane.presentation.vois[action]))
        pane.setFocus()


def window_choices(presentation: Presentation | None) -> list[tuple[str, int | str]]:
    """Return the rows of the window picker: the file's choices and the one in force by number, presets by name."""
    if presentation is None:
        return [("Window", 0)]
    own: list[tuple[str, int | str]] = [(voi_title(voi, n), n) for n, voi in enumerate(presentation.vois)]
    return own + [(f"{preset.title}   [{preset.key}]", preset.name) for preset in PRESETS]


def set_icons(table: CommandTable) -> None:
    """Give every action its icon; done once the window is up, because fonts are read then."""
    for command in table:
        if command.icon:
            table.action(command.id).setIcon(theme.icon(command.icon))
