"""Reduction: putting slices together by their maximum, mean or minimum, NaN and padding left out. Qt-free."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from viewer.presentation import Padding

Span = tuple[int, int]  # first and last slice


class Build:
    """A projection of resampled slices that is added to, spread over the slab first and filled in later."""

    def __init__(self, key: object, span: Span, mode: str) -> None:
        self.key, self._mode = key, mode
        self.waiting = list(reversed(spread(span)))
        self._total: np.ndarray | None = None
        self._count = np.zeros((1, 1), np.int32)

    def go_on(self, slice_of: Callable[[int], np.ndarray], budget_s: float | None) -> None:
        """Add slices until the time is up; at least one."""
        end = None if budget_s is None else time.perf_counter() + budget_s
        while self.waiting:
            self._add(slice_of(self.waiting.pop()))
            if end is not None and time.perf_counter() > end:
                return

    def _add(self, one: np.ndarray) -> None:
        if self._mode == "mean":
            values = np.nan_to_num(one, nan=0.0)
            self._total = values if self._total is None else self._total + values
            self._count = self._count + np.isfinite(one)
        elif self._total is None:
            self._total = one.copy()
        else:
            pair(one.dtype, self._mode)(self._total, one, out=self._total)

    def result(self) -> np.ndarray:
        """Return the projection of what was added so far, float32, NaN where there is nothing."""
        assert self._total is not None
        if self._mode != "mean":
            return self._total.copy() if self.waiting else self._total
        mean = self._total / np.maximum(self._count, 1)
        return np.where(self._count > 0, mean, np.nan).astype(np.float32)


def spread(span: Span) -> list[int]:
    """Return the slices of a span in an order whose beginnings are spread evenly over it."""
    order: dict[int, None] = {}
    for stride in (16, 8, 4, 2, 1):
        order.update(dict.fromkeys(range(span[0] + stride // 2, span[1] + 1, stride)))
    return list(order)


def padded(values: np.ndarray, padding: Padding) -> np.ndarray:
    """Return where values are padding."""
    return (values >= padding.low) & (values <= padding.high)


def pair(dtype: np.dtype, mode: str) -> np.ufunc:
    """Return what keeps the larger (``"max"``) or smaller of two values; a number is kept before NaN."""
    if dtype.kind == "f":
        return np.fmax if mode == "max" else np.fmin
    return np.maximum if mode == "max" else np.minimum


def worst(dtype: np.dtype, mode: str) -> np.generic:
    """Return the value that any other beats."""
    if dtype.kind == "f":
        return dtype.type(np.nan)
    if dtype.kind == "b":
        return dtype.type(mode != "max")
    limits = np.iinfo(dtype)
    return dtype.type(limits.min if mode == "max" else limits.max)


def overlap(one: Span, other: Span) -> bool:
    """Whether it takes fewer slices to change the sum of one span into that of another than to begin anew."""
    shared = min(one[1], other[1]) - max(one[0], other[0]) + 1
    changed = (one[1] - one[0] + 1) + (other[1] - other[0] + 1) - 2 * shared
    return shared > 0 and changed < other[1] - other[0] + 1


def without(span: Span, other: Span) -> list[int]:
    """Return the slices of a span that another has not."""
    return [index for index in range(span[0], span[1] + 1) if not other[0] <= index <= other[1]]


def added(total: np.ndarray, values: np.ndarray, sign: int) -> np.ndarray:
    """Add values to a total, or take them away with a sign below zero, in place."""
    return np.add(total, values, out=total) if sign > 0 else np.subtract(total, values, out=total)
