"""Kinetic maps of 5 × 512×512×60 int16, next to whole-array numpy and to a per-voxel loop (a part, scaled)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from highdicom import Volume

from inference import kinetics
from inference.kinetics import KineticSettings, Noise, Phases, time_base
from inference.kinetics.region import neighbourhood

SHAPE = (60, 512, 512)
GROUP = "kinetic maps, 5 × 512×512×60"
LOOP_VOXELS = 20_000
NOISE = Noise(5.0, 25.0)


@pytest.fixture(scope="module")
def phases() -> Phases:
    rng = np.random.default_rng(0)
    pre = rng.integers(10, 150, SHAPE).astype(np.int16)
    volumes = [pre] + [
        (pre * rng.uniform(1.0, 3.0, (60, 1, 512)).astype(np.float32)).astype(np.int16) for _ in range(4)
    ]
    affine = np.diag([1.0, 1.0, 1.0, 1.0])
    made = tuple(Volume(v, affine, coordinate_system="PATIENT", frame_of_reference_uid="1.2.3") for v in volumes)
    return Phases(made, time_base((0.0, 600.0, 690.0, 780.0, 870.0), 0))


@pytest.mark.benchmark(group=GROUP)
def test_maps_and_classes(benchmark: pytest.FixtureRequest, phases: Phases) -> None:
    def whole() -> np.ndarray:  # with the noise of the series, as the program does it
        return kinetics.classify(kinetics.compute(phases), KineticSettings())

    assert benchmark.pedantic(whole, rounds=5, warmup_rounds=1).any()


@pytest.mark.benchmark(group="kinetic classes at another threshold, 512×512×60")
def test_another_threshold(benchmark: pytest.FixtureRequest, phases: Phases) -> None:
    maps = kinetics.compute(phases, NOISE)
    assert benchmark.pedantic(kinetics.classify, args=(maps, KineticSettings(80.0)), rounds=10).any()


@pytest.mark.benchmark(group="live curve, 3 × 3 × 3 voxels of 5 × 512×512×60")
def test_live_curve(benchmark: pytest.FixtureRequest, phases: Phases) -> None:
    def curve() -> kinetics.Curve:
        return kinetics.curve_of(phases, neighbourhood(phases.pre, (30.0, 200.0, 200.0), 3, 3), NOISE.floor)

    assert benchmark(curve).voxels == 27


@pytest.mark.benchmark(group=GROUP)
def test_whole_array_numpy(benchmark: pytest.FixtureRequest, phases: Phases) -> None:
    def plain() -> np.ndarray:
        signals = np.stack([volume.array for volume in phases.volumes]).astype(np.float32)
        pre, posts = signals[0], signals[1:]
        with np.errstate(all="ignore"):
            initial, highest = (posts[0] - pre) * 100 / pre, (posts.max(axis=0) - pre) * 100 / pre
            change = (posts[-1] - posts[0]) * 100 / posts[0]
        posts.argmax(axis=0)
        undefined = ~((pre > NOISE.floor) & (posts.min(axis=0) > 0))
        for array in (initial, highest, change):
            array[undefined] = np.nan
        kind = np.where(change > 10, 1, np.where(change < -10, 3, 2))
        return np.where(initial >= 50, kind, 0).astype(np.uint8)

    assert benchmark.pedantic(plain, rounds=3).any()


@pytest.mark.benchmark(group=f"per-voxel loop, {LOOP_VOXELS} voxels (the whole volume has {math.prod(SHAPE)})")
def test_per_voxel_loop(benchmark: pytest.FixtureRequest, phases: Phases) -> None:
    part = np.stack([v.array.reshape(-1)[:LOOP_VOXELS] for v in phases.volumes])

    def loop() -> list[int]:
        kinds = []
        for n in range(LOOP_VOXELS):
            pre, *posts = (float(v) for v in part[:, n])
            kind = 0
            if pre > NOISE.floor and min(posts) > 0 and (posts[0] - pre) * 100 / pre >= 50:
                change = (posts[-1] - posts[0]) * 100 / posts[0]
                kind = 1 if change > 10 else 3 if change < -10 else 2
                int(np.argmax(posts))
            kinds.append(kind)
        return kinds

    result = benchmark.pedantic(loop, rounds=3)
    assert len(result) == LOOP_VOXELS
    benchmark.extra_info["scaled_to_volume"] = math.prod(SHAPE) / LOOP_VOXELS  # type: ignore[attr-defined]
