"""What a family's ``interpret`` returns: a result before the run adds warnings and provenance."""

from __future__ import annotations

from dataclasses import dataclass

from inference.result import Fact, Finding, Grade, Heatmap, Profile, Quantity, Score, Segmentation, Status


@dataclass(frozen=True)
class Reading:
    """Scores, maps and findings of one exam, in the family's order; the first map is the one shown by default."""

    status: Status
    scores: tuple[Score, ...]
    heatmaps: tuple[Heatmap, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    masks: tuple[Segmentation, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    grades: tuple[Grade, ...] = ()
    profiles: tuple[Profile, ...] = ()
    facts: tuple[Fact, ...] = ()
