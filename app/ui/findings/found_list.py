"""Found list: the places that models point at in the image on show; a click jumps, K makes a box."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ui import theme
from app.ui.colour_button import patch
from app.ui.display import Display
from app.ui.parts import button
from app.ui.places import box_size_mm, length_unit
from viewer.layers.types import BoxShape

ROW, MOST_ROWS = 30, 6
SHAPE = Qt.ItemDataRole.UserRole


class FoundList(QWidget):
    """Every finding of every model that no reader has accepted yet, in the models' colours."""

    def __init__(self, display: Display) -> None:
        super().__init__()
        self.setObjectName("page")
        self.display = display
        self.heading = theme.label("FINDINGS", "section")
        self.list = QListWidget()
        self.list.setAccessibleName("Findings")
        self.list.setIconSize(QSize(12, 12))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.itemActivated.connect(self._jump)
        self.list.itemClicked.connect(self._jump)
        self.make_box = button("Make box", self.accept_selected, tip="Make a box of your own from the finding  (K)")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.heading, self.list, self.make_box):
            layout.addWidget(widget)

    def fill(self) -> None:
        """List the findings that are open now, the highest score of each model first."""
        shapes = self.display.marks.open_findings()
        chosen, unit = self.list.currentRow(), length_unit(self.display.pane.content)
        self.list.clear()
        for shape in shapes:
            width, height = box_size_mm(shape)
            item = QListWidgetItem(patch(shape.colour), f"{shape.text}   {width:.0f} × {height:.0f} {unit}")
            item.setData(SHAPE, shape)
            item.setToolTip(f"{item.text()}\nClick to jump there; K makes it a box of yours")
            self.list.addItem(item)
        self.list.setCurrentRow(min(chosen, len(shapes) - 1))
        self.list.setFixedHeight(min(MOST_ROWS, max(1, len(shapes))) * ROW + 8)
        self.setVisible(bool(shapes))

    def accept_selected(self) -> None:
        """Make a box from the selected finding, or the strongest."""
        item = self.list.currentItem()
        self.display.marks.accept(item.data(SHAPE) if item is not None else None)

    def _jump(self, item: QListWidgetItem) -> None:
        shape: BoxShape = item.data(SHAPE)
        self.display.marks.jump_to_finding(shape)
