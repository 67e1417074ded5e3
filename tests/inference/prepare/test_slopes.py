"""Slopes of system 004 on ramps whose slopes are known."""

from __future__ import annotations

import numpy as np
import pytest

from inference.errors import EngineError, OutOfScopeError
from inference.prepare.slopes import PAUSE_S, Rule, channels, scale_of, slope, times_of, valid

SECONDS = (95.0, 170.0, 250.0, 410.0)  # irregular
SHAPE = (3, 4, 5)


def ramp(per_second: np.ndarray, offset: float = 500.0) -> list[np.ndarray]:
    return [offset + per_second * (at - SECONDS[0]) for at in SECONDS]


def test_slopes_of_ramps_are_recovered_per_second():
    wanted = np.linspace(-2.0, 1.5, 60).reshape(SHAPE)
    np.testing.assert_allclose(slope(ramp(wanted), SECONDS), wanted, atol=1e-4)
    times = times_of(SECONDS)
    found = channels(np.full(SHAPE, 310.0), ramp(wanted), times, scale=200.0)
    np.testing.assert_allclose(found[0], 500 / 200 / 40, rtol=1e-5)
    np.testing.assert_allclose(found[1], (500 - 310) / 95 / 200 / 0.3, rtol=1e-5)
    np.testing.assert_allclose(found[2], wanted / 200 / 0.12, atol=1e-5)
    assert found[2].min() < 0  # washout is not clipped
    assert found.dtype == np.float32


def test_per_minute_with_its_own_constants_is_the_same():
    rng = np.random.default_rng(1)
    posts = [rng.normal(300, 50, SHAPE) for _ in SECONDS]
    pre, times = rng.normal(200, 20, SHAPE), times_of(SECONDS)
    by_second = channels(pre, posts, times, 150.0)
    by_minute = channels(pre, posts, times, 150.0, Rule((40.0, 18.0, 7.2), per_minute=True))
    np.testing.assert_allclose(by_minute, by_second, rtol=1e-4, atol=1e-7)


def test_slope_is_least_squares_and_of_two_phases_their_quotient():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 10, (4, 7))
    np.testing.assert_allclose(slope(list(values), SECONDS), np.polyfit(SECONDS, values, 1)[0], atol=1e-5)
    np.testing.assert_allclose(slope(list(values[:2]), (10.0, 35.0)), (values[1] - values[0]) / 25, atol=1e-5)


def test_difference_as_in_the_paper():
    found = channels(np.full(SHAPE, 100.0), ramp(np.zeros(SHAPE)), times_of(SECONDS), 50.0, Rule(wash_in="difference"))
    np.testing.assert_allclose(found[1], 400 / 50 / 0.3, rtol=1e-5)


def test_padding_becomes_the_least_value():
    values = np.array([np.nan, 3.0, -2.0, np.inf])
    assert valid(values).tolist() == [-2.0, 3.0, -2.0, -2.0]
    assert valid(np.array([np.nan, np.nan])).tolist() == [0.0, 0.0]
    posts = [np.array([np.nan, 7.0, 9.0]) for _ in SECONDS]
    found = channels(np.array([1.0, 2.0, np.nan]), posts, times_of(SECONDS), 1.0, Rule((1.0, 1.0, 1.0)))
    assert np.isfinite(found).all()
    assert found[1].tolist() == pytest.approx([(7 - 1) / 95, (7 - 2) / 95, (9 - 1) / 95])


def test_scale_counts_air_and_not_padding():
    values = np.concatenate([np.zeros(900), np.arange(1, 101)])  # nine tenths air
    assert scale_of(values) == pytest.approx(np.percentile(values, 95)) == pytest.approx(50.05)
    assert scale_of(np.concatenate([values, [np.nan] * 500])) == pytest.approx(50.05)
    with pytest.raises(EngineError, match="padding"):
        scale_of(np.full(4, np.nan))
    with pytest.raises(EngineError, match="nothing can be scaled"):
        scale_of(np.zeros(100, np.int16))


def test_a_pause_before_contrast_is_not_the_uptake():
    paused = times_of((1380.0, 1470.0, 1565.0))
    assert paused.wash_in_s == 90.0
    assert "23 min before" in paused.warning
    assert "90 s" in paused.warning
    assert times_of((1380.0, 1470.0, 1565.0), pause_aware=False).wash_in_s == 1380.0
    usual = times_of((115.0, 180.0, 245.0))
    assert (usual.wash_in_s, usual.warning) == (115.0, "")
    assert times_of((240.0, 380.0)).wash_in_s == 240.0  # long passes, no pause
    assert times_of((400.0, 620.0, 840.0)).wash_in_s == 400.0  # very long passes, no pause either


@pytest.mark.parametrize("first", [121.0, 130.0, 150.0, 240.0, PAUSE_S])
def test_a_late_first_pass_is_no_pause(first: float) -> None:
    """SYSTEMS.md, system 004: slope1 = (T1c - T1) / Δt with the Δt that the study has."""
    times = times_of([first + 60.0 * number for number in range(4)])
    assert (times.wash_in_s, times.warning) == (first, "")
    late = times_of([PAUSE_S + 1 + 60.0 * number for number in range(4)])
    assert late.wash_in_s == 60.0
    assert "5 min are a pause" in late.warning


@pytest.mark.parametrize(
    ("seconds", "why"),
    [
        ((100.0, None), "not known"),
        ((100.0,), "only one phase after contrast"),
        ((100.0, 100.0), "do not increase"),
        ((-5.0, 100.0), "do not increase"),
    ],
)
def test_slopes_that_do_not_exist(seconds, why):
    with pytest.raises(OutOfScopeError, match=why) as caught:
        times_of(seconds)
    assert caught.value.hint
