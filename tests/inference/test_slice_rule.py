"""The rule of a tumour's mask in one slice: a share of the maximum, joined to the maximum over edges and corners."""

from __future__ import annotations

import numpy as np
import pytest

from inference.slice_rule import slice_mask


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
