"""Spacing dialog: how large a pixel is, for research images that do not say so. Nothing is assumed."""

from __future__ import annotations

from PySide6.QtWidgets import QDoubleSpinBox, QFormLayout, QWidget

from app.studies.study import Stack
from app.ui import theme
from app.ui.parts import Dialog


class SpacingDialog(Dialog):
    """Row, column and, for a volume, slice spacing in millimetres."""

    def __init__(self, title: str, stack: Stack, parent: QWidget | None = None) -> None:
        super().__init__(
            "Pixel spacing",
            f"“{title}” ({stack.columns} × {stack.rows}) does not say how large its pixels are, so sizes are shown in "
            "pixels. Enter the distance between pixel centres if you know it; it is kept with the study and marked as "
            "given by you."
            if stack.spacing_mm is None
            else f"“{title}” has a spacing ({stack.spacing_basis}). What you enter here takes its place.",
            parent,
        )
        self.setMinimumWidth(480)
        known = stack.spacing_mm or (0.0, 0.0, 0.0)
        self.row = spacing_box("Distance between rows", known[1])
        self.column = spacing_box("Distance between columns", known[2])
        self.slice = spacing_box("Distance between slices", known[0])
        self._volume = len(stack.frames) > 1
        form = QFormLayout()
        form.setHorizontalSpacing(2 * theme.SPACE)
        form.setVerticalSpacing(theme.SPACE)
        form.addRow(theme.label("Between rows", "quiet"), self.row)
        form.addRow(theme.label("Between columns", "quiet"), self.column)
        if self._volume:
            form.addRow(theme.label("Between slices", "quiet"), self.slice)
        self.body.addLayout(form)
        self.body.addStretch(1)
        self.accept_button = self.add_buttons("Use this spacing")
        self.row.valueChanged.connect(self._mirror)
        for box in (self.row, self.column, self.slice):
            box.valueChanged.connect(self._check)
        self._last_row = known[1]
        self._check()
        self.row.setFocus()
        self.row.selectAll()

    def _mirror(self, value: float) -> None:
        """Square pixels are the rule: the column follows the row until it is set apart."""
        if self.column.value() in (0.0, self._last_row):
            self.column.setValue(value)
        self._last_row = value

    def _check(self) -> None:
        needed = [self.row, self.column, *([self.slice] if self._volume else [])]
        self.accept_button.setEnabled(all(box.value() > 0 for box in needed))

    def answer(self) -> tuple[float, ...]:
        """Return (row, column) or, for a volume, (row, column, slice), in mm."""
        values = (self.row.value(), self.column.value())
        return (*values, self.slice.value()) if self._volume else values


def spacing_box(name: str, value: float) -> QDoubleSpinBox:
    """Return a field for a length in millimetres; empty while nothing is known."""
    box = QDoubleSpinBox()
    theme.inset(box)
    box.setAccessibleName(name)
    box.setToolTip(f"{name} in millimetres")
    box.setDecimals(4)
    box.setRange(0.0, 50.0)
    box.setSingleStep(0.01)
    box.setSuffix(" mm")
    box.setSpecialValueText("not known")
    box.setValue(value)
    return box
