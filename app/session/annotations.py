"""Annotations: boxes and measurements of the current study, the armed label, and undo; edits are on the disk first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app.session.keeping import Keeping
from app.session.library import OpenStudies
from app.session.undo import MarkEdit, describe, rebuild
from app.studies.study import SeriesKind
from app.workspace.box import Box, Edit, Mark
from app.workspace.measurement import Measurement

if TYPE_CHECKING:
    from app.workspace.store import Workspace
    from app.workspace.taxonomy import Taxonomy

BREAST_X_RAY = {SeriesKind.MAMMOGRAM, SeriesKind.TOMOSYNTHESIS}


class Annotations(QObject):
    """What the reader draws.

    Attributes
    ----------
    changed
        A box or measurement was drawn, changed, deleted, or those of another study are there.
    label_changed
        Another label is armed, or other labels can be chosen.
    """

    changed = Signal()
    label_changed = Signal()

    def __init__(self, keeping: Keeping, library: OpenStudies, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.boxes: tuple[Box, ...] = ()
        self.measurements: tuple[Measurement, ...] = ()
        self.taxonomy: Taxonomy | None = None
        self.label = ""
        self.undo_stack = QUndoStack(self)
        self._keeping, self._library = keeping, library
        library.turned.connect(self._turn)

    def _turn(self) -> None:
        """Bring boxes, measurements, undo history and labels of the current study back."""
        study, workspace = self._library.study, self._keeping.workspace
        self.boxes, self.measurements = (), ()
        self.undo_stack.clear()
        if study is not None and workspace is not None:
            self.boxes, self.measurements = workspace.boxes(study.uid), workspace.measurements(study.uid)
            history = workspace.history(study.uid)
            rebuild(self.undo_stack, history.edits, history.position)
        if study is not None:
            self._choose_taxonomy({series.kind for series in study.series})
        self.changed.emit()

    def _choose_taxonomy(self, kinds: set[SeriesKind]) -> None:
        from app.workspace import taxonomy

        self.taxonomy = taxonomy.load("mammography" if kinds & BREAST_X_RAY else "mri")
        if self.label not in {term.code for term in self.taxonomy.terms}:
            self.label = ""
        self.label_changed.emit()

    def set_label(self, code: str) -> None:
        """Choose the label that new boxes get."""
        self.label = code
        self.label_changed.emit()

    @property
    def taxonomy_id(self) -> str:
        """Which list the labels are of."""
        return self.taxonomy.id if self.taxonomy is not None else ""

    def box(self, uid: str) -> Box | None:
        """Return a box of the study."""
        return next((box for box in self.boxes if box.uid == uid), None)

    def measurement(self, uid: str) -> Measurement | None:
        """Return a measurement of the study, as it is stored."""
        return next((one for one in self.measurements if one.uid == uid), None)

    def mark(self, uid: str) -> Mark | None:
        """Return a box or measurement of the study."""
        return self.box(uid) or self.measurement(uid)

    def commit(self, before: Mark | None, after: Mark | None) -> None:
        """Perform one edit: in the database first, then on the undo stack, then on screen."""
        edit = Edit(before, after, describe(before, after))
        workspace = self._keeping.require()
        workspace.apply(edit)
        self.undo_stack.push(MarkEdit(edit))
        self._take_from(workspace)

    def relabel(self, uid: str, code: str) -> None:
        """Give a box or measurement another label."""
        mark = self.mark(uid)
        if mark is not None and mark.label != code:
            self.commit(mark, replace(mark, label=code, taxonomy=self.taxonomy_id))

    def set_note(self, uid: str, note: str) -> None:
        """Give a box or measurement another note."""
        mark = self.mark(uid)
        if mark is not None and mark.note != note:
            self.commit(mark, replace(mark, note=note))

    def delete(self, uid: str) -> None:
        """Delete a box or measurement."""
        if (mark := self.mark(uid)) is not None:
            self.commit(mark, None)

    def undo(self) -> None:
        """Take the last step back, also one of an earlier day."""
        study = self._library.study
        if study is not None and self.undo_stack.canUndo():
            workspace = self._keeping.require()
            for _ in self._step(self.undo_stack.index() - 1):
                workspace.undo(study.uid)
            self.undo_stack.undo()
            self._take_from(workspace)

    def redo(self) -> None:
        """Do again what was taken back."""
        study = self._library.study
        if study is not None and self.undo_stack.canRedo():
            workspace = self._keeping.require()
            for _ in self._step(self.undo_stack.index()):
                workspace.redo(study.uid)
            self.undo_stack.redo()
            self._take_from(workspace)

    def _step(self, index: int) -> list[Edit]:
        command = self.undo_stack.command(index)
        return command.edits if isinstance(command, MarkEdit) else []

    def _take_from(self, workspace: Workspace) -> None:
        assert self._library.study is not None
        uid = self._library.study.uid
        self.boxes, self.measurements = workspace.boxes(uid), workspace.measurements(uid)
        self._keeping.pass_on_notices()
        self.changed.emit()
