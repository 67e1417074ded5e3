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
    """

    name: str
    title: str
    value: float
    operating_point: float | None = None
    checkpoint: str = ""


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
    """

    name: str
    score: float
    frame_of_reference_uid: str
    corner_mm: tuple[float, float, float]
    opposite_mm: tuple[float, float, float]
    orientation: tuple[float, float, float, float, float, float]


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
