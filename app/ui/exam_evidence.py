"""Exam evidence: what the mammograms of an exam tell together is brought to every pane as they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.studies.exam_walls import ExamWalls, Flipped
from app.studies.study import Study

if TYPE_CHECKING:
    from app.ui.display import Display


class ExamEvidence(QObject):
    """Follows the images of a session; refreshes the panes when later images change what earlier ones mean."""

    def __init__(self, display: Display) -> None:
        super().__init__(display)
        self._display = display
        self._walls = ExamWalls()
        display.session.images.changed.connect(self._take)

    def flipped(self, study: Study) -> Flipped:
        """Return the side of a study whose images are mirrored copies, "" for none or not known."""
        return self._walls.flipped(study)

    def _take(self, uid: str) -> None:
        display = self._display
        loaded, study = display.session.images.loaded(uid), display.study_of(uid)
        if loaded is None or loaded.breast is None or study is None:
            return
        before = self.flipped(study)
        if self._walls.take(loaded) and self.flipped(study) != before:
            display.refresh()
