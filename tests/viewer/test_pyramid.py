"""Pyramid: levels equal block means computed directly, padding never bleeds, sampling hits the right pixels."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.presentation import Padding
from viewer.pyramid import Pyramid


def block_mean(values, size):
    rows, columns = values.shape[0] // size, values.shape[1] // size
    blocks = values[: rows * size, : columns * size].reshape(rows, size, columns, size, *values.shape[2:])
    return blocks.astype(float).mean(axis=(1, 3))


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "i4", "f4"])
def test_levels_are_block_means(dtype):
    values = np.random.default_rng(3).integers(0, 120, (64, 96)).astype(dtype)
    pyramid = Pyramid(values)
    for number in (1, 2, 3):
        error = np.abs(pyramid.level(number).astype(float) - block_mean(values, 2**number))
        assert error.max() <= (0.5 * number + 1e-3 if np.dtype(dtype).kind in "ui" else 1e-3)


def test_colour_levels_keep_their_channels_apart():
    values = np.zeros((8, 8, 3), np.uint8)
    values[..., 1] = 200
    assert np.array_equal(Pyramid(values).level(2), np.broadcast_to(np.array([0, 200, 0], np.uint8), (2, 2, 3)))


def test_odd_edges_are_repeated():
    values = np.arange(15, dtype=np.float32).reshape(3, 5)
    level = Pyramid(values).level(1)
    assert level.shape == (2, 3)
    assert level[1, 2] == values[2, 4]


def test_padding_is_left_out_of_every_mean():
    values = np.full((16, 16), 1000, np.int16)
    values[:, :5] = -2000
    values[3, 2] = -1990  # within the padding range
    pyramid = Pyramid(values, Padding(-2000, -1900))
    for number in (1, 2):
        level = pyramid.level(number)
        assert set(np.unique(level)) <= {-2000, *range(998, 1003)}
    sampled, share = pyramid.sample(np.array([[0.25, 0, -0.375], [0, 0.25, -0.375]]), (64, 64))
    assert share is not None
    tissue = sampled[share < 200]
    assert tissue.min() > 950
    assert tissue.max() < 1050


def test_identity_sampling_returns_the_values_themselves():
    values = np.random.default_rng(4).integers(0, 65535, (40, 50), dtype=np.uint16)
    for smooth in (True, False):
        sampled, share = Pyramid(values).sample(np.array([[1.0, 0, 7], [0, 1, 5]]), (30, 20), smooth=smooth)
        assert share is None
        assert np.array_equal(sampled, values[5:25, 7:37])


@pytest.mark.parametrize("ratio", [0.3, 1.0, 1.7, 2.0, 3.1, 6.5])
def test_a_ramp_is_sampled_in_the_right_place_at_every_zoom(ratio):
    rows, columns = np.mgrid[:400, :400].astype(np.float32)
    ramp = rows * 3 + columns
    start = 40.25
    sampled, _ = Pyramid(ramp).sample(np.array([[ratio, 0, start], [0, ratio, start]]), (30, 30))
    y, x = np.mgrid[:30, :30]
    expected = (start + y * ratio) * 3 + start + x * ratio
    assert np.abs(sampled - expected).max() < 0.1


def test_nearest_pixels_stay_plain():
    values = np.array([[0, 200], [50, 100]], np.uint8)
    sampled, _ = Pyramid(values).sample(np.array([[0.25, 0, -0.375], [0, 0.25, -0.375]]), (8, 8), smooth=False)
    assert np.array_equal(sampled, values.repeat(4, 0).repeat(4, 1))


def test_flipped_and_big_endian_slices_are_taken_as_they_are():
    values = np.arange(12, dtype=">u2").reshape(3, 4)[::-1, ::-1]
    assert np.array_equal(Pyramid(values).base, values)
