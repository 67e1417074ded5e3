"""Paired comparisons of readers and models: Wilcoxon's signed-rank test, and equivalence by two one-sided tests.

scipy has all the parts (one-sided tests against a shifted mean); statsmodels, which brings pandas, is not needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Alternative = Literal["two-sided", "greater", "less"]
ZeroMethod = Literal["wilcox", "pratt"]


@dataclass(frozen=True)
class SignedRank:
    """Result of Wilcoxon's test.

    Attributes
    ----------
    median_difference
        Of first − second.
    p
        1 where no pair differs.
    pairs, ties
        Pairs in all, and how many of them do not differ.
    """

    median_difference: float
    p: float
    pairs: int
    ties: int
    zero_method: str

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds."""
        return {
            "median_difference": round(self.median_difference, 4),
            "p": float(f"{self.p:.3g}"),
            "pairs": self.pairs,
            "ties": self.ties,
            "zero_differences": self.zero_method,
        }


def wilcoxon_paired(
    first: np.ndarray,
    second: np.ndarray,
    alternative: Alternative = "two-sided",
    zero_method: ZeroMethod = "wilcox",
) -> SignedRank:
    """Return Wilcoxon's signed-rank test of paired values (Wilcoxon, Biometrics Bull 1945;1:80).

    Parameters
    ----------
    first, second
        (n,) values of the same cases; pairs with NaN are left out.
    alternative
        What first − second is suspected to be.
    zero_method
        Pairs without difference are dropped (``"wilcox"``, his own way and that of R) or ranked without a sign
        (``"pratt"``).
    """
    from scipy.stats import wilcoxon

    difference = _differences(first, second)
    ties = int(np.count_nonzero(difference == 0))
    p = 1.0
    if ties < len(difference):
        found: Any = wilcoxon(difference, alternative=alternative, zero_method=zero_method)
        p = float(found.pvalue)
    return SignedRank(float(np.median(difference)), p, len(difference), ties, zero_method)


@dataclass(frozen=True)
class Equivalence:
    """Result of two one-sided t-tests (Schuirmann, J Pharmacokinet Biopharm 1987;15:657).

    Attributes
    ----------
    difference
        Mean of first − second.
    low, high
        Its 90 % interval, which lies within the margins where ``p`` is below 0.05.
    p_lower, p_upper
        Of a mean difference at or below the lower margin, and at or above the upper one.
    """

    difference: float
    low: float
    high: float
    p_lower: float
    p_upper: float
    pairs: int

    @property
    def p(self) -> float:
        """The larger of the two; equivalent where it is below 0.05."""
        return max(self.p_lower, self.p_upper)

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds."""
        return {
            "mean_difference": round(self.difference, 4),
            "interval_90": [round(self.low, 4), round(self.high, 4)],
            **{name: float(f"{getattr(self, name):.3g}") for name in ("p", "p_lower", "p_upper")},
            "pairs": self.pairs,
        }


def tost_paired(first: np.ndarray, second: np.ndarray, margins: tuple[float, float]) -> Equivalence:
    """Return whether paired values are equivalent within margins, by two one-sided paired t-tests.

    Parameters
    ----------
    first, second
        (n,) values of the same cases; pairs with NaN are left out.
    margins
        Lower and upper bound of first − second, such as (−0.05, 0.05) of Dice.

    Raises
    ------
    ValueError
        Where the margins are in the wrong order, or the differences are fewer than two or all alike.
    """
    from scipy.stats import ttest_1samp

    lower, upper = margins
    difference = _differences(first, second)
    if lower >= upper:
        raise ValueError("the lower margin lies at or above the upper one")
    if len(difference) < 2 or np.ptp(difference) == 0:
        raise ValueError("a t-test needs differences that differ")
    at_lower: Any = ttest_1samp(difference, lower, alternative="greater")
    at_upper: Any = ttest_1samp(difference, upper, alternative="less")
    plain: Any = ttest_1samp(difference, 0.0)
    low, high = plain.confidence_interval(0.90)
    p = float(at_lower.pvalue), float(at_upper.pvalue)
    return Equivalence(float(difference.mean()), float(low), float(high), *p, len(difference))


@dataclass(frozen=True)
class AmongReaders:
    """Whether a network lies between the worst and the best reader, as paper 004 tests it.

    Attributes
    ----------
    worst, best
        Rows of the readers, by median Dice.
    above_worst, below_best
        One-sided signed-rank tests of network > worst and network < best.
    """

    worst: int
    best: int
    above_worst: SignedRank
    below_best: SignedRank

    @property
    def p(self) -> float:
        """The larger of the two; equivalent to the readers where it is below 0.05."""
        return max(self.above_worst.p, self.below_best.p)

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds."""
        return {
            "p": float(f"{self.p:.3g}"),
            "above_worst": {"reader": self.worst + 1, **self.above_worst.as_dict()},
            "below_best": {"reader": self.best + 1, **self.below_best.as_dict()},
        }


def equivalent_to_readers(of_readers: np.ndarray, of_network: np.ndarray) -> AmongReaders:
    """Test network > worst reader and network < best reader (SYSTEMS.md §1.5, Evaluation; paper 004).

    Parameters
    ----------
    of_readers, of_network
        Dice, (cases, readers) each, against the same references: see :func:`.overlap.against_others`.
    """
    medians = np.median(of_readers, axis=0)
    worst, best = int(np.argmin(medians)), int(np.argmax(medians))
    return AmongReaders(
        worst,
        best,
        wilcoxon_paired(of_network[:, worst], of_readers[:, worst], "greater"),
        wilcoxon_paired(of_network[:, best], of_readers[:, best], "less"),
    )


def _differences(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return difference[~np.isnan(difference)]
