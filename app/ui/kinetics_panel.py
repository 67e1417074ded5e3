"""Kinetics: the curve under the cursor and of a region, classes and parameter maps, volumes, all with their basis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.commands import attempt
from app.session.kinetic_work import BREASTS, breasts, lesion, whole
from app.ui import theme
from app.ui.kinetics_cards import ClassTable, MapsCard, ThresholdCard, shrinkable
from app.ui.kinetics_curves import CurveCard
from app.ui.kinetics_regions import drawn, selected_shape
from app.ui.kinetics_text import class_rows, csv_text, threshold_text, worst_text
from app.ui.parts import button, page, rule
from inference.errors import HintedError

if TYPE_CHECKING:
    from app.session.kinetic_work import Find
    from app.ui.display import Display
    from inference.kinetics import ClassReport

CURSOR_MS = 16  # one frame
SCOPES = (
    ("drawn", "Selected box or region"),
    ("lesion", "Lesion at the cross"),
    *((name, title) for name, (_, title) in BREASTS.items()),
    ("whole", "Whole image"),
)
NO_DYNAMIC = (
    "No dynamic series.\n\nOpen a breast MRI with phases before and after contrast; the curve then follows the cursor."
)


class KineticsPanel(QWidget):
    """Tab “Kinetics”."""

    def __init__(self, display: Display, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.display, self.session, self.kinetics = display, display.session, display.session.kinetics
        self._mm: tuple[float, float, float] | None = None
        self._region_problem = ""
        self._seen: object = None
        self._timer = QTimer(self, singleShot=True, interval=CURSOR_MS, timeout=self._follow_cursor)
        self._build()
        display.grid.cursor_moved.connect(self._take_cursor)
        display.focus_changed.connect(lambda: self.kinetics.follow(display.stack_uid))
        self.kinetics.changed.connect(self.refresh)
        self.session.annotations.changed.connect(self.refresh)
        display.marks.box_selected.connect(lambda _: self.refresh())
        self.refresh()

    def _build(self) -> None:
        self.curves = CurveCard(self.kinetics)
        self.scope = QComboBox()
        self.scope.setAccessibleName("Region of the table")
        self.scope.setToolTip("What the table counts; a lesion is half of its own enhancement around the cross")
        for name, title in SCOPES:
            self.scope.addItem(title, name)
        shrinkable(self.scope)
        self.scope.activated.connect(lambda _: self._choose_scope())
        self.grow = button("Measure", self._choose_scope, tip="Take the region anew, such as after the cross has moved")
        self.table, self.worst = ClassTable(), theme.label(role="small", wrap=True)
        self.copy = button("Copy table", self.copy_table, tip="Copy curves and table to paste them into a sheet")
        self.export = button("Export CSV…", self._ask_export, tip="Save curves, table and notes")
        self.notes = theme.label(role="small", wrap=True)
        area, layout = page()
        layout.addWidget(self.curves)
        layout.addWidget(rule())
        layout.addWidget(theme.label("MAPS", "section"))
        layout.addWidget(MapsCard(self.kinetics))
        layout.addWidget(rule())
        layout.addWidget(theme.label("REGION", "section"))
        layout.addLayout(_row(self.scope, self.grow))
        layout.addWidget(self.table)
        layout.addWidget(self.worst)
        layout.addLayout(_row(self.copy, self.export))
        layout.addWidget(rule())
        layout.addWidget(theme.label("THRESHOLDS", "section"))
        layout.addWidget(ThresholdCard(self.kinetics))
        layout.addWidget(self.notes)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    # -- the cursor ------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """Read the phases when curves are looked at."""
        super().showEvent(event)
        self.kinetics.follow(self.display.stack_uid)
        self.kinetics.want(True)
        self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Let the phases go when nobody looks."""
        super().hideEvent(event)
        self.kinetics.want(False)

    def _take_cursor(self, reading: object) -> None:
        if reading is None or not self.isVisible():
            return
        self._mm, frame_uid = reading.mm, reading.frame_of_reference_uid  # type: ignore[attr-defined]
        if frame_uid == self.kinetics.frame_uid and not self._timer.isActive():
            self._timer.start()

    def _follow_cursor(self) -> None:
        if self._mm is not None:
            self.curves.follow(self._mm)

    # -- the region ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show curve, table and notes as they are now; nothing is worked out while the tab is hidden."""
        if not self.isVisible():
            return
        if self._mm is None and self.display.pane.cursor_mm is not None:
            self._mm = self.display.pane.cursor_mm
        self._take_region()
        self._follow_cursor()
        self.curves.refresh(NO_DYNAMIC)
        self._fill()

    def _choose_scope(self) -> None:
        self._seen = None
        self.refresh()

    @property
    def report(self) -> ClassReport | None:
        """What the table shows."""
        return self.kinetics.measured.report if self.kinetics.measured is not None else None

    def _take_region(self) -> None:
        """Have the table worked out anew where region, maps or thresholds are others."""
        kinetics, scope = self.kinetics, self.scope.currentData()
        key = (scope, kinetics.computed, kinetics.settings, self._drawn() if scope == "drawn" else None)
        if key != self._seen:
            self._seen, self._region_problem = key, ""
            kinetics.forget_measure()
            if kinetics.dynamic is not None:
                try:
                    kinetics.measure(self._find(scope))
                except HintedError as error:
                    self._region_problem = f"{error} {error.hint}"
        self.curves.set_region(kinetics.measured.curve if kinetics.measured is not None else None)

    def _drawn(self) -> object:
        annotations = self.session.annotations
        return (self.display.marks.selected, annotations.boxes, getattr(annotations, "measurements", ()))

    def _find(self, scope: str) -> Find:
        if scope == "whole":
            return whole
        if scope in BREASTS:
            return breasts(scope)
        if scope == "drawn":
            return drawn(selected_shape(self.display))
        place = self.display.pane.cursor_mm or self._mm
        if place is None:
            raise HintedError("No place is chosen.", "Click on the lesion first; then press “Measure”.")
        return lesion(place)

    def _fill(self) -> None:
        kinetics, report = self.kinetics, self.report
        self.table.setVisible(report is not None)
        if report is not None:
            self.table.fill(class_rows(report))
        said = worst_text(report, kinetics.settings) if report is not None else ""
        wait = "Measuring …" if kinetics.measuring else "Computing the maps …" if kinetics.busy else ""
        note = kinetics.measured.note if kinetics.measured is not None else ""
        problem = self._region_problem or kinetics.measure_problem
        self.worst.setText("\n".join(one for one in (said or wait, note, problem) if one))
        self.worst.setVisible(bool(self.worst.text()))
        for one in (self.copy, self.export):
            one.setEnabled(bool(self.curves.curves) or report is not None)
        self.notes.setText("\n\n".join(self.note_lines()))
        self.setEnabled(kinetics.dynamic is not None)

    def note_lines(self) -> tuple[str, ...]:
        """Return what curves and table rest on: warnings, time zero, phases, thresholds."""
        timing = self.kinetics.timing
        if timing is None:
            return tuple(one for one in (self.kinetics.problem,) if one)
        return (*timing.warnings, timing.basis, self.kinetics.provenance, threshold_text(self.kinetics.settings))

    def _notes_to_take(self) -> tuple[str, ...]:
        measured = self.kinetics.measured
        return (*self.note_lines(), *((measured.note,) if measured is not None and measured.note else ()))

    # -- taking it away --------------------------------------------------------------------------------------------

    def text(self) -> str:
        """Return curves, table and notes as comma-separated values."""
        timing, dynamic = self.kinetics.timing, self.kinetics.dynamic
        if timing is None or dynamic is None:
            return ""
        names = [dynamic.phases[n].label for n in timing.shown]
        return csv_text(self.curves.curves, self.report, timing, names, self._notes_to_take())

    def copy_table(self) -> None:
        """Put curves and table on the clipboard, with tabs between the columns."""
        import csv

        rows = csv.reader(self.text().splitlines())
        QGuiApplication.clipboard().setText("\n".join("\t".join(row) for row in rows))
        self.session.notices.info("Kinetic curves and table were copied.")

    def _ask_export(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self, "Export kinetics", "kinetics.csv", "Table (*.csv)")
        if name:
            attempt(self.session.notices, "The table was not saved", lambda: self.export_to(Path(name)))

    def export_to(self, path: Path) -> None:
        """Save curves, table and notes as UTF-8 with a byte order mark, which spreadsheets need for ± and −."""
        path.write_text(self.text(), "utf-8-sig")
        self.session.notices.info(f"Saved {path}.")


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(theme.SPACE)
    for number, widget in enumerate(widgets):
        row.addWidget(widget, 1 if number == 0 else 0)
    return row
