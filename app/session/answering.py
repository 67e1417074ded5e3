"""Answering: one question to the models, from the image on show to a stored result; runs in the compute lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.ai_state import Place
from app.analysis.lesions import LesionSources
from app.session.keeping import WorkspaceClosedError
from app.workspace.box import new_uid, now
from app.workspace.errors import WorkspaceError
from app.workspace.history import StoredResult
from inference.errors import CardError, OutOfScopeError

if TYPE_CHECKING:
    from app.analysis import Load, Subject
    from app.studies.load import LoadedStack
    from app.studies.study import Study
    from app.workspace.store import Workspace
    from inference.card import ModelCard
    from inference.progress import Progress
    from inference.result import Result


@dataclass(frozen=True)
class Question:
    """An image, the models to ask in their order, and where to compute.

    Attributes
    ----------
    loaded
        The stack on show; None where a whole examination is asked about.
    subject, load
        What the one model reads and how it gets the pixels. None where no model was found that fits: then the models
        say why not.
    lesions
        Asked for when the model runs, so that what models before it found is among them.
    """

    study: Study
    loaded: LoadedStack | None
    slice_index: int
    cards: tuple[ModelCard, ...]
    device: str
    subject: Subject | None = None
    load: Load | None = None
    lesions: Callable[[], LesionSources] = LesionSources

    @property
    def place(self) -> Place:
        """Stack and slice under which the result is kept."""
        if self.subject is not None:
            return self.subject.stack_uid, self.subject.slice_index
        assert self.loaded is not None
        return self.loaded.stack.uid, self.slice_index


@dataclass(frozen=True)
class Answer:
    """A result and, where it could not be saved, why; ``stored`` is then in memory only."""

    stored: StoredResult
    problem: Exception | None = None


def answer(question: Question, workspace: Workspace | None, progress: Progress) -> Answer:
    """Run the fitting model and store what it says.

    Raises
    ------
    EngineError
        Where no model answers; see :func:`run_fitting`.
    """
    result = run_fitting(question, progress)
    progress.check()  # cancelled at the last moment: not stored
    return saved(unsaved(question, result), workspace)


def unsaved(question: Question, result: Result) -> StoredResult:
    """Return a result with the image it belongs to, in memory only; one of a whole examination has its first image."""
    stack_uid, index = question.place
    stack = question.loaded.stack if question.loaded is not None else question.study.stack(stack_uid)
    if stack.uid != stack_uid:
        stack = question.study.stack(stack_uid)
    sop = stack.frames[min(max(index, 0), len(stack.frames) - 1)].sop_instance_uid
    return StoredResult(new_uid(), question.study.uid, stack_uid, sop, index, now(), result)


def saved(stored: StoredResult, workspace: Workspace | None) -> Answer:
    """Store a result; one that cannot be stored is returned with the reason and never lost."""
    if workspace is None:
        return Answer(stored, WorkspaceClosedError("The workspace is not open; the result will be saved when it is."))
    one = stored
    try:
        kept = workspace.save_result(one.study_uid, one.stack_uid, one.sop_instance_uid, one.slice_index, one.result)
    except (WorkspaceError, OSError) as error:
        return Answer(stored, error)
    return Answer(kept)


def run_fitting(question: Question, progress: Progress) -> Result:
    """Run the model on its subject; without a subject, the first model whose card accepts the slice.

    Raises
    ------
    OutOfScopeError
        Where no model accepts it; the message is the reason of the first.
    CardError
        Where there is no model at all.
    """
    from app.analysis import analyse, refusal, run_subject

    if question.subject is not None and question.load is not None:
        (card,) = question.cards
        lesions, device = question.lesions(), question.device
        return run_subject(card, question.subject, question.load, lesions=lesions, progress=progress, device=device)
    reasons: list[str] = []
    for card in question.cards:
        assert question.loaded is not None
        reason = refusal(card, question.study, question.loaded, question.slice_index)
        if not reason:
            return analyse(card, question.study, question.loaded, question.slice_index, progress, question.device)
        reasons.append(reason)
    if not reasons:
        raise CardError("No model is installed.", "Reinstall the program, or put a model into the models folder.")
    raise OutOfScopeError(reasons[0])
