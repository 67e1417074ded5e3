"""Phases dialog: order, pre-contrast phase and times of a dynamic series; unknown times stay unknown until entered."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.studies.study import Dynamic, Study
from app.ui import theme
from app.ui.parts import Dialog, icon_button
from app.ui.wording import series_title

UID = Qt.ItemDataRole.UserRole
NO_PRE = "Not known"


@dataclass(frozen=True)
class PhaseAnswer:
    """What the user says: stacks in time order, which is pre-contrast, seconds after the first (None unknown)."""

    stack_uids: tuple[str, ...]
    pre_index: int | None
    seconds: tuple[float | None, ...]


class PhasesDialog(Dialog):
    """A row per phase: drag or move it, edit its seconds; choose which is pre-contrast."""

    def __init__(self, study: Study, dynamic: Dynamic, parent: QWidget | None = None) -> None:
        super().__init__("Phases of the dynamic series", explanation(dynamic), parent)
        self.resize(680, 560)
        self.table = PhaseTable()
        for phase in dynamic.phases:
            series, stack = study.series_of(phase.stack_uid)
            self.table.add(
                phase.stack_uid, phase.label, f"{series_title(series)} · {len(stack.frames)} slices", phase.seconds
            )
        self.table.itemChanged.connect(lambda _: self._check())
        self.table.order_changed = self._reordered
        self.pre = QComboBox()
        self.pre.setAccessibleName("Pre-contrast phase")
        self._fill_pre(dynamic.phases[dynamic.pre_index].stack_uid if dynamic.pre_index is not None else "")
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        row.addWidget(
            icon_button("caret-up", "Move the selected phase earlier  (Alt+Up)", lambda: self.table.move_row(-1))
        )
        row.addWidget(
            icon_button("caret-down", "Move the selected phase later  (Alt+Down)", lambda: self.table.move_row(1))
        )
        row.addStretch(1)
        row.addWidget(theme.label("Pre-contrast", "quiet"))
        row.addWidget(self.pre)
        self.body.addWidget(self.table, 1)
        self.body.addLayout(row)
        for note in dynamic.notes:
            warning = theme.label(note, wrap=True)
            theme.retone(warning, "warn")
            self.body.addWidget(warning)
        self.problem = theme.label(wrap=True)
        theme.retone(self.problem, "alert")
        self.body.addWidget(self.problem)
        self.accept_button = self.add_buttons("Use these phases")
        self._check()

    def _fill_pre(self, chosen: str) -> None:
        self.pre.clear()
        self.pre.addItem(NO_PRE, "")
        for n, uid in enumerate(self.table.uids()):
            self.pre.addItem(f"{n + 1}. {self.table.text(n)}", uid)
        self.pre.setCurrentIndex(max(0, self.pre.findData(chosen)))

    def _reordered(self) -> None:
        self._fill_pre(self.pre.currentData())
        self._check()

    def _check(self) -> None:
        problem = seconds_problem([self.table.typed(n) for n in range(self.table.rowCount())])
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.accept_button.setEnabled(not problem)

    def answer(self) -> PhaseAnswer:
        """Return order, pre-contrast phase and times as the user left them."""
        uids = self.table.uids()
        pre = self.pre.currentData()
        seconds = tuple(parse_seconds(self.table.typed(n)) for n in range(self.table.rowCount()))
        return PhaseAnswer(uids, uids.index(pre) if pre in uids else None, seconds)


class PhaseTable(QTableWidget):
    """Rows that can be dragged; the seconds column can be edited."""

    def __init__(self) -> None:
        super().__init__(0, 3)
        self.order_changed = lambda: None
        self.setHorizontalHeaderLabels(["Phase", "Images", "Seconds"])
        self.setAccessibleName("Phases")
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDragDropOverwriteMode(False)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Fixed)
        self.setColumnWidth(0, 140)
        self.setColumnWidth(2, 110)

    def add(self, uid: str, title: str, images: str, seconds: float | None) -> None:
        """Append a phase."""
        row = self.rowCount()
        self.insertRow(row)
        for column, text in enumerate((title, images, "" if seconds is None else f"{seconds:g}")):
            item = QTableWidgetItem(text)
            item.setData(UID, uid)
            flags = item.flags() & ~Qt.ItemFlag.ItemIsDropEnabled
            item.setFlags(flags if column == 2 else flags & ~Qt.ItemFlag.ItemIsEditable)
            if column == 2:
                item.setToolTip("Seconds after the first phase; leave empty where not known")
                item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            self.setItem(row, column, item)
        self.setRowHeight(row, 36)

    def uids(self) -> tuple[str, ...]:
        """Return the stacks in the order of the rows."""
        return tuple(self._item(n, 0).data(UID) for n in range(self.rowCount()))

    def text(self, row: int) -> str:
        """Return the title of a row."""
        return self._item(row, 0).text()

    def typed(self, row: int) -> str:
        """Return what stands in the seconds column."""
        return self._item(row, 2).text().strip()

    def _item(self, row: int, column: int) -> QTableWidgetItem:
        item = self.item(row, column)
        return item if item is not None else QTableWidgetItem()

    def move_row(self, step: int) -> None:
        """Move the current row; phase and images move, the times stay in order with the places they belong to."""
        self.move_from(self.currentRow(), self.currentRow() + step)

    def move_from(self, source: int, target: int) -> None:
        """Move a row to another place, with its own time."""
        if not (0 <= source < self.rowCount() and 0 <= target < self.rowCount()) or source == target:
            return
        self.blockSignals(True)
        items = [self.takeItem(source, column) for column in range(3)]
        self.removeRow(source)
        self.insertRow(target)
        for column, item in enumerate(items):
            self.setItem(target, column, item)
        self.setRowHeight(target, 36)
        self.setCurrentCell(target, 0)
        self.blockSignals(False)
        self.order_changed()

    def dropEvent(self, event) -> None:
        """Move the dragged row to where it was dropped."""
        place = self.indexAt(event.position().toPoint()).row()
        self.move_from(self.currentRow(), place if place >= 0 else self.rowCount() - 1)
        event.setDropAction(Qt.DropAction.IgnoreAction)  # the row is already where it belongs
        event.accept()

    def keyPressEvent(self, event) -> None:
        """Move the row with Alt+Up and Alt+Down."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(event.key(), 0)
        if step and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.move_row(step)
        else:
            super().keyPressEvent(event)


def explanation(dynamic: Dynamic) -> str:
    """Return how the order was found."""
    reason = dynamic.pre_reason.rstrip(".")
    pre = f" Pre-contrast: {reason}." if reason else ""
    return (
        f"The order comes from: {dynamic.key}.{pre} Drag a phase to move it. Times are seconds after the first phase."
    )


def parse_seconds(text: str) -> float | None:
    """Return the number in a field, None for an empty one; ValueError for anything else."""
    return float(text.replace(",", ".")) if text else None


def seconds_problem(texts: list[str]) -> str:
    """Return what is wrong with the times, "" where nothing is."""
    known: list[float] = []
    for text in texts:
        try:
            seconds = parse_seconds(text)
        except ValueError:
            return f"“{text}” is not a number of seconds."
        if seconds is None:
            continue
        if known and seconds <= known[-1]:
            return f"{seconds:g} s does not come after {known[-1]:g} s: times must grow from phase to phase."
        known.append(seconds)
    return ""
