"""Verdicts: which models can read the image on show, from headers alone, remembered for each slice. Qt-free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.analysis import subject_for
from app.ui.findings.who_reads import Verdict

if TYPE_CHECKING:
    from app.session.readings import Readings
    from app.studies.study import Study
    from inference.card import ModelCard

MOST = 4096  # remembered answers; a slice of a study asks once for each model


class Verdicts:
    """Answers for the current study; another study, or one the user has corrected, is asked anew."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._study: Study | None = None
        self._known: dict[tuple[str, bool, str, int], Verdict] = {}

    def of(self, study: Study, stack_uid: str, slice_index: int) -> tuple[Verdict, ...]:
        """Return what each model makes of an image, in the order of the cards."""
        if study is not self._study or len(self._known) > MOST:
            self._study, self._known = study, {}
        found, lesions = [], self._readings.lesions()
        for card in self._readings.cards:
            has_lesions = bool(card.accepts.get("needs_lesions")) and bool(lesions.without(card.id))
            key = (f"{card.id} {card.version}", has_lesions, stack_uid, slice_index)
            if key not in self._known:
                reason = self._readings.why_not(card.id, stack_uid, slice_index)
                self._known[key] = verdict(card, study, (stack_uid, slice_index), reason)
            found.append(self._known[key])
        return tuple(found)


def verdict(card: ModelCard, study: Study, place: tuple[str, int], reason: str) -> Verdict:
    """Return what a model reads where there is no reason against it."""
    title = f"{card.title} {card.version}"
    if reason:
        return Verdict(card.id, title, reason=reason)
    if card.accepts.get("needs_lesions"):
        return Verdict(
            card.id, title, reads="the lesions given to it: boxes, masks, findings of other models, the cross"
        )
    subject = subject_for(card, study, *place)
    whole = subject is not None and subject.is_whole
    return Verdict(card.id, title, reads="the whole examination" if whole else "this image")
