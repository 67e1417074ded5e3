"""Brightness: once all phases of a dynamic series were read, whether the pre-contrast phase is the darkest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.images import Images
from app.session.library import OpenStudies

if TYPE_CHECKING:
    from app.studies.study import Dynamic
    from inference.progress import Progress


class BrightnessCheck(QObject):
    """Measures each phase when its pixels arrive, and says so where brightness contradicts the order."""

    def __init__(
        self, jobs: Jobs, notices: Notices, images: Images, library: OpenStudies, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._jobs, self._notices, self._images, self._library = jobs, notices, images, library
        self._measured: dict[str, float] = {}
        images.changed.connect(self._measure)
        library.study_changed.connect(self._compare)

    def _measure(self, stack_uid: str) -> None:
        study, loaded = self._library.study, self._images.loaded(stack_uid)
        in_dynamic = study is not None and study.phase_of(stack_uid) is not None
        if not in_dynamic or loaded is None or stack_uid in self._measured or loaded.volume.array.ndim != 3:
            return
        values = loaded.volume.array

        def work(_: Progress) -> float:
            from app.studies.series.mr import breast_brightness

            return breast_brightness(values)

        def take(brightness: float) -> None:
            self._measured[stack_uid] = brightness
            self._compare()

        self._jobs.start(Job("Measuring brightness", work, f"brightness {stack_uid}", take, quiet=True))

    def _compare(self) -> None:
        for dynamic in self._library.study.dynamics if self._library.study is not None else ():
            means = [self._measured.get(phase.stack_uid) for phase in dynamic.phases]
            known = [mean for mean in means if mean is not None]
            if len(known) == len(means):
                self._check(dynamic, known)

    def _check(self, dynamic: Dynamic, means: list[float]) -> None:
        from app.studies.series.mr import with_brightness_check

        checked = with_brightness_check(dynamic, means)
        if checked is not dynamic:
            self._library.note_dynamic(checked)
            for note in checked.notes[len(dynamic.notes) :]:
                self._notices.warn(note, topic="study")
