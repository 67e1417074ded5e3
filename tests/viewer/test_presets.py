"""Presets: windows from the pixels on show, checked against numpy; the way back to the file's own."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.presentation import Padding, Presentation, VoiFunction, Window
from viewer.presets import BY_NAME, with_preset
from viewer.windowing import render_grey

FILE = Presentation((Window(500.0, 400.0), Window(300.0, 200.0)), chosen=1)
VALUES = np.random.default_rng(3).integers(0, 1000, (64, 64)).astype(np.int16)


@pytest.mark.parametrize(("name", "low", "high"), [("full", 0, 100), ("wide", 0.5, 99.5), ("tight", 1, 99)])
def test_a_computed_preset_spans_its_percentiles(name: str, low: float, high: float) -> None:
    window = with_preset(FILE, name, VALUES).voi
    assert isinstance(window, Window)
    edges = np.percentile(VALUES, (low, high))
    np.testing.assert_allclose((window.center - window.width / 2, window.center + window.width / 2), edges)
    assert (window.origin, window.function) == ("preset", VoiFunction.LINEAR_EXACT)


def test_padding_is_no_part_of_a_preset() -> None:
    padded = VALUES.copy()
    padded[:, :32] = -2000
    presentation = Presentation(FILE.vois, padding=Padding(-2000, -2000))
    window = with_preset(presentation, "full", padded).voi
    assert isinstance(window, Window)
    assert window.center - window.width / 2 == padded[:, 32:].min()


@pytest.mark.parametrize("invert", [False, True])
def test_brighter_and_darker_are_a_pair_that_keeps_black_black(invert: bool) -> None:
    start = Presentation((Window(500.0, 400.0, VoiFunction.LINEAR_EXACT),), invert=invert)
    mean = lambda presentation: float(render_grey(VALUES, presentation).mean())  # noqa: E731
    brighter, darker = (with_preset(start, name, VALUES) for name in ("brighter", "darker"))
    assert mean(darker) < mean(start) < mean(brighter)
    black = np.array([[700 if invert else 300]], np.int16)
    assert render_grey(black, brighter) == render_grey(black, darker) == 0
    back = with_preset(brighter, "darker", VALUES).voi
    assert isinstance(back, Window)
    assert (back.center, back.width) == pytest.approx((500.0, 400.0))


def test_a_preset_replaces_the_one_before_and_leaves_the_choices_of_the_file() -> None:
    presentation = FILE
    for name in BY_NAME:
        presentation = with_preset(presentation, name, VALUES)
    assert presentation.vois[:2] == FILE.vois
    assert [voi.origin for voi in presentation.vois] == ["file", "file", "preset"]
