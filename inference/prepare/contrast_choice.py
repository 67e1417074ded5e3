"""Which contrasts of system 002 an exam offers, and the best ranked subset among them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.errors import CardError, OutOfScopeError
from inference.prepare.contrast_settings import CONTRASTS, POSTS, TITLES, ContrastPreprocessing, names

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.exam import DceExam


@dataclass(frozen=True)
class Subset:
    """Three contrasts in channel order, as a card ranks them.

    Attributes
    ----------
    rank
        1 is the best.
    auc, interval_95
        Measured on held-out lesions; None where the card does not say.
    file
        Weights of this subset; "" for the card's first file.
    """

    contrasts: tuple[str, str, str]
    rank: int
    auc: float | None = None
    interval_95: tuple[float, float] | None = None
    file: str = ""


@dataclass(frozen=True)
class Offer:
    """What an exam offers.

    Attributes
    ----------
    posts
        For each of T1post1 to T1post4 that there is, the index among the exam's phases after contrast.
    missing
        For each contrast that there is not, the reason in words.
    notes
        What the user should know about how phases were told apart.
    """

    posts: dict[str, int]
    missing: dict[str, str]
    notes: tuple[str, ...] = ()

    def has(self, contrasts: tuple[str, ...]) -> bool:
        """Whether all of them are there."""
        return not any(name in self.missing for name in contrasts)


def subsets_of(interpretation: dict[str, Any]) -> tuple[Subset, ...]:
    """Read the ranked subsets of a card's ``interpretation["subsets"]``, best first.

    Raises
    ------
    CardError
        Where an entry does not name three of the seven contrasts, or none is there.
    """
    entries = interpretation.get("subsets")
    if not isinstance(entries, list) or not entries:
        raise CardError("interpretation.subsets is not a list with at least one entry.")
    return tuple(_subset(entry, rank) for rank, entry in enumerate(entries, start=1))


def _subset(entry: Any, rank: int) -> Subset:
    contrasts = tuple(entry.get("contrasts", ())) if isinstance(entry, dict) else ()
    if len(set(contrasts)) != 3 or len(contrasts) != 3 or not set(contrasts) <= set(CONTRASTS):
        raise CardError(f"subset {rank} does not name three of {', '.join(CONTRASTS)}.")
    auc, interval = entry.get("auc"), entry.get("interval_95")
    try:
        return Subset(
            (contrasts[0], contrasts[1], contrasts[2]),
            rank,
            None if auc is None else float(auc),
            None if interval is None else (float(interval[0]), float(interval[1])),
            str(entry.get("file", "")),
        )
    except (TypeError, ValueError, IndexError) as error:
        raise CardError(f"the AUC of subset {rank} is not a number with an interval.") from error


def offer(exam: DceExam, settings: ContrastPreprocessing) -> Offer:
    """Return which contrasts an exam with a known pre-contrast phase offers."""
    posts, missing, notes = _posts(exam, settings)
    if "post1" not in posts:
        missing["sub"] = "there is no phase after contrast"
    if why := _no_t2(exam):
        missing["t2"] = why
    return Offer(posts, missing, notes)


def without_t2(found: Offer, why: str) -> Offer:
    """Return the offer without T2."""
    return Offer(found.posts, {**found.missing, "t2": why}, found.notes)


def choose(ranked: tuple[Subset, ...], found: Offer, title: str) -> Subset:
    """Return the best ranked subset the exam offers.

    Raises
    ------
    OutOfScopeError
        Where it offers none; says what is missing.
    """
    for subset in ranked:
        if found.has(subset.contrasts):
            return subset
    raise OutOfScopeError(
        f"{title} needs three contrasts it was trained on, and this study lacks too many: {_because(found.missing)}.",
        "Choose a series with more phases, or set the times of the phases.",
    )


def why_not_better(ranked: tuple[Subset, ...], chosen: Subset, found: Offer) -> str:
    """Say which better ranked subsets could not be used and for lack of what; "" where there is none."""
    better = [subset for subset in ranked if subset.rank < chosen.rank]
    if not better:
        return ""
    lacking = {name: why for name, why in found.missing.items() if any(name in item.contrasts for item in better)}
    best = names(better[0].contrasts)
    count = "one subset ranks" if len(better) == 1 else f"{len(better)} subsets rank"
    return f"{count} higher (the best: {best}) but cannot be had here: {_because(lacking)}"


def _because(missing: dict[str, str]) -> str:
    return "; ".join(f"{TITLES[name]}: {why}" for name, why in missing.items())


def _posts(exam: DceExam, settings: ContrastPreprocessing) -> tuple[dict[str, int], dict[str, str], tuple[str, ...]]:
    first = 0 if exam.pre_index is None else exam.pre_index + 1
    times = exam.seconds[first:]
    known = [t for t in times if t is not None]
    if settings.phases == "order" or len(known) < len(times):
        posts = {name: index for index, name in enumerate(POSTS) if index < len(times)}
        lacking = f"the study has {len(times)} phases after contrast"
        note = "The times of the phases are not known; they were taken in their order as T1post1, T1post2 and so on."
        return posts, {n: lacking for n in POSTS if n not in posts}, (note,) if len(known) < len(times) else ()
    since = [t - known[0] for t in known]
    posts = phases_by_time(since, settings)
    there = ", ".join(f"{t:.0f}" for t in since)
    missing = {
        name: f"no phase about {step * settings.step_s:.0f} s after T1post1 (phases at {there} s)"
        for step, name in enumerate(POSTS)
        if name not in posts
    }
    return posts, missing, ()


def phases_by_time(since: list[float], settings: ContrastPreprocessing) -> dict[str, int]:
    """Return which phase stands for which contrast: as many as can be had, then those nearest to their times.

    Parameters
    ----------
    since
        Start of each phase after the first one behind the contrast agent, seconds, ascending.
    """
    if not since:
        return {}
    candidates: list[list[int | None]] = [[0]]
    for step in range(1, len(POSTS)):
        wanted = step * settings.step_s
        near = [i for i, t in enumerate(since) if i and abs(t - wanted) <= settings.tolerance * wanted]
        candidates.append([*near, None])
    best = max(_in_order(candidates), key=lambda chosen: _merit(chosen, since, settings.step_s))
    return {name: index for name, index in zip(POSTS, best, strict=True) if index is not None}


def _in_order(candidates: list[list[int | None]]) -> Iterator[tuple[int | None, ...]]:
    """Yield every choice of one candidate each whose phases follow each other."""
    for chosen in product(*candidates):
        there = [index for index in chosen if index is not None]
        if all(a < b for a, b in pairwise(there)):
            yield chosen


def _merit(chosen: tuple[int | None, ...], since: list[float], step_s: float) -> tuple[int, float]:
    apart = [abs(since[index] - step * step_s) for step, index in enumerate(chosen) if index is not None]
    return len(apart), -sum(apart)


def _no_t2(exam: DceExam) -> str:
    if exam.t2 is None:
        return "the study has no T2-weighted volume"
    frames = exam.t2.frame_of_reference_uid, exam.image.frame_of_reference_uid
    if all(frames) and frames[0] != frames[1]:
        return "it lies in another frame of reference (the patient was positioned anew)"
    return ""


def covers(volume: Volume, points_mm: np.ndarray) -> bool:
    """Whether all points (n, 3) in LPS mm lie in a volume, to its outer edges."""
    index = volume.map_reference_to_indices(np.asarray(points_mm, float))
    return bool(((index >= -0.5) & (index <= np.array(volume.spatial_shape) - 0.5)).all())
