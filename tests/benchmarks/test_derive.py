"""Subtraction of a 512×512×60 pair, next to the plain way in double precision."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pytest

from app.studies.derive import subtract
from app.studies.load import LoadedStack
from app.studies.study import Frame, Stack
from viewer.presentation import Presentation, Window

SHAPE = (60, 512, 512)


def _phase(seed: int) -> LoadedStack:
    array = np.random.default_rng(seed).integers(0, 4096, SHAPE, dtype=np.uint16)
    frames = tuple(Frame(Path("x"), k, f"x.{k}") for k in range(SHAPE[0]))
    volume = highdicom.Volume(array, np.eye(4), coordinate_system="PATIENT", frame_of_reference_uid="1.2")
    stack = Stack("x", "x", frames, *SHAPE[1:], "1.2")
    return LoadedStack(stack, volume, Presentation((Window(2048, 4096),)), True, True, None, {})


@pytest.mark.benchmark(group="subtraction, 512×512×60")
def test_subtraction(benchmark: pytest.FixtureRequest) -> None:
    """Exact int16 difference, grid check, padding and window; ready to be shown."""
    made = benchmark(subtract, _phase(1), _phase(2), "x")
    assert made.volume.array.dtype == np.int16


@pytest.mark.benchmark(group="subtraction, 512×512×60")
def test_plain_subtraction(benchmark: pytest.FixtureRequest) -> None:
    """The difference in double precision with a percentile of all of it."""
    post, pre = (np.asarray(_phase(seed).volume.array) for seed in (1, 2))

    def plain() -> tuple[np.ndarray, float]:
        difference = post.astype(np.float64) - pre.astype(np.float64)
        return difference, float(np.percentile(difference[difference > 0], 99.95))

    assert benchmark.pedantic(plain, rounds=5)[0].shape == SHAPE
