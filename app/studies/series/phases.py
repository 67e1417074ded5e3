"""Phases within one series: which attribute tells repeated slices apart, and in what order they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.studies.files.tags import SECONDS_PER_DAY
from app.studies.series.frames import FrameFacts

Value = Callable[[FrameFacts], float | None]


@dataclass(frozen=True)
class Key:
    """An attribute that can order phases.

    Attributes
    ----------
    name
        As shown to the user.
    value
        The attribute of a frame.
    is_clock
        Whether it is a time of day, which wraps at midnight.
    per_slice
        Whether scanners may give every slice a value of its own.
    """

    name: str
    value: Value
    is_clock: bool = False
    per_slice: bool = False


# The order of trust: SYSTEMS §3 "Temporal order". Acquisition Number stands behind the times: some scanners count
# phases with it, others series.
TEMPORAL_POSITION = Key("Temporal Position Identifier (0020,0100)", lambda fact: fact.temporal_position)
TRIGGER = Key("Trigger Time (0018,1060)", lambda fact: fact.trigger_s, per_slice=True)
ACQUIRED = Key("Acquisition Time (0008,0032)", lambda fact: fact.acquired_s, is_clock=True, per_slice=True)
CONTENT = Key("Content Time (0008,0033)", lambda fact: fact.content_s, is_clock=True, per_slice=True)
ACQUISITION_NUMBER = Key("Acquisition Number (0020,0012)", lambda fact: fact.acquisition_number)
KEYS = (TEMPORAL_POSITION, TRIGGER, ACQUIRED, CONTENT, ACQUISITION_NUMBER)


@dataclass(frozen=True)
class Repeats:
    """Frames at the same positions, told apart: one list per phase, each with at most one frame at a position."""

    parts: tuple[list[FrameFacts], ...]
    key: Key | None = None
    notes: tuple[str, ...] = ()


def split(positions: Sequence[list[FrameFacts]]) -> Repeats:
    """Tell frames at the same position apart.

    Parameters
    ----------
    positions
        The frames of each slice position.
    """
    times = max(len(members) for members in positions)
    if times == 1:
        return Repeats(([members[0] for members in positions],))
    for key in KEYS:
        parts = _by_value(positions, key, times) or (_by_rank(positions, key, times) if key.per_slice else None)
        if parts is not None:
            return Repeats(parts, key)
    return _unexplained(positions, times)


def _by_value(positions: Sequence[list[FrameFacts]], key: Key, times: int) -> tuple[list[FrameFacts], ...] | None:
    """One phase per value, where every frame has one and no position has it twice."""
    groups: dict[float, list[FrameFacts]] = {}
    for members in positions:
        values = [key.value(fact) for fact in members]
        if any(value is None for value in values) or len(set(values)) < len(values):
            return None
        for fact, value in zip(members, values, strict=True):
            groups.setdefault(value or 0.0, []).append(fact)
    if len(groups) != times:
        return None
    return tuple(groups[value] for value in _in_order(groups, key))


def _by_rank(positions: Sequence[list[FrameFacts]], key: Key, times: int) -> tuple[list[FrameFacts], ...] | None:
    """One phase per rank at each position: for scanners that stamp every slice with a time of its own."""
    parts: list[list[FrameFacts]] = [[] for _ in range(times)]
    everything = [value for members in positions for fact in members if (value := key.value(fact)) is not None]
    start = first_of_day(everything)
    for members in positions:
        values = [key.value(fact) for fact in members]
        if len(members) != times or any(value is None for value in values) or len(set(values)) < times:
            return None
        ranked = sorted(members, key=lambda fact: ((key.value(fact) or 0.0) - start) % SECONDS_PER_DAY)
        for part, fact in zip(parts, ranked, strict=True):
            part.append(fact)
    return tuple(parts)


def _unexplained(positions: Sequence[list[FrameFacts]], times: int) -> Repeats:
    """Nothing but the numbering tells the frames apart."""
    parts: list[list[FrameFacts]] = [[] for _ in range(times)]
    for members in positions:
        for part, fact in zip(parts, members, strict=False):
            part.append(fact)
    if all(len(part) == len(positions) for part in parts):
        note = f"Each slice is stored {times} times and no time tells them apart: the order is that of Instance Number."
    else:
        repeated = sum(len(members) > 1 for members in positions)
        note = f"{repeated} of {len(positions)} slices are stored more than once; the repeats are a stack of their own."
    return Repeats(tuple(parts), None, (note,))


def _in_order(values: Iterable[float], key: Key) -> list[float]:
    known = list(values)
    start = first_of_day(known) if key.is_clock else 0.0
    return sorted(known, key=lambda value: (value - start) % SECONDS_PER_DAY if key.is_clock else value)


def first_of_day(clock_s: Sequence[float]) -> float:
    """Return the earliest of several times of day, also when they run over midnight.

    Times more than half a day apart cannot be one examination, so the largest pause around the clock is taken as the
    night before the first.
    """
    ordered = sorted(set(clock_s))
    if not ordered or ordered[-1] - ordered[0] <= SECONDS_PER_DAY / 2:
        return ordered[0] if ordered else 0.0
    following = [*ordered[1:], ordered[0] + SECONDS_PER_DAY]
    pauses = [after - before for before, after in zip(ordered, following, strict=True)]
    return ordered[(pauses.index(max(pauses)) + 1) % len(ordered)]


def earliest(clock_s: Iterable[float | None]) -> float | None:
    """Return the earliest known time of day, None where none is known."""
    known = [value for value in clock_s if value is not None]
    return first_of_day(known) if known else None
