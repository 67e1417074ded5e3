"""Tool bar: groups that show the tool used last, the slab of the active pane, pickers that follow the pane."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from app.ui.actions.tables import MEASURE_TOOLS
from app.ui.main_window import MainWindow
from app.ui.tool_bar import LAYING, MEASURING
from app.ui.tool_buttons import GroupButton
from tests.app.studies.conftest import mr_slice, save
from tests.app.ui.conftest import open_and_wait
from viewer.slab import Slab


@pytest.fixture
def stack(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> MainWindow:
    for k in range(12):
        save(mr_slice(k), tmp_path / "mr" / f"{k}.dcm")
    open_and_wait(qtbot, window.session, tmp_path / "mr")
    return window


def group(window: MainWindow, name: str) -> GroupButton:
    return next(made for made in window.tool_bar.findChildren(GroupButton) if made.accessibleName() == name)


def test_the_measuring_tools_are_one_button_that_shows_the_last(window: MainWindow) -> None:
    button = group(window, "Measuring tools")
    assert [action.text() for action in button.menu().actions()] == [
        window.commands.action(command_id).text() for command_id in MEASURING
    ]
    assert len(MEASURING) == len(MEASURE_TOOLS) == 5
    for name in ("angle", "freehand"):
        window.display.grid.set_tool(name)
        assert button.defaultAction() is window.commands.action(f"tool.{name}")
        assert button.isChecked()
    window.display.grid.set_tool("navigate")
    assert button.defaultAction() is window.commands.action("tool.freehand")
    assert not button.isChecked()
    button.click()
    assert window.display.grid.tool == "freehand"


def test_the_layout_button_shows_the_layout(stack: MainWindow) -> None:
    button = group(stack, "Layout")
    assert len(button.menu().actions()) == len(LAYING)
    stack.commands.dispatch("view.layout_1x2")
    assert button.defaultAction() is stack.commands.action("view.layout_1x2")


def test_groups_open_by_key(qtbot: QtBot, stack: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, window = [], stack
    monkeypatch.setattr(QToolButton, "showMenu", lambda self: shown.append(self.accessibleName()))
    for made in (group(window, "Measuring tools"), window.tool_bar.slab_button):
        assert made.focusPolicy() & Qt.FocusPolicy.TabFocus
        qtbot.keyClick(made, Qt.Key.Key_Down)
    assert shown == ["Measuring tools", "Slab"]


def test_plane_and_slab_follow_the_pane_at_once(stack: MainWindow) -> None:
    bar, pane = stack.tool_bar, stack.display.pane
    button = bar.slab_button
    assert button.isEnabled()
    assert (button.text(), button.isChecked()) == ("Slab", False)
    pane.set_slab(Slab("mean", 7.5))
    assert (button.text(), button.isChecked()) == ("Mean 7.5 mm", True)
    assert "Mean 7.5 mm" in button.toolTip()
    pane.set_plane("coronal")
    assert bar.plane_picker.currentData() == "coronal"
    titles = {action.text(): action for action in button.menu().actions()}
    button.menu().aboutToShow.emit()
    assert titles["Mean"].isChecked()
    titles["Maximum (MIP)"].trigger()
    titles["Whole volume"].trigger()
    assert pane.slab == Slab("max", math.inf)
    assert button.text() == "MIP"
    button.click()
    assert pane.slab is None
    assert button.text() == "Slab"


def test_without_an_image_there_is_no_slab(window: MainWindow) -> None:
    assert not window.tool_bar.slab_button.isEnabled()
