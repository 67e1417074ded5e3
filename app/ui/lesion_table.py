"""Lesion table: regions with volume and diameters, and the row that makes a new one."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.session.regions import Growth, Lesion, Regions
from app.ui import geometry, theme
from app.ui.parts import button

COLUMNS = ("Region", "Volume", "Longest", "In plane", "Extents")
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
    """

    chosen = Signal(str)

    def __init__(
        self, regions: Regions, on_grow: Callable[[], object], surface_ml: Callable[[str], float | None]
    ) -> None:
        super().__init__()
        self.regions, self._surface_ml = regions, surface_ml
        kept = geometry.store()
        self.per_cent = _spin(10, 1000, 10, float(str(kept.value("volume/per_cent", Growth.per_cent))), " %")
        self.per_cent.setToolTip("Least enhancement over pre-contrast that belongs to the region")
        self.per_cent.setAccessibleName("Enhancement threshold")
        self.reach = _spin(5, 150, 5, float(str(kept.value("volume/reach_mm", Growth.reach_mm))), " mm")
        self.reach.setToolTip("Greatest distance from the cursor, so that a region cannot run away along a vessel")
        self.reach.setAccessibleName("Greatest distance")
        self.strands = QCheckBox(f"Cut vessels < {Growth.strand_mm:.0f} mm")
        self.strands.setToolTip("Leave strands out that are thinner than this: feeding vessels, but also thin spicules")
        self.strands.setChecked(str(kept.value("volume/strands", "true")) == "true")
        self.grow = button(
            "Outline at cursor", on_grow, tip="Outline what enhances around the cursor; click on the lesion first"
        )
        row = QHBoxLayout()
        row.setSpacing(theme.SPACE)
        for part in (theme.label("Enhancement ≥", "quiet"), self.per_cent, theme.label("within", "quiet"), self.reach):
            row.addWidget(part)
        row.addStretch(1)
        below = QHBoxLayout()
        below.addWidget(self.strands)
        below.addStretch(1)
        below.addWidget(self.grow)
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
        layout.addLayout(row)
        layout.addLayout(below)
        layout.addWidget(self.table)
        regions.changed.connect(self.fill)
        self.fill()

    @property
    def growth(self) -> Growth:
        """How a region is to be found."""
        strand_mm = Growth.strand_mm if self.strands.isChecked() else 0.0
        return Growth(self.per_cent.value(), self.reach.value(), strand_mm)

    def fill(self) -> None:
        """List the regions."""
        self.table.blockSignals(True)
        self.table.setRowCount(len(self.regions.lesions))
        for row, lesion in enumerate(self.regions.lesions):
            for column, text in enumerate(cells(lesion)):
                self.table.setItem(row, column, self._item(lesion, column, text))
        self.table.blockSignals(False)
        rows = min(len(self.regions.lesions), ROWS_SHOWN)
        self.table.setVisible(rows > 0)
        height = (
            self.table.horizontalHeader().sizeHint().height() + rows * self.table.verticalHeader().defaultSectionSize()
        )
        self.table.setFixedHeight(height + 4)

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
        if self.table.currentRow() >= 0:
            self.regions.remove(self._uid(self.table.currentRow()))

    def save(self) -> None:
        """Remember threshold and distance."""
        kept = geometry.store()
        kept.setValue("volume/per_cent", self.per_cent.value())
        kept.setValue("volume/reach_mm", self.reach.value())
        kept.setValue("volume/strands", "true" if self.strands.isChecked() else "false")


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
        f"{size.volume_ml:.2f} ml",
        f"{size.longest_mm:.1f} mm",
        f"{size.plane_longest_mm:.1f} × {size.plane_perpendicular_mm:.1f} mm",
        " × ".join(f"{value:.0f}" for value in size.principal_mm) + " mm",
    )


def _spin(least: float, most: float, step: float, value: float, unit: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setRange(least, most)
    spin.setSingleStep(step)
    spin.setDecimals(0)
    spin.setSuffix(unit)
    spin.setValue(value)
    return spin
