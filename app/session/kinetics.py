"""Kinetics: curves and reports of the dynamic series on show, beside its overlay; reports come from the background."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.images import Images
from app.session.kinetic_overlay import KineticOverlay
from app.session.kinetic_work import Find, Measured, measure
from app.session.library import OpenStudies
from inference.errors import HintedError

if TYPE_CHECKING:
    from inference.kinetics import Curve, Region

REPORT_KEY = "kinetics-report"
CANCELLED = "Measuring was cancelled. Press “Measure” to begin anew."


class Kinetics(KineticOverlay):
    """Kinetics of one dynamic series at a time.

    Attributes
    ----------
    measured, measure_problem
        The last report, None until it is there; why there is none, "" where nothing is wrong.
    """

    def __init__(
        self, jobs: Jobs, notices: Notices, library: OpenStudies, images: Images, parent: QObject | None = None
    ) -> None:
        super().__init__(jobs, notices, library, images, parent)
        self.measured: Measured | None = None
        self.measure_problem = ""
        self.turned.connect(self.forget_measure)

    @property
    def measuring(self) -> bool:
        """Whether a region is being measured."""
        return self._runs(REPORT_KEY)

    def curve_at(self, mm: Sequence[float], slices: int = 1, in_plane: int = 3) -> Curve | None:
        """Return the curve of the voxels around a point, None without phases, outside them, or before the noise."""
        from inference.kinetics import KineticsError
        from inference.kinetics.region import neighbourhood

        phases = self.phases()
        if phases is None:
            return None
        try:
            region = neighbourhood(phases.pre, (mm[0], mm[1], mm[2]), in_plane, slices)
        except KineticsError:
            return None
        return self.curve_of(region)

    def curve_of(self, region: Region) -> Curve | None:
        """Return the curve of a small region, None without phases or while their noise is estimated."""
        from inference.kinetics import curve_of

        phases = self.phases()
        floor = self.floor(phases) if phases is not None else None
        return curve_of(phases, region, floor, self.settings) if phases is not None and floor is not None else None

    def measure(self, find: Find) -> None:
        """Report on a region in the background, which supersedes the last one; ``changed`` says when it is there."""
        computed, phases, settings = self.computed, self.phases(), self.settings
        self.measured, self.measure_problem = None, ""
        if computed is None or phases is None:
            self.start()
            return
        work = lambda progress: measure(computed, phases, settings, find, progress)  # noqa: E731
        job = Job("Measuring kinetics", work, REPORT_KEY, self._take_measured, self._not_measured, self._stopped)
        self._jobs.start(job, "compute")

    def forget_measure(self) -> None:
        """Drop the report: its region is gone."""
        self._jobs.supersede(REPORT_KEY)
        self.measured, self.measure_problem = None, ""

    def _take_measured(self, measured: Measured) -> None:
        self.measured = measured
        self.changed.emit()

    def _not_measured(self, error: Exception) -> None:
        if isinstance(error, HintedError):
            self.measure_problem = f"{error} {error.hint}"
        else:
            self._notices.error("The region could not be measured", error)
        self.changed.emit()

    def _stopped(self) -> None:
        self.measure_problem = CANCELLED
        self.changed.emit()
