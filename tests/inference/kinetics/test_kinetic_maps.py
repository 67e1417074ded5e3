"""Maps, classes and reports against a plain per-voxel oracle, analytic curves, and millilitres of oblique grids."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from highdicom import Volume
from hypothesis import given, settings
from hypothesis import strategies as st

from inference import kinetics
from inference.kinetics import KineticClass, KineticsError, KineticSettings, Noise, Phases, Region, time_base
from inference.phantoms.kinetics import curve_type
from inference.progress import Cancelled, Progress

QUIET = Noise(0.0, 0.0)
CLOCK = (0.0, 1371.0, 1461.0, 1551.0, 1641.0)  # duke-153's kind: 23 minutes before the first pass


def volume(array: np.ndarray, affine: np.ndarray | None = None, frame: str = "1.2.3") -> Volume:
    return Volume(
        array, np.eye(4) if affine is None else affine, coordinate_system="PATIENT", frame_of_reference_uid=frame
    )


def phases(arrays: Sequence[np.ndarray], clock: Sequence[float | None] = CLOCK, **kwargs: object) -> Phases:
    timing = time_base(clock[: len(arrays)], 0)
    return Phases(tuple(volume(array, **kwargs) for array in arrays), timing)  # type: ignore[arg-type]


def one_curve(*signals: float) -> Phases:
    return phases([np.full((1, 1, 1), signal, np.float32) for signal in signals])


def classes_of(made: Phases, **changes: object) -> np.ndarray:
    return kinetics.classify(kinetics.compute(made, QUIET), KineticSettings(**changes))  # type: ignore[arg-type]


def oracle(values: Sequence[float], peak: float, change: float, floor: float) -> tuple[int, float, float, float]:
    """Class, initial and highest enhancement, delayed change of one voxel; posts at 45, 135, 225, 315 s."""
    pre, posts = float(values[0]), [float(v) for v in values[1:]]
    if not pre > max(floor, 0) or not math.isfinite(pre) or any(not math.isfinite(v) or v <= 0 for v in posts):
        return 0, math.nan, math.nan, math.nan
    initial = (posts[0] - pre) * 100 / pre
    delayed = (posts[-1] - posts[0]) * 100 / posts[0]
    kind = 0
    if initial >= peak and max(posts) > pre:
        kind = 1 if delayed > change else 3 if delayed < -change else 2
    return kind, initial, (max(posts) - pre) * 100 / pre, delayed


@given(st.integers(0, 2**32 - 1), st.sampled_from([50.0, 80.0, 100.0]), st.sampled_from([5.0, 10.0, 15.0]))
@settings(max_examples=25, deadline=None)
def test_maps_and_classes_equal_a_plain_loop(seed: int, peak: float, change: float) -> None:
    rng = np.random.default_rng(seed)
    arrays = [rng.integers(-5, 60, (3, 4, 5)).astype(np.float32) * (1 + (n > 0)) for n in range(5)]
    for array in arrays:
        array[rng.random(array.shape) < 0.05] = rng.choice([np.nan, np.inf, -np.inf, 0.0])
    maps = kinetics.compute(phases(arrays), Noise(0.0, 6.0))
    found = kinetics.classify(maps, KineticSettings(peak, change))
    for index in np.ndindex(3, 4, 5):
        kind, initial, highest, delayed = oracle([a[index] for a in arrays], peak, change, 6.0)
        assert found[index] == kind
        got = [maps.initial[index], maps.highest[index], maps.change[index]]
        np.testing.assert_allclose(got, [initial, highest, delayed], rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(
    ("signals", "expected"),
    [
        ((100, 200, 210, 215, 221), KineticClass.PERSISTENT),
        ((100, 200, 210, 215, 220), KineticClass.PLATEAU),  # exactly +10 %
        ((100, 200, 190, 185, 180), KineticClass.PLATEAU),  # exactly -10 %
        ((100, 200, 190, 185, 179), KineticClass.WASHOUT),
        ((100, 150, 150, 150, 150), KineticClass.PLATEAU),  # exactly 50 %
        ((100, 149, 150, 150, 150), KineticClass.NONE),
        ((0, 200, 200, 200, 200), KineticClass.NONE),  # nothing to take per cent of
    ],
)
def test_boundaries_belong_to_plateau_and_to_the_classified(signals: tuple[float, ...], expected: KineticClass) -> None:
    made = one_curve(*signals)
    assert classes_of(made).item() == expected
    curve = kinetics.curve_of(made, Region("one", np.zeros((1, 3), int)), 0.0)
    assert curve.kind == expected


def test_types_agree_with_the_phantoms() -> None:
    rng = np.random.default_rng(5)
    times = (45.0, 135.0, 225.0, 315.0)
    for _ in range(200):
        posts = rng.uniform(160, 400, 4)
        expected = curve_type(100.0, posts.tolist(), times)
        assert KineticClass(classes_of(one_curve(100.0, *posts)).item()).name.lower() == expected


def test_initial_peak_is_the_largest_within_two_minutes() -> None:
    clock = (0.0, 100.0, 150.0, 200.0, 400.0)  # middles at 25, 75, 125, 325 s: two phases are initial
    made = phases([np.full((1, 1, 1), v, np.float32) for v in (100, 150, 250, 240, 200)], clock)
    assert made.timing.initial == (1, 2)
    maps = kinetics.compute(made, QUIET)
    assert maps.initial.item() == 150
    assert maps.change.item() == -20
    assert maps.initial_index.item() == 2
    np.testing.assert_allclose(kinetics.parameter_map(maps, "wash_in").array, 150 / 75, rtol=1e-6)
    np.testing.assert_allclose(kinetics.parameter_map(maps, "wash_out").array, 50 / (250 / 60), rtol=1e-5)
    np.testing.assert_allclose(kinetics.parameter_map(maps, "time_to_peak").array, 75)
    np.testing.assert_allclose(kinetics.parameter_map(maps, "ser").array, 1.5, rtol=1e-6)


def test_a_late_peak_is_seen_only_by_the_highest_gate() -> None:
    made = one_curve(100, 120, 160, 190, 220)
    assert classes_of(made).item() == KineticClass.NONE
    assert classes_of(made, gate="highest").item() == KineticClass.PERSISTENT


def test_noise_is_not_classified() -> None:
    made = one_curve(20, 32, 32, 32, 20)
    maps = kinetics.compute(made, Noise(6.0, 10.0))  # 12 above pre-contrast is less than three sigma of a difference
    assert maps.initial.item() == pytest.approx(60)
    assert kinetics.classify(maps, KineticSettings()).item() == 0
    assert np.isnan(kinetics.parameter_map(maps, "time_to_peak", KineticSettings()).array).all()


def test_noise_of_rayleigh_air_is_its_sigma() -> None:
    rng = np.random.default_rng(0)
    air = np.hypot(*rng.normal(0, 7.0, (2, 4, 128, 128)))
    air[:, :48, :48] = np.abs(rng.normal(300, 20, (4, 48, 48)))
    still = air.astype(np.int16)
    noise = kinetics.noise_of(phases([still] * 5))
    assert noise.sigma == pytest.approx(7.0, abs=1.0)
    assert noise.floor == pytest.approx(35.0, abs=5.0)
    assert kinetics.noise_of(phases([np.zeros((1, 4, 4), np.int16)] * 5)) == QUIET
    moving = [still + rng.normal(0, 12.0, still.shape) for _ in range(5)]  # parallel imaging: more noise inside
    assert kinetics.noise_of(phases(moving)).sigma == pytest.approx(12.0, abs=1.0)


OBLIQUE = np.array([[0.6, -0.48, 0.64, 5], [0.8, 0.36, -0.48, -9], [0.0, 0.8, 0.6, 3], [0, 0, 0, 1.0]])


def test_millilitres_of_an_oblique_anisotropic_grid() -> None:
    affine = OBLIQUE @ np.diag([3.0, 0.5, 0.8, 1.0])
    rng = np.random.default_rng(2)
    kinds = rng.integers(0, 4, (6, 7, 8))
    last = np.choose(kinds, [100, 300, 200, 100]).astype(np.int16)
    arrays = [np.full(kinds.shape, 100, np.int16), np.where(kinds == 0, 100, 200).astype(np.int16)]
    made = phases([*arrays, arrays[1], arrays[1], last], affine=affine)
    maps, limits = kinetics.compute(made, QUIET), KineticSettings()
    found = kinetics.classify(maps, limits)
    np.testing.assert_array_equal(found, kinds)
    report = kinetics.report_of(maps, found, limits)
    assert maps.voxel_ml == pytest.approx(3.0 * 0.5 * 0.8 / 1000)
    for kind in KineticClass:
        assert report.ml(kind) == pytest.approx((kinds == kind).sum() * 0.0012)
    assert sum(report.percent(kind) for kind in KineticClass if kind) == pytest.approx(100)
    volume_back = maps.volume(found)
    np.testing.assert_allclose(volume_back.affine, affine)


def test_worst_curve_needs_a_cluster() -> None:
    last = np.full((3, 6, 6), 200, np.int16)
    last[1, 1, 1] = last[2, 4, 4] = last[0, 5, 0] = 100  # three single voxels
    last[0, 0, 2:5] = 240
    arrays = [np.full(last.shape, v, np.int16) for v in (100, 200, 200, 200)]
    maps = kinetics.compute(phases([*arrays, last]), QUIET)
    limits = KineticSettings()
    found = kinetics.classify(maps, limits)
    assert kinetics.report_of(maps, found, limits).worst is KineticClass.PLATEAU
    alone = KineticSettings(cluster=1)
    assert kinetics.report_of(maps, found, alone).worst is KineticClass.WASHOUT
    assert kinetics.report_of(maps, found, limits).common is KineticClass.PLATEAU
    row = Region("row", np.array([(0, 0, i) for i in range(6)]))
    report = kinetics.report_of(maps, found, limits, row)
    assert report.worst is KineticClass.PERSISTENT  # of the three plateau voxels only two are joined
    assert report.voxels[KineticClass.PERSISTENT] == 3


def test_one_phase_after_contrast_has_no_type() -> None:
    made = phases([np.full((1, 2, 2), v, np.int16) for v in (100, 300)], (0.0, 60.0))
    maps = kinetics.compute(made, QUIET)
    assert not kinetics.classify(maps, KineticSettings()).any()
    assert np.isnan(maps.change).all()
    with pytest.raises(KineticsError, match="at least two phases"):
        kinetics.parameter_map(maps, "ser")


def test_unknown_times_leave_no_slopes() -> None:
    made = phases([np.full((1, 1, 1), v, np.int16) for v in (100, 200, 100)], (None, None, None))
    maps = kinetics.compute(made, QUIET)
    assert kinetics.classify(maps, KineticSettings()).item() == KineticClass.WASHOUT
    for name in ("wash_in", "wash_out", "time_to_peak"):
        with pytest.raises(KineticsError, match="not known"):
            kinetics.parameter_map(maps, name)
    assert kinetics.parameter_map(maps, "peak_enhancement").array.item() == 100
    with pytest.raises(KineticsError, match="no kinetic map"):
        kinetics.parameter_map(maps, "ktrans")


def test_other_grids_are_refused() -> None:
    first, moved = np.ones((2, 3, 4)), np.eye(4)
    moved[2, 3] = 2.0
    timing = time_base((0.0, 60.0), 0)
    with pytest.raises(KineticsError, match=r"2\.0 mm apart"):
        Phases((volume(first), volume(first, moved)), timing)
    with pytest.raises(KineticsError, match="number of slices"):
        Phases((volume(first), volume(first[:1])), timing)
    with pytest.raises(KineticsError, match="positioned anew"):
        Phases((volume(first), volume(first, frame="1.2.4")), timing)


def test_it_can_be_cancelled() -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        kinetics.compute(phases([np.ones((4, 2, 2), np.int16)] * 3), QUIET, progress)


@pytest.mark.parametrize("values", [{"peak_percent": 0}, {"change_percent": 100}, {"cluster": 0}])
def test_senseless_thresholds_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(KineticsError):
        KineticSettings(**values)  # type: ignore[arg-type]
