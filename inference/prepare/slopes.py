"""Slopes of a dynamic MRI for system 004: first phase after contrast, uptake per time, and slope behind it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.errors import EngineError, OutOfScopeError

SECONDS_PER_MINUTE = 60.0
# Authors' code: T1c, DCE-in and DCE-out, divided by the p95 of the pre-contrast phase, are divided by these again.
CONSTANTS = (40.0, 0.3, 0.12)
# Formulae of DCE-in: authors' code (T1c − T1) / Δt, paper T1c − T1.
WASH_IN = ("slope", "difference")
# Longer than this before the first phase after contrast, the pre-contrast phase was taken before a pause (positioning,
# localizers, injection prepared anew). Passes of one dynamic series follow each other faster, even where they are slow:
# ACR breast MRI accreditation asks for two minutes a pass at most.
PAUSE_S = 300.0


@dataclass(frozen=True)
class Times:
    """When the phases were acquired, as the slopes need it.

    Attributes
    ----------
    wash_in_s
        Seconds that DCE-in is divided by.
    posts_s
        Seconds of the phases after contrast, on any clock.
    warning
        What the user must know about ``wash_in_s``, or "".
    """

    wash_in_s: float
    posts_s: tuple[float, ...]
    warning: str = ""


def times_of(post_seconds: Sequence[float | None], *, pause_aware: bool = True) -> Times:
    """Return the times that the slopes are computed with.

    Parameters
    ----------
    post_seconds
        Start of each phase after contrast, counted from the start of the pre-contrast phase.
    pause_aware
        Where there was a pause behind the pre-contrast phase, the time since then says nothing about the uptake; DCE-in
        is then divided by the time between two passes instead. A pause is more than :data:`PAUSE_S` and more than twice
        the time between passes; anything shorter is the Δt of the authors' code and stays.

    Raises
    ------
    OutOfScopeError
        Where times are not known, do not increase, or there is only one phase after contrast.
    """
    known = [second for second in post_seconds if second is not None]
    hint = "Check the phases and their times in the phases dialog."
    if len(known) < len(post_seconds):
        raise OutOfScopeError(
            "The times of the phases are not known, so the slopes of the signal cannot be computed.", hint
        )
    if len(known) < 2:
        raise OutOfScopeError(
            "There is only one phase after contrast, so the slope of the signal behind it (DCE-out) does not exist.",
            "Choose a series with at least two phases after contrast.",
        )
    steps = [b - a for a, b in itertools.pairwise(known)]
    if known[0] <= 0 or min(steps) <= 0:
        raise OutOfScopeError("The times of the phases do not increase from phase to phase.", hint)
    since_pre, between = known[0], min(steps)
    if not pause_aware or since_pre <= max(PAUSE_S, 2 * between):
        return Times(since_pre, tuple(known))
    return Times(
        between,
        tuple(known),
        f"The pre-contrast phase began {since_pre / SECONDS_PER_MINUTE:.0f} min before the first phase after contrast; "
        f"more than {PAUSE_S / SECONDS_PER_MINUTE:.0f} min are a pause. "
        f"The uptake (DCE-in) was divided by the time between two passes, {between:.0f} s, instead.",
    )


def scale_of(pre: np.ndarray, percentile: float = 95.0) -> float:
    """Return the percentile of the whole pre-contrast volume, air included, that everything is divided by.

    Raises
    ------
    EngineError
        Where no voxel is valid or the percentile is not above zero.
    """
    values = np.asarray(pre)
    valid = values if values.dtype.kind in "iu" else values[np.isfinite(values)]
    if not valid.size:
        raise EngineError("The pre-contrast phase has no valid voxel: all are padding.", "Choose another series.")
    scale = float(np.percentile(valid, percentile))
    if scale <= 0:
        raise EngineError(
            f"The {percentile:g}th percentile of the pre-contrast phase is {scale:g}: nothing can be scaled by it.",
            "Check which phase is pre-contrast.",
        )
    return scale


@dataclass(frozen=True)
class Rule:
    """How the channels are computed.

    Attributes
    ----------
    constants
        Divisors of the three channels, for slopes per second, or per minute where ``per_minute`` says so.
    wash_in
        ``"slope"``: (T1c − T1) / Δt (authors' code). ``"difference"``: T1c − T1 (paper).
    """

    constants: tuple[float, float, float] = CONSTANTS
    wash_in: str = "slope"
    per_minute: bool = False


def channels(
    pre: np.ndarray, posts: Sequence[np.ndarray], times: Times, scale: float, rule: Rule | None = None
) -> np.ndarray:
    """Return T1c, DCE-in and DCE-out as the network reads them.

    Parameters
    ----------
    pre, posts
        One shape, signal; NaN and infinity become the least valid value (authors' code).
    scale
        From :func:`scale_of`.

    Returns
    -------
    ndarray
        Shape (3, …) of float32. Slopes may be negative and are not clipped.
    """
    rule = rule or Rule()
    constants = rule.constants
    unit = SECONDS_PER_MINUTE if rule.per_minute else 1.0
    first = valid(posts[0])
    found = np.empty((3, *first.shape), np.float32)
    found[0] = first / np.float32(scale * constants[0])
    gain = 1.0 if rule.wash_in == "difference" else unit / times.wash_in_s
    found[1] = (first - valid(pre)) * np.float32(gain / (scale * constants[1]))
    found[2] = slope(posts, times.posts_s) * np.float32(unit / (scale * constants[2]))
    return found


def slope(volumes: Sequence[np.ndarray], seconds: Sequence[float]) -> np.ndarray:
    """Return the least-squares slope of the values over time, per second, float32; of two volumes their quotient."""
    at = np.asarray(seconds, float)
    weights = (at - at.mean()) / ((at - at.mean()) ** 2).sum()
    total = np.zeros(np.shape(volumes[0]), np.float32)
    for weight, volume in zip(weights, volumes, strict=True):
        total += np.float32(weight) * valid(volume)
    return total


def valid(values: np.ndarray) -> np.ndarray:
    """Return values as float32, NaN and infinity replaced by the least valid value (0 where there is none)."""
    found = np.asarray(values, np.float32)
    if values.dtype.kind in "iu":
        return found
    finite = np.isfinite(found)
    if finite.all():
        return found
    return np.where(finite, found, found[finite].min() if finite.any() else np.float32(0))
