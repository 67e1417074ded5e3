"""Commands: one table without clashes; keys of the window are not keys of the pane; errors become sentences."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QKeySequence

from app.commands import Command, CommandTable, matching, tool_tip
from app.notices import Level, Notice, Notices
from app.ui.main_window import MainWindow
from app.ui.menus import MENUS
from app.ui.palette import command_keys, pane_keys
from viewer.keys import ACTIONS, KEYS


def test_ids_and_shortcuts_are_unique_and_leave_the_panes_keys_alone(window: MainWindow) -> None:
    commands = list(window.commands)
    shortcuts = [QKeySequence(c.shortcut).toString() for c in commands if c.shortcut]
    assert "" not in shortcuts
    assert len(set(shortcuts)) == len(shortcuts)
    pane = {QKeySequence(key).toString() for key in ACTIONS}
    assert not pane & set(shortcuts)
    assert {c.group for c in commands} == set(MENUS)
    assert all(c.title for c in commands)


def test_every_command_is_in_a_menu_and_has_a_tool_tip(window: MainWindow) -> None:
    listed = {action for menu in window.menuBar().actions() for action in menu.menu().actions()}
    for command in window.commands:
        assert window.commands.action(command.id) in listed
        assert command.title.rstrip("…") in window.commands.action(command.id).toolTip()


def test_a_taken_id_or_key_is_refused(notices: Notices) -> None:
    table = CommandTable(notices)
    table.add(Command("a", "A", "File", lambda: None, "Ctrl+J"))
    with pytest.raises(ValueError, match="two commands"):
        table.add(Command("a", "B", "File", lambda: None))
    with pytest.raises(ValueError, match="share the key"):
        table.add(Command("b", "B", "File", lambda: None, "Ctrl+J"))


def test_dispatch_says_what_went_wrong(notices: Notices) -> None:
    heard: list[Notice] = []
    notices.posted.connect(heard.append)
    table = CommandTable(notices)

    def fail() -> None:
        raise PermissionError(13, "Permission denied", "/root/x")

    table.add(Command("a", "Open…", "File", fail))
    table.dispatch("a")
    assert heard[0].level is Level.ERROR
    assert heard[0].what == "“Open” did not work"
    assert "/root/x" in heard[0].why
    assert heard[0].hint


def test_a_command_that_is_not_possible_is_not_run(notices: Notices) -> None:
    ran: list[int] = []
    table = CommandTable(notices)
    table.add(Command("a", "A", "File", lambda: ran.append(1), enabled=lambda: False))
    table.dispatch("a")
    assert ran == []
    assert not table.action("a").isEnabled()


def test_matching_wants_every_word_and_puts_the_title_first() -> None:
    rows = [
        Command("x", "Undo", "Edit", lambda: None, help="take a box back"),
        Command("y", "Box by drag", "Tools", lambda: None),
        Command("z", "Delete selected box", "Boxes", lambda: None),
    ]
    assert [c.id for c in matching(rows, "box")] == ["y", "z", "x"]
    assert [c.id for c in matching(rows, "box edit")] == ["x"]
    assert matching(rows, "xyzzy") == []
    assert matching(rows, "") == rows


def test_tool_tip_names_the_key() -> None:
    assert (
        tool_tip(Command("a", "Open…", "File", lambda: None, "Ctrl+O", help="A folder")) == "Open  (Ctrl+O)\nA folder"
    )


def test_help_sheet_has_every_key(window: MainWindow) -> None:
    shown = [row for _, rows in command_keys(window.commands) for row in rows]
    assert len(shown) == sum(bool(c.shortcut) for c in window.commands)
    assert sum(len(rows) for _, rows in pane_keys()) == len(KEYS)
