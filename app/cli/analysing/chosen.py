"""Chosen: which models are asked, and what each reads of a study, from the arguments."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app import analysis
from app.analysis import Subject
from app.settings import home
from app.studies.errors import StudyError
from app.studies.study import Stack, Study
from inference.errors import CardError
from inference.registry import card as find_card
from inference.registry import find_cards_and_problems

if TYPE_CHECKING:
    from inference.card import ModelCard

ALL = "all"


@dataclass(frozen=True)
class Choice:
    """What a model reads of a study, and a sentence for each part that it does not."""

    card: ModelCard
    subjects: tuple[Subject, ...]
    refused: tuple[str, ...]


def models(named: str) -> tuple[ModelCard, ...]:
    """Return the models named, those that classify lesions last, since they are asked about what others find.

    Parameters
    ----------
    named
        Ids with commas between them, or ``"all"``.

    Raises
    ------
    CardError
        Where there is no such model, or none at all.
    """
    folders = [home() / "models"]
    if named == ALL:
        cards, problems = find_cards_and_problems(folders)
        if not cards:
            raise CardError("No model is installed.", "; ".join(str(one) for one in problems) or "Install one first.")
    else:
        ids = dict.fromkeys(part.strip() for part in named.split(",") if part.strip())
        cards = tuple(find_card(one, folders) for one in ids or [named])
    return tuple(sorted(cards, key=lambda card: bool(card.accepts.get("needs_lesions"))))


def choice_of(card: ModelCard, study: Study, options: argparse.Namespace) -> Choice:
    """Return what a model reads of a study.

    Raises
    ------
    StudyError
        Where the phase or slice that was named does not exist.
    """
    named = _named(study, options)
    if named is None:
        subjects, refused = analysis.subjects(card, study), analysis.refusals(card, study)
    else:
        pairs = [_of_stack(card, study, stack, options) for stack in named]
        subjects = _once(subject for some, _ in pairs for subject in some)
        refused = tuple(dict.fromkeys(why for _, some in pairs for why in some))
    if options.slice_number is not None and named is None:
        subjects = tuple(one for one in subjects if one.is_whole or one.slice_index == options.slice_number - 1)
    return Choice(card, subjects, refused)


def _named(study: Study, options: argparse.Namespace) -> list[Stack] | None:
    """Return the stacks that the arguments name, None where they name none."""
    every = [(series, stack) for series in study.series for stack in series.stacks]
    if options.phase is not None:
        return [_phase(study, options.phase)] if study.dynamics else []
    if options.series is not None:
        wanted = options.series
        return [stack for s, stack in every if wanted in (stack.uid, stack.series_uid, s.uid, str(s.number))]
    if options.slice_number is not None and len(every) == 1:
        return [every[0][1]]
    return None


def _phase(study: Study, number: int) -> Stack:
    phases = study.dynamics[0].phases
    if not 1 <= number <= len(phases):
        raise StudyError(f"There is no phase {number}; the dynamic series has {len(phases)}.")
    return study.stack(phases[number - 1].stack_uid)


def _of_stack(
    card: ModelCard, study: Study, stack: Stack, options: argparse.Namespace
) -> tuple[list[Subject], list[str]]:
    """Return what a model reads of a stack that was named, and why it does not."""
    count = len(stack.frames)
    there = [k for k, frame in enumerate(stack.frames) if frame.index >= 0]
    if options.slice_number is not None:
        if not 1 <= options.slice_number <= count:
            raise StudyError(f"There is no slice {options.slice_number}; the stack has {count}.")
        there = [options.slice_number - 1]
    if why := analysis.refusal_for(card, study, stack.uid, there[len(there) // 2] if there else 0):
        return [], [f"{stack.title or stack.uid}: {why}"]
    found = [subject for k in there if (subject := analysis.subject_for(card, study, stack.uid, k)) is not None]
    return list(_once(found)), []


def _once(subjects: Iterable[Subject]) -> tuple[Subject, ...]:
    """Return subjects without repeats: several phases of one series are one examination."""
    return tuple({(one.stack_uid, one.slice_index): one for one in subjects}.values())
