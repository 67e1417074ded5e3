"""Skipped files: each file of a folder that was not taken, with its reason in full."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QTableWidget, QTableWidgetItem, QWidget

from app.studies.study import Skipped
from app.ui.parts import Dialog

ROWS_MEASURED = 500  # a folder of 10,000 text files must still be listed at once


class SkippedDialog(Dialog):
    """Every file that was not taken, with its reason."""

    def __init__(self, skipped: tuple[Skipped, ...], parent: QWidget | None = None) -> None:
        super().__init__("Skipped files", "These files were not taken. Nothing else of the folder is missing.", parent)
        self.resize(800, 480)
        table = QTableWidget(len(skipped), 2)
        table.setHorizontalHeaderLabels(["File", "Reason"])
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        table.horizontalHeader().setStretchLastSection(True)
        table.verticalHeader().hide()
        table.setShowGrid(False)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setAccessibleName("Skipped files")
        table.setColumnWidth(0, 260)
        for row, one in enumerate(skipped):
            for column, (text, tip) in enumerate(((one.path.name, str(one.path)), (one.reason, one.reason))):
                item = QTableWidgetItem(text)
                item.setToolTip(tip)
                table.setItem(row, column, item)
        self.table = table
        self.body.addWidget(table, 1)
        self.add_buttons("Close", cancel="")

    def showEvent(self, event: QShowEvent) -> None:
        """Give each reason the lines it needs, now that the width is known."""
        super().showEvent(event)
        for row in range(min(self.table.rowCount(), ROWS_MEASURED)):
            self.table.resizeRowToContents(row)
