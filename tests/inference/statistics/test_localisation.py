"""FROC by hand, its bootstrap, and the pointing game."""

from __future__ import annotations

import numpy as np
import pytest

from inference.training.statistics.localisation import Mark, froc, froc_intervals, hit_rate, pointing_hits

# Three images: two lesions, one lesion (missed), none. Lesion "a" is hit twice.
MARKS: list[list[Mark]] = [
    [(0.9, "a"), (0.5, "a"), (0.6, None), (0.4, "b")],
    [(0.8, None)],
    [(0.6, None), (0.2, None)],
]
LESIONS = [2, 1, 0]


def test_curve_worked_by_hand() -> None:
    found = froc(MARKS, LESIONS)
    assert found.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.6, 0.4, 0.2]
    assert found.sensitivity * 3 == pytest.approx([0, 1, 1, 1, 2, 2])
    assert found.false_positives * 3 == pytest.approx([0, 0, 1, 3, 3, 4])
    assert (found.lesions, found.images) == (3, 3)


def test_sensitivity_at_rates_of_false_positives() -> None:
    found = froc(MARKS, LESIONS)
    assert [found.sensitivity_at(rate) for rate in (0, 0.99, 1, 9)] == pytest.approx([1 / 3, 1 / 3, 2 / 3, 2 / 3])
    summary = found.as_dict((0.5, 1.0))
    assert summary == {"sensitivity_at": {"0.5": 0.333, "1": 0.667}, "mean": 0.5, "lesions": 3, "images": 3}


def test_marks_of_equal_score_come_together() -> None:
    found = froc([[(0.5, None), (0.5, 1)]], [1])
    assert found.thresholds.tolist() == [np.inf, 0.5]
    assert found.sensitivity_at(0) == 0
    assert found.sensitivity_at(1) == 1


def test_no_marks_at_all_find_nothing() -> None:
    found = froc([[], []], [1, 0])
    assert found.sensitivity_at(8) == 0
    assert froc_intervals([[], []], [1, 0], np.arange(2), (1.0,), 20) == [(0, 0)]


def test_what_is_no_froc_is_refused() -> None:
    with pytest.raises(ValueError, match="needs lesions"):
        froc([[(0.5, None)]], [0])
    with pytest.raises(ValueError, match="hit 2 lesions"):
        froc([[(0.5, 1), (0.5, 2)]], [1])
    with pytest.raises(ValueError, match="2 numbers"):
        froc([[]], [1, 0])


def test_intervals_are_those_of_a_plain_loop_over_patients() -> None:
    rng = np.random.default_rng(0)
    marks, lesions, patient = [], [], []
    for woman in range(60):
        for _ in range(2):
            count = int(rng.integers(1, 3)) if woman % 2 else 0
            those: list[Mark] = [(round(float(s), 2), None) for s in rng.random(rng.poisson(1.5))]
            those += [(round(float(rng.random() ** 0.5), 2), k) for k in range(count) if rng.random() < 0.8]
            marks.append(those)
            lesions.append(count)
            patient.append(woman)
    rates = (0.25, 1.0)
    found = froc_intervals(marks, lesions, np.array(patient), rates, draws=3000)
    drawn, draw = [], np.random.default_rng(5)
    for _ in range(500):
        women = np.concatenate([draw.choice(np.arange(first, 60, 2), 30) for first in (0, 1)])
        rows = [row for woman in women for row in (2 * woman, 2 * woman + 1)]
        one = froc([marks[row] for row in rows], [lesions[row] for row in rows])
        drawn.append([one.sensitivity_at(rate) for rate in rates])
    for interval, expected in zip(found, np.percentile(drawn, (2.5, 97.5), axis=0).T, strict=True):
        assert interval == pytest.approx(expected, abs=0.03)


def test_pointing_game() -> None:
    maps, cells = np.zeros((2, 8, 11)), np.zeros((2, 8, 11))
    maps[0, 3, 4] = maps[1, 3, 4] = 0.9
    cells[0, 3, 4], cells[1, 3, 5] = 0.1, 1.0
    hits = pointing_hits(maps, cells)
    assert hits.tolist() == [True, False]
    rate = hit_rate(hits)
    assert (rate.hits, rate.total, rate.value) == (1, 2, 0.5)
    # Wilson at 1 of 2: centre ½, half width z √(½ + z²/4) / (2 + z²) … = 0.4055
    assert (rate.low, rate.high) == pytest.approx((0.0945, 0.9055), abs=1e-4)


def test_a_tie_of_hit_and_false_positive_is_not_won_by_drawing_either() -> None:
    marks: list[list[Mark]] = [[(0.5, 1)], [(0.5, None)]]
    assert froc(marks, [1, 0]).sensitivity_at(0) == 0
    assert froc_intervals(marks, [1, 0], np.zeros(2), (0.0, 0.5), 20) == [(0, 0), (1, 1)]
