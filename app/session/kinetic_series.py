"""Series of kinetics: the dynamic series on show, when its phases were acquired, and their pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.images import Images
from app.session.library import OpenStudies
from app.studies.derived import Derived, DerivedKind

if TYPE_CHECKING:
    from app.studies.study import Dynamic, Phase
    from inference.kinetics import Phases, TimeBase
    from inference.progress import Progress

NOISE_KEY = "kinetics-noise"


class KineticSeries(QObject):
    """One dynamic series at a time.

    Attributes
    ----------
    changed
        The phases at hand, their times, or what is made of them are others.
    turned
        Another series, other times or other images for its phases: what was made of them does not hold any more.
    problem
        Why there are no curves or maps, a sentence; "" where nothing is wrong.
    """

    changed = Signal()
    turned = Signal()

    def __init__(
        self, jobs: Jobs, notices: Notices, library: OpenStudies, images: Images, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.problem = ""
        self._jobs, self._notices, self._library, self._images = jobs, notices, library, images
        self._injected: dict[str, float] = {}
        self._dynamic_uid = ""
        self._wanted = False
        self._floors: dict[str, float] = {}
        images.changed.connect(self._take_image)
        library.study_changed.connect(self._turn)

    # -- the dynamic series ----------------------------------------------------------------------------------------

    @property
    def dynamic(self) -> Dynamic | None:
        """The dynamic series on show, else the first of the study."""
        study = self._library.study
        dynamics = study.dynamics if study is not None else ()
        return next((one for one in dynamics if one.uid == self._dynamic_uid), dynamics[0] if dynamics else None)

    def follow(self, uid: str | None) -> None:
        """Turn to the dynamic series that an image belongs to; of another image nothing changes."""
        study = self._library.study
        place = study.phase_of(uid) if study is not None and uid is not None else None
        if place is not None and self.dynamic is not None and place[0].uid != self.dynamic.uid:
            self._dynamic_uid = place[0].uid
            self._turned()

    @property
    def timing(self) -> TimeBase | None:
        """When the phases were acquired; None, with :attr:`problem`, where there is no curve."""
        from inference.kinetics import KineticsError, time_base

        dynamic = self.dynamic
        if dynamic is None:
            return None
        clock = [phase.seconds for phase in dynamic.phases]
        try:
            return time_base(clock, dynamic.pre_index, self._injected.get(dynamic.uid))
        except KineticsError as error:
            self.problem = f"{error} {error.hint}"
            return None

    @property
    def injected_before_s(self) -> float | None:
        """Seconds from injection to the first phase after contrast, None where not known."""
        return self._injected.get(self.dynamic.uid) if self.dynamic is not None else None

    @property
    def frame_uid(self) -> str:
        """Frame of reference of the dynamic series; "" without one."""
        study, dynamic = self._library.study, self.dynamic
        return study.stack(dynamic.phases[0].stack_uid).frame_of_reference_uid if study and dynamic else ""

    def set_injection(self, seconds_before: float | None) -> None:
        """Say how long before the first phase after contrast the injection was; None for not known."""
        dynamic = self.dynamic
        if dynamic is None or self._injected.get(dynamic.uid) == seconds_before:
            return
        if seconds_before is None:
            self._injected.pop(dynamic.uid, None)
        else:
            self._injected[dynamic.uid] = seconds_before
        self._turned()

    @property
    def sources(self) -> tuple[str, ...]:
        """Uid of the image taken for each phase: motion-corrected where a correction to pre-contrast is in use."""
        dynamic = self.dynamic
        if dynamic is None:
            return ()
        pre = dynamic.phases[dynamic.pre_index or 0].stack_uid
        return tuple(self._source(phase, pre) for phase in dynamic.phases)

    def _source(self, phase: Phase, pre: str) -> str:
        of = phase.stack_uid
        correction = getattr(self._images, "correction", None)
        if of == pre or correction is None or correction(of, pre) is None:
            return of
        return Derived(DerivedKind.CORRECTED, of, pre).uid

    @property
    def provenance(self) -> str:
        """Which phases are used, and which of them are motion-corrected; a sentence."""
        dynamic = self.dynamic
        if dynamic is None:
            return ""
        pairs = list(zip(dynamic.phases, self.sources, strict=True))
        moved = [phase.label for phase, uid in pairs if uid != phase.stack_uid]
        labels = ", ".join(phase.label for phase in dynamic.phases)
        how = "motion-corrected: " + ", ".join(moved) if moved else "not motion-corrected"
        return f"Phases {labels}; {how}."

    # -- pixels ----------------------------------------------------------------------------------------------------

    @property
    def pinned(self) -> tuple[str, ...]:
        """Images that must stay in memory while curves follow the cursor."""
        return self.sources if self._wanted else ()

    def want(self, wanted: bool) -> None:
        """Read the phases of the series, because curves are looked at; what left memory is read again."""
        self._wanted = wanted
        if wanted:
            self._request()

    def _request(self) -> None:
        for uid in self.sources:
            if self._images.loaded(uid) is None and uid not in self._images.unreadable:
                self._images.request(uid)

    def phases(self) -> Phases | None:
        """Return the phases with their pixels; None while they are on their way, or cannot be had."""
        from inference.kinetics import KineticsError, Phases

        timing = self.timing
        loaded = [self._images.loaded(uid) for uid in self.sources]
        if timing is None or not loaded or any(one is None for one in loaded):
            return None
        try:
            phases = Phases(tuple(one.volume for one in loaded if one is not None), timing)
        except KineticsError as error:
            self.problem = f"{error} {error.hint}"
            return None
        self.problem = ""
        return phases

    def floor(self, phases: Phases) -> float | None:
        """Return the pre-contrast signal up to which it is noise; None while it is estimated in the background."""
        pre = self.sources[phases.timing.pre]
        if pre not in self._floors and not any(job.key == NOISE_KEY for job in self._jobs.active):

            def work(_: Progress) -> float:
                from inference.kinetics import noise_of

                return noise_of(phases).floor

            take = lambda floor: self._take_floor(pre, floor)  # noqa: E731
            self._jobs.start(Job("Noise of the series", work, NOISE_KEY, take, quiet=True), "disk")
        return self._floors.get(pre)

    def _take_floor(self, pre: str, floor: float) -> None:
        self._floors = {pre: floor}
        self.changed.emit()

    def _take_image(self, uid: str) -> None:
        if uid not in self.sources:
            return
        if uid in self._images.unreadable:
            self.problem = f"A phase cannot be read: {self._images.unreadable[uid]}"
        self.changed.emit()

    def _turn(self) -> None:
        dynamics = self._library.study.dynamics if self._library.study is not None else ()
        if self._dynamic_uid not in {one.uid for one in dynamics}:
            self._dynamic_uid = ""
        self.problem = ""
        self._turned()

    def _turned(self) -> None:
        self._jobs.supersede(NOISE_KEY)
        if self._wanted:
            self._request()
        self.turned.emit()
        self.changed.emit()
