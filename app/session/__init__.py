"""Session: what the window works on, put together from parts with one job each. Widgets read, ask and listen here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app import settings as app_settings
from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.annotations import Annotations
from app.session.brightness import BrightnessCheck
from app.session.images import Images
from app.session.keeping import Keeping
from app.session.kinetics import Kinetics
from app.session.library import OpenStudies
from app.session.motion import MotionCorrection
from app.session.overlays import Overlays
from app.session.readings import Readings

if TYPE_CHECKING:
    from app.settings import Settings
    from app.studies.study import Study
    from app.workspace.store import Workspace
    from inference.progress import Progress

WARM_UP_AFTER_MS = 250


class Session(QObject):
    """The parts, and what concerns all of them.

    Attributes
    ----------
    library
        Studies: opening, the current one, corrections by the user.
    images
        Pixels in memory and thumbnails.
    motion
        Motion correction of dynamic series; ``correction_changed`` says that another one is in use.
    kinetics
        Curves, classes and maps of dynamic series.
    annotations
        Boxes, labels, undo.
    readings
        Models, results, AI states.
    overlays
        How maps are drawn.
    keeping
        The workspace.
    """

    settings_changed = Signal()
    correction_changed = Signal()

    def __init__(self, jobs: Jobs, notices: Notices, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.jobs, self.notices = jobs, notices
        self.settings, self._settings_notices = app_settings.load_with_notices()
        self.keeping = Keeping(jobs, notices, self)
        self.library = OpenStudies(jobs, notices, self.keeping, self)
        self.images = Images(jobs, notices, self.library, self)
        self.motion = MotionCorrection(jobs, notices, self.keeping, self.library, self.images, self)
        self.images.correction = self.motion.correction
        self.kinetics = Kinetics(jobs, notices, self.library, self.images, self)
        self.kinetics.take_settings(self.settings)
        self.motion.changed.connect(self._take_correction)
        self.annotations = Annotations(self.keeping, self.library, self)
        self.readings = Readings(jobs, notices, self.keeping, self.images, self.library)
        self.readings.boxes = lambda: self.annotations.boxes
        self.overlays = Overlays(self.settings, self)
        self.brightness = BrightnessCheck(jobs, notices, self.images, self.library, self)
        self.readings.device = self.settings.device
        self.images.memory_share = self.settings.memory_share
        self.keeping.opened.connect(self.library.reopen)
        self._warmer = QTimer(self, singleShot=True, interval=WARM_UP_AFTER_MS)
        self._warmer.timeout.connect(self.warm_up)

    def _take_correction(self, pairs: frozenset[tuple[str, str]]) -> None:
        """Let go of what was made with another motion correction, so that everything is made anew."""
        self.images.forget_corrected(pairs)
        self.kinetics.follow_correction()
        self.correction_changed.emit()

    @property
    def study(self) -> Study | None:
        """The current study."""
        return self.library.study

    @property
    def workspace(self) -> Workspace | None:
        """The open workspace."""
        return self.keeping.workspace

    def open_workspace(self, folder: Path | None = None) -> None:
        """Open the workspace in the background; ``keeping.opened`` says when."""
        for sentence in self._settings_notices:
            self.notices.warn(sentence)
        self._settings_notices = ()
        self.keeping.open(self.settings, folder)

    def open_paths(self, paths: list[Path], study_uid: str = "") -> None:
        """Open files, folders, zips or DICOMDIRs; see :meth:`OpenStudies.open_paths`."""
        self.library.open_paths(paths, study_uid)

    def warm_up_soon(self) -> None:
        """Warm up when the window has had time to paint and to take the first clicks: imports hold it up."""
        self._warmer.start()

    def warm_up(self) -> None:
        """Start the decoder child and import what reading images needs, while the user looks for a study."""

        def work(_: Progress) -> None:
            import highdicom  # noqa: F401

            from app.studies import load, scan, thumbnails  # noqa: F401
            from app.studies.pixels import reader

            reader.warm_up()

        self.jobs.start(Job("Warming up", work, quiet=True))

    def take_settings(self, settings: Settings) -> None:
        """Put changed settings in force."""
        self.settings = settings
        self.readings.device = settings.device
        self.images.memory_share = settings.memory_share
        self.overlays.take_settings(settings)
        self.kinetics.take_settings(settings)
        self.settings_changed.emit()

    def close(self) -> None:
        """Stop all jobs, let what is being saved reach the disk, and close the workspace."""
        self._warmer.stop()
        self.jobs.shut_down()
        self.keeping.close()
