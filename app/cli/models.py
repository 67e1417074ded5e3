"""``breastlens models``: the models, what they accept, how they were measured."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from app.settings import home
from inference.card import ModelCard
from inference.registry import find_cards_and_problems


def run(options: argparse.Namespace) -> int:
    """Print the bundled models and the user's own; a broken card is named with its fault."""
    cards, problems = find_cards_and_problems([home() / "models"])
    if options.json:
        print(
            json.dumps(
                {"models": [_document(card) for card in cards], "problems": [str(problem) for problem in problems]},
                indent=2,
            )
        )
    else:
        print("\n\n".join(_text(card) for card in cards) or "No model is installed.")
        for problem in problems:
            print(f"Problem: {problem}")
    return 0 if cards else 1


def _document(card: ModelCard) -> dict[str, object]:
    values = asdict(card)
    values["folder"] = str(card.folder)
    return values


def _text(card: ModelCard) -> str:
    outputs = ", ".join(output.title for output in card.outputs)
    weights = sum(part.bytes for part in card.weights) / 1e6
    lines = [
        f"{card.id}  {card.version}  {card.title}",
        f"  status   {card.note}",
        f"  paper    {card.paper}",
        f"  accepts  {'; '.join(f'{key}: {_words(value)}' for key, value in card.accepts.items())}",
        f"  outputs  {outputs}",
        f"  weights  {weights:.0f} MB, {', '.join(part.sha256[:12] for part in card.weights)}",
    ]
    return "\n".join(lines)


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
