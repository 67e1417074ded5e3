"""Undo: the one command class of box edits, and how a stack of them is rebuilt from the saved history. Qt core only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QUndoCommand, QUndoStack

from app.workspace.box import Box, Edit

NUDGE = "Nudge box"
NUDGE_LIMIT_MM = 2.0  # a key nudge moves a box by a pixel or so; more is a drag and its own step


def describe(before: Box | None, after: Box | None) -> str:
    """Return what an edit does, as the undo menu says it."""
    if before is None:
        return "Accept finding" if after is not None and after.method == "accepted" else "Draw box"
    if after is None:
        return "Delete box"
    if before.label != after.label:
        return "Relabel box"
    if before.note != after.note:
        return "Edit note"
    return NUDGE if _shift_mm(before, after) <= NUDGE_LIMIT_MM else "Move box"


def _shift_mm(before: Box, after: Box) -> float:
    """Return how far both corners moved together; infinite for a change of size."""
    first = np.subtract(after.corner_mm, before.corner_mm)
    second = np.subtract(after.opposite_mm, before.opposite_mm)
    return float(np.linalg.norm(first)) if np.allclose(first, second, atol=1e-6) else float("inf")


def folds(last: Edit, following: Edit) -> bool:
    """Whether two edits in a row are one step for the user: nudges of the same box."""
    return last.text == following.text == NUDGE and last.box_uid == following.box_uid


class BoxEdit(QUndoCommand):
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
        """Take the next nudge of the same box into this step."""
        if not isinstance(other, BoxEdit) or not folds(self.edits[-1], other.edits[0]):
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
        stack.push(BoxEdit(edit))
        if number == position:
            done = stack.index()
            stack.setClean()  # Qt never folds a command into the clean state, so no step straddles the position
    stack.setIndex(done)
