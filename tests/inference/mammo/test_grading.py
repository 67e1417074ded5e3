"""The quantusMM grade: thresholds from a validation ROC, grades, what-if, and the arithmetic in words."""

from __future__ import annotations

import json
from statistics import NormalDist

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from inference.errors import CardError, EngineError
from inference.grading import Scale, explain, grade, grade_from, regrade, scale_of
from inference.result import Grade
from inference.roc_points import rates_at, roc_points

NORMAL = NormalDist()


def binormal(auc: float, controls: int, cases: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, float]:
    """Return scores, labels and the separation of two unit normals of this AUC, put symmetrically about 0."""
    separation = 2**0.5 * NORMAL.inv_cdf(auc)
    random = np.random.default_rng(seed)
    values = np.concatenate([random.normal(-separation / 2, 1, controls), random.normal(separation / 2, 1, cases)])
    return 1 / (1 + np.exp(-values)), np.arange(controls + cases) >= controls, separation


def test_thresholds_of_two_normals_are_where_theory_puts_them() -> None:
    scores, labels, separation = binormal(0.90, 20_000, 10_000)
    scale = scale_of(scores, labels)
    z99, z95 = NORMAL.inv_cdf(0.99), NORMAL.inv_cdf(0.95)
    places = (z99 - separation / 2, z95 - separation / 2, separation / 2 - z95, separation / 2 - z99)
    expected = [1 / (1 + np.exp(-place)) for place in places]  # .805 .677 .323 .195; SYSTEMS.md drew .778 … .210
    np.testing.assert_allclose([item.threshold for item in scale.cut_offs], expected, atol=0.015)
    assert [item.grade for item in scale.cut_offs] == [6, 5, 4, 3]
    assert scale.cut_offs[2].specificity == pytest.approx(NORMAL.cdf(separation - z95), abs=0.02)  # SYSTEMS.md: ≈ 59 %
    assert scale.caveats == ()
    assert (scale.cases, scale.controls) == (10_000, 20_000)


def test_thresholds_are_the_extreme_ones_that_hold() -> None:
    random = np.random.default_rng(3)
    labels = random.random(400) < 0.4
    scores = np.round(np.clip(random.normal(0.4 + 0.2 * labels, 0.2), 0, 1), 2)  # with ties
    scale = scale_of(scores, labels)

    def rates(threshold: float) -> tuple[float, float]:
        return float((scores[labels] >= threshold).mean()), float((scores[~labels] < threshold).mean())

    t6, t5, t4, t1 = (item.threshold for item in scale.cut_offs)
    tried = np.unique(scores)
    for t, least in ((t6, 0.99), (t5, 0.95)):
        assert rates(t)[1] >= least
        assert all(rates(lower)[1] < least for lower in tried[tried < t])
    for t, least in ((t4, 0.95), (t1, 0.99)):
        assert rates(t)[0] >= least
        assert all(rates(higher)[0] < least for higher in tried[tried > t])
    for item in scale.cut_offs:
        assert rates(item.threshold) == pytest.approx((item.sensitivity, item.specificity))


def test_roc_is_scikit_learns() -> None:
    scores, labels, _ = binormal(0.8, 300, 200)
    scores = scores.round(2)
    false_positive, sensitivity, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    ours = np.array(roc_points(scores, labels))
    np.testing.assert_allclose(ours[1:, 0], thresholds[1:])  # scikit-learn starts at infinity
    np.testing.assert_allclose(ours[:, 1], sensitivity)
    np.testing.assert_allclose(1 - ours[:, 2], false_positive, atol=1e-12)
    for threshold in (-1.0, 0.333, 0.5, 2.0):
        expected = (scores[labels] >= threshold).mean(), (scores[~labels] < threshold).mean()
        assert rates_at(roc_points(scores, labels), threshold) == pytest.approx(expected)


def test_crossing_thresholds_leave_grade_4_empty() -> None:
    scores, labels, _ = binormal(0.99, 2000, 1000)
    scale = scale_of(scores, labels)
    t6, t5, t4, t1 = (item.threshold for item in scale.cut_offs)
    assert t6 >= t5 == t4 >= t1
    assert any("Grade 4 is empty" in caveat for caveat in scale.caveats)
    assert 4 not in {grade(score, scale.cut_offs) for score in scores}


