"""What system 004's probabilities mean: masks by the card's rules, findings, measures, and facts about the reading."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.errors import CardError
from inference.prepare.slopes import SECONDS_PER_MINUTE
from inference.reading import Reading
from inference.result import Fact, Heatmap, Score, Segmentation, Status
from inference.slice_rule import FRACTION, FRACTIONS, RULES, in_words, slice_mask
from inference.tumour_regions import Component, components, finding_of, least_voxels, mask_of, quantities_of

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.card import ModelCard
    from inference.prepare.segmentation_input import NetworkInput
    from inference.prepare.segmentation_keys import SegmentationPreprocessing

NAME, TITLE = "tumour", "Tumour"
_MOST = 10  # findings listed; more are counted in a fact


@dataclass(frozen=True)
class SegmentationInterpretation:
    """Named keys of how probabilities become masks.

    Attributes
    ----------
    floor
        Least probability inside the mask of the volume. The paper's rule, a share of the highest probability, marks
        something in every slice; a whole examination needs an absolute floor.
    slice_rule
        How a slice by itself becomes a mask: ``"paper"`` or ``"code"`` (the authors' code); see
        :func:`inference.slice_rule.slice_mask`.
    fraction
        Of the highest probability in a slice, for that rule; where a card names none, the rule's own: 0.60 or 0.50.
    least_ml
        Smaller components are left out: 0.03 ml is a ball of 3.9 mm; the ACR calls less than 5 mm a focus.
    """

    floor: float = 0.5
    slice_rule: str = "paper"
    fraction: float = FRACTION
    least_ml: float = 0.03

    def __post_init__(self) -> None:
        if not (0 < self.floor <= 1 and 0 < self.fraction <= 1 and self.least_ml >= 0):
            raise CardError("interpretation: floor and fraction lie above 0 and up to 1, least_ml is not negative.")
        if self.slice_rule not in RULES:
            raise CardError(f"interpretation slice_rule is {self.slice_rule!r}; it can be {' or '.join(RULES)}.")

    @classmethod
    def from_card(cls, interpretation: dict[str, Any]) -> SegmentationInterpretation:
        """Read a card's ``interpretation``.

        Raises
        ------
        CardError
            Where a key or value is unknown.
        """
        if unknown := sorted(interpretation.keys() - {field.name for field in fields(cls)}):
            raise CardError(f"unknown interpretation keys: {', '.join(unknown)}.")
        try:
            own = FRACTIONS.get(interpretation.get("slice_rule", "paper"), FRACTION)
            return cls(**{"fraction": own, **interpretation})
        except TypeError as error:
            raise CardError(f"the interpretation cannot be read: {error}.") from error


@dataclass(frozen=True)
class Remarks:
    """What the user should be able to read, and what he must know."""

    facts: tuple[Fact, ...]
    warnings: tuple[str, ...] = ()


def reading_of(
    card: ModelCard,
    image: Volume,
    probability: Volume,
    score: float,
    keys: SegmentationInterpretation,
    remarks: Remarks,
) -> Reading:
    """Assemble the reading of a probability volume (NaN where nothing was read)."""
    found = components(probability.array, keys.floor, least_voxels(probability, keys.least_ml))
    output = card.output(NAME)
    value = found[0].peak if found else score
    scores = (Score(NAME, output.title, value, output.operating_point, output.checkpoint),)
    maps = (Heatmap(NAME, "Tumour probability", probability),)
    listed = found[:_MOST]
    return Reading(
        status=Status.FINDINGS if _is_positive(scores[0], keys) else Status.NO_FINDING,
        scores=scores,
        heatmaps=maps,
        findings=tuple(
            finding_of(one, probability, image, NAME, _title(number)) for number, one in enumerate(listed, start=1)
        ),
        masks=_masks(found, probability, keys),
        quantities=tuple(
            quantity
            for number, one in enumerate(listed, start=1)
            for quantity in quantities_of(one, probability, number, _title(number))
        ),
        warnings=remarks.warnings,
        facts=(*remarks.facts, Fact("Findings", _rule(found, keys))),
    )


def _is_positive(score: Score, keys: SegmentationInterpretation) -> bool:
    return score.value >= (keys.floor if score.operating_point is None else score.operating_point)


def _title(number: int) -> str:
    return f"{TITLE} {number}"


def _rule(found: tuple[Component, ...], keys: SegmentationInterpretation) -> str:
    text = (
        f"{len(found)} connected regions of at least {keys.least_ml:g} ml with probability {keys.floor:g} or more. "
        "The score is the highest probability in them; without any, the highest that a region of that volume reaches."
    )
    return text if len(found) <= _MOST else f"{text} The {_MOST} with the highest probability are listed and measured."


def _masks(
    found: tuple[Component, ...], probability: Volume, keys: SegmentationInterpretation
) -> tuple[Segmentation, ...]:
    """Return the mask of the volume, and of the slice with the largest section of the first component."""
    if not found:
        return ()
    whole = Segmentation(
        NAME, TITLE, mask_of(found, probability), f"probability ≥ {keys.floor:g}, regions from {keys.least_ml:g} ml"
    )
    first = found[0]
    number = first.where[0].start + int(np.argmax(first.inside.sum(axis=(1, 2))))
    part = probability[number : number + 1]
    plane = slice_mask(part.array[0], keys.fraction, keys.slice_rule).astype(np.uint8)
    if not plane.any():
        return (whole,)
    title = "paper's rule" if keys.slice_rule == "paper" else "rule of the authors' code"
    rule = f"sagittal slice with the largest section of {_title(1)}: {in_words(keys.fraction, keys.slice_rule)}"
    return whole, Segmentation("tumour-slice-rule", f"Tumour, {title}, one slice", part.with_array(plane[None]), rule)


def remarks_of(read: NetworkInput, keys: SegmentationPreprocessing, arithmetic: str) -> Remarks:
    """Return what was read, and how, in sentences."""
    slices, rows, columns = read.grid.spacing
    restricted = keys.region == "breast" and not read.problem
    where = (
        f"the breasts and {keys.margin_mm:g} mm around them; chest, heart and most of the axilla were not read"
        if restricted
        else "the whole volume"
    )
    times = read.times
    wash_in = "T1c − T1" if keys.wash_in == "difference" else f"(T1c − T1) / {times.wash_in_s:.0f} s"
    facts = (
        Fact("Read", f"{np.count_nonzero(read.wanted):,} voxels: {where}."),
        Fact("Grid", f"Sagittal, {rows:.2f} × {columns:.2f} mm in the plane, {slices:.2f} mm between slices."),
        Fact(
            "Intensities",
            f"Divided by {read.scale:.4g}, the {keys.percentile:g}th percentile of the whole pre-contrast phase, then "
            f"by {_divisors(keys)}.",
        ),
        Fact(
            "Slopes",
            f"DCE-in = {wash_in}; DCE-out = least-squares slope of {len(times.posts_s)} phases after contrast at their "
            "times, in min⁻¹.",
        ),
        Fact("Motion", read.moved.sentence),
        Fact("Arithmetic", f"{arithmetic} of {keys.tile} × {keys.tile} pixels, {keys.tile_step} apart."),
    )
    everything = f"{read.problem} The whole volume was read." if read.problem else ""
    return Remarks(facts, tuple(text for text in (times.warning, everything) if text))


def _divisors(keys: SegmentationPreprocessing) -> str:
    """Return the divisors of the three channels, those of slopes per minute whatever the card counts in."""
    per_minute = SECONDS_PER_MINUTE if keys.units == "s" else 1.0
    a, b, c = keys.constants
    wash_in = f"{b:g}" if keys.wash_in == "difference" else f"{per_minute * b:g} min⁻¹"
    return f"{a:g} (T1c), {wash_in} (DCE-in) and {per_minute * c:g} min⁻¹ (DCE-out)"
