"""Asking: turns what the user looks at, or a whole study, into questions to models, each a job of the compute lane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.ai_state import AiState, Asked, Place, Reading, short_name
from app.analysis import Subject, refusal_for, refusals, subject_for, subjects
from app.jobs import Job, Jobs
from app.session import answering
from app.session.answering import Answer, Question
from app.session.images import Images
from app.session.keeping import Keeping
from app.session.pixels_for_models import load_for
from app.session.study_run import Found, GroupWork, Lesions, grouped, is_known, told
from app.studies.errors import StudyError

if TYPE_CHECKING:
    from app.studies.study import Study
    from app.workspace.store import StoredResult
    from inference.card import ModelCard
    from inference.progress import Progress


class Asking(QObject):
    """Questions on their way.

    Attributes
    ----------
    passes
        Study uid, what is asked, and its state (None: back to what is stored).
    answered
        Study uid, what was asked, and the answer.
    failed
        Study uid, what was asked, its state, and the error where it must be told.
    before
        Returns the state of a question that a cancelled job gives back. Set by the readings.
    """

    passes = Signal(str, object, object)
    answered = Signal(str, object, object)
    failed = Signal(str, object, object, object)

    def __init__(self, jobs: Jobs, keeping: Keeping, images: Images, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._keeping, self._images = jobs, keeping, images
        self.before: Callable[[Asked], Reading | None] = lambda _: None

    # -- the image on show -----------------------------------------------------------------------------------------

    def image(self, study: Study, place: Place, cards: Sequence[ModelCard], lesions: Lesions, device: str) -> None:
        """Ask every model that fits the image on show, one job each; where none fits, they say why not.

        Raises
        ------
        StudyError
            Where the image is not loaded yet.
        """
        loaded = self._images.loaded(place[0])
        if loaded is None:
            raise StudyError("The image is not loaded yet.", "Wait until it is shown, then analyse it.")
        sources = lesions()
        fitting = []
        for card in cards:
            has_lesions = bool(sources.without(card.id))
            subject = subject_for(card, study, *place)
            if subject is not None and not refusal_for(card, study, *place, has_lesions=has_lesions):
                fitting.append((card, subject))
        if not fitting:
            nearest_first = sorted(cards, key=lambda card: subject_for(card, study, *place) is None)
            self._start(Question(study, loaded, place[1], tuple(nearest_first), device), "")
        else:
            self.passes.emit(study.uid, (*place, ""), None)
        for card, subject in fitting:
            load = load_for(self._images, subject)
            shown = loaded if not subject.is_whole else None
            asked = Question(study, shown, place[1], (card,), device, subject, load, lambda: sources)
            self._start(asked, card.id)

    def _start(self, question: Question, model_id: str) -> None:
        uid, asked = question.study.uid, (*question.place, model_id)
        workspace = self._keeping.workspace
        before = self.before(asked)
        if before is not None and before.state is AiState.RUNNING:
            before = None  # the same question, asked again
        title = question.subject.title if question.subject is not None else "Analysing the image"
        if model_id:
            title = f"{short_name(model_id)}: {title}"

        def work(progress: Progress) -> Answer:
            return answering.answer(question, workspace, progress)

        job = Job(
            title,
            work,
            f"analyse {asked}",
            lambda answer: self.answered.emit(uid, asked, answer),
            lambda error: self.failed.emit(uid, asked, *told(error)),
            lambda: self.passes.emit(uid, asked, before),
        )
        self.passes.emit(uid, asked, Reading(AiState.RUNNING, model_id=model_id))
        self._jobs.start(job, "compute")

    # -- a whole study ---------------------------------------------------------------------------------------------

    def study(
        self, study: Study, cards: Sequence[ModelCard], lesions: Lesions, stored: Sequence[StoredResult], device: str
    ) -> tuple[str, ...]:
        """Ask models about all they read in a study; return a sentence for what they do not read."""
        found, said = Found(lesions), []
        for card in sorted(cards, key=lambda one: bool(one.accepts.get("needs_lesions"))):
            said += refusals(card, study)
            for group in grouped(subjects(card, study)):
                if left := [one for one in group if not is_known(card, one, stored)]:
                    self._start_group(card, left, found, device)
        return tuple(dict.fromkeys(said))

    def _start_group(self, card: ModelCard, group: Sequence[Subject], found: Found, device: str) -> None:
        """Start one job for all images of a stack."""
        uid, load = group[0].study.uid, load_for(self._images, group[0])
        answered = lambda asked, answer: self.answered.emit(uid, asked, answer)  # noqa: E731
        state = lambda asked, reading, error: self.failed.emit(uid, asked, reading, error)  # noqa: E731
        work = GroupWork(card, group, load, found, self._keeping.workspace, device, answered, state)

        def cancelled() -> None:
            for subject in work.left:
                self.passes.emit(uid, work.asked(subject), None)

        def failed(error: Exception) -> None:
            reading, problem = told(error)
            for subject in work.left:
                self.failed.emit(uid, work.asked(subject), reading, problem)
                problem = None  # once is enough

        for subject in group:
            self.passes.emit(uid, work.asked(subject), Reading(AiState.RUNNING, model_id=card.id))
        of = f"{len(group)} images" if len(group) > 1 else group[0].title
        key = f"analyse study {card.id} {group[0].stack_uid}"
        self._jobs.start(Job(f"{short_name(card.id)}: {of}", work, key, None, failed, cancelled), "compute")
