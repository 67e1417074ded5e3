"""Areas under ROC curves and their intervals, against counted pairs, published examples and simulation."""

from __future__ import annotations

import numpy as np
import pytest

from inference.training.statistics.bootstrap import interval_over_patients, patient_weights
from inference.training.statistics.compare import difference_bootstrap, difference_delong
from inference.training.statistics.delong import areas_and_covariance
from inference.training.statistics.roc import area, area_delong, area_with_interval, curve, drawn_areas, weighted_areas

NAN = float("nan")

# Albumin, total protein, K-G score, and whether surgery helped, of patients with ovarian cancer: the example of DeLong,
# DeLong and Clarke-Pearson, Biometrics 1988;44:837, as the manual of SAS/STAT prints it (LOGISTIC procedure).
OVARIAN = """
3.0 5.8 10 0 3.2 6.3 5 1 3.9 6.8 3 1 2.8 4.8 6 0 3.2 5.8 3 1 0.9 4.0 5 0 2.5 5.7 8 0 1.6 5.6 5 1 3.8 5.7 5 1 3.7 6.7 6 1
3.2 5.4 4 1 3.8 6.6 6 1 4.1 6.6 5 1 3.6 5.7 5 1 4.3 7.0 4 1 3.6 6.7 4 0 2.3 4.4 6 1 4.2 7.6 4 0 4.0 6.6 6 0 3.5 5.8 6 1
3.8 6.8 7 1 3.0 4.7 8 0 4.5 7.4 5 1 3.7 7.4 5 1 3.1 6.6 6 1 4.1 8.2 6 1 4.3 7.0 5 1 4.3 6.5 4 1 3.2 5.1 5 1 2.6 4.7 6 1
3.3 6.8 6 0 1.7 4.0 7 0 3.7 6.1 5 1 3.3 6.3 7 1 4.2 7.7 6 1 3.5 6.2 5 1 2.9 5.7 9 0 2.1 4.8 7 1 2.8 6.2 8 0 4.0 7.0 7 1
3.3 5.7 6 1 3.7 6.9 5 1 3.6 6.6 5 1
"""


def ovarian() -> tuple[np.ndarray, np.ndarray]:
    """Return truth (43,) and scores (3, 43): K-G, albumin, total protein."""
    table = np.array(OVARIAN.split(), float).reshape(-1, 4)
    return table[:, 3], np.stack([10 - table[:, 2], table[:, 0], table[:, 1]])


def pairs_area(truth: np.ndarray, score: np.ndarray) -> float:
    """Count pairs rightly ordered, ties by half."""
    sick, well = score[truth == 1], score[truth == 0]
    return float(np.mean([(a > b) + 0.5 * (a == b) for a in sick for b in well]))


