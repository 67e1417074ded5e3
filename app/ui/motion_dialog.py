"""Motion dialog: registers the phases of a dynamic series, shows what was found, and whether it made things better."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from app.commands import attempt
from app.session import Session
from app.session.motion import MotionCorrection, PhaseMotion
from app.studies.study import Dynamic
from app.ui import theme
from app.ui.motion_check import MotionCheck
from app.ui.parts import Dialog, button

EXPLANATION = (
    "Patients move between phases, and subtraction turns that into false enhancement at every edge. Each phase is "
    "registered to the pre-contrast one: rigidly, then with a stiff B-spline. Where that makes the images agree no "
    "better, the phase stays as it is. The stored images are never changed."
)
COLUMNS = (
    ("Phase", ""),
    ("Edges apart", "How far the edges of tissue are from parallel, before → after: 0 % is perfect (gradient fields)"),
    ("Common information", "Normalised mutual information of both images over tissue, before → after; 2 is perfect"),
    ("Moved, mm", "Displacement over tissue: mean / 95th percentile / greatest"),
    ("Change of volume", "Least and greatest local change (Jacobian determinant): 1.00 squeezes nothing"),
    ("Verdict", ""),
)


class MotionDialog(Dialog):
    """Start, progress, table, check. The window can be used meanwhile.

    Parameters
    ----------
    motion
        The session's part.
    slice_index
        Stored slice at which the check begins.
    """

    def __init__(
        self,
        session: Session,
        motion: MotionCorrection,
        dynamic: Dynamic,
        slice_index: int | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Motion correction", EXPLANATION, parent)
        self.setModal(False)
        self.resize(940, 860)
        self.session, self.motion, self.dynamic = session, motion, dynamic
        self.table = _table()
        self.table.itemSelectionChanged.connect(self._check_selected)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.step = theme.label("", "quiet")
        self.start_button = button("Start", self._start, primary=True, tip="Register every phase in the background")
        row = QHBoxLayout()
        row.setSpacing(2 * theme.SPACE)
        self.start_button.setFixedWidth(140)
        self.progress.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        row.addWidget(self.start_button)
        row.addWidget(self.progress)
        row.addWidget(self.step)
        row.addStretch()
        self.check = MotionCheck(session)
        self.check.start_at(slice_index)
        self.body.addLayout(row)
        self.body.addWidget(self.table)
        self.body.addWidget(self.check, 1)
        self._add_foot()
        for signal in (motion.changed, motion.advanced):
            signal.connect(self.refresh)
        session.images.changed.connect(self.check.take_image)
        session.library.study_changed.connect(self._follow)
        self.refresh()

    def _add_foot(self) -> None:
        self.use = QCheckBox("Use corrected images")
        self.use.setToolTip("Subtraction, its projections and curves use the corrected phases, and say so")
        self.use.clicked.connect(lambda on: self._attempt(lambda: self.motion.set_in_use(self.dynamic, on)))
        discard = lambda: self._attempt(lambda: self.motion.forget(self.dynamic))  # noqa: E731
        self.discard = button("Discard", discard, tip="Forget the correction, also in the workspace")
        self.foot.insertWidget(0, self.use)
        self.foot.insertWidget(1, self.discard)
        self.foot.addWidget(button("Close", self.close))

    def _attempt(self, action) -> None:
        attempt(self.session.notices, "The motion correction did not work", action)

    def _start(self) -> None:
        if self.motion.running(self.dynamic):
            self._attempt(self.motion.cancel)
        else:
            self._attempt(lambda: self.motion.start(self.dynamic))

    def _follow(self) -> None:
        """Take up a series whose phases the user has put in another order; close when another study is opened."""
        study = self.session.study
        found = [one for one in study.dynamics if one.uid == self.dynamic.uid] if study is not None else []
        if not found:
            self.close()
            return
        self.dynamic = found[0]
        self.refresh()

    # -- what is known ---------------------------------------------------------------------------------------------

    @property
    def rows(self) -> tuple[PhaseMotion, ...]:
        """What is known of each phase."""
        return self.motion.summary(self.dynamic)

    def refresh(self) -> None:
        """Show progress and figures as they are now."""
        rows, running = self.rows, self.motion.running(self.dynamic)
        self.start_button.setText("Cancel" if running else "Start again" if _found(rows) else "Start")
        self.start_button.setEnabled(bool(rows) or running)
        self.progress.setVisible(running)
        self.progress.setValue(round(1000 * sum(_fraction(row) for row in rows) / max(len(rows), 1)))
        self.step.setText(self._step(rows, running))
        self.use.setEnabled(any(row.correction is not None and row.correction.improves for row in rows))
        self.use.setChecked(self.use.isEnabled() and self.motion.in_use(self.dynamic))
        self.discard.setEnabled(bool(_found(rows)) and not running)
        self._fill(rows)

    def _step(self, rows: tuple[PhaseMotion, ...], running: bool) -> str:
        if not rows:
            return "It is not known which phase is pre-contrast; say so under “Phases of the dynamic series”."
        if not running:
            return _outcome(rows)
        job = next((job for job in self.session.jobs.active if job.key == "motion"), None)
        return (job.text or "waiting for its turn") if job is not None else "loading the images of every phase"

    def _fill(self, rows: tuple[PhaseMotion, ...]) -> None:
        self.table.blockSignals(True)
        self.table.setRowCount(len(rows))
        for n, row in enumerate(rows):
            for column, text in enumerate(cells(row)):
                item = self.table.item(n, column)
                if item is None:
                    item = QTableWidgetItem()
                    self.table.setItem(n, column, item)
                if item.text() != text:
                    item.setText(text)
                    item.setToolTip(row.problem)
        self.table.setFixedHeight(self.table.horizontalHeader().height() + 32 * max(len(rows), 1) + 6)
        self.table.blockSignals(False)
        if self.table.currentRow() < 0 and rows:
            self.table.selectRow(0)
        self._check_selected()

    def _check_selected(self) -> None:
        rows, n = self.rows, self.table.currentRow()
        chosen = rows[n] if 0 <= n < len(rows) else None
        self.check.show_row(chosen)


def _table() -> QTableWidget:
    table = QTableWidget(0, len(COLUMNS))
    table.setAccessibleName("Motion of each phase")
    table.setHorizontalHeaderLabels([title for title, _ in COLUMNS])
    for n, (_, tip) in enumerate(COLUMNS):
        item = table.horizontalHeaderItem(n)
        if item is not None:
            item.setToolTip(tip)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(32)
    table.setShowGrid(False)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
    return table


def _found(rows: tuple[PhaseMotion, ...]) -> list[PhaseMotion]:
    return [row for row in rows if row.correction is not None or row.state == "failed"]


def _fraction(row: PhaseMotion) -> float:
    return row.fraction if row.state in ("running", "waiting") else 1.0


def _outcome(rows: tuple[PhaseMotion, ...]) -> str:
    made = [row.correction for row in rows if row.correction is not None]
    if not made:
        return "Not corrected yet"
    better = sum(one.improves for one in made)
    return f"{better} of {len(rows)} phases agree better"


def cells(row: PhaseMotion) -> tuple[str, ...]:
    """Return the texts of a row of the table."""
    label, found = row.label.capitalize(), row.correction
    if found is None:
        waiting = {"none": "not registered", "waiting": "waiting", "failed": f"failed: {row.problem}"}
        return (label, "–", "–", "–", "–", waiting.get(row.state, f"running, {row.fraction:.0%}"))
    before, after, moved = found.before, found.after, found.displacement
    later = " (stored; checked when its images are loaded)" if row.state == "stored" else ""
    verdict = f"better: {found.stage}" if found.improves else "no better: left as it is"
    return (
        label,
        f"{before.edges:.1%} → {after.edges:.1%}",
        f"{before.nmi:.3f} → {after.nmi:.3f}",
        f"{moved.mean_mm:.1f} / {moved.p95_mm:.1f} / {moved.max_mm:.1f}" if found.improves else "–",
        f"{found.jacobian[0]:.2f} – {found.jacobian[1]:.2f}" if found.improves else "–",
        f"{verdict}, {found.seconds:.0f} s{later}",
    )
