"""Motion correction: registering the phases of a dynamic series to the pre-contrast one, and keeping what was found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from app.jobs import Job, Jobs, JobState
from app.notices import Notices
from app.session.corrections import Pair, StoredMotion
from app.session.images import Images
from app.session.keeping import Keeping
from app.session.library import OpenStudies
from app.studies.errors import StudyError
from app.studies.study import Dynamic
from inference.errors import EngineError

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.prepare.register import Correction
    from inference.progress import Progress


@dataclass(frozen=True)
class PhaseMotion:
    """What is known of the motion of one phase against the pre-contrast one.

    Attributes
    ----------
    state
        ``"none"``, ``"waiting"``, ``"running"``, ``"stored"`` (found in the workspace; it is compared with the images
        when they are loaded), ``"done"`` or ``"failed"``.
    fraction
        How far the registration is, 0 to 1.
    correction
        What was found; also while :attr:`state` is ``"stored"``.
    problem
        Why this phase could not be registered.
    """

    stack_uid: str
    reference_uid: str
    label: str
    state: str
    fraction: float = 0.0
    correction: Correction | None = None
    problem: str = ""


@dataclass(eq=False)
class _Run:
    """One run: the phases of a dynamic series, first their pixels, then the job."""

    dynamic: Dynamic
    reference: str
    others: tuple[str, ...]
    pixels: dict[str, Volume] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    job: Job | None = None

    @property
    def missing(self) -> list[str]:
        return [uid for uid in (self.reference, *self.others) if uid not in self.pixels]


class MotionCorrection(QObject):
    """Registrations of the open studies.

    Attributes
    ----------
    changed
        :meth:`correction` answers otherwise than before: registered, found again, put in or out of use, forgotten.
    advanced
        A run has begun, gone on or ended.
    """

    changed = Signal()
    advanced = Signal()
    _registered = Signal(object, str, object)

    def __init__(
        self,
        jobs: Jobs,
        notices: Notices,
        keeping: Keeping,
        library: OpenStudies,
        images: Images,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs, self._notices, self._library, self._images = jobs, notices, library, images
        self._stored = StoredMotion((jobs, notices, keeping, library, images), self)
        self._problems: dict[Pair, str] = {}
        self._run: _Run | None = None
        self._stored.changed.connect(self.changed)
        self._registered.connect(self._take, Qt.ConnectionType.QueuedConnection)
        images.changed.connect(self._take_pixels)
        jobs.changed.connect(self._advance)

    # -- what is known ---------------------------------------------------------------------------------------------

    def correction(self, of_uid: str, reference_uid: str) -> Correction | None:
        """Return how a phase moved against another, None where that is not known, not in use, or no better than none.

        Only corrections that belong to just these pixels are returned.
        """
        found = self._stored.known.get((of_uid, reference_uid))
        place = self._place(of_uid)
        if found is None or not found.improves or (place is not None and not self.in_use(place)):
            return None
        return found

    def _place(self, uid: str) -> Dynamic | None:
        study = self._library.study_of(uid)
        place = study.phase_of(uid) if study is not None else None
        return place[0] if place is not None else None

    def in_use(self, dynamic: Dynamic) -> bool:
        """Whether the corrected images of a dynamic series are to be used; so it is until the user says otherwise."""
        return dynamic.uid not in self._stored.unused

    def set_in_use(self, dynamic: Dynamic, used: bool) -> None:
        """Use the corrected images, or the plain ones; kept with the study."""
        if used != self.in_use(dynamic):
            self._stored.set_unused(dynamic, not used)

    def running(self, dynamic: Dynamic) -> bool:
        """Whether the phases of a series are being registered, or their pixels are on their way to it."""
        return self._run is not None and self._run.dynamic.uid == dynamic.uid

    def summary(self, dynamic: Dynamic) -> tuple[PhaseMotion, ...]:
        """Return a row per phase other than the pre-contrast one; none where that is not known."""
        if dynamic.pre_index is None:
            return ()
        reference = dynamic.phases[dynamic.pre_index].stack_uid
        others = [phase for phase in dynamic.phases if phase.stack_uid != reference]
        return tuple(self._row(dynamic, phase.stack_uid, reference, phase.label) for phase in others)

    def _row(self, dynamic: Dynamic, uid: str, reference: str, label: str) -> PhaseMotion:
        pair, run = (uid, reference), self._run
        if run is not None and self.running(dynamic) and uid not in run.done:
            fraction = 0.0
            if run.job is not None and run.job.state is JobState.RUNNING:
                fraction = min(max(run.job.fraction * len(run.others) - run.others.index(uid), 0.0), 1.0)
            first = next((one for one in run.others if one not in run.done), "")
            state = "running" if run.job is not None and uid == first else "waiting"
            return PhaseMotion(uid, reference, label, state, fraction)
        if pair in self._problems:
            return PhaseMotion(uid, reference, label, "failed", problem=self._problems[pair])
        if pair in self._stored.known:
            return PhaseMotion(uid, reference, label, "done", 1.0, self._stored.known[pair])
        if pair in self._stored.unchecked:
            return PhaseMotion(uid, reference, label, "stored", 1.0, self._stored.unchecked[pair])
        return PhaseMotion(uid, reference, label, "none")

    # -- running ---------------------------------------------------------------------------------------------------

    def start(self, dynamic: Dynamic) -> None:
        """Register every other phase to the pre-contrast one, in the background, once their pixels are there.

        Raises
        ------
        StudyError
            Where there is nothing to register.
        """
        if len(dynamic.phases) < 2:
            raise StudyError("This series has one phase only, so there is no motion between phases to correct.")
        if dynamic.pre_index is None:
            raise StudyError(
                "It is not known which phase is pre-contrast, so there is nothing to register the others to.",
                "Say which it is under “Phases of the dynamic series”.",
            )
        self.cancel()
        uids = [phase.stack_uid for phase in dynamic.phases]
        reference = uids.pop(dynamic.pre_index)
        self._run = _Run(dynamic, reference, tuple(uids))
        for uid in uids:
            self._problems.pop((uid, reference), None)
        for uid in (reference, *uids):
            if self._images.loaded(uid) is None:
                self._images.request(uid)
            self._take_pixels(uid)
        self.advanced.emit()

    def cancel(self) -> None:
        """Stop the run; what is registered already stays."""
        run, self._run = self._run, None
        if run is not None and run.job is not None:
            self._jobs.cancel(run.job)
        if run is not None:
            self.advanced.emit()

    def forget(self, dynamic: Dynamic) -> None:
        """Discard what was found of a series, also on the disk."""
        if self.running(dynamic):
            self.cancel()
        uids = {phase.stack_uid for phase in dynamic.phases}
        self._problems = {pair: why for pair, why in self._problems.items() if pair[0] not in uids}
        self._stored.forget(dynamic)

    def _take_pixels(self, uid: str) -> None:
        run = self._run
        if run is None or run.job is not None or uid not in run.missing:
            return
        loaded = self._images.loaded(uid)
        if loaded is not None:
            run.pixels[uid] = loaded.volume
        elif uid in self._images.unreadable:
            self._run = None
            self._notices.error("The motion was not corrected", StudyError(self._images.unreadable[uid]))
            self.advanced.emit()
            return
        if not run.missing:
            self._register(run)

    def _register(self, run: _Run) -> None:
        def work(progress: Progress) -> None:
            from inference.prepare.register import register

            count = len(run.others)
            for n, uid in enumerate(run.others):
                part = progress.part(n / count, (n + 1) / count, f"post {n + 1} of {count}: ")
                try:
                    found: object = register(run.pixels[run.reference], run.pixels[uid], part)
                except EngineError as error:
                    found = error
                self._registered.emit(run, uid, found)

        job = Job("Motion correction", work, "motion", self._ended, self._failed, self._stopped)
        run.job = self._jobs.start(job, "compute")

    def _take(self, run: _Run, uid: str, found: Correction | EngineError) -> None:
        if run.job is None or run.job.state is JobState.CANCELLED or self._library.study_of(uid) is None:
            return
        run.done.add(uid)
        if isinstance(found, EngineError):
            self._problems[uid, run.reference] = f"{found} {found.hint}".strip()
            self._notices.warn("A phase could not be registered", str(found), found.hint)
        else:
            self._stored.put((uid, run.reference), found)
        self.advanced.emit()

    def _ended(self, _: object) -> None:
        self._run = None
        self.advanced.emit()

    def _failed(self, error: Exception) -> None:
        self._run = None
        self._notices.error("The motion was not corrected", error)
        self.advanced.emit()

    def _stopped(self) -> None:
        self._run = None
        self.advanced.emit()

    def _advance(self) -> None:
        if self._run is not None and self._run.job is not None:
            self.advanced.emit()
