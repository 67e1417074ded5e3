"""The list of models: bundled ones and those in the user's folders. Data only; torch is not imported."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import resources
from inference.card import FILE_NAME, ModelCard, load_card
from inference.errors import CardError


def find_cards(folders: Iterable[str | Path] | None = None) -> tuple[ModelCard, ...]:
    """Return the cards that can be read, bundled ones first; see :func:`find_cards_and_problems`."""
    return find_cards_and_problems(folders)[0]


def find_cards_and_problems(
    folders: Iterable[str | Path] | None = None,
) -> tuple[tuple[ModelCard, ...], tuple[CardError, ...]]:
    """Return the readable cards and one error for each that is not.

    Parameters
    ----------
    folders
        The user's model folders, each holding one folder per model; searched after the bundled models. A model that
        repeats an id already found is a problem: a bundled model is never replaced silently.
    """
    cards: dict[str, ModelCard] = {}
    problems: list[CardError] = []
    for path in _card_files([_bundled_folder(), *(Path(folder) for folder in folders or ())]):
        try:
            card = load_card(path)
            _check_files(card)
        except CardError as problem:
            problems.append(problem)
            continue
        if card.id in cards:
            problems.append(
                CardError(f"{path} has the id {card.id!r} of a model already there.", "Give it another id.")
            )
        else:
            cards[card.id] = card
    return tuple(cards.values()), tuple(problems)


def card(model_id: str, folders: Iterable[str | Path] | None = None) -> ModelCard:
    """Return the card with this id.

    Raises
    ------
    CardError
        Where no readable model has it.
    """
    cards, problems = find_cards_and_problems(folders)
    for found in cards:
        if found.id == model_id:
            return found
    known = ", ".join(found.id for found in cards) or "none"
    unreadable = "".join(f" {problem}" for problem in problems)
    raise CardError(f"There is no model {model_id!r}.{unreadable}", f"Models at hand: {known}.")


def _bundled_folder() -> Path:
    return resources.folder("models")


def _card_files(folders: list[Path]) -> list[Path]:
    return [path for folder in folders if folder.is_dir() for path in sorted(folder.glob(f"*/{FILE_NAME}"))]


def _check_files(found: ModelCard) -> None:
    """Length only, so that listing stays quick; the hash is checked when the weights are loaded."""
    for item in found.weights:
        path = found.path_of(item)
        if not path.is_file():
            raise CardError(f"The weights {path} of {found.title} are missing.", "Install the model again.")
        if path.stat().st_size != item.bytes:
            raise CardError(f"The weights {path} of {found.title} have the wrong length.", "Install the model again.")
