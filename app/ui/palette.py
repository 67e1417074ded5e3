"""Command palette (Ctrl+K) and help sheet (F1), both made from the command table."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.commands import CommandTable, matching
from app.ui import theme


class Palette(QFrame):
    """Type a few letters of a command, Enter runs it."""

    def __init__(self, table: CommandTable, parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("palette")
        self.table = table
        self.typed = QLineEdit()
        self.typed.setPlaceholderText("Type a command")
        self.typed.setAccessibleName("Command")
        self.typed.textChanged.connect(self.fill)
        self.typed.returnPressed.connect(self.run)
        self.typed.installEventFilter(self)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(lambda _: self.run())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 1, 1, 8)
        layout.setSpacing(8)
        layout.addWidget(self.typed)
        layout.addWidget(self.list)
        self.setFixedSize(560, 420)

    def open(self) -> None:
        """Show the palette over the middle of the window, empty."""
        self.table.refresh()
        self.typed.clear()
        self.fill("")
        _centre(self)
        self.show()
        self.typed.setFocus()

    def fill(self, typed: str) -> None:
        """List the commands that fit and are possible now."""
        self.list.clear()
        for command in matching([c for c in self.table if c.enabled()], typed):
            item = QListWidgetItem()
            item.setData(Qt.ItemDataRole.UserRole, command.id)
            item.setToolTip(command.help)
            self.list.addItem(item)
            entry = QWidget()
            row = QHBoxLayout(entry)
            row.setContentsMargins(16, 4, 16, 4)
            row.addWidget(theme.label(command.title))
            row.addWidget(theme.label(command.group, "small"))
            row.addStretch(1)
            if command.key:
                row.addWidget(key_label(command.key))
            item.setSizeHint(QSize(0, 36))
            self.list.setItemWidget(item, entry)
        self.list.setCurrentRow(0)

    def run(self) -> None:
        """Run the selected command."""
        item = self.list.currentItem()
        self.close()
        if item is not None:
            self.table.dispatch(item.data(Qt.ItemDataRole.UserRole))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Let the arrow keys move through the list while the user types."""
        if isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
            if event.key() in step:
                last = self.list.count() - 1
                self.list.setCurrentRow(min(max(self.list.currentRow() + step[Qt.Key(event.key())], 0), last))
                return True
        return super().eventFilter(watched, event)


SCROLL = 24  # logical pixels for the scroll bar
APART = "  "  # between two keys for the same


class HelpSheet(QFrame):
    """Every key of the window and of the pane, on one sheet."""

    COLUMNS = 4

    def __init__(self, groups: Sequence[tuple[str, Sequence[tuple[str, str]]]], parent: QWidget) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("helpSheet")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        room = parent.size()
        inner = next(
            made
            for count in range(self.COLUMNS, 0, -1)
            if (made := _columns(groups, count)).sizeHint().width() + SCROLL <= room.width() - 80 or count == 1
        )
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(1, 16, 1, 1)
        head = QHBoxLayout()
        head.setContentsMargins(24, 8, 24, 8)
        head.addWidget(theme.label("Keys and mouse", "heading"))
        head.addStretch(1)
        head.addWidget(theme.label("Esc closes", "small"))
        layout.addLayout(head)
        layout.addWidget(area)
        wanted = inner.sizeHint()
        self.resize(min(wanted.width() + SCROLL, room.width() - 80), min(wanted.height() + 96, room.height() - 80))

    def open(self) -> None:
        """Show the sheet over the middle of the window."""
        _centre(self)
        self.show()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close with Esc or F1."""
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_F1):
            self.close()
        else:
            super().keyPressEvent(event)


def _columns(groups: Sequence[tuple[str, Sequence[tuple[str, str]]]], count: int) -> QWidget:
    """Return the groups in columns of about the same length."""
    columns = [QVBoxLayout() for _ in range(count)]
    filled = [0] * count
    for title, rows in groups:
        shortest = filled.index(min(filled))
        filled[shortest] += len(rows) + 2
        columns[shortest].addLayout(_group(title, rows))
        columns[shortest].addSpacing(8)
    inner = QWidget()
    across = QHBoxLayout(inner)
    across.setContentsMargins(24, 8, 24, 24)
    across.setSpacing(32)
    for column in columns:
        column.addStretch(1)
        across.addLayout(column)
    return inner


def _centre(sheet: QWidget) -> None:
    """Put a sheet over the middle of its window."""
    window = sheet.parentWidget()
    if window is not None:
        sheet.move(window.mapToGlobal(window.rect().center()) - sheet.rect().center())


def _group(title: str, rows: Sequence[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(16)
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(0, 1)
    grid.addWidget(theme.label(title.upper(), "section"), 0, 0, 1, 2)
    for number, (keys, what) in enumerate(rows, start=1):
        grid.addWidget(theme.label(what, "quiet"), number, 0)
        grid.addLayout(_caps(keys), number, 1, Qt.AlignmentFlag.AlignRight)
    return grid


def _caps(keys: str) -> QHBoxLayout:
    """Return the keys for one thing side by side, each on a cap of its own."""
    row = QHBoxLayout()
    row.setSpacing(4)
    row.addStretch(1)
    for one in keys.split(APART):
        row.addWidget(key_label(one))
    return row


def key_label(keys: str) -> QLabel:
    """Return a key as a key cap."""
    text = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText) if "+" in keys else keys
    made = theme.label(text or keys)
    made.setObjectName("key")
    return made


def pane_keys() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return group title and (key or mouse, title) of what the pane itself obeys."""
    from viewer.keys import KEYS

    grouped: dict[str, list[tuple[str, str]]] = {}
    for entry in KEYS:
        how = APART.join(entry.keys) or entry.mouse.split(":")[0]
        grouped.setdefault(f"Pane: {entry.group}", []).append((how, entry.title))
    return list(grouped.items())


def volume_keys() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return group title and (key or mouse, title) of what the volume view obeys."""
    from viewer.keys import VOLUME_KEYS

    return [("Volume view", list(VOLUME_KEYS))]


def command_keys(table: CommandTable) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return group title and (key, title) of every command that has a key."""
    return [
        (group, rows)
        for group, commands in table.groups().items()
        if (rows := [(APART.join(c.shortcuts), c.title.rstrip("…")) for c in commands if c.shortcut])
    ]