def test_a_control_above_all_cases_puts_grade_6_out_of_reach() -> None:
    scores = np.append(np.linspace(0.1, 0.5, 20), [0.9, 0.3, 0.6])
    labels = np.append(np.zeros(21, bool), [True, True])
    scale = scale_of(scores, labels)
    assert scale.cut_offs[0].threshold == np.nextafter(0.9, 1)
    assert grade(0.9, scale.cut_offs) == 5
    assert len(scale.caveats) >= 2
    with pytest.raises(ValueError, match="cases and controls"):
        scale_of([0.1, 0.2], [True, True])
    with pytest.raises(ValueError, match="finite"):
        scale_of([0.1, np.nan], [True, False])


def test_with_few_controls_grade_6_starts_just_above_the_highest_of_them() -> None:
    scores = np.array([0.1, 0.2, 0.3, 0.6, 0.25, 0.7, 0.9])
    labels = np.array([0, 0, 0, 0, 1, 1, 1], bool)
    scale = scale_of(scores, labels)
    t6, t5, t4, t1 = (item.threshold for item in scale.cut_offs)
    assert t6 == t5 == np.nextafter(0.6, 1)  # not at 0.7, the next case
    assert (t4, t1) == (0.25, 0.25)
    assert (grade(0.61, scale.cut_offs), grade(0.6, scale.cut_offs)) == (6, 4)
    with pytest.raises(EngineError, match="no number"):
        grade(float("nan"), scale.cut_offs)


def given() -> Grade:
    entry = {
        "cut_offs": [
            {"grade": 6, "threshold": 0.8, "sensitivity": 0.3, "specificity": 0.99, "target": "specificity ≥ 0.99"},
            {"grade": 5, "threshold": 0.6, "sensitivity": 0.5, "specificity": 0.95, "target": "specificity ≥ 0.95"},
            {"grade": 4, "threshold": 0.3, "sensitivity": 0.95, "specificity": 0.6, "target": "sensitivity ≥ 0.95"},
            {"grade": 3, "threshold": 0.2, "sensitivity": 0.99, "specificity": 0.4, "target": "sensitivity ≥ 0.99"},
        ],
        "cases": 44,
        "controls": 216,
        "roc": [[0.9, 0.1, 1.0], [0.7, 0.4, 0.97], [0.45, 0.8, 0.8], [0.1, 1.0, 0.0]],
        "caveats": ["Few cases."],
    }
    return grade_from("nodule", "Nodule", 0.41, entry)


def test_grades_at_their_borders() -> None:
    cut_offs = given().cut_offs
    scores = (0.8, 0.7999, 0.6, 0.5999, 0.3, 0.2999, 0.2, 0.1999, 0.0)
    assert [grade(score, cut_offs) for score in scores] == [6, 5, 5, 4, 4, 3, 3, 1, 1]  # there is no 2
    assert given().value == 4


def test_a_card_entry_survives_json_and_a_wrong_one_is_refused() -> None:
    scores, labels, _ = binormal(0.85, 120, 110)
    scale = scale_of(scores, labels)
    assert Scale.from_entry(json.loads(json.dumps(scale.entry()))) == scale
    good = scale.entry()
    for wrong in (
        {},
        {**good, "cut_offs": good["cut_offs"][::-1]},
        {**good, "cut_offs": good["cut_offs"][:3]},
        {**good, "roc": [[1, 2]]},
        {**good, "cases": "many"},
    ):
        with pytest.raises(CardError):
            Scale.from_entry(wrong)


def test_what_if_moves_thresholds_together_and_leaves_the_grade_alone() -> None:
    before = given()
    after = regrade(before, {4: 0.45})
    assert after.value == 3
    assert after.cut_offs[2].sensitivity == 0.8
    assert after.cut_offs[2].target == "chosen by hand"
    assert after.cut_offs[0] == before.cut_offs[0]
    assert before.value == 4
    lowered = regrade(before, {6: 0.4})
    assert lowered.value == 6
    assert [item.threshold for item in lowered.cut_offs] == [0.4, 0.4, 0.3, 0.2]
    assert regrade(before, score=0.85).value == 6


def test_the_arithmetic_in_words() -> None:
    first, *rest = explain(given())
    assert first == "Score 0.4100 ≥ 0.3000 (grade 4) and < 0.6000 (grade 5): grade 4, suspicion of malignancy."
    assert any("44 images with and 216 without" in line for line in rest)
    assert any("not ACR BI-RADS" in line for line in rest)
    assert rest[-1] == "Few cases."
    assert explain(regrade(given(), score=0.9))[0].startswith("Score 0.9000 ≥ 0.8000 (grade 6): grade 6")
    assert explain(regrade(given(), score=0.1))[0].startswith("Score 0.1000 < 0.2000 (grade 3): grade 1, benign")
