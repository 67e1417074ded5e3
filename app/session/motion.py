"""Motion correction: registering the phases of a dynamic series to the pre-contrast one, and keeping what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.jobs import Jobs
from app.notices import Notices
from app.session.corrections import Pair, StoredMotion
from app.session.images import Images
from app.session.keeping import Keeping
from app.session.library import OpenStudies
from app.session.motion_run import MotionRun
from app.studies.errors import StudyError
from app.studies.study import Dynamic, Study
from inference.errors import EngineError

if TYPE_CHECKING:
    from inference.prepare.register import Correction


@dataclass(frozen=True)
class PhaseMotion:
    """What is known of the motion of one phase against the pre-contrast one.

    Attributes
    ----------
    state
        ``"none"``, ``"waiting"``, ``"running"``, ``"stored"`` (found in the workspace; it is compared with the images
        when they are loaded), ``"done"`` or ``"failed"`` (:attr:`problem` says why).
    fraction
        How far the registration is, 0 to 1.
    """

    stack_uid: str
    reference_uid: str
    label: str
    state: str
    fraction: float = 0.0
    correction: Correction | None = None
    problem: str = ""


class MotionCorrection(QObject):
    """Registrations of the open studies.

    Attributes
    ----------
    changed
        :meth:`correction` answers otherwise than before for these pairs (phase, reference), a frozenset: registered,
        found again, put in or out of use, forgotten.
    advanced
        A run has begun, gone on or ended, or a row of :meth:`summary` is new.
    """

    changed = Signal(object)
    advanced = Signal()

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
        self._run: MotionRun | None = None
        self._answered: dict[Pair, Correction] = {}
        self._stored.changed.connect(self._compare)
        jobs.changed.connect(self._advance)
        library.turned.connect(self._follow)
        library.closed.connect(self._close)

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

    def _compare(self) -> None:
        """Say for which pairs there is another answer than before."""
        answers = {pair: found for pair in self._stored.known if (found := self.correction(*pair)) is not None}
        before, self._answered = self._answered, answers
        other = frozenset(pair for pair in {*before, *answers} if before.get(pair) is not answers.get(pair))
        if other:
            self.changed.emit(other)
        self.advanced.emit()

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
            at_work = uid == run.current and run.fraction > 0
            return PhaseMotion(uid, reference, label, "running" if at_work else "waiting", run.fraction * at_work)
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
        run = self._run = MotionRun(dynamic, self._jobs, self._images, self)
        for uid in run.others:
            self._problems.pop((uid, run.reference), None)
        run.registered.connect(lambda uid, found: self._take(run, uid, found))
        run.ended.connect(lambda why: self._ended(run, why))
        run.go_on()
        self.advanced.emit()

    def cancel(self) -> None:
        """Stop the run; what is registered already stays."""
        if self._run is not None:
            self._run.cancel()

    def forget(self, dynamic: Dynamic) -> None:
        """Discard what was found of a series, also on the disk."""
        if self.running(dynamic):
            self.cancel()
        uids = {phase.stack_uid for phase in dynamic.phases}
        self._problems = {pair: why for pair, why in self._problems.items() if pair[0] not in uids}
        self._stored.forget(dynamic)

    def _take(self, run: MotionRun, uid: str, found: Correction | EngineError) -> None:
        if isinstance(found, EngineError):
            self._problems[uid, run.reference] = f"{found} {found.hint}".strip()
            self._notices.warn("A phase could not be registered", str(found), found.hint)
        else:
            self._stored.put((uid, run.reference), found)
        self.advanced.emit()

    def _ended(self, run: MotionRun, why: Exception | None) -> None:
        if run is self._run:
            self._run = None
        run.deleteLater()
        if why is not None:
            self._notices.error("The motion was not corrected", why)
        self.advanced.emit()

    def _follow(self) -> None:
        """Ask again for the pixels of a run: those of a study that is no more the current one are given up."""
        if self._run is not None:
            self._run.go_on()

    def _close(self, study: Study) -> None:
        """Stop the run of a study that was closed."""
        if self._run is not None and any(one.uid == self._run.dynamic.uid for one in study.dynamics):
            self.cancel()

    def _advance(self) -> None:
        if self._run is not None and self._run.current:
            self.advanced.emit()
