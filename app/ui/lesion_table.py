"""Lesion table: regions with volume and diameters, the row that makes a new one, and what can be done with one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.session.regions import Lesion, Regions
from app.ui import theme
from app.ui.growth_row import GrowthRow
from app.ui.parts import button

COLUMNS = ("Region", "Volume ml", "Longest mm", "In plane mm", "Extents mm")
TIPS = (
    "Tick to show it as a surface and in the slices. Del removes the selected one.",
    "Voxels times the volume of one voxel",
    "Longest distance between two points of the outline, in space",
    "Longest diameter within one slice, and the longest perpendicular to it in that slice (as RECIST 1.1)",
    "Extents along the three principal axes",
)
ROWS_SHOWN = 4
UID = Qt.ItemDataRole.UserRole


class LesionTable(QWidget):
    """The regions of the study.

    Attributes
    ----------
    chosen
        uid of the region whose row was activated.
    export_asked
        uid of the region to be written to a file.
    """

    chosen = Signal(str)
    export_asked = Signal(str)

    def __init__(
        self, regions: Regions, on_grow: Callable[[], object], surface_ml: Callable[[str], float | None]
    ) -> None:
        super().__init__()
        self.regions, self._surface_ml = regions, surface_ml
        self.making = GrowthRow(on_grow)
        self.export = button("Export mask…", self._export, tip="Write the selected region as NIfTI for other programs")
        self.delete = button("Delete", self._remove_selected, tip="Delete the selected region  (Del)")
        self.table = _Table(0, len(COLUMNS))
        self.table.delete_pressed.connect(self._remove_selected)
        self.table.itemChanged.connect(self._tick)
        self.table.itemActivated.connect(lambda item: self.chosen.emit(self._uid(item.row())))
        self.table.cellClicked.connect(lambda row, _: self.chosen.emit(self._uid(row)))
        for column, tip in enumerate(TIPS):
            header = QTableWidgetItem(COLUMNS[column])
            header.setToolTip(tip)
            self.table.setHorizontalHeaderItem(column, header)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 8, 8)
        layout.setSpacing(theme.SPACE)
        layout.addWidget(self.making)
        layout.addWidget(self.table)
        below = QHBoxLayout()
        below.addStretch(1)
        below.addWidget(self.export)
        below.addWidget(self.delete)
        layout.addLayout(below)
        self.table.itemSelectionChanged.connect(self._enable)
        regions.changed.connect(self.fill)
        self.fill()

    def fill(self) -> None:
        """List the regions."""
        chosen = self.selected
        self.table.blockSignals(True)
        self.table.setRowCount(len(self.regions.lesions))
        for row, lesion in enumerate(self.regions.lesions):
            for column, text in enumerate(cells(lesion)):
                self.table.setItem(row, column, self._item(lesion, column, text))
        uids = [lesion.uid for lesion in self.regions.lesions]
        if uids:
            self.table.selectRow(uids.index(chosen) if chosen in uids else len(uids) - 1)
        self.table.blockSignals(False)
        self._enable()
        rows = min(len(self.regions.lesions), ROWS_SHOWN)
        self.table.setVisible(rows > 0)
        height = (
            self.table.horizontalHeader().sizeHint().height() + rows * self.table.verticalHeader().defaultSectionSize()
        )
        self.table.setFixedHeight(height + 4)

    @property
    def selected(self) -> str:
        """The uid of the selected region, "" for none."""
        row = self.table.currentRow()
        return self._uid(row) if row >= 0 else ""

    def _enable(self) -> None:
        for part in (self.export, self.delete):
            part.setVisible(self.table.rowCount() > 0)
            part.setEnabled(bool(self.selected))

    def _export(self) -> None:
        self.export_asked.emit(self.selected)

    def _item(self, lesion: Lesion, column: int, text: str) -> QTableWidgetItem:
        item = QTableWidgetItem(text)
        item.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        surface = self._surface_ml(lesion.uid)
        checked = (f"Volume inside the surface: {surface:.2f} ml.",) if surface is not None else ()
        item.setToolTip("\n".join((TIPS[column], *lesion.provenance, *checked)))
        if column == 0:
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
            item.setCheckState(Qt.CheckState.Checked if lesion.mask.visible else Qt.CheckState.Unchecked)
            item.setData(UID, lesion.uid)
            swatch = QPixmap(12, 12)
            swatch.fill(QColor(lesion.mask.colour))
            item.setIcon(swatch)
        return item

    def _uid(self, row: int) -> str:
        item = self.table.item(row, 0)
        return str(item.data(UID)) if item is not None else ""

    def _tick(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            self.regions.show(self._uid(item.row()), visible=item.checkState() is Qt.CheckState.Checked)

    def _remove_selected(self) -> None:
        if self.selected:
            self.regions.remove(self.selected)


class _Table(QTableWidget):
    delete_pressed = Signal()

    def __init__(self, rows: int, columns: int) -> None:
        super().__init__(rows, columns)
        self.setAccessibleName("Regions")
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.verticalHeader().hide()
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.horizontalHeader().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setHighlightSections(False)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Remove the selected region with Del."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.delete_pressed.emit()
        else:
            super().keyPressEvent(event)


def cells(lesion: Lesion) -> tuple[str, ...]:
    """Return the texts of a row; an asterisk says that the region ends at the greatest distance."""
    size = lesion.size
    return (
        f"{lesion.title}{' *' if lesion.cut_off else ''}",
        f"{size.volume_ml:.2f}",
        f"{size.longest_mm:.1f}",
        f"{size.plane_longest_mm:.1f} × {size.plane_perpendicular_mm:.1f}",
        " × ".join(f"{value:.0f}" for value in size.principal_mm),
    )
