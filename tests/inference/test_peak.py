"""Where a map is largest."""

from __future__ import annotations

import numpy as np

from inference.peak import peak_index


def test_one_maximum_among_cells_that_were_not_read():
    values = np.full((2, 3, 4), np.nan)
    values[1, 2, 0], values[0, 0, 3] = 0.7, 0.2
    assert peak_index(values) == (1, 2, 0)


def test_the_middle_of_a_plateau():
    values = np.zeros((9, 9))
    values[2:7, 1:6] = 0.5
    assert peak_index(values) == (4, 3)


def test_of_two_plateaus_one_is_taken_not_the_place_between_them():
    values = np.zeros((1, 3, 11))
    values[0, :, :3] = values[0, :, 8:] = 1.0
    assert peak_index(values) == (0, 1, 1)
