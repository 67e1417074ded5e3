"""Known: results and states of the current study, and what they say of each of its images."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from app.ai_state import LOUDEST, WHOLE, AiState, Asked, Reading, readings_of, spoken
from app.session.images import Images
from app.session.library import OpenStudies
from inference.result import Result, Status

if TYPE_CHECKING:
    from app.workspace.store import StoredResult

LOOKING_UP = "looking for earlier results"
NOT_SAVED = "not saved"


class Known:
    """What is known.

    Attributes
    ----------
    stored
        The newest result of each image and model, newest last.
    looking
        Whether earlier results are being read.
    """

    def __init__(self, images: Images, library: OpenStudies) -> None:
        self.stored: tuple[StoredResult, ...] = ()
        self.looking = False
        self._images, self._library = images, library
        self._passing: dict[Asked, Reading] = {}

    def clear(self, *, looking: bool) -> None:
        """Forget everything; another study is on show."""
        self.stored, self.looking = (), looking
        self._passing.clear()

    def take(self, stored: Iterable[StoredResult]) -> None:
        """Take results, the newest last; of one image and model the last is kept."""
        found: dict[Asked, StoredResult] = {}
        for one in stored:
            key = (one.stack_uid, one.slice_index, one.result.provenance.model_id)
            found.pop(key, None)
            found[key] = one
        self.stored = tuple(found.values())

    def pass_on(self, asked: Asked, reading: Reading | None) -> None:
        """Take a state that is not in the workspace, or None where it is over."""
        self._passing.pop(asked, None)
        if reading is not None:
            self._passing[asked] = reading

    def passing(self, asked: Asked) -> Reading | None:
        """Return the state of a question that is not in the workspace."""
        return self._passing.get(asked)

    @property
    def whole_results(self) -> tuple[Result, ...]:
        """Results that speak of a whole examination."""
        return tuple(one.result for one in self.stored if one.slice_index == WHOLE)

    def phases_of(self, stack_uid: str) -> tuple[str, ...]:
        """Return all phases of the dynamic series a stack belongs to, () for another stack."""
        study = self._library.study
        place = study.phase_of(stack_uid) if study is not None else None
        return tuple(phase.stack_uid for phase in place[0].phases) if place is not None else ()

    def all_of(self, stack_uid: str, slice_index: int, unsaved: Collection[str] = ()) -> tuple[Reading, ...]:
        """Return what each model says of one slice; results with these uids are not saved yet."""
        place = stack_uid, slice_index
        found = readings_of(place, self._passing, self.stored, self.phases_of(stack_uid))
        return tuple(_marked(one, unsaved) for one in found)

    def of(self, stack_uid: str, slice_index: int, unsaved: Collection[str] = ()) -> Reading:
        """Return the loudest of the readings of one slice."""
        loaded = self._images.loaded(stack_uid)
        if loaded is not None and slice_index in loaded.blank_slices:
            return Reading(AiState.OUT_OF_SCOPE, "this slice is missing from the study")
        reading = spoken(self.all_of(stack_uid, slice_index, unsaved))
        if reading.state is AiState.NOT_RUN and self.looking:
            return Reading(AiState.NOT_RUN, LOOKING_UP)
        return reading

    def of_stack(self, stack_uid: str) -> AiState | None:
        """Return the loudest state of any image of a stack, None while nothing was asked."""
        exam = {stack_uid, *self.phases_of(stack_uid)}
        states = {
            reading.state
            for (uid, index, _), reading in self._passing.items()
            if uid == stack_uid or (index == WHOLE and uid in exam)
        }
        for one in self.stored:
            if one.stack_uid == stack_uid or (one.slice_index == WHOLE and one.stack_uid in exam):
                states.add(AiState.FINDINGS if one.result.status is Status.FINDINGS else AiState.NO_FINDING)
        # Out of scope or failed on one image says little of a stack on which others were read.
        quiet = (AiState.NO_FINDING, AiState.OUT_OF_SCOPE, AiState.FAILED)
        order = (*(state for state in LOUDEST if state not in quiet), *quiet)
        return next((state for state in order if state in states), None)


def _marked(reading: Reading, unsaved: Collection[str]) -> Reading:
    if reading.stored is not None and reading.stored.uid in unsaved:
        return replace(reading, reason=NOT_SAVED)
    return reading
