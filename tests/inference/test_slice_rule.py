"""The rules of a tumour's mask in one slice: a share of the maximum, joined to the maximum or to what is near it."""

from __future__ import annotations

import numpy as np
import pytest

from inference.slice_rule import FRACTIONS, in_words, slice_mask


def test_only_what_is_joined_to_the_maximum_stays() -> None:
    probability = np.array(
        [
            [0.9, 0.5, 0.0, 0.6],
            [0.0, 0.0, 0.6, 0.6],
            [0.0, 0.55, 0.0, 0.0],
            [0.8, 0.0, 0.0, 0.0],
        ]
    )
    # from 0.54: the corner at 0.9 touches nothing that large; 0.6, 0.55 and 0.8 hang together but without the maximum
    assert slice_mask(probability).sum() == 1
    assert slice_mask(probability, 0.5).sum() == 7  # 0.5 at (0, 1) touches 0.6 at (1, 2) over a corner


def test_every_place_of_the_maximum_counts_and_the_whole_slice_at_a_small_share() -> None:
    two = np.zeros((3, 7))
    two[1, 1] = two[1, 5] = 0.4
    assert slice_mask(two).sum() == 2
    assert slice_mask(np.full((3, 3), 0.2), 0.6).all()


@pytest.mark.parametrize("empty", [np.zeros((4, 4)), np.full((4, 4), np.nan)])
def test_a_slice_without_probability_has_no_mask(empty: np.ndarray) -> None:
    assert not slice_mask(empty).any()


def test_what_was_not_read_is_not_in_the_mask() -> None:
    probability = np.full((3, 3), 0.5)
    probability[1, 1] = np.nan
    assert slice_mask(probability).sum() == 8


# -- the rule of the authors' code -------------------------------------------------------------------------------------

CODE = FRACTIONS["code"]


def slice_with(*pixels: tuple[int, int, float]) -> np.ndarray:
    """Return a slice of 64 × 64 pixels, 0 but for some."""
    probability = np.zeros((64, 64), np.float32)
    for row, column, value in pixels:
        probability[row, column] = value
    return probability


def test_the_codes_share_is_one_half() -> None:
    assert FRACTIONS == {"paper": 0.6, "code": 0.5}


def test_what_lies_within_ten_pixels_of_the_maximum_stays_though_not_joined_to_it() -> None:
    # distances of 6·√2 = 8.5, exactly 10 and √(8² + 7²) = 10.6 pixels
    probability = slice_with((30, 30, 0.8), (36, 36, 0.5), (30, 20, 0.5), (22, 37, 0.5))
    expected = slice_with((30, 30, 1), (36, 36, 1), (30, 20, 1)) > 0
    np.testing.assert_array_equal(slice_mask(probability, CODE, "code"), expected)
    assert slice_mask(probability, CODE, "paper").sum() == 1


def test_a_part_that_reaches_into_the_disc_stays_whole() -> None:
    probability = slice_with((30, 30, 0.8))
    probability[30, 39:60] = 0.41  # begins 9 pixels from the maximum and ends 29 from it
    assert slice_mask(probability, CODE, "code").sum() == 22
    assert slice_mask(probability, 0.6, "code").sum() == 1  # 0.41 is less than 0.48


def test_pixels_above_095_of_the_maximum_have_discs_of_their_own() -> None:
    far, near = (20, 45, 0.77), (50, 20, 0.75)  # 0.76 is 0.95 of 0.8
    probability = slice_with((20, 20, 0.8), far, near)
    np.testing.assert_array_equal(slice_mask(probability, CODE, "code"), slice_with((20, 20, 1), far) > 0)


@pytest.mark.parametrize(("place", "found"), [((10, 10), True), ((53, 53), True), ((9, 30), False), ((30, 54), False)])
def test_within_ten_pixels_of_the_edges_nothing_is_a_seed(place: tuple[int, int], found: bool) -> None:
    probability = slice_with((*place, 0.8))
    assert slice_mask(probability, CODE, "code").any() == found
    assert slice_mask(probability, CODE, "paper").any()


def test_a_slice_above_the_threshold_throughout_has_no_mask_by_the_code() -> None:
    flat = np.full((64, 64), 0.4)
    flat[30, 30], flat[:, :5] = 0.5, np.nan
    assert not slice_mask(flat, CODE, "code").any()
    flat[60, 60] = 0.1
    assert slice_mask(flat, CODE, "code").sum() == 64 * 59 - 1


@pytest.mark.parametrize("empty", [np.zeros((4, 4)), np.full((4, 4), np.nan), np.eye(12)])
def test_an_empty_or_small_slice_has_no_mask_by_the_code(empty: np.ndarray) -> None:
    assert not slice_mask(empty, CODE, "code").any()


def test_words() -> None:
    assert in_words(0.6, "paper").endswith("60 % of its highest probability that are joined to it (the paper's rule)")
    assert "within 10 pixels of those above 95 %" in in_words(0.5, "code")
