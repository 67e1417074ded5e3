"""Readings: the models at hand, what they said of the current study, and what they are doing now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app import settings as app_settings
from app.ai_state import Asked, Place, Reading
from app.analysis.lesions import LesionSources, Point
from app.jobs import Job, Jobs
from app.notices import Notices
from app.session.answering import Answer
from app.session.asking import Asking
from app.session.images import Images
from app.session.keeping import Keeping, WorkspaceClosedError
from app.session.known import Known
from app.session.library import OpenStudies
from app.session.study_run import was_read
from app.session.unsaved import Unsaved
from app.studies.errors import StudyError

if TYPE_CHECKING:
    from app.ai_state import AiState
    from app.studies.study import Study
    from app.workspace.box import Box
    from app.workspace.store import StoredResult
    from inference.card import ModelCard
    from inference.progress import Progress


class Readings(QObject):
    """What the AI says.

    Attributes
    ----------
    changed
        Results or states changed.
    cards_found
        The list of models is there.
    cards
        Models that can be used.
    model_id
        The model that is asked where none is named; ``""`` for every model that fits.
    stored
        Results of the current study, the newest of each image and model, newest last; with those that could not be
        saved.
    boxes
        Returns the boxes of the current study, which are lesions to ask about. Set by the session.
    """

    changed = Signal()
    cards_found = Signal()

    def __init__(self, jobs: Jobs, notices: Notices, keeping: Keeping, images: Images, library: OpenStudies) -> None:
        super().__init__(library)
        self.cards: tuple[ModelCard, ...] = ()
        self.model_id = ""
        self.device = "auto"
        self.boxes: Callable[[], Sequence[Box]] = tuple
        self._jobs, self._notices, self._keeping = jobs, notices, keeping
        self._library = library
        self._said: set[str] = set()
        self._known = Known(images, library)
        self._unsaved = Unsaved(jobs, keeping, self)
        self._unsaved.saved.connect(self._take_saved)
        self._asking = Asking(jobs, keeping, images, self)
        self._asking.before = self._known.passing
        self._asking.passes.connect(self._pass)
        self._asking.answered.connect(self._take)
        self._asking.failed.connect(self._failed)
        library.turned.connect(self._turn)
        keeping.opened.connect(self._unsaved.save)

    @property
    def stored(self) -> tuple[StoredResult, ...]:
        """Results of the current study."""
        return self._known.stored

    # -- results of earlier days -----------------------------------------------------------------------------------

    def _turn(self) -> None:
        """Bring the results of the current study back; their maps are read in the background."""
        study, workspace = self._library.study, self._keeping.workspace
        self._said.clear()
        self._known.clear(looking=study is not None and workspace is not None)
        if study is not None and workspace is not None:
            uid = study.uid
            take = lambda stored: self._take_stored(uid, stored)  # noqa: E731
            work = lambda _: workspace.results(uid, True)  # noqa: E731
            self._jobs.start(Job("Reading earlier results", work, "results", take, self._no_results))
        self.changed.emit()

    def _take_stored(self, study_uid: str, stored: tuple[StoredResult, ...]) -> None:
        if self._library.study is not None and self._library.study.uid == study_uid:
            unsaved = [answer.stored for answer in self._unsaved.answers if answer.stored.study_uid == study_uid]
            self._known.take((*stored, *self.stored, *unsaved))
            self._known.looking = False
            self._keeping.pass_on_notices()
            self.changed.emit()

    def _no_results(self, error: Exception) -> None:
        self._known.looking = False
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

    def card(self, model_id: str) -> ModelCard | None:
        """Return the model with that id, None where there is none."""
        return next((card for card in self.cards if card.id == model_id), None)

    def why_not(self, model_id: str, stack_uid: str, slice_index: int) -> str:
        """Return why a model does not read the image a user looks at, a sentence; ``""`` where it may be asked.

        From the headers alone, so that it can be said before anything runs. A model that classifies lesions is told
        that there are some where boxes are drawn or another model found some.
        """
        study, card = self._library.study, self.card(model_id)
        if card is None:
            return f"There is no model {model_id}."
        if study is None or not study.has(stack_uid):
            return "No image of the current study is on show."
        from app.analysis import refusal_for

        return refusal_for(card, study, stack_uid, slice_index, has_lesions=bool(self.lesions().without(model_id)))

    # -- what is known ---------------------------------------------------------------------------------------------

    def of(self, stack_uid: str, slice_index: int) -> Reading:
        """Return what the AI says of one slice: the loudest model, with the others beside it."""
        return self._known.of(stack_uid, slice_index, self._unsaved.uids)

    def all_of(self, stack_uid: str, slice_index: int) -> tuple[Reading, ...]:
        """Return what each model says of one slice, by model id; those never asked are not among them.

        A result of a whole examination counts for every slice of every phase of it.
        """
        return self._known.all_of(stack_uid, slice_index, self._unsaved.uids)

    def of_stack(self, stack_uid: str) -> AiState | None:
        """Return the loudest state of a stack for its badge, None while nothing was asked."""
        return self._known.of_stack(stack_uid)

    def lesions(self, point_mm: Point | None = None) -> LesionSources:
        """Return where lesions of the current study come from: boxes, what models found, and a clicked point."""
        return LesionSources(tuple(self.boxes()), self._known.whole_results, point_mm)

    # -- asking ----------------------------------------------------------------------------------------------------

    def analyse(self, stack_uid: str, slice_index: int, model_id: str = "", point_mm: Point | None = None) -> None:
        """Ask about the image a user looks at, in the compute lane; a result is stored before it is shown.

        Parameters
        ----------
        model_id
            The model to ask; ``""`` for :attr:`model_id`, which may mean every model that fits: one job each. Of these,
            one that reads the whole examination is asked once, not again at every slice; named, it is.
        point_mm
            A lesion the user points at, LPS mm, for a model that classifies lesions.

        Raises
        ------
        StudyError
            Where the image is not loaded yet.
        """
        study = self._library.study
        if study is None:
            raise StudyError("No study is open.", "Open one first.")
        cards = self._chosen(model_id)
        if not (model_id or self.model_id) and point_mm is None:
            cards = self._not_said_yet(study, stack_uid, slice_index, cards)
        self._asking.image(study, (stack_uid, slice_index), cards, lambda: self.lesions(point_mm), self.device)

    def analyse_study(self, model_ids: Sequence[str] = ()) -> tuple[str, ...]:
        """Ask the models about everything they read in the current study; return a sentence for what they do not.

        One job for each model and image series, those that classify lesions last, so that they are asked about what
        the others found. What the same model said already is not asked again.

        Parameters
        ----------
        model_ids
            Models to ask; :attr:`model_id` where none is named.
        """
        study = self._library.study
        if study is None:
            raise StudyError("No study is open.", "Open one first.")
        cards = tuple(card for one in (model_ids or ("",)) for card in self._chosen(one))
        return self._asking.study(study, cards, self.lesions, self.stored, self.device)

    def _not_said_yet(
        self, study: Study, stack_uid: str, slice_index: int, cards: tuple[ModelCard, ...]
    ) -> tuple[ModelCard, ...]:
        """Leave out models that read the whole examination and have: what they say stands at every slice.

        All, where nothing else is left to ask. A model that classifies lesions is asked again once boxes are drawn.
        """
        from app.analysis import subject_for

        def said(card: ModelCard) -> bool:
            subject = subject_for(card, study, stack_uid, slice_index)
            if subject is None or not subject.is_whole or (card.accepts.get("needs_lesions") and self.boxes()):
                return False
            return was_read(card, subject, self.stored)

        left = tuple(card for card in cards if not said(card))
        fitting = [card for card in left if not self.why_not(card.id, stack_uid, slice_index)]
        return left if fitting else cards

    def _chosen(self, model_id: str) -> tuple[ModelCard, ...]:
        wanted = model_id or self.model_id
        return tuple(card for card in self.cards if wanted in ("", card.id))

    # -- what came -------------------------------------------------------------------------------------------------

    def _take(self, study_uid: str, asked: Asked | Place, answer: Answer) -> None:
        if answer.problem is not None:
            self._unsaved.add(answer)
            self._notices.error("The result is shown but could not be saved", answer.problem)
        for warning in answer.stored.result.warnings:
            if warning not in self._said:  # sixty slices of one series have the same to say
                self._said.add(warning)
                self._notices.warn(warning, topic="study")
        if self._library.study is not None and self._library.study.uid == study_uid:
            self._known.take((*self.stored, answer.stored))
            self._pass(study_uid, asked, None)
        if isinstance(answer.problem, WorkspaceClosedError):
            self._unsaved.save()  # it may have been opened meanwhile

    def _failed(self, study_uid: str, asked: Asked, reading: Reading, error: Exception | None) -> None:
        if error is not None:
            self._notices.error("The analysis failed", error)
        self._pass(study_uid, asked, reading)

    def _pass(self, study_uid: str, asked: Asked | Place, reading: Reading | None) -> None:
        """Take a state that is not in the workspace; None where what the workspace holds is all there is to say."""
        if self._library.study is None or self._library.study.uid != study_uid:
            return
        stack_uid, slice_index, *model = asked
        self._known.pass_on((stack_uid, slice_index, model[0] if model else ""), reading)
        self.changed.emit()

    def _take_saved(self, answers: list[Answer]) -> None:
        kept = {id(answer.stored.result): answer.stored for answer in answers}
        self._known.take(tuple(kept.get(id(one.result), one) for one in self.stored))
        self.changed.emit()


def models_folder() -> Path:
    """Return the folder of the user's own models."""
    return app_settings.home() / "models"
