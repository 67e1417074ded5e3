"""The acceptance criteria that models measure: read from the cards of systems 003, 004 and 002."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import resources
from inference.card import FILE_NAME, load_card
from inference.errors import CardError

MEDIAN_DICE_AT_LEAST = 0.70
_STATES = {True: "met", False: "NOT MET", None: "not measured"}


@dataclass(frozen=True)
class Criterion:
    """One criterion of SYSTEMS.md §4.3.

    Attributes
    ----------
    found
        What was measured, in words.
    met
        None where nothing was measured.
    """

    letter: str
    wanted: str
    found: str
    met: bool | None
    details: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The criterion in one line."""
        return f"({self.letter})  {_STATES[self.met]:<12}  {self.wanted}: {self.found}"


def _card_of(model: str) -> Any:
    """Return the card of a bundled model, None where it is not there or cannot be read."""
    path = resources.folder("models") / model / FILE_NAME
    try:
        return load_card(path) if path.is_file() else None
    except CardError:
        return None


def curriculum(model: str = "mri-curriculum-003") -> Criterion:
    """Return criterion (c): curriculum training beats naive training of the same network under the same budget."""
    card = _card_of(model)
    measured = card.metrics.get("acceptance", {}) if card else {}
    wanted = "system 003: curriculum above naive training under the same budget"
    try:
        better, naive = float(measured["curriculum"]["auc"]), float(measured["naive"]["auc"])
    except (KeyError, TypeError, ValueError):
        return Criterion("c", wanted, f"no figures in the card of {model}", None)
    return Criterion("c", wanted, f"AUC {better:.3f} against {naive:.3f}", better > naive)


def segmentation(model: str = "mri-segmentation-004") -> Criterion:
    """Return criterion (d): the median Dice of system 004 on held-out phantoms."""
    card = _card_of(model)
    measured = card.metrics.get("acceptance", {}) if card else {}
    wanted = f"system 004: median Dice of {MEDIAN_DICE_AT_LEAST:.2f} or more on held-out phantoms"
    try:
        dice = float(measured["median_dice"])
    except (KeyError, TypeError, ValueError):
        return Criterion("d", wanted, f"no figure in the card of {model}", None)
    return Criterion("d", wanted, f"{dice:.3f}", dice >= MEDIAN_DICE_AT_LEAST)


def subsets(model: str = "mri-contrasts-002") -> Criterion:
    """Return criterion (e): trios that show contrast at two times or more lie above those that show it at one."""
    card = _card_of(model)
    ranked = card.interpretation.get("subsets", []) if card else []
    wanted = "system 002: trios with two or more dynamics ranked above single-time trios"
    areas: dict[bool, list[float]] = {True: [], False: []}
    for entry in ranked:
        if isinstance(entry, dict) and isinstance(entry.get("auc"), int | float):
            areas[times_after_contrast(entry.get("contrasts", ())) >= 2].append(float(entry["auc"]))
    if not areas[True] or not areas[False]:
        return Criterion("e", wanted, f"no ranking in the card of {model}", None)
    pairs = np.subtract.outer(areas[True], areas[False])
    above = float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())
    several, single = float(np.mean(areas[True])), float(np.mean(areas[False]))
    found = f"mean AUC {several:.3f} ({len(areas[True])} trios) against {single:.3f} ({len(areas[False])})"
    return Criterion("e", wanted, f"{found}; {above:.0%} of pairs in this order", several > single and above > 0.5)


def times_after_contrast(contrasts: Any) -> int:
    """Count the times after contrast that a trio shows; the subtraction shows the first of them."""
    short = {str(name).lower().removeprefix("t1") for name in contrasts}
    return len({"post1" if name == "sub" else name for name in short if name == "sub" or name.startswith("post")})
