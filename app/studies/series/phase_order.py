"""Phase order: the key that puts phases in time order, and the seconds between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from app.studies.files import tags
from app.studies.files.tags import SECONDS_PER_DAY
from app.studies.series import phases
from app.studies.series.stacking import StackFacts

SERIES_NUMBER_KEY = "Series Number (0020,0011)"

INSTANCE_NUMBER_KEY = "Instance Number (0020,0013)"

_LONGEST_EXAM_S = 2 * 3600.0

_SHORTEST_STEP_S = 1.0  # no scanner acquires a breast volume faster; shorter steps are invented times


def in_time_order(group: list[StackFacts]) -> tuple[list[StackFacts], str, tuple[str, ...]]:
    """Order by the first key that gives every phase a value of its own."""
    orders = {key.name: order for key in phases.KEYS[:4] if (order := _order_by(group, key)) is not None}
    if orders:
        name, order = next(iter(orders.items()))
        others = [other for other in orders if orders[other] != order]
        note = f"{name} and {' and '.join(others)} give different orders: please check."
        return [group[index] for index in order], name, (note,) if others else ()
    numbers = [tags.integer(stack.first.header, "SeriesNumber") for stack in group]
    if all(number is not None for number in numbers) and len(set(numbers)) == len(numbers):
        ordered = sorted(group, key=lambda stack: tags.integer(stack.first.header, "SeriesNumber") or 0)
        return ordered, SERIES_NUMBER_KEY, ("No time tells the phases apart: they are in the order of Series Number.",)
    order = _order_by(group, phases.ACQUISITION_NUMBER)
    if order is not None:
        note = "No time tells the phases apart: they are in the order of Acquisition Number."
        return [group[index] for index in order], phases.ACQUISITION_NUMBER.name, (note,)
    ordered = sorted(group, key=_numbering)
    return ordered, INSTANCE_NUMBER_KEY, ("No time tells the phases apart: please check their order.",)


def _order_by(group: Sequence[StackFacts], key: phases.Key) -> list[int] | None:
    """Return the indices of the phases in the order of a key, None where the key cannot order them."""
    values = _phase_values(group, key)
    return None if values is None else sorted(range(len(group)), key=lambda index: values[index])


def _numbering(stack: StackFacts) -> tuple[int, int]:
    numbers = [fact.frame.instance_number or 0 for fact in stack.facts]
    return tags.integer(stack.first.header, "SeriesNumber") or 0, min(numbers)


def _phase_values(group: Sequence[StackFacts], key: phases.Key) -> list[float] | None:
    """One value per phase, None unless every phase has one and no two are equal."""
    values: list[float] = []
    for stack in group:
        known = [value for fact in stack.facts if (value := key.value(fact)) is not None]
        if len(known) < len(stack.facts):
            return None
        values.append((phases.earliest(known) or 0.0) if key.is_clock else min(known))
    if len(set(values)) < len(values):
        return None
    if not key.is_clock:
        return values
    return _on_one_clock(group, values)


def _on_one_clock(group: Sequence[StackFacts], clock_s: Sequence[float]) -> list[float]:
    """Put times of day on one axis: by the date where the files give neighbouring days, else across midnight."""
    days = [stack.first.day for stack in group]
    known = [day for day in days if day is not None]
    if len(known) == len(days) and len(set(known)) == 2 and max(known) - min(known) == 1:
        return [(day - min(known)) * SECONDS_PER_DAY + second for day, second in zip(known, clock_s, strict=True)]
    start = phases.first_of_day(clock_s)
    return [start + (second - start) % SECONDS_PER_DAY for second in clock_s]


def seconds_of(ordered: Sequence[StackFacts]) -> tuple[list[float | None], tuple[str, ...]]:
    """Seconds after the first phase, from trigger or acquisition time; None throughout where neither can be right."""
    reason = "The files give no usable acquisition times"
    # Trigger times of several series need not count from the same moment.
    one_series = len({stack.stack.series_uid for stack in ordered}) == 1
    keys = (phases.TRIGGER, phases.ACQUIRED) if one_series else (phases.ACQUIRED, phases.TRIGGER)
    for key in keys:
        values = _phase_values(ordered, key)
        if values is None:
            continue
        steps = np.diff(values)
        if steps.min() >= _SHORTEST_STEP_S and values[-1] - values[0] <= _LONGEST_EXAM_S:
            return [round(value - values[0], 3) for value in values], ()
        reason = f"{key.name} cannot be right (steps of {steps.min():.3g} to {steps.max():.3g} s in this order)"
    return [None] * len(ordered), (f"{reason}: the intervals are not known, please enter them.",)
