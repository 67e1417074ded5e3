"""Study run: one model reads all images of a stack in one job; each result is stored and told when it is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.ai_state import AiState, Asked, Reading
from app.analysis import Load, Subject
from app.analysis.lesions import LesionSources
from app.session import answering
from app.session.answering import Answer, Question
from inference.errors import OutOfScopeError

if TYPE_CHECKING:
    from app.workspace.store import StoredResult, Workspace
    from inference.card import ModelCard
    from inference.progress import Progress

Lesions = Callable[[], LesionSources]


@dataclass
class Found:
    """What one run over a study found so far, for the models that are asked about lesions after the others."""

    lesions: Lesions
    stored: list[StoredResult] = field(default_factory=list)

    def sources(self) -> LesionSources:
        """Return where lesions come from, with what this run found in the place of what was found before."""
        known = self.lesions()
        new = tuple(one.result for one in self.stored)
        ids = {one.provenance.model_id for one in new}
        return replace(known, results=(*(one for one in known.results if one.provenance.model_id not in ids), *new))


@dataclass
class GroupWork:
    """The images of one stack, read by one model one after the other in a worker thread.

    Attributes
    ----------
    tell_answer, tell_state
        Called in the worker thread for each image: what was answered, or its state and the error to be told.
    left
        What was not read yet.
    """

    card: ModelCard
    group: Sequence[Subject]
    load: Load
    found: Found
    workspace: Workspace | None
    device: str
    tell_answer: Callable[[Asked, Answer], None]
    tell_state: Callable[[Asked, Reading, Exception | None], None]
    left: list[Subject] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.left = list(self.group)

    def asked(self, subject: Subject) -> Asked:
        """Return what is asked about a subject."""
        return subject.stack_uid, subject.slice_index, self.card.id

    def __call__(self, progress: Progress) -> None:
        """Read every image; what is out of scope is told and does not keep the others from being read."""
        for n, subject in enumerate(self.group):
            part = progress.part(n / len(self.group), (n + 1) / len(self.group))
            try:
                answer = answering.answer(self._question(subject), self.workspace, part)
            except OutOfScopeError as error:
                self.tell_state(self.asked(subject), *told(error))
            else:
                if subject.is_whole:
                    self.found.stored.append(answer.stored)
                self.tell_answer(self.asked(subject), answer)
            self.left.remove(subject)

    def _question(self, subject: Subject) -> Question:
        one = (self.card,)
        return Question(
            subject.study, None, subject.slice_index, one, self.device, subject, self.load, self.found.sources
        )


def told(error: Exception) -> tuple[Reading, Exception | None]:
    """Return the state after an error, and the error where the user must be told of it."""
    if isinstance(error, OutOfScopeError):
        return Reading(AiState.OUT_OF_SCOPE, str(error)), None
    return Reading(AiState.FAILED, str(error)), error


def grouped(every: Iterable[Subject]) -> list[list[Subject]]:
    """Return subjects by stack, whole examinations apart from their slices."""
    found: dict[tuple[str, bool], list[Subject]] = {}
    for subject in every:
        found.setdefault((subject.stack_uid, subject.is_whole), []).append(subject)
    return list(found.values())


def is_known(card: ModelCard, subject: Subject, stored: Sequence[StoredResult]) -> bool:
    """Whether these very weights have said something of a subject; what lesions are asked about may be other ones."""
    return not card.accepts.get("needs_lesions") and was_read(card, subject, stored)


def was_read(card: ModelCard, subject: Subject, stored: Sequence[StoredResult]) -> bool:
    """Whether these very weights have a result of a subject."""
    place = subject.stack_uid, subject.slice_index
    made = [one.result.provenance for one in stored if (one.stack_uid, one.slice_index) == place]
    return any((one.model_id, one.weights_sha256) == (card.id, card.weights_sha256) for one in made)
