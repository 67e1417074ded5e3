"""The seven contrasts of system 002 and the named keys of its preprocessing."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

from inference.errors import CardError
from inference.prepare.keys import check_choices, keys_from_card

POSTS = ("post1", "post2", "post3", "post4")
CONTRASTS = ("pre", *POSTS, "sub", "t2")  # paper 002, fig. 1
TITLES = {"pre": "T1pre", **{name: f"T1{name}" for name in POSTS}, "sub": "Sub", "t2": "T2"}
SUBSETS = tuple(combinations(CONTRASTS, 3))  # all 35 (paper 002, Results)
_CHOICES = {
    "bias": ("pre", "each", "none"),
    "scale": ("shared", "each"),
    "subtraction": ("post1-pre", "pre-post1"),
    "phases": ("time", "order"),
    "orientation": ("canonical", "stored"),
}


@dataclass(frozen=True)
class ContrastPreprocessing:
    """Named keys of system 002's preprocessing; the defaults are SYSTEMS.md §1.3's resolutions.

    Attributes
    ----------
    bias
        ``"pre"``: N4 on T1pre, its field for all dynamics, so that kinetics stay as they are; ``"each"``: on every
        volume.
    shrink
        See :func:`inference.prepare.bias_field.bias_field`.
    percentiles
        Grey values that become 0 and 1.
    scale
        ``"shared"``: those of T1pre for all dynamics; ``"each"``: every volume its own.
    sub_percentile, sub_least
        Percentile of |Sub| that becomes 1, and its negative 0: Sub has a symmetric range of its own. It is at least
        that share of T1pre's range, so that noise is not stretched where little enhances.
    clip
        Lowest and highest scaled value. Enhancing tissue exceeds 1, above all where fat is suppressed, and must not be
        cut off, or washout is lost; beyond 8 lie vessels and artefacts.
    subtraction
        ``"post1-pre"``; the paper's sentence reads ``"pre-post1"``.
    phases
        ``"time"``: T1post2 to T1post4 are phases about one, two and three steps after T1post1; ``"order"``: the
        second to fourth phase whatever their times.
    step_s, tolerance
        The step of the paper's dynamic series, 90 s; a phase stands for a time at most that share of it away, so that
        series with steps of 54 to 126 s give all four.
    patch_px, patch_mm
        50 pixels (paper) of 0.6 mm (its spacing): 30 mm.
    orientation
        ``"canonical"`` turns every patch as a reader sees it; ``"stored"`` takes it as it comes (paper).
    """

    bias: str = "pre"
    shrink: int = 4
    percentiles: tuple[float, float] = (1.0, 99.0)
    scale: str = "shared"
    sub_percentile: float = 99.0
    sub_least: float = 0.25
    clip: tuple[float, float] = (-1.0, 8.0)
    subtraction: str = "post1-pre"
    phases: str = "time"
    step_s: float = 90.0
    tolerance: float = 0.4
    patch_px: int = 50
    patch_mm: float = 0.6
    orientation: str = "canonical"

    def __post_init__(self) -> None:
        check_choices(self, _CHOICES)
        if not (self.shrink >= 1 and self.patch_px >= 8 and self.patch_mm > 0 and self.step_s > 0):
            raise CardError("preprocessing shrink, patch_px, patch_mm and step_s must be positive.")

    @classmethod
    def from_card(cls, preprocessing: dict[str, Any]) -> ContrastPreprocessing:
        """Read a card's ``preprocessing``: a ``preset`` (``"default"`` or ``"strict"``) and keys that replace its own.

        Raises
        ------
        CardError
            Where a key or value is unknown.
        """
        return keys_from_card(cls, preprocessing, PRESETS)


# The paper corrects and rescales every volume by itself and takes patches and phases as they come.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "strict": {
        "bias": "each",
        "scale": "each",
        "clip": (0.0, 1.0),
        "subtraction": "pre-post1",
        "phases": "order",
        "orientation": "stored",
    },
}


def names(contrasts: tuple[str, ...]) -> str:
    """Return contrasts in words: ``T1pre + T1post3 + Sub``."""
    return " + ".join(TITLES[name] for name in contrasts)
