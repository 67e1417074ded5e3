"""Operating points and Wilson's intervals, by hand and against literature."""

from __future__ import annotations

import numpy as np
import pytest

from inference.grading import scale_of
from inference.training.statistics.points import (
    point_at,
    points_at,
    threshold_for_sensitivity,
    threshold_for_specificity,
    youden_point,
)
from inference.training.statistics.proportion import proportion

NAN = float("nan")
TRUTH = np.array([0.0, 0, 0, 0, 0, 1, 1, 1, 1, NAN])
SCORE = np.array([0.1, 0.2, 0.3, 0.4, 0.8, 0.3, 0.5, 0.7, 0.9, 0.6])


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_method_3_of_newcombe(hits: int, total: int, low: float, high: float) -> None:
    # Newcombe, Stat Med 1998;17:857, table I.
    found = proportion(hits, total)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert found.value == hits / total


def test_no_cases_say_nothing_and_impossible_counts_are_refused() -> None:
    nothing = proportion(0, 0)
    assert (nothing.low, nothing.high) == (0, 1)
    assert np.isnan(nothing.value)
    assert nothing.as_dict()["value"] is None
    with pytest.raises(ValueError, match="3 hits of 2"):
        proportion(3, 2)


def test_a_threshold_counts_cases_at_and_above_it() -> None:
    point = point_at(TRUTH, SCORE, 0.5)
    table = (point.true_positives, point.false_positives, point.true_negatives, point.false_negatives)
    assert table == (3, 1, 4, 1)
    rates = [getattr(point, name).value for name in ("sensitivity", "specificity", "ppv", "npv", "accuracy")]
    assert rates == [3 / 4, 4 / 5, 3 / 4, 4 / 5, 7 / 9]
    assert point.as_dict()["sensitivity"] == {"value": 0.75, "interval_95": [0.301, 0.954], "hits": 3, "total": 4}


def test_where_nothing_is_positive_the_predictive_value_is_unknown() -> None:
    point = point_at(TRUTH, SCORE, 2.0)
    assert np.isnan(point.ppv.value)
    assert point.as_dict()["ppv"]["value"] is None
    assert (point.sensitivity.value, point.specificity.value, point.npv.value) == (0, 1, 5 / 9)


def test_points_at_the_cut_offs_of_a_scale_are_its_rates() -> None:
    rng = np.random.default_rng(0)
    truth = (rng.random(400) < 0.4).astype(float)
    score = rng.random(400) * 0.7 + 0.3 * truth
    scale = scale_of(score, truth > 0)
    for cut_off, point in zip(
        scale.cut_offs, points_at(truth, score, [c.threshold for c in scale.cut_offs]), strict=True
    ):
        assert point.sensitivity.value == pytest.approx(cut_off.sensitivity)
        assert point.specificity.value == pytest.approx(cut_off.specificity)


def test_youden_is_the_best_sum_of_rates_over_all_thresholds() -> None:
    rng = np.random.default_rng(3)
    truth, score = (rng.random(80) < 0.5).astype(float), np.round(rng.random(80), 2)
    score = np.clip(score + 0.3 * truth, 0, 1)
    best = youden_point(truth, score)
    assert best is not None
    sums = {t: (score[truth == 1] >= t).mean() + (score[truth == 0] < t).mean() for t in np.unique(score)}
    assert sums[best] == pytest.approx(max(sums.values()))
    assert best == max(t for t, value in sums.items() if value == pytest.approx(max(sums.values())))
    assert youden_point(TRUTH, SCORE) == 0.5
    assert youden_point(np.zeros(3), np.arange(3.0)) is None


def test_thresholds_that_reach_a_rate() -> None:
    assert threshold_for_sensitivity(TRUTH, SCORE, 0.75) == 0.5
    assert threshold_for_sensitivity(TRUTH, SCORE, 0.76) == 0.3
    assert threshold_for_specificity(TRUTH, SCORE, 0.8) == 0.5
    assert threshold_for_specificity(TRUTH, SCORE, 0.81) == 0.9
    assert threshold_for_sensitivity(np.ones(2), np.ones(2), 0.5) is None
    assert threshold_for_specificity(np.ones(2), np.ones(2), 0.5) is None
