"""Time base: time counts from the first phase after contrast, never from pre-contrast."""

from __future__ import annotations

import pytest

from inference.kinetics import KineticsError, time_base

DUKE = (0.0, 1371.135, 1492.545, 1615.197, 1736.717)


def test_time_counts_from_the_first_phase_after_contrast() -> None:
    base = time_base(DUKE, 0)
    assert base.initial == (1,)
    assert base.delayed == 4
    assert base.times[0] == 0
    assert base.times[1] == pytest.approx(60.0)  # half of two minutes
    assert base.times[4] == pytest.approx(1736.717 - 1371.135 + 60)
    assert "start of the first phase after contrast" in base.basis
    assert base.warnings == ()


def test_pre_contrast_of_any_age_changes_nothing() -> None:
    late = time_base([0.0, *(t - 1300 for t in DUKE[1:])], 0)
    assert late.times == pytest.approx(time_base(DUKE, 0).times)


def test_injection_that_the_user_entered() -> None:
    base = time_base(DUKE, 0, 90.0)
    assert base.times[1] == pytest.approx(150.0)
    assert base.initial == (1,)
    assert "150 s" in base.warnings[0]
    assert "within two minutes" in base.warnings[0]
    assert "90 s before" in base.basis


def test_phases_before_pre_contrast_are_left_out() -> None:
    base = time_base((0.0, 60.0, 120.0, 180.0, 240.0), 1)
    assert base.shown == (1, 2, 3, 4)
    assert base.initial == (2, 3)  # middles at 30 and 90 s; the last phase is never initial
    assert base.times[2:] == (30.0, 90.0, 150.0)


@pytest.mark.parametrize("clock", [(None, None, None, None), (0.0, 60.0, None, 180.0), (0.0, 60.0, 60.0, 120.0)])
def test_unknown_or_equal_times_count_phases(clock: tuple[float | None, ...]) -> None:
    base = time_base(clock, 0)
    assert not base.known
    assert base.times == (0.0, 1.0, 2.0, 3.0)
    assert base.initial == (1,)
    assert base.warnings


def test_short_series_say_what_is_missing() -> None:
    assert "Only one phase" in time_base((0.0, 60.0), 0).warnings[0]
    assert time_base((0.0, 60.0), 0).delayed is None
    assert "within two minutes" in time_base((0.0, 60.0, 90.0, 120.0), 0).warnings[0]
    assert "Which phase is pre-contrast" in time_base((0.0, 60.0, 400.0), None).warnings[0]


@pytest.mark.parametrize(("clock", "pre"), [((0.0,), 0), ((0.0, 60.0), 1), ((), 0)])
def test_no_phase_after_contrast_is_an_error(clock: tuple[float, ...], pre: int) -> None:
    with pytest.raises(KineticsError, match="No phase comes after"):
        time_base(clock, pre)
