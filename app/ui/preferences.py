"""Preferences: a form generated from the fields of the settings, their titles, help texts and ranges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import Field, fields, replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSpinBox,
    QWidget,
)

from app.screens import pitches
from app.settings import Settings
from app.ui import theme
from app.ui.parts import Dialog, button


class PreferencesDialog(Dialog):
    """One row per setting."""

    def __init__(
        self, settings: Settings, parent: QWidget | None = None, *, calibrate: Callable[[], object] | None = None
    ) -> None:
        super().__init__("Preferences", "", parent)
        self.resize(680, 680)
        self._settings = settings
        self._read: dict[str, Callable[[], Any]] = {}
        form = QWidget()
        form.setObjectName("page")
        grid = QGridLayout(form)
        grid.setContentsMargins(0, 0, 16, 0)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(0, 1)
        shown = [setting for setting in fields(settings) if not setting.metadata.get("hidden")]
        for number, setting in enumerate(shown):
            widget, read = editor(setting, getattr(settings, setting.name))
            widget.setToolTip(setting.metadata["help"])
            widget.setAccessibleName(setting.metadata["title"])
            widget.setFixedWidth(220)
            self._read[setting.name] = read
            _add_row(grid, number, setting.metadata["title"], setting.metadata["help"], widget)
        self.screens = theme.label(role="small", wrap=True)
        if calibrate is not None:
            ask = button("Calibrate this screen…", calibrate, tip="Measure its pixels with a bank card or a ruler")
            ask.setFixedWidth(220)
            _add_row(grid, len(shown), "Screens", self.screens, ask)
            self.show_screens(settings)
        grid.setRowStretch(3 * len(shown) + 3, 1)
        area = QScrollArea()
        area.setObjectName("panel")
        area.setWidgetResizable(True)
        area.setWidget(form)
        self.body.addWidget(area, 1)
        self.problem = theme.label(wrap=True)
        theme.retone(self.problem, "alert")
        self.problem.hide()
        self.body.addWidget(self.problem)
        self.add_buttons("Save")

    def show_screens(self, settings: Settings) -> None:
        """Say which screens are calibrated."""
        self.screens.setText(screens_text(settings.screens))

    def answer(self, base: Settings | None = None) -> Settings:
        """Return the settings as edited; SettingsError says which one is wrong.

        Parameters
        ----------
        base
            Settings whose hidden values are kept; None for those that the dialog was opened with.
        """
        return replace(base or self._settings, **{name: read() for name, read in self._read.items()})

    def accept(self) -> None:
        """Close only with settings that are valid."""
        try:
            self.answer()
        except ValueError as error:
            self.problem.setText(str(error))
            self.problem.show()
            return
        super().accept()


def _add_row(grid: QGridLayout, number: int, title: str, about: str | QLabel, widget: QWidget) -> None:
    grid.addWidget(theme.label(title), 3 * number, 0)
    grid.addWidget(theme.label(about, "small", wrap=True) if isinstance(about, str) else about, 3 * number + 1, 0)
    grid.addWidget(widget, 3 * number, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
    grid.setRowMinimumHeight(3 * number + 2, 12)


def screens_text(screens: str) -> str:
    """Return the calibrated screens in words, from the text kept in the settings."""
    known = [f"{name}: {pitch:.4f} mm per pixel" for name, pitch in pitches(screens).items()]
    return "\n".join(known) or "No screen is calibrated yet; true size then relies on what the screen says of itself."


def editor(setting: Field, value: Any) -> tuple[QWidget, Callable[[], Any]]:
    """Return the widget that edits a setting, and how its value is read."""
    if isinstance(value, bool):
        box = QCheckBox("On")
        box.setChecked(value)
        return box, box.isChecked
    if "choices" in setting.metadata:
        choice = QComboBox()
        choice.addItems(list(setting.metadata["choices"]))
        choice.setCurrentText(value)
        return choice, choice.currentText
    if isinstance(value, int | float):
        return _number(setting, value)
    line = QLineEdit(value)
    return line, lambda: line.text().strip()


def _number(setting: Field, value: float) -> tuple[QWidget, Callable[[], Any]]:
    spin = QDoubleSpinBox() if isinstance(value, float) else QSpinBox()
    theme.inset(spin)
    low, high = setting.metadata.get("range", (0, 10**6))
    spin.setRange(low, high)  # type: ignore[arg-type]
    if isinstance(spin, QDoubleSpinBox):
        spin.setSingleStep(0.05 if high <= 1 else 0.5)
    unit = setting.metadata.get("unit", "")
    spin.setSuffix(f" {unit}" if unit else "")
    spin.setValue(value)  # type: ignore[arg-type]
    return spin, spin.value
