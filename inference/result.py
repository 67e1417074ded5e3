"""What a model family returns: scores, maps, findings, and where every number comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from highdicom import Volume


class Status(StrEnum):
    """What the model says of the image as a whole."""

    FINDINGS = "findings"
    NO_FINDING = "no finding"


@dataclass(frozen=True)
class Score:
    """One output of a model.

    Attributes
    ----------
    name
        Key in the card's ``outputs``, such as ``"malignant"``.
    title
        What a user reads, such as ``"Malignant"``.
    value
        Between 0 and 1.
    operating_point
        Threshold from the card above which the output counts as positive; None where the card states none.
    checkpoint
        Which set of weights gave it.
    subject
        What it speaks of where that is a part of the image, such as ``"Right breast"`` or ``"Box 2"``; else "".
    """

    name: str
    title: str
    value: float
    operating_point: float | None = None
    checkpoint: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Heatmap:
    """A map on its own grid; never resized to the image, always sampled through its affine.

    Attributes
    ----------
    volume
        Shape (slices, rows, columns) of the *map's* grid, its own affine, frame of reference of the image.
    unit
        ``"probability"`` or whatever the values are.
    value_range
        Lowest and highest value of the scale.
    """

    name: str
    title: str
    volume: Volume
    unit: str = "probability"
    value_range: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True)
class Finding:
    """A place the model points at: a rectangle in an image plane, in LPS millimetres.

    Attributes
    ----------
    corner_mm, opposite_mm
        Two opposite corners (outer edges, not voxel centres).
    orientation
        Row and column direction cosines of the plane, as in (0020,0037): six numbers.
    title
        What the user reads, such as ``"Nodule"``; "" where there is nothing to add to the score.
    spot_mm
        The point to jump to (the maximum of the map), None for the middle of the rectangle.
    """

    name: str
    score: float
    frame_of_reference_uid: str
    corner_mm: tuple[float, float, float]
    opposite_mm: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]
    title: str = ""
    spot_mm: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Segmentation:
    """A mask a model draws.

    Attributes
    ----------
    volume
        uint8, 1 inside, shape (slices, rows, columns) of a grid of its own (may be a part of the image), frame of
        reference of the image.
    rule
        How it was made from the probabilities, in words.
    """

    name: str
    title: str
    volume: Volume
    rule: str = ""


@dataclass(frozen=True)
class Quantity:
    """A number with a unit that a model measured, such as a volume or a diameter.

    Attributes
    ----------
    basis
        What it was measured on and how.
    subject
        As in :class:`Score`.
    """

    name: str
    title: str
    value: float
    unit: str
    basis: str = ""
    subject: str = ""


@dataclass(frozen=True)
class CutOff:
    """One threshold of a grading scale, from validation data, and what it is worth there.

    Attributes
    ----------
    grade
        The grade from this threshold upwards.
    target
        What chose it, such as ``"specificity ≥ 0.99"``.
    """

    grade: int
    threshold: float
    sensitivity: float
    specificity: float
    target: str


@dataclass(frozen=True)
class Grade:
    """A grade with everything it was computed from, so that it can be shown and recomputed.

    Attributes
    ----------
    value
        6, 5, 4, 3 or 1 on the quantusMM scale, which is not ACR BI-RADS.
    score
        The image score that was graded, 0 to 1.
    cut_offs
        Highest first.
    cases, controls
        Images of the validation set.
    roc
        Points (threshold, sensitivity, specificity) of the validation set, highest threshold first.
    caveats
        What is weak about the thresholds, one sentence each.
    """

    name: str
    title: str
    value: int
    score: float
    cut_offs: tuple[CutOff, ...]
    cases: int
    controls: int
    roc: tuple[tuple[float, float, float], ...] = ()
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Profile:
    """A value for each of several slices, such as the probability of a lesion slice by slice.

    Attributes
    ----------
    points_mm
        One point of each slice, LPS millimetres, where a click jumps to.
    values
        As many.
    """

    name: str
    title: str
    points_mm: tuple[tuple[float, float, float], ...]
    values: tuple[float, ...]
    unit: str = "probability"


@dataclass(frozen=True)
class Fact:
    """Something the user should be able to read about how the result came about: a title and a sentence."""

    title: str
    text: str


@dataclass(frozen=True)
class Provenance:
    """Where a result comes from."""

    model_id: str
    model_version: str
    model_title: str
    model_note: str
    weights_sha256: str
    app_version: str
    device: str
    created: str
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """All that a model says about one exam."""

    status: Status
    scores: tuple[Score, ...]
    heatmaps: tuple[Heatmap, ...]
    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    provenance: Provenance
    masks: tuple[Segmentation, ...] = ()
    quantities: tuple[Quantity, ...] = ()
    grades: tuple[Grade, ...] = ()
    profiles: tuple[Profile, ...] = ()
    facts: tuple[Fact, ...] = ()