def covariance_by_definition(truth: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Evaluate the formulas of DeLong 1988 with double loops."""

    def placed(score: np.ndarray, kind: int) -> list[float]:
        sick, well = score[truth == 1], score[truth == 0]
        if kind == 1:
            return [float(np.mean((a > well) + 0.5 * (a == well))) for a in sick]
        return [float(np.mean((sick > b) + 0.5 * (sick == b))) for b in well]

    total = np.zeros((len(scores), len(scores)))
    for kind in (1, 0):
        total += np.cov(np.array([placed(score, kind) for score in scores])) / np.count_nonzero(truth == kind)
    return total


def clustered(seed: int, women: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw women with 1 to 4 breast images each, some with both classes; truth, score, patient."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(women), rng.integers(1, 5, women))
    truth = (rng.random(len(patient)) < np.where(patient % 3 == 0, 0.7, 0.1)).astype(float)
    score = truth + rng.normal(size=women)[patient] + 0.4 * rng.normal(size=len(patient))
    return truth, np.round(score, 1), patient


def test_area_is_the_share_of_pairs_rightly_ordered_and_unknown_truth_does_not_count() -> None:
    truth, score, _ = clustered(1)
    assert area(truth, score) == pytest.approx(pairs_area(truth, score), abs=1e-12)
    assert area(np.append(truth, NAN), np.append(score, 99)) == area(truth, score)
    assert area(np.array([0.0, 0, 1, 1]), np.array([0.1, 0.4, 0.35, 0.8])) == 0.75  # scikit-learn's own example
    assert np.isnan(area(np.ones(3), np.arange(3.0)))


def test_corners_of_the_curve_by_hand() -> None:
    points = curve(np.array([0.0, 0, 1, 1, NAN]), np.array([0.1, 0.4, 0.35, 0.8, 0.5]))
    assert points == ((np.inf, 0, 1), (0.8, 0.5, 1), (0.4, 0.5, 0.5), (0.35, 1, 0.5), (0.1, 1, 0))
    assert curve(np.zeros(3), np.arange(3.0)) == ()


def test_weighted_area_is_that_of_repeated_cases() -> None:
    truth, score, _ = clustered(2)
    weights = np.random.default_rng(0).integers(0, 4, (5, len(truth)))
    expected = [pairs_area(np.repeat(truth, row), np.repeat(score, row)) for row in weights]
    np.testing.assert_allclose(weighted_areas(truth, score, weights), expected, atol=1e-12)


def test_every_draw_holds_both_classes_and_women_are_drawn_whole() -> None:
    patient = np.array(["a", "a", "b", "c", "d", "d", "e"])
    truth = np.array([1.0, 1, 0, 0, 1, 0, 0])  # a: diseased only, d: both, the others not
    weights = np.concatenate(list(patient_weights(patient, truth, draws=200)))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 4] == weights[:, 5]).all()
    assert (weights[:, [0, 4]] == 1).all()  # alone in their strata
    assert (weights[:, [2, 3, 6]].sum(axis=1) == 3).all()
    assert {0, 1, 2, 3} == set(np.unique(weights[:, 2]))
    plain = np.concatenate(list(patient_weights(patient, draws=200)))
    assert (plain[:, [0, 2, 3, 4, 6]].sum(axis=1) == 5).all()


def test_blocks_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, score, patient = clustered(3)
    whole = drawn_areas(truth, score[None], patient, 50)
    monkeypatch.setattr("inference.training.statistics.bootstrap._BLOCK", 3 * len(truth))
    np.testing.assert_array_equal(drawn_areas(truth, score[None], patient, 50), whole)


def test_bootstrap_interval_is_that_of_a_plain_loop_over_women() -> None:
    truth, score, patient = clustered(4)
    found = area_with_interval(truth, score, patient, draws=4000)
    assert found is not None
    kind = {w: (truth[patient == w].max(), truth[patient == w].min()) for w in np.unique(patient)}
    strata = [[w for w in kind if kind[w] == each] for each in sorted(set(kind.values()))]
    rng, drawn = np.random.default_rng(9), []
    for _ in range(1000):
        women = [w for stratum in strata for w in rng.choice(stratum, len(stratum))]
        rows = np.concatenate([np.flatnonzero(patient == w) for w in women])
        drawn.append(area(truth[rows], score[rows]))
    assert (found.low, found.high) == pytest.approx(np.percentile(drawn, (2.5, 97.5)), abs=0.015)
    assert found.value == area(truth, score)
    assert (found.positive, found.negative) == (truth.sum(), (1 - truth).sum())
    assert found == area_with_interval(truth, score, patient, draws=4000)
    assert found != area_with_interval(truth, score, patient, draws=4000, seed=1)


def test_perfect_and_impossible_areas() -> None:
    truth, score = np.tile([0.0, 1], 50), np.tile([0.2, 0.7], 50)
    found = area_with_interval(truth, score, np.arange(100).astype(str))
    assert found is not None
    assert (found.value, found.low, found.high, found.positive, found.negative) == (1, 1, 1, 50, 50)
    assert found.as_dict() == {"auc": 1.0, "interval_95": [1.0, 1.0], "n_positive": 50, "n_negative": 50}
    assert area_with_interval(np.zeros(3), np.arange(3.0), np.array(["a", "b", "c"])) is None
    assert area_delong(np.zeros(3), np.arange(3.0)) is None
    assert area_delong(np.array([0.0, 1, 1]), np.arange(3.0)) is None  # one healthy case tells no variance


def test_delong_of_the_ct_ratings_is_what_stata_prints() -> None:
    # Ratings of Hanley and McNeil, Radiology 1982;143:29, table I; `roctab` gives 0.8932 (0.0307), 0.83295 to 0.95339.
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    score = np.concatenate([np.repeat(np.arange(1.0, 6), normal), np.repeat(np.arange(1.0, 6), abnormal)])
    truth = np.repeat([0.0, 1.0], (sum(normal), sum(abnormal)))
    found = area_delong(truth, score)
    assert found is not None
    assert found.value == pytest.approx(0.8932, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((0.83295, 0.95339), abs=6e-6)
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(0.0307, abs=5e-5)


def test_delong_of_the_ovarian_data_by_definition() -> None:
    truth, scores = ovarian()
    areas, covariance = areas_and_covariance(truth, scores)
    np.testing.assert_allclose(areas, [pairs_area(truth, score) for score in scores], atol=1e-12)
    np.testing.assert_allclose(covariance, covariance_by_definition(truth, scores), atol=1e-12)
    assert areas == pytest.approx([0.7258, 0.7366, 0.6478], abs=5e-5)
    assert np.sqrt(np.diag(covariance)) == pytest.approx([0.1028, 0.0927, 0.1000], abs=5e-5)


def test_delong_test_of_two_correlated_curves() -> None:
    truth, scores = ovarian()
    found = difference_delong(np.append(truth, NAN), np.append(scores[2], 1), np.append(scores[0], 9))
    covariance = covariance_by_definition(truth, scores)
    error = np.sqrt(covariance[2, 2] + covariance[0, 0] - 2 * covariance[0, 2])
    assert found is not None
    assert found.value == pytest.approx(-0.0780, abs=5e-5)
    assert (found.high - found.low) / 2 / 1.959964 == pytest.approx(error, rel=1e-6)
    # χ² with one degree of freedom is (−0.0780 / 0.1046)² = 0.555: p = 0.456 in every table.
    assert found.p == pytest.approx(0.456, abs=1e-3)
    assert found.as_dict()["method"] == "DeLong"


def test_equal_models_do_not_differ_and_one_class_gives_no_test() -> None:
    truth, score, patient = clustered(5)
    same = difference_delong(truth, score, 2 * score, patient)
    assert same is not None
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1)
    drawn = difference_bootstrap(truth, score, 2 * score, patient, 100)
    assert drawn is not None
    assert (drawn.low, drawn.high, drawn.p) == (0, 0, 1)
    separated = difference_delong(np.array([0.0, 0, 1, 1]), np.arange(4.0), -np.arange(4.0))
    assert separated is not None
    assert np.isnan(separated.p)
    assert separated.as_dict()["p"] is None
    assert difference_delong(np.ones(4), np.arange(4.0), np.arange(4.0)) is None
    assert difference_bootstrap(np.ones(4), np.arange(4.0), np.arange(4.0), np.arange(4)) is None


def test_paired_bootstrap_agrees_with_clustered_delong() -> None:
    truth, score, patient = clustered(6, women=150)
    worse = score + 0.8 * np.random.default_rng(1).normal(size=len(score))
    by_delong = difference_delong(truth, score, worse, patient)
    by_bootstrap = difference_bootstrap(truth, score, worse, patient, 4000)
    assert by_delong is not None
    assert by_bootstrap is not None
    assert by_bootstrap.value == pytest.approx(by_delong.value, abs=1e-12)
    assert (by_bootstrap.low, by_bootstrap.high) == pytest.approx((by_delong.low, by_delong.high), abs=0.01)
    assert by_bootstrap.p == pytest.approx(by_delong.p, abs=0.03)


def test_error_of_clustered_delong_is_the_spread_of_repeated_studies() -> None:
    values, errors, naive = [], [], []
    for seed in range(400):
        truth, score, patient = clustered(1000 + seed)
        areas, covariance = areas_and_covariance(truth, score[None], patient)
        values.append(areas[0])
        errors.append(covariance[0, 0])
        naive.append(areas_and_covariance(truth, score[None])[1][0, 0])
    spread = np.std(values, ddof=1)
    assert np.sqrt(np.mean(errors)) == pytest.approx(spread, rel=0.1)  # 3.5 % is the error of a SD of 400
    assert abs(np.sqrt(np.mean(naive)) / spread - 1) > 0.1  # cases taken for independent are not


def test_interval_of_a_median_over_patients() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(200), 3)
    values = np.repeat(rng.normal(size=200), 3)
    low, high = interval_over_patients(values, patient, draws=2000)
    # Median of 200 normals: 1.2533 / √200 = 0.0886; the threefold copies are worth nothing.
    assert high - low == pytest.approx(2 * 1.96 * 0.0886, rel=0.25)
    assert low < np.median(values) < high
    means = interval_over_patients(values, patient, lambda drawn: float(drawn.mean()), draws=2000)
    assert means[1] - means[0] == pytest.approx(2 * 1.96 * values.std() / np.sqrt(200), rel=0.05)
