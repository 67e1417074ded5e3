"""Asked: the readings of an image as the panel lists them, the loudest first. Qt-free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.ai_state import LOUDEST, Reading


@dataclass(frozen=True)
class Heading:
    """What the head of a card says: model, version, state, reason."""

    model_id: str
    title: str
    state: str
    tone: str


def loudest_first(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """Return readings with running ones and findings first, else by model id."""
    return tuple(sorted(readings, key=lambda one: LOUDEST.index(one.state)))


def model_of(reading: Reading) -> str:
    """Return the id of the model that was asked."""
    return reading.result.provenance.model_id if reading.result is not None else reading.model_id


def heading_of(reading: Reading, titles: dict[str, str]) -> Heading:
    """Return the head of a reading's card.

    Parameters
    ----------
    titles
        Title of each model at hand, by id; a result brings its own.
    """
    model_id = model_of(reading)
    if reading.result is not None:
        made = reading.result.provenance
        title = made.model_title
    else:
        title = titles.get(model_id, model_id or "AI")
    state = str(reading.state)
    return Heading(model_id, title, f"{state} · {reading.reason}" if reading.reason else state, reading.tone)


def key_of(reading: Reading) -> tuple[str, str, str, str]:
    """Return what a card depends on; a card whose key is the same need not be made anew."""
    stored = reading.stored.uid if reading.stored is not None else ""
    return model_of(reading), str(reading.state), reading.reason, stored
