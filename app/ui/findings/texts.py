"""Texts of the findings panel: scores, numbers with units, provenance, in words. Qt-free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from inference.grading import MEANING

if TYPE_CHECKING:
    from inference.result import Grade, Quantity, Result, Score, Segmentation

MM3_PER_ML = 1000.0
GRADE_TITLE = "quantusMM grade (BI-RADS-like)"
GRADE_MEANING = (
    "In the words of the paper on quantusMM: {words}. The thresholds on the image score were chosen on validation "
    "images for a stated sensitivity or specificity. There is no grade 2.\n\n"
    "It is not an ACR BI-RADS category: there, 6 means cancer proven by biopsy, 1 means a negative image, and a "
    "radiologist gives it."
)
_MOST_DIGITS = 6


def grade_meaning() -> str:
    """Return what the grades mean, and that they are not ACR BI-RADS."""
    words = ", ".join(f"{grade} {meaning}" for grade, meaning in MEANING.items())
    return GRADE_MEANING.format(words=words)


def score_tip(score: Score, provenance: str) -> str:
    """Return what hovering over a score says."""
    point = score.operating_point
    tick = f"Counts as positive from {point:.2f} (the tick)." if point is not None else "No operating point is known."
    weights = f"Checkpoint {score.checkpoint}." if score.checkpoint else ""
    return "\n".join((*(line for line in (score.subject, score.title, tick, weights) if line), "", provenance))


def by_subject(scores: Iterable[Score]) -> tuple[tuple[str, tuple[Score, ...]], ...]:
    """Return scores grouped by what they speak of, in the order of first mention; "" is the whole image."""
    groups: dict[str, list[Score]] = {}
    for score in scores:
        groups.setdefault(score.subject, []).append(score)
    return tuple((subject, tuple(group)) for subject, group in groups.items())


def provenance_text(result: Result) -> str:
    """Return where a result comes from, line by line."""
    made = result.provenance
    times = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in made.seconds.items())
    return "\n".join(
        (
            f"{made.model_title} ({made.model_id}) version {made.model_version}",
            made.model_note,
            f"Weights {made.weights_sha256[:12]}… · BreastLens {made.app_version}",
            f"On {made.device}, {made.created}" + (f": {times}" if times else ""),
        )
    )


def quantity_text(quantity: Quantity) -> str:
    """Return a value with as many digits as it means, and its unit."""
    size = abs(quantity.value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2
    return f"{quantity.value:.{digits}f} {quantity.unit}".strip()


def mask_ml(mask: Segmentation) -> float:
    """Return the volume of a mask: its voxels times the volume of one, in ml."""
    import numpy as np

    voxel_mm3 = abs(float(np.linalg.det(mask.volume.affine[:3, :3])))
    return float(np.count_nonzero(mask.volume.array)) * voxel_mm3 / MM3_PER_ML


def ml_text(mask: Segmentation) -> str:
    """Return the volume of a mask, or that there is none where the mask is of a single slice."""
    if mask.volume.spatial_shape[0] == 1:
        return "one slice"
    volume = mask_ml(mask)
    return f"{volume:.2f} ml" if volume < 10 else f"{volume:.1f} ml"


def digits_for(values: Sequence[float]) -> int:
    """Return how many digits tell different numbers apart, at least 2: 0.993 and 0.998 must not both read 0.99."""
    ordered = sorted(set(values))
    for digits in range(2, _MOST_DIGITS):
        if all(f"{low:.{digits}f}" != f"{high:.{digits}f}" for low, high in pairwise(ordered)):
            return digits
    return _MOST_DIGITS


def per_cent(share: float) -> str:
    """Return a share in per cent, without rounding anything short of all to 100 %."""
    text = f"{100 * share:.0f}"
    return f"{100 * share:.1f} %" if text in ("0", "100") and share not in (0.0, 1.0) else f"{text} %"


def basis_text(grade: Grade) -> str:
    """Return how many images the operating points come from."""
    return (
        f"Measured on {grade.cases} validation images with and {grade.controls} without such a lesion. "
        "Sensitivity and specificity are those of calling an image positive from this threshold upwards."
    )
