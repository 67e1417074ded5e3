"""Commands: the one table that menus, tool bar, shortcuts, palette and help sheet are made from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from app.notices import Notices


def _always() -> bool:
    return True


@dataclass(frozen=True)
class Command:
    """Something the user can do.

    Attributes
    ----------
    id
        Stable name such as ``"file.open_folder"``.
    shortcut
        Portable key text such as ``"Ctrl+O"``; empty for none.
    enabled
        Asked whenever the session changes.
    pane_key
        For a command that the pane under the keyboard also knows: its key there, shown but not taken by the window.
    also
        More keys for the same, for keyboards on which `shortcut` needs a modifier of its own (``[`` on a German one).
    checked
        For a switch: asked for its present state; None for a plain command.
    help
        One sentence for tool tip and help sheet.
    """

    id: str
    title: str
    group: str
    handler: Callable[[], object]
    shortcut: str = ""
    icon: str = ""
    help: str = ""
    enabled: Callable[[], bool] = _always
    checked: Callable[[], bool] | None = None
    pane_key: str = ""
    also: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The key a user reads."""
        return self.shortcut or self.pane_key

    @property
    def shortcuts(self) -> tuple[str, ...]:
        """Every key that the window takes for it."""
        return tuple(key for key in (self.shortcut, *self.also) if key)


class CommandTable(QObject):
    """All commands, in the order of their groups, each with its QAction."""

    def __init__(self, notices: Notices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._notices = notices
        self._commands: dict[str, Command] = {}
        self._actions: dict[str, QAction] = {}

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def add(self, command: Command) -> QAction:
        """Add a command; ValueError where its id or shortcut is taken."""
        if command.id in self._commands:
            raise ValueError(f"two commands are called {command.id!r}")
        taken = {key: known.id for known in self for key in known.shortcuts}
        for key in command.shortcuts:
            if key in taken:
                raise ValueError(f"{command.id!r} and {taken[key]!r} share the key {key}")
        action = QAction(command.title, self)
        action.setShortcuts([QKeySequence(key) for key in command.shortcuts])
        action.setCheckable(command.checked is not None)
        action.setToolTip(tool_tip(command))
        action.triggered.connect(lambda _=False: self.dispatch(command.id))
        self._commands[command.id] = command
        self._actions[command.id] = action
        return action

    def action(self, command_id: str) -> QAction:
        """Return the action of a command."""
        return self._actions[command_id]

    def groups(self) -> dict[str, list[Command]]:
        """Return the commands by group, in the order they were added."""
        grouped: dict[str, list[Command]] = {}
        for command in self:
            grouped.setdefault(command.group, []).append(command)
        return grouped

    def refresh(self) -> None:
        """Ask every command whether it is possible now."""
        for command in self:
            action = self._actions[command.id]
            action.setEnabled(command.enabled())
            if command.checked is not None:
                action.setChecked(command.checked())

    def dispatch(self, command_id: str) -> None:
        """Run a command; whatever it raises reaches the user as a sentence."""
        command = self._commands[command_id]
        if command.enabled():
            attempt(self._notices, f"“{command.title.rstrip('…')}” did not work", command.handler)
        self.refresh()


def attempt(notices: Notices, what: str, action: Callable[[], object]) -> bool:
    """Do what a command, a gesture or the answer of a dialog asks for; whatever it raises reaches the user.

    Parameters
    ----------
    what
        What did not happen, as a sentence without full stop: the heading of the message.

    Returns
    -------
    bool
        Whether it was done.
    """
    try:
        action()
    except Exception as error:  # noqa: BLE001 - one of the three doors
        notices.error(what, error)
        return False
    return True


def tool_tip(command: Command) -> str:
    """Return the tool tip: title, what it does, key."""
    key = QKeySequence(command.key).toString(QKeySequence.SequenceFormat.NativeText)
    text = command.title.rstrip("…") + (f"  ({key})" if key else "")
    return f"{text}\n{command.help}" if command.help else text


def matching(commands: list[Command], typed: str) -> list[Command]:
    """Return the commands that fit what was typed, best first: every word must occur, titles that start so lead."""
    words = typed.casefold().split()

    def rank(command: Command) -> tuple[bool, bool, str]:
        title = command.title.casefold()
        return (not title.startswith(typed.casefold().strip()), not all(w in title for w in words), title)

    found = [c for c in commands if all(w in f"{c.title} {c.group} {c.help}".casefold() for w in words)]
    return sorted(found, key=rank) if words else found
