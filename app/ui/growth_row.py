"""Growth row: how a region is outlined by enhancement, and the button that does it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QGridLayout, QHBoxLayout, QWidget

from app.session.regions import Growth
from app.ui import geometry, theme
from app.ui.parts import button

HALF, FIXED = "half", "fixed"
FIXED_PER_CENT = 80.0


class GrowthRow(QWidget):
    """Threshold, greatest distance, vessels; remembered from one day to the next."""

    def __init__(self, on_grow: Callable[[], object]) -> None:
        super().__init__()
        kept = geometry.store()
        self.rule = QComboBox()
        self.rule.addItem("half of its own", HALF)
        self.rule.addItem("at least", FIXED)
        self.rule.setToolTip(
            "Which enhancement belongs to the region: half of the lesion's own (the median within 3 mm of the "
            "cursor), which follows its brightness and leaks less, or a fixed one"
        )
        self.rule.setAccessibleName("Rule of the threshold")
        self.rule.setCurrentIndex(max(self.rule.findData(str(kept.value("volume/rule", HALF))), 0))
        self.per_cent = _spin(10, 1000, 10, _number(kept.value("volume/per_cent"), FIXED_PER_CENT), " %")
        self.per_cent.setToolTip("Least enhancement over pre-contrast that belongs to the region")
        self.per_cent.setAccessibleName("Enhancement threshold")
        self.reach = _spin(5, 150, 5, _number(kept.value("volume/reach_mm"), Growth.reach_mm), " mm")
        self.reach.setToolTip("Greatest distance from the cursor, so that a region cannot run away along a vessel")
        self.reach.setAccessibleName("Greatest distance")
        self.strands = QCheckBox(f"Cut vessels < {Growth.strand_mm:.0f} mm")
        self.strands.setToolTip("Leave strands out that are thinner than this: feeding vessels, but also thin spicules")
        self.strands.setChecked(str(kept.value("volume/strands", "true")) == "true")
        self.grow = button(
            "Outline at cursor", on_grow, tip="Outline what enhances around the cursor; click on the lesion first"
        )
        self.rule.currentIndexChanged.connect(lambda _: self._enable())
        self._lay_out()
        self._enable()

    def _lay_out(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        for part in (self.rule, self.per_cent):
            first.addWidget(part)
        first.addStretch(1)
        for part in (self.reach, self.strands):
            second.addWidget(part)
        second.addStretch(1)
        second.addWidget(self.grow)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(theme.SPACE)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        grid.addWidget(theme.label("Enhancement", "quiet"), 0, 0)
        grid.addLayout(first, 0, 1)
        grid.addWidget(theme.label("Within", "quiet"), 1, 0)
        grid.addLayout(second, 1, 1)

    def _enable(self) -> None:
        self.per_cent.setVisible(self.rule.currentData() == FIXED)

    @property
    def growth(self) -> Growth:
        """How a region is to be found."""
        fixed = self.per_cent.value() if self.rule.currentData() == FIXED else None
        return Growth(fixed, self.reach.value(), Growth.strand_mm if self.strands.isChecked() else 0.0)

    def save(self) -> None:
        """Remember all of it."""
        kept = geometry.store()
        kept.setValue("volume/rule", self.rule.currentData())
        kept.setValue("volume/per_cent", self.per_cent.value())
        kept.setValue("volume/reach_mm", self.reach.value())
        kept.setValue("volume/strands", "true" if self.strands.isChecked() else "false")


def _number(kept: object, default: float) -> float:
    """Return what was kept; what cannot be read is the default."""
    try:
        return float(str(kept)) if kept is not None else default
    except ValueError:
        return default


def _spin(least: float, most: float, step: float, value: float, unit: str) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    theme.inset(spin)
    spin.setRange(least, most)
    spin.setSingleStep(step)
    spin.setDecimals(0)
    spin.setSuffix(unit)
    spin.setValue(value)
    return spin
