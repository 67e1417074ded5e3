"""Reliability, calibration error, temperature scaling and the plot."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from inference.training.statistics.calibration import calibration, reliability
from inference.training.statistics.reliability_plot import reliability_svg
from inference.training.statistics.temperature import TEMPERATURES, fit_temperature, logit, scaled, temperature_scaling

NAN = float("nan")


def planted(temperature: float, cases: int = 20_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw truth from calibrated logits and return it with logits that are too large by a factor."""
    rng = np.random.default_rng(seed)
    honest = rng.normal(-0.5, 1.5, cases)
    return (rng.random(cases) < scaled(honest, 1.0)).astype(float), honest * temperature


def test_bins_and_errors_by_hand() -> None:
    truth = np.array([0.0, 1, 1, 1, NAN])
    p = np.array([0.1, 0.3, 0.6, 0.8, 0.9])
    found = calibration(truth, p, bins=2)
    assert [(b.low, b.high, b.observed.hits, b.observed.total) for b in found.bins] == [
        (0.1, 0.3, 1, 2),
        (0.6, 0.8, 2, 2),
    ]
    assert [b.mean for b in found.bins] == pytest.approx([0.2, 0.7])
    assert found.error == pytest.approx(0.5 * 0.3 + 0.5 * 0.3)
    assert found.brier == pytest.approx((0.01 + 0.49 + 0.16 + 0.04) / 4)
    assert found.log_loss == pytest.approx(-np.log([0.9, 0.3, 0.6, 0.8]).mean())
    assert [b["observed"]["hits"] for b in found.as_dict()["bins"]] == [1, 2]


def test_bins_are_equally_full_and_equal_probabilities_stay_together() -> None:
    p = np.random.default_rng(0).random(1003)
    counts = [b.observed.total for b in reliability(np.zeros(1003), p)]
    assert len(counts) == 10
    assert set(counts) <= {100, 101}
    tied = reliability(np.tile([0.0, 1], 50), np.repeat([0.2, 0.9], (90, 10)))
    assert [(b.low, b.high, b.observed.total) for b in tied] == [(0.2, 0.2, 90), (0.9, 0.9, 10)]
    assert reliability(np.array([NAN]), np.array([0.5])) == ()
    with pytest.raises(ValueError, match="known truth"):
        calibration(np.array([NAN]), np.array([0.5]))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_a_planted_temperature_is_found(temperature: float) -> None:
    truth, logits = planted(temperature)
    assert fit_temperature(truth, logits) == pytest.approx(temperature, rel=0.05)


def test_the_fit_is_the_least_of_a_fine_grid_and_ends_at_bounds_for_a_separable_set() -> None:
    truth, logits = planted(3.0, cases=300)
    found = fit_temperature(np.append(truth, NAN), np.append(logits, 7.0))
    grid = np.linspace(0.5 * found, 2 * found, 3001)
    p = [np.clip(scaled(logits, t), 1e-15, 1 - 1e-15) for t in grid]
    losses = [-(truth * np.log(q) + (1 - truth) * np.log(1 - q)).mean() for q in p]
    assert found == pytest.approx(grid[int(np.argmin(losses))], abs=2 * (grid[1] - grid[0]))
    assert fit_temperature(np.array([0.0, 1]), np.array([-1.0, 1])) == pytest.approx(TEMPERATURES[0], rel=0.2)
    assert fit_temperature(np.array([1.0, 0]), np.array([-1.0, 1])) == pytest.approx(TEMPERATURES[1], rel=0.2)


def test_scaling_improves_what_it_was_not_fitted_to_and_keeps_the_order() -> None:
    truth, logits = planted(2.5, cases=3000)
    found = temperature_scaling(truth, logits, np.arange(3000) // 2)
    assert found.temperature == pytest.approx(2.5, rel=0.1)
    assert found.after.error < 0.4 * found.before.error
    assert found.after.brier < found.before.brier
    assert found.after.log_loss < found.before.log_loss
    assert found.before.error == calibration(truth, scaled(logits, 1.0)).error
    assert (np.argsort(scaled(logits, found.temperature)) == np.argsort(logits)).all()
    assert set(found.as_dict()) == {"temperature", "before", "after"}


def test_temperatures_of_a_fold_come_from_other_patients(monkeypatch: pytest.MonkeyPatch) -> None:
    truth, logits = planted(2.0, cases=200)
    patient, seen = np.arange(200) // 4, []

    def spy(some_truth: np.ndarray, some_logits: np.ndarray) -> float:
        seen.append({int(patient[np.flatnonzero(logits == value)[0]]) for value in some_logits})
        return 1.0

    monkeypatch.setattr("inference.training.statistics.temperature.fit_temperature", spy)
    temperature_scaling(truth, logits, patient)
    *folds, everything = seen
    held_out = [everything - part for part in folds]
    assert len(folds) == 5
    assert sum(len(part) for part in held_out) == len(everything) == 50
    assert set().union(*held_out) == everything


def test_logits_of_saturated_probabilities_are_finite() -> None:
    assert np.isfinite(logit(np.array([0.0, 1.0]))).all()
    p = np.array([0.01, 0.5, 0.93])
    np.testing.assert_allclose(scaled(logit(p), 1.0), p, rtol=1e-12)
    assert scaled(np.array([-1000.0, 1000.0]), 1.0).tolist() == [0, 1]


def test_the_plot_is_an_image_with_a_mark_for_every_bin_at_its_place() -> None:
    truth, logits = planted(2.0, cases=500)
    before, after = calibration(truth, scaled(logits, 1.0)), calibration(truth, scaled(logits, 2.0))
    root = ElementTree.fromstring(reliability_svg(after, before, "Masses <5 mm & more"))
    svg = "{http://www.w3.org/2000/svg}"
    circles = list(root.iter(f"{svg}circle"))
    assert len(circles) == len(before.bins) + len(after.bins) == 20
    lowest = next(c for c in circles if c.get("fill") != "none")
    frame = root.findall(f"{svg}rect")[1]
    left, top, side = (float(frame.get(name, "")) for name in ("x", "y", "width"))
    assert (float(lowest.get("cx", "")) - left) / side == pytest.approx(after.bins[0].mean, abs=1e-3)
    assert 1 - (float(lowest.get("cy", "")) - top) / side == pytest.approx(after.bins[0].observed.value, abs=1e-3)
    words = " ".join(root.itertext())
    assert "Masses <5 mm & more" in words
    assert "500 cases" in words
