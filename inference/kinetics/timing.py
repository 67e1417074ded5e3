"""Timing: when each phase was acquired after injection, and which phases are the initial and the delayed one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from inference.errors import EngineError

EARLY_S = 120.0  # initial phase: the first two minutes (ACR BI-RADS 2013, MRI, kinetic curve assessment)
LONGEST_PASS_S = 120.0  # ACR breast MRI accreditation asks for passes of at most about two minutes; more is a pause


class KineticsError(EngineError):
    """Kinetics cannot be worked out; the message is the reason."""


@dataclass(frozen=True)
class TimeBase:
    """When the phases were acquired.

    Attributes
    ----------
    pre
        Index of the pre-contrast phase.
    posts
        Indices of the phases after contrast, in time order.
    initial
        Those of ``posts`` whose largest signal is the initial peak.
    delayed
        The last phase, which tells persistent, plateau and washout apart; None where there is only one phase after
        contrast.
    times
        One per phase: seconds after injection of the middle of its acquisition, or the number of the phase where times
        are not known. The pre-contrast phase stands at 0: until contrast arrives the signal is the same.
    known
        Whether ``times`` are seconds.
    basis
        How time zero was found, a sentence for the user.
    warnings
        What the user must know to judge the classes.
    """

    pre: int
    posts: tuple[int, ...]
    initial: tuple[int, ...]
    delayed: int | None
    times: tuple[float, ...]
    known: bool
    basis: str
    warnings: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[int, ...]:
        """Pre-contrast phase and those after contrast: what a curve consists of."""
        return (self.pre, *self.posts)


def time_base(clock_s: Sequence[float | None], pre: int | None, injected_before_s: float | None = None) -> TimeBase:
    """Return the time base of a dynamic series.

    Parameters
    ----------
    clock_s
        Start of each phase in seconds on any one clock, such as seconds after the first phase; None where not known.
    pre
        Index of the pre-contrast phase; phases before it are left out. None takes the first and warns.
    injected_before_s
        Seconds from injection to the start of the first phase after contrast, where the user knows it.

    Raises
    ------
    KineticsError
        If no phase comes after the pre-contrast one.

    Notes
    -----
    Files hardly ever tell when contrast was injected, and the pre-contrast phase says nothing about it: it may have
    been acquired half an hour earlier. So time is counted **from the start of the first phase after contrast**, as if
    injection were then, unless the user enters how long before it was. A phase stands at the middle of its acquisition,
    where a linear phase order samples the centre of k-space: its start plus half the shortest step between phases after
    contrast (at most half of two minutes: longer steps are pauses).
    """
    warnings = () if pre is not None else ("Which phase is pre-contrast is not known; the first one is taken.",)
    pre = 0 if pre is None else pre
    posts = tuple(range(pre + 1, len(clock_s)))
    if not 0 <= pre < len(clock_s) or not posts:
        raise KineticsError(
            "No phase comes after the pre-contrast one, so there is no curve.",
            "Check order and pre-contrast phase under “Phases…”.",
        )
    starts = [clock_s[index] for index in posts]
    known = [start for start in starts if start is not None]
    if len(known) < len(starts) or any(b <= a for a, b in itertools.pairwise(known)):
        return _by_number(len(clock_s), pre, posts, (*warnings, _unknown(starts)))
    return _by_seconds(clock_s, pre, posts, injected_before_s, warnings)


def _unknown(starts: Sequence[float | None]) -> str:
    why = "are not known" if None in starts else "do not increase from phase to phase"
    return f"The times of the phases {why}: the first phase after contrast is taken as initial, the last as delayed."


def _by_number(count: int, pre: int, posts: tuple[int, ...], warnings: tuple[str, ...]) -> TimeBase:
    delayed = posts[-1] if len(posts) > 1 else None
    times = tuple(float(index - pre) for index in range(count))
    return TimeBase(pre, posts, posts[:1], delayed, times, False, "Phases by number; times unknown.", warnings)


def _by_seconds(
    clock_s: Sequence[float | None],
    pre: int,
    posts: tuple[int, ...],
    injected_before_s: float | None,
    warnings: tuple[str, ...],
) -> TimeBase:
    starts = [clock_s[index] or 0.0 for index in posts]
    steps = [b - a for a, b in itertools.pairwise(starts)]
    half = min(*steps, LONGEST_PASS_S) / 2 if steps else 0.0
    after = [start - starts[0] + (injected_before_s or 0.0) + half for start in starts]
    times = [0.0] * len(clock_s)
    for index, seconds in zip(posts, after, strict=True):
        times[index] = seconds
    early = tuple(index for index in posts[: max(1, len(posts) - 1)] if times[index] <= EARLY_S)
    found = (*warnings, *_early_warnings(bool(early), len(posts), after))
    if injected_before_s is None:
        basis = "Time zero: start of the first phase after contrast (the files do not tell when contrast was injected)"
    else:
        basis = f"Time zero: injection, {injected_before_s:g} s before the first phase after contrast (entered)"
    middle = f"; each phase at the middle of its acquisition (start + {half:.0f} s)." if half else "."
    delayed = posts[-1] if len(posts) > 1 else None
    return TimeBase(pre, posts, early or posts[:1], delayed, tuple(times), True, basis + middle, found)


def _early_warnings(early: bool, count: int, after: Sequence[float]) -> tuple[str, ...]:
    found = []
    if not early:
        found.append(f"No phase lies within two minutes: the first, at {after[0]:.0f} s, is taken as the initial one.")
    if count == 1:
        found.append("Only one phase after contrast: persistent, plateau and washout cannot be told apart.")
    elif after[-1] <= EARLY_S:
        found.append(f"The last phase lies at {after[-1]:.0f} s, within two minutes: delayed change is not covered.")
    return tuple(found)
