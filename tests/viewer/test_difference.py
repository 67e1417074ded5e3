"""The difference of two maps, against numpy and against functions of millimetres."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from viewer.difference import difference_of, subtracted
from viewer.layers.types import HeatmapLayer

RNG = np.random.default_rng(2)


def layer(make, array, matrix=None, frame="1.2.3", **parts):
    return HeatmapLayer("a", "One", make.volume(array.astype(np.float32), matrix, frame), "p", (0.0, 1.0), **parts)


def ramp(matrix, shape):
    """x + 2 y − 3 z in LPS mm at the voxel centres."""
    mm = matrix[:3, :3] @ np.indices(shape).reshape(3, -1) + matrix[:3, 3:]
    return (mm[0] + 2 * mm[1] - 3 * mm[2]).reshape(shape)


def test_on_one_grid_it_is_numpys(make):
    one, other = RNG.random((2, 3, 6, 7)).astype(np.float32)
    other[1, 2, 3] = one[0, 1, 1] = np.nan
    found = subtracted(make.volume(one), make.volume(other))
    assert np.array_equal(found, one - other, equal_nan=True)


def test_a_shifted_grid_is_sampled_through_its_affine_and_missing_where_it_does_not_reach(make):
    shape = (4, 8, 9)
    matrix, moved = make.affine((2, 1, 1)), make.affine((3, 1.5, 1.5), origin=(2.2, -1.1, 1.4))
    one, other = ramp(matrix, shape) + 5, ramp(moved, shape)
    found = subtracted(make.volume(one, matrix), make.volume(other, moved))
    places = np.linalg.inv(moved) @ matrix @ np.vstack([np.indices(shape).reshape(3, -1), np.ones(one.size)])
    last = np.array(shape)[:, None] - 1
    beyond = np.maximum(np.maximum(-places[:3], places[:3] - last), 0).max(axis=0).reshape(shape)
    assert np.allclose(found[beyond == 0], 5, atol=1e-4)
    assert np.isnan(found[beyond > 0.51]).all()
    assert (beyond == 0).sum() > 20
    assert (beyond > 0.51).sum() > 20


def test_a_whole_voxel_shift_is_numpys_too(make):
    array = RNG.random((3, 6, 7)).astype(np.float32)
    found = subtracted(make.volume(array), make.volume(array, make.affine(origin=(1, 0, 0))))  # one column to the left
    assert np.allclose(found[:, :, 1:], array[:, :, 1:] - array[:, :, :-1], atol=1e-6)
    assert np.isnan(found[:, :, 0]).all()


def test_the_layer_is_signed_and_symmetric(make):
    one = layer(make, RNG.random((2, 4, 4)), threshold=0.3, visible=False)
    other = replace(layer(make, RNG.random((2, 4, 4))), uid="b", title="Two", value_range=(-1.0, 2.0))
    found = difference_of(one, other)
    assert found.value_range == (-3.0, 3.0)
    assert (found.table, found.threshold, found.visible, found.title) == ("blue-orange", 0.0, True, "One − Two")
    assert np.allclose(found.volume.affine, one.volume.affine)
    assert found.volume.frame_of_reference_uid == one.volume.frame_of_reference_uid


@pytest.mark.parametrize("parts", [{"frame": "9.9"}, {"matrix": True}])
def test_maps_that_do_not_meet_have_no_difference(make, parts):
    if parts.get("matrix"):
        parts = {"matrix": make.affine(origin=(500, 0, 0))}
    assert difference_of(layer(make, np.ones((2, 4, 4))), layer(make, np.ones((2, 4, 4)), **parts)) is None


def test_maps_of_different_units_have_no_difference(make):
    one = layer(make, np.ones((2, 4, 4)))
    assert difference_of(one, replace(one, unit="%/min")) is None
