"""Companions: the T2 and diffusion images that hang beside a dynamic series, and what is left over."""

from __future__ import annotations

from collections.abc import Iterable

from app.studies.hanging.types import Slot
from app.studies.study import Series, Stack, Study

_SAME_TIME = 6  # images in one step of left-over series
Found = tuple[Series, Stack]


def t2_of(study: Study, beside: Stack) -> list[Found]:
    """Return the T2-weighted volumes, the best to hang beside a stack first."""
    return _best_first(_volumes(study, "T2"), beside)


def diffusion_of(study: Study, beside: Stack) -> list[Found]:
    """Return the diffusion-weighted volumes, the highest b-value first."""
    return sorted(_best_first(_volumes(study, "DWI"), beside), key=lambda found: -(found[1].b_value or 0.0))


def adc_of(study: Study, beside: Stack) -> list[Found]:
    """Return the maps of the apparent diffusion coefficient."""
    return _best_first(_volumes(study, "ADC"), beside)


def _volumes(study: Study, weighting: str) -> Iterable[Found]:
    for series in study.series:
        for stack in series.stacks:
            if stack.weighting == weighting and len(stack.frames) > 1 and study.phase_of(stack.uid) is None:
                yield series, stack


def _best_first(found: Iterable[Found], beside: Stack) -> list[Found]:
    """Sort: the same frame of reference, acquired rather than calculated, the same orientation, more slices first."""

    def rank(one: Found) -> tuple[bool, bool, bool, int]:
        stack = one[1]
        elsewhere = stack.frame_of_reference_uid != beside.frame_of_reference_uid
        return elsewhere, stack.derived, stack.orientation != beside.orientation, -len(stack.frames)

    return sorted(found, key=rank)


def title_of(stack: Stack) -> str:
    """Return ``"T2"``, ``"DWI b 800"``, ``"ADC"``."""
    b_value = f" b {stack.b_value:.0f}" if stack.b_value is not None else ""
    return f"{stack.weighting}{b_value}"


def slots_of(study: Study, beside: Stack) -> tuple[Slot, ...]:
    """Return what hangs beside a dynamic series: the best T2, the highest b-value and the ADC map, where present."""
    lists = (t2_of(study, beside), diffusion_of(study, beside), adc_of(study, beside))
    return tuple(Slot(found[0][1].uid, title_of(found[0][1])) for found in lists if found)


def left_over(study: Study, shown: Iterable[str]) -> list[tuple[Slot, ...]]:
    """Return the images that no other step shows, some at a time; acquired ones before calculated ones."""
    known = set(shown)
    rest = [(series, stack) for series in study.series for stack in series.stacks if stack.uid not in known]
    rest.sort(key=lambda one: one[1].derived)
    slots = [Slot(stack.uid, _name(series, stack)) for series, stack in rest]
    return [tuple(slots[n : n + _SAME_TIME]) for n in range(0, len(slots), _SAME_TIME)]


def _name(series: Series, stack: Stack) -> str:
    if len(series.stacks) > 1 and stack.title and stack.title not in series.label:
        return stack.title
    return series.label
