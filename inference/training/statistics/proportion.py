"""Proportions with Wilson's interval: hits of a total, as counts and as a rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Proportion:
    """So many of so many, with an interval.

    Attributes
    ----------
    hits, total
        Counts.
    low, high
        Wilson's interval; 0 and 1 where the total is 0.
    """

    hits: int
    total: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """Hits over total; NaN where the total is 0."""
        return self.hits / self.total if self.total else float("nan")

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds; the value is None where the total is 0."""
        return {
            "value": round(self.value, 3) if self.total else None,
            "interval_95": [round(self.low, 3), round(self.high, 3)],
            "hits": self.hits,
            "total": self.total,
        }


def proportion(hits: int, total: int, confidence: float = 0.95) -> Proportion:
    """Return a proportion with Wilson's score interval, without continuity correction (Wilson, JASA 1927;22:209).

    It takes cases for independent. Where a woman has several, :func:`.bootstrap.interval_over_patients` does not.

    Raises
    ------
    ValueError
        Where hits are negative or more than the total.
    """
    from scipy.stats import binomtest

    if not 0 <= hits <= total:
        raise ValueError(f"{hits} hits of {total} are no proportion")
    if total == 0:
        return Proportion(0, 0, 0.0, 1.0)
    interval = binomtest(int(hits), int(total)).proportion_ci(confidence, method="wilson")
    return Proportion(int(hits), int(total), float(interval.low), float(interval.high))
