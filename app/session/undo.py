"""Undo: the one command class of edits, and how a stack of them is rebuilt from the saved history. Qt core only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.workspace.box import Edit, Mark
from app.workspace.measurement import Measurement

NUDGE = "Nudge box"
NUDGES = {NUDGE, "Nudge measurement"}
NUDGE_LIMIT_MM = 2.0  # a key nudge moves a mark by a pixel or so; more is a drag and its own step
DRAWN = {
    "length": "Draw length",
    "bidimensional": "Draw two diameters",
    "angle": "Draw angle",
    "ellipse": "Draw ellipse",
    "freehand": "Draw freehand region",
}


def describe(before: Mark | None, after: Mark | None) -> str:
    """Return what an edit does, as the undo menu says it."""
    if before is None:
        return _drawn(after)
    what = "measurement" if isinstance(before, Measurement) else "box"
    if after is None:
        return f"Delete {what}"
    if before.label != after.label:
        return f"Relabel {what}"
    if before.note != after.note:
        return "Edit note"
    return f"Nudge {what}" if _shift_mm(before, after) <= NUDGE_LIMIT_MM else f"Move {what}"


def _drawn(after: Mark | None) -> str:
    if isinstance(after, Measurement):
        return DRAWN.get(after.kind, "Draw measurement")
    return "Accept finding" if after is not None and after.method == "accepted" else "Draw box"


def _points_mm(mark: Mark) -> np.ndarray:
    return np.array(mark.points_mm if isinstance(mark, Measurement) else (mark.corner_mm, mark.opposite_mm))


def _shift_mm(before: Mark, after: Mark) -> float:
    """Return how far all points moved together; infinite for a change of size."""
    first, second = _points_mm(before), _points_mm(after)
    if first.shape != second.shape:
        return float("inf")
    shift = second - first
    return float(np.linalg.norm(shift[0])) if np.allclose(shift, shift[0], atol=1e-6) else float("inf")


def folds(last: Edit, following: Edit) -> bool:
    """Whether two edits in a row are one step for the user: nudges of the same mark."""
    return last.text == following.text and last.text in NUDGES and last.mark_uid == following.mark_uid


class MarkEdit(QUndoCommand):
    """One step of the undo stack: the edits the workspace holds for it, oldest first.

    The workspace has already performed the edits when the command is pushed, and it performs undo and redo itself, so
    that the step on screen and the step on disk cannot differ.
    """

    ID = 1

    def __init__(self, edit: Edit) -> None:
        super().__init__(edit.text)
        self.edits = [edit]

    def id(self) -> int:
        """Return the same id for every command, so that Qt asks :meth:`mergeWith`."""
        return self.ID

    def mergeWith(self, other: QUndoCommand) -> bool:
        """Take the next nudge of the same mark into this step."""
        if not isinstance(other, MarkEdit) or not folds(self.edits[-1], other.edits[0]):
            return False
        self.edits.extend(other.edits)
        return True


def rebuild(stack: QUndoStack, edits: Sequence[Edit], position: int) -> None:
    """Fill an undo stack from the history of the workspace.

    Parameters
    ----------
    edits
        Every edit of the study, oldest first.
    position
        How many of them are in force; the rest can be redone.
    """
    stack.clear()
    done = 0
    for number, edit in enumerate(edits, start=1):
        stack.push(MarkEdit(edit))
        if number == position:
            done = stack.index()
            stack.setClean()  # Qt never folds a command into the clean state, so no step straddles the position
    stack.setIndex(done)
