"""Measurements: every measurement of the study with value, basis and place; notes, copying and export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.commands import attempt
from app.measured import basis_text, details, in_study, statistics_text, value_text
from app.measured_table import csv_text
from app.ui import theme
from app.ui.display import Display
from app.ui.measurement_layers import image_title
from app.ui.parts import button, page
from app.workspace.measurement import Measurement

COLUMNS = ("Kind", "Value", "Place")
EMPTY = (
    "No measurements yet.\n\nShift+L length · Shift+D two diameters · Shift+A angle · "
    "Shift+E ellipse · Shift+F freehand region. The tool stays in the hand; Esc drops what was begun."
)


class MeasurementsPanel(QWidget):
    """Tab “Measurements”."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display, self.session = display, display.session
        self.table = MeasurementTable(self._delete, self.copy)
        self.table.currentCellChanged.connect(lambda *_: self._choose())
        self.table.itemActivated.connect(lambda _: self._jump())
        self.note = QLineEdit()
        self.note.setPlaceholderText("Note on the selected measurement")
        self.note.setAccessibleName("Note on the selected measurement")
        self.note.editingFinished.connect(self._set_note)
        self.empty = theme.label(EMPTY, "quiet", wrap=True)
        self.foot = QWidget()
        self.foot.setObjectName("page")
        foot = QHBoxLayout(self.foot)
        foot.setContentsMargins(0, 0, 0, 0)
        self.remove = button("Delete", self._delete, tip="Delete the selected measurement  (Del)", icon="trash")
        for made in (
            button("Copy", self.copy, tip="Copy all measurements as a table  (Ctrl+C)"),
            button("Export CSV…", self.export, tip="Write all measurements with units, basis, points and UIDs"),
        ):
            foot.addWidget(made)
        foot.addStretch(1)
        foot.addWidget(self.remove)
        area, layout = page()
        layout.addWidget(theme.label("MEASUREMENTS OF THIS STUDY", "section"))
        layout.addWidget(self.empty)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.note)
        layout.addWidget(self.foot)
        layout.addStretch(0)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)
        self.setFocusProxy(self.table)
        self.session.annotations.changed.connect(self._fill)
        self.session.library.study_changed.connect(self._fill)
        display.marks.box_selected.connect(self._follow)
        self._fill()

    # -- contents --------------------------------------------------------------------------------------------------

    @property
    def measurements(self) -> tuple[Measurement, ...]:
        """Every measurement of the study, with the spacing in force."""
        study = self.session.study
        kept = self.session.annotations.measurements
        return tuple(in_study(one, study) for one in kept) if study is not None else ()

    @property
    def current(self) -> Measurement | None:
        """The measurement of the current row."""
        item = self.table.item(self.table.currentRow(), 0)
        return self.session.annotations.measurement(item.data(Qt.ItemDataRole.UserRole)) if item is not None else None

    def _fill(self) -> None:
        shown = self.measurements
        self.table.blockSignals(True)
        self.table.setRowCount(len(shown))
        for row, one in enumerate(shown):
            for column, text in enumerate(self._cells(one)):
                item = QTableWidgetItem(text)
                item.setData(Qt.ItemDataRole.UserRole, one.uid)
                item.setToolTip(self._tip(one))
                item.setTextAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
                self.table.setItem(row, column, item)
        self.table.resizeRowsToContents()
        self.table.blockSignals(False)
        self._follow(self.display.marks.selected)
        for widget in (self.table, self.note, self.foot):
            widget.setVisible(bool(shown))
        self.empty.setVisible(not shown)

    def _cells(self, one: Measurement) -> tuple[str, str, str]:
        """Return kind, label and note; value, statistics, image and basis; place and author."""
        study, taxonomy = self.session.study, self.session.annotations.taxonomy
        term = taxonomy.term(one.label) if taxonomy is not None else None
        label = term.title if term is not None else one.label
        image = image_title(one, study) if study is not None else ""
        columns = (
            (one.title, label, one.note),
            (value_text(one), statistics_text(one), image, basis_text(one.basis)),
            (self.display.marks.place_of(one), one.author),
        )
        kind, value, place = ("\n".join(line for line in lines if line) for lines in columns)
        return kind, value, place

    def _tip(self, one: Measurement) -> str:
        author = f"by {one.author}" if one.author else "author not set (see Preferences)"
        return "\n".join((*details(one), f"{author}, {one.created[:16].replace('T', ' ')} UTC"))

    def _follow(self, uid: str) -> None:
        """Mark the row of the measurement that is selected in the panes."""
        rows = [n for n in range(self.table.rowCount()) if self._uid(n) == uid]
        self.table.blockSignals(True)
        if rows:
            self.table.setCurrentCell(rows[0], 0)
        else:
            self.table.setCurrentItem(None)  # type: ignore[arg-type]
            self.table.clearSelection()
        self.table.blockSignals(False)
        self._show_note()

    def _uid(self, row: int) -> str:
        item = self.table.item(row, 0)
        return item.data(Qt.ItemDataRole.UserRole) if item is not None else ""

    def _show_note(self) -> None:
        one = self.current
        self.note.setText(one.note if one is not None else "")
        self.note.setEnabled(one is not None)
        self.remove.setEnabled(one is not None)

    # -- what the user does ----------------------------------------------------------------------------------------

    def _choose(self) -> None:
        self._show_note()
        self._jump()

    def _jump(self) -> None:
        if (one := self.current) is not None:
            self.display.marks.jump_to_measurement(one)

    def _set_note(self) -> None:
        if (one := self.current) is not None:
            text = self.note.text().strip()
            attempt(
                self.session.notices, "The note was not kept", lambda: self.session.annotations.set_note(one.uid, text)
            )

    def _delete(self) -> None:
        if (one := self.current) is not None:
            self.display.marks.delete(one.uid)

    def copy(self) -> None:
        """Put every measurement on the clipboard as a table, one line each."""
        lines = ["\t".join(cell.replace("\n", ", ") for cell in self._cells(one)) for one in self.measurements]
        if lines:
            QGuiApplication.clipboard().setText("\n".join(("\t".join(COLUMNS), *lines)))

    def export(self) -> None:
        """Ask for a file and write every measurement to it as CSV."""
        if not self.measurements:
            self.session.notices.info("There are no measurements to export.", "", "Draw one first, such as Shift+L.")
            return
        name, _ = QFileDialog.getSaveFileName(self, "Export measurements", "measurements.csv", "CSV (*.csv)")
        if name:
            attempt(self.session.notices, "The measurements were not exported", lambda: self.write(Path(name)))

    def write(self, file: Path) -> None:
        """Write every measurement to a CSV file; a spreadsheet recognises UTF-8 by its mark."""
        from app.workspace.files import write_atomically

        write_atomically(file, b"\xef\xbb\xbf" + csv_text(self.measurements).encode())
        self.session.notices.info(f"{len(self.measurements)} measurements were written to {file}.")


class MeasurementTable(QTableWidget):
    """The table; Del deletes, Ctrl+C copies."""

    def __init__(self, on_delete: Callable[[], None], on_copy: Callable[[], None]) -> None:
        super().__init__(0, len(COLUMNS))
        self._on_delete, self._on_copy = on_delete, on_copy
        self.setAccessibleName("Measurements")
        self.setHorizontalHeaderLabels(list(COLUMNS))
        self.verticalHeader().hide()
        self.setShowGrid(False)
        self.setWordWrap(True)
        self.setTabKeyNavigation(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete with Del or Backspace, copy with Ctrl+C."""
        copying = event.key() == Qt.Key.Key_C and event.modifiers() == Qt.KeyboardModifier.ControlModifier
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._on_delete()
        elif copying:
            self._on_copy()
        else:
            super().keyPressEvent(event)
