"""Readings: the models at hand, what they said of the current study, and what they are doing now."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app import settings as app_settings
from app.ai_state import AiState, Place, Reading, reading_of
from app.jobs import KEEPING, Job, Jobs
from app.notices import Notices
from app.session import answering
from app.session.answering import Answer, Question
from app.session.images import Images
from app.session.keeping import Keeping, WorkspaceClosedError
from app.session.library import OpenStudies
from app.studies.errors import StudyError
from inference.errors import OutOfScopeError
from inference.result import Status

if TYPE_CHECKING:
    from app.workspace.store import StoredResult, Workspace
    from inference.card import ModelCard
    from inference.progress import Progress

LOOKING_UP = "looking for earlier results"


class Readings(QObject):
    """What the AI says.

    Attributes
    ----------
    changed
        Results or states changed.
    cards_found
        The list of models is there.
    stored
        Results of the current study, newest last; with those that could not be saved.
    """

    changed = Signal()
    cards_found = Signal()

    def __init__(self, jobs: Jobs, notices: Notices, keeping: Keeping, images: Images, library: OpenStudies) -> None:
        super().__init__(library)
        self.cards: tuple[ModelCard, ...] = ()
        self.model_id = ""
        self.device = "auto"
        self.stored: tuple[StoredResult, ...] = ()
        self._jobs, self._notices, self._keeping = jobs, notices, keeping
        self._images, self._library = images, library
        self._passing: dict[Place, Reading] = {}
        self._unsaved: list[Answer] = []
        self._looking = False
        library.turned.connect(self._turn)
        keeping.opened.connect(self._save_what_waits)

    # -- results of earlier days -----------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Bring the results of the current study back; their maps are read in the background."""
        self.stored = ()
        self._passing.clear()
        study, workspace = self._library.study, self._keeping.workspace
        self._looking = study is not None and workspace is not None
        if study is not None and workspace is not None:
            uid = study.uid
            take = lambda stored: self._take_stored(uid, stored)  # noqa: E731
            work = lambda _: workspace.results(uid)  # noqa: E731
            self._jobs.start(Job("Reading earlier results", work, "results", take, self._no_results))
        self.changed.emit()

    def _take_stored(self, study_uid: str, stored: tuple[StoredResult, ...]) -> None:
        if self._library.study is not None and self._library.study.uid == study_uid:
            unsaved = [answer.stored for answer in self._unsaved if answer.stored.study_uid == study_uid]
            self.stored = tuple({one.uid: one for one in (*stored, *self.stored, *unsaved)}.values())
            self._looking = False
            self._keeping.pass_on_notices()
            self.changed.emit()

    def _no_results(self, error: Exception) -> None:
        self._looking = False
        self._notices.error("Earlier results could not be read", error)
        self.changed.emit()

    # -- models ----------------------------------------------------------------------------------------------------

    def find_cards(self) -> None:
        """Read the model list in the background, the user's own models too (it is data; torch stays out)."""

        def work(_: Progress) -> tuple[tuple[ModelCard, ...], Any]:
            from inference.registry import find_cards_and_problems

            return find_cards_and_problems([models_folder()])

        self._jobs.start(Job("Reading the models", work, "cards", self._take_cards, quiet=True))

    def _take_cards(self, found: tuple[tuple[ModelCard, ...], Any]) -> None:
        self.cards = found[0]
        for problem in found[1]:
            self._notices.warn("A model cannot be used", str(problem), getattr(problem, "hint", ""))
        self.cards_found.emit()

    # -- what is known ---------------------------------------------------------------------------------------------

    def of(self, stack_uid: str, slice_index: int) -> Reading:
        """Return what the AI says of one slice."""
        loaded = self._images.loaded(stack_uid)
        if loaded is not None and slice_index in loaded.blank_slices:
            return Reading(AiState.OUT_OF_SCOPE, "this slice is missing from the study")
        reading = reading_of((stack_uid, slice_index), self._passing, self.stored)
        if reading.state is AiState.NOT_RUN and self._looking:
            return Reading(AiState.NOT_RUN, LOOKING_UP)
        if reading.stored is not None and any(one.stored is reading.stored for one in self._unsaved):
            return Reading(reading.state, "not saved", reading.stored)
        return reading

    def of_stack(self, stack_uid: str) -> AiState | None:
        """Return the loudest state of a stack for its badge, None while nothing was asked."""
        states = {reading.state for place, reading in self._passing.items() if place[0] == stack_uid}
        found = {one.result.status for one in self.stored if one.stack_uid == stack_uid}
        if AiState.RUNNING in states:
            return AiState.RUNNING
        if found:
            return AiState.FINDINGS if Status.FINDINGS in found else AiState.NO_FINDING
        return next((state for state in (AiState.OUT_OF_SCOPE, AiState.FAILED) if state in states), None)

    # -- asking ----------------------------------------------------------------------------------------------------

    def analyse(self, stack_uid: str, slice_index: int) -> None:
        """Run the fitting model on one slice in the compute lane; its result is stored before it is shown."""
        study, loaded = self._library.study, self._images.loaded(stack_uid)
        if study is None or loaded is None:
            raise StudyError("The image is not loaded yet.", "Wait until it is shown, then analyse it.")
        cards = tuple(card for card in self.cards if self.model_id in ("", card.id))
        question = Question(study, loaded, slice_index, cards, self.device)
        place = question.place
        before = self._passing.get(place)
        workspace = self._keeping.workspace

        def work(progress: Progress) -> Answer:
            return answering.answer(question, workspace, progress)

        title = f"Analysing slice {slice_index + 1}" if len(loaded.stack.frames) > 1 else "Analysing the image"
        take = lambda answer: self._take(study.uid, place, answer)  # noqa: E731
        failed = lambda error: self._failed(study.uid, place, error)  # noqa: E731
        cancelled = lambda: self._pass(study.uid, place, before)  # noqa: E731
        self._pass(study.uid, place, Reading(AiState.RUNNING))
        self._jobs.start(Job(title, work, f"analyse {place}", take, failed, cancelled), "compute")

    def _take(self, study_uid: str, place: Place, answer: Answer) -> None:
        if answer.problem is not None:
            self._unsaved.append(answer)
            self._notices.error("The result is shown but could not be saved", answer.problem)
        for warning in answer.stored.result.warnings:
            self._notices.warn(warning, topic="study")
        if self._library.study is not None and self._library.study.uid == study_uid:
            self.stored = (*self.stored, answer.stored)
            self._pass(study_uid, place, None)
        if isinstance(answer.problem, WorkspaceClosedError):
            self._save_what_waits()  # it may have been opened meanwhile

    def _failed(self, study_uid: str, place: Place, error: Exception) -> None:
        out_of_scope = isinstance(error, OutOfScopeError)
        if not out_of_scope:
            self._notices.error("The analysis failed", error)
        state = AiState.OUT_OF_SCOPE if out_of_scope else AiState.FAILED
        self._pass(study_uid, place, Reading(state, str(error)))

    def _pass(self, study_uid: str, place: Place, reading: Reading | None) -> None:
        """Take a state that is not in the workspace; None where what the workspace holds is all there is to say."""
        if self._library.study is None or self._library.study.uid != study_uid:
            return
        self._passing.pop(place, None)
        if reading is not None:
            self._passing[place] = reading
        self.changed.emit()

    # -- results that came while the workspace was closed ----------------------------------------------------------

    def _save_what_waits(self) -> None:
        workspace = self._keeping.workspace
        if workspace is None or not self._unsaved:
            return
        waiting, self._unsaved = self._unsaved, []
        job = Job("Saving results", lambda _: self._save_all(workspace, waiting), on_done=self._saved)
        self._jobs.start(job, KEEPING)

    def _save_all(self, workspace: Workspace, waiting: list[Answer]) -> list[Answer]:
        return [answering.saved(answer.stored, workspace) for answer in waiting]

    def _saved(self, answers: list[Answer]) -> None:
        self._unsaved += [answer for answer in answers if answer.problem is not None]
        kept = {id(answer.stored.result): answer.stored for answer in answers}
        self.stored = tuple(kept.get(id(one.result), one) for one in self.stored)
        self.changed.emit()


def models_folder() -> Path:
    """Return the folder of the user's own models."""
    return app_settings.home() / "models"
