"""Unsaved: results that came while the workspace was closed or refused them, saved when it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import KEEPING, Job, Jobs
from app.session import answering
from app.session.answering import Answer
from app.session.keeping import Keeping

if TYPE_CHECKING:
    from app.workspace.store import Workspace


class Unsaved(QObject):
    """Results in memory only.

    Attributes
    ----------
    saved
        Answers that were tried again: with the stored result, or with the problem that is left.
    answers
        What waits.
    """

    saved = Signal(object)

    def __init__(self, jobs: Jobs, keeping: Keeping, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.answers: list[Answer] = []
        self._jobs, self._keeping = jobs, keeping

    @property
    def uids(self) -> frozenset[str]:
        """Uids of the results that wait."""
        return frozenset(answer.stored.uid for answer in self.answers)

    def add(self, answer: Answer) -> None:
        """Keep a result that could not be saved."""
        self.answers.append(answer)

    def save(self) -> None:
        """Try again, in the lane of what is kept."""
        workspace = self._keeping.workspace
        if workspace is None or not self.answers:
            return
        waiting, self.answers = self.answers, []
        work = lambda _: self._save_all(workspace, waiting)  # noqa: E731
        self._jobs.start(Job("Saving results", work, on_done=self._take), KEEPING)

    def _save_all(self, workspace: Workspace, waiting: list[Answer]) -> list[Answer]:
        return [answering.saved(answer.stored, workspace) for answer in waiting]

    def _take(self, answers: list[Answer]) -> None:
        self.answers += [answer for answer in answers if answer.problem is not None]
        self.saved.emit(answers)
