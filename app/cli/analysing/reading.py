"""Reading: runs the chosen models on one study, or takes what was read before."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.analysis import LesionSources, Subject, run_subject
from app.cli.analysing.chosen import Choice, choice_of
from app.cli.analysing.pixels import Pixels
from app.cli.analysing.records import Records, fingerprint
from app.studies.errors import StudyError
from app.studies.study import Study
from inference.errors import EngineError, OutOfScopeError
from inference.progress import Progress
from inference.result import Result

if TYPE_CHECKING:
    from app.workspace.box import Box
    from inference.card import ModelCard

Meter = Callable[[float, str], None]


@dataclass(frozen=True)
class Read:
    """One subject and what a model said of it.

    Attributes
    ----------
    made_from
        See :func:`app.cli.analysing.records.fingerprint`.
    before
        Whether it was read by an earlier run.
    """

    subject: Subject
    result: Result
    made_from: str
    before: bool

    @property
    def suspicion(self) -> float:
        """Score that ranks images: that a slice is not normal, else the first score, by which models are ranked."""
        scores = {score.name: score.value for score in self.result.scores}
        if "normal" in scores:
            return 1 - scores["normal"]
        return self.result.scores[0].value if self.result.scores else 0.0


@dataclass
class ReadStudy:
    """All that was read of a study.

    Attributes
    ----------
    refused, failed
        Model id and a sentence: what is out of scope, and what went wrong.
    """

    study: Study
    pixels: Pixels
    reads: list[Read] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)

    def of(self, model_id: str) -> list[Read]:
        """Return what one model read."""
        return [one for one in self.reads if one.result.provenance.model_id == model_id]


@dataclass(frozen=True)
class Given:
    """What holds for every study: models, arguments, the path it came from, boxes of the workspace."""

    cards: tuple[ModelCard, ...]
    options: argparse.Namespace
    source: Path
    boxes: Callable[[str], tuple[Box, ...]]


def read_study(study: Study, folder: Path, given: Given, meter: Meter) -> ReadStudy:
    """Run the models on a study, one after the other.

    What goes wrong with one image or model is noted and the rest is read.

    Raises
    ------
    WorkspaceError
        Where a result cannot be written.
    """
    found, records = ReadStudy(study, Pixels(study)), Records(folder)
    for n, card in enumerate(given.cards):
        part = Progress(meter).part(n / len(given.cards), (n + 1) / len(given.cards))
        try:
            choice = choice_of(card, study, given.options)
        except StudyError as error:
            found.failed.append((card.id, f"{error} {error.hint}".strip()))
            continue
        found.refused += [(card.id, why) for why in choice.refused]
        _read_model(choice, found, records, given, part)
    return found


def _read_model(choice: Choice, found: ReadStudy, records: Records, given: Given, progress: Progress) -> None:
    lesions = _lesions(found, choice, given)
    for n, subject in enumerate(choice.subjects):
        part = progress.part(n / len(choice.subjects), (n + 1) / len(choice.subjects))
        made_from = fingerprint(choice.card, subject, lesions, given.source)
        known = None if given.options.fresh else records.read(choice.card, subject, made_from)
        if known is not None:
            found.reads.append(Read(subject, known, made_from, True))
            continue
        try:
            result = run_subject(
                choice.card, subject, found.pixels.load, lesions=lesions, progress=part, device=given.options.device
            )
        except (EngineError, StudyError, MemoryError) as error:
            _note(error, found, choice.card, subject)
            continue
        kept = records.write(choice.card, subject, made_from, result)
        found.reads.append(Read(subject, kept, made_from, False))


def _note(error: Exception, found: ReadStudy, card: ModelCard, subject: Subject) -> None:
    said = f"{subject.title}: {str(error) or 'The memory did not suffice.'} {getattr(error, 'hint', '')}".strip()
    (found.refused if isinstance(error, OutOfScopeError) else found.failed).append((card.id, said))


def _lesions(found: ReadStudy, choice: Choice, given: Given) -> LesionSources:
    """Return where lesions come from: boxes of the workspace, a point, what models before found of the examination."""
    if not choice.card.accepts.get("needs_lesions"):
        return LesionSources()
    whole = tuple(read.result for read in found.reads if read.subject.is_whole)
    return LesionSources(given.boxes(found.study.uid), whole, given.options.point)
