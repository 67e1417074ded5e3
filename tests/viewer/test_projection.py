"""Projections through slabs, against plain numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viewer.planes import plane_of
from viewer.presentation import Padding
from viewer.projection import Projector, span_of
from viewer.reduction import spread
from viewer.slab import Slab

RNG = np.random.default_rng(3)
SPACING = (2.5, 0.7, 0.9)
PLAIN = {"max": np.max, "mean": np.mean, "min": np.min}


def affine(angles=(0, 0, 0)):
    matrix = np.eye(4)
    stored = np.array(((0, 0, 1), (0, 1, 0), (1, 0, 0)), float)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ stored @ np.diag(SPACING)
    return matrix


def thick(plane, array, index, thickness):
    """The displayed slices whose centres lie within half the thickness, by their distances in mm."""
    distances = np.abs(np.arange(plane.shape[0]) - index) * plane.step_mm
    return [plane.slice_of(array, k) for k in np.flatnonzero(distances <= thickness / 2 + 1e-6)]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, bool])
@pytest.mark.parametrize("mode", PLAIN)
@pytest.mark.parametrize("name", ["native", "axial", "sagittal", "coronal"])
def test_agrees_with_numpy_wherever_it_scrolls(dtype, mode, name):
    array = RNG.integers(0, 250, (9, 12, 10)).astype(dtype)
    plane = plane_of(array.shape, affine(), name)
    for thickness in (0.5, 3.0, 5.0, 12.6, math.inf):
        projector = Projector(array)  # one for all steps: what it keeps must not leak into the next
        for index in (*range(plane.shape[0]), 2, 5):
            shown = projector.values(plane, index, Slab(mode, thickness))
            slices = np.stack(thick(plane, array, index, thickness))
            if len(slices) == 1:
                assert np.array_equal(shown, slices[0])
            else:
                assert np.allclose(shown, PLAIN[mode](slices, axis=0), rtol=1e-6)
            assert shown.dtype == (np.float32 if mode == "mean" and len(slices) > 1 else array.dtype)


@pytest.mark.parametrize(("thickness", "span"), [(4.9, (5, 5)), (5.0, (4, 6)), (9.9, (4, 6)), (10, (3, 7))])
def test_slices_whose_centres_lie_within_half_the_thickness_belong_to_a_slab(thickness, span):
    assert span_of(plane_of((11, 5, 5), affine()), 5, Slab("max", thickness)) == span


def test_a_slab_is_cut_off_at_the_ends():
    plane = plane_of((11, 5, 5), affine())
    assert span_of(plane, 0, Slab("max", 10)) == (0, 2)
    assert span_of(plane, 10, Slab("max", 10)) == (8, 10)
    assert span_of(plane, 10, Slab("max")) == (0, 10)
    assert span_of(plane, 3, None) == (3, 3)


@pytest.mark.parametrize("mode", PLAIN)
def test_not_a_number_is_left_out(mode):
    array = RNG.random((9, 12, 10)).astype(np.float32)
    array[RNG.random(array.shape) < 0.4] = np.nan
    array[:, 0, 0] = np.nan
    plane = plane_of(array.shape, affine())
    projector = Projector(array)
    plain = {"max": np.nanmax, "mean": np.nanmean, "min": np.nanmin}[mode]
    for index in range(9):
        shown = projector.values(plane, index, Slab(mode, 10))
        block = array[max(0, index - 2) : index + 3]
        empty = np.isnan(block).all(axis=0)
        assert empty[0, 0]
        assert np.array_equal(np.isnan(shown), empty)
        assert np.allclose(shown[~empty], plain(block[:, ~empty], axis=0), rtol=1e-5)


@pytest.mark.parametrize("mode", PLAIN)
@pytest.mark.parametrize("value", [-2000, 3000])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_padding_is_left_out_whether_it_is_high_or_low(mode, value, dtype):
    array = RNG.integers(0, 1000, (9, 12, 10)).astype(dtype)
    array[RNG.random(array.shape) < 0.4] = value
    array[:, 0, 0] = value
    plane, projector = plane_of(array.shape, affine()), Projector(array, Padding(value, value))
    plain = {"max": np.ma.max, "mean": np.ma.mean, "min": np.ma.min}[mode]
    for index in (4, 5, 6, 8, 0):
        shown = projector.values(plane, index, Slab(mode, 10))
        block = np.ma.masked_equal(array[max(0, index - 2) : index + 3], value)
        assert np.allclose(shown, plain(block, axis=0).filled(value), rtol=1e-6)
        assert shown[0, 0] == value


@pytest.mark.parametrize("mode", PLAIN)
def test_a_resampled_slab_is_the_projection_of_its_slices_whether_at_once_or_in_pieces(mode):
    array = RNG.integers(0, 900, (9, 22, 20)).astype(np.int16)
    plane = plane_of(array.shape, affine((20, 30, 10)), "axial")
    index, slab = plane.shape[0] // 2, Slab(mode, 9)
    slices = np.stack(thick(plane, array, index, 9)).astype(np.float64)
    nothing = np.isnan(slices).all(axis=0)
    plain = {"max": np.nanmax, "mean": np.nanmean, "min": np.nanmin}[mode](slices[:, ~nothing], axis=0)
    in_pieces, rounds = Projector(array), 0
    while True:
        shown, missing = in_pieces.partial(plane, index, slab, 0.0)
        rounds += 1
        if not missing:
            break
        assert missing < len(slices)
    assert rounds == len(slices)
    for found in (shown, Projector(array).values(plane, index, slab)):
        assert np.array_equal(np.isnan(found), nothing)
        assert np.allclose(found[~nothing], plain, rtol=1e-5)


def test_a_slab_in_the_making_begins_with_slices_spread_over_it():
    order = spread((3, 90))
    assert sorted(order) == list(range(3, 91))
    assert np.diff(sorted(order[:5])).min() == 16


@pytest.mark.parametrize("mode", ["max", "min"])
@pytest.mark.parametrize("name", ["native", "sagittal", "coronal"])
def test_the_depth_of_a_pixel_is_where_its_extremum_lies(mode, name):
    array = RNG.permutation(9 * 12 * 10).reshape(9, 12, 10).astype(np.int16)
    plane = plane_of(array.shape, affine(), name)
    projector, index, slab = Projector(array), 4, Slab(mode, 11)
    first, last = span_of(plane, index, slab)
    shown = projector.values(plane, index, slab)
    for row, column in ((0, 0), (3, 7), (8, 2)):
        depth = projector.probe(plane, index, slab, (row, column))[0]
        assert first <= depth <= last
        assert plane.slice_of(array, depth)[row, column] == shown[row, column]
    assert projector.probe(plane, index, Slab("mean", 11), (1, 1))[0] == index


def test_the_depth_in_a_resampled_plane_is_that_of_a_planted_voxel():
    array = np.zeros((20, 40, 40), np.int16)
    array[6, 25, 12] = 500
    matrix = affine((20, 30, 10))
    plane = plane_of(array.shape, matrix, "sagittal")
    place = plane.to_index((matrix @ (6, 25, 12, 1.0))[:3])
    row, column = (round(float(value)) for value in place[1:])
    depth, value = Projector(array).probe(plane, plane.shape[0] // 2, Slab("max"), (row, column))
    assert value == pytest.approx(float(Projector(array).values(plane, 0, Slab("max"))[row, column]), rel=1e-3)
    assert abs(depth - place[0]) <= 1


def test_padding_is_never_the_depth_and_the_nearest_of_equals_is():
    array = np.zeros((9, 3, 3), np.int16)
    array[8] = 4000
    array[2] = array[6] = 7
    plane = plane_of(array.shape, affine())
    assert Projector(array, Padding(4000, 4000)).probe(plane, 5, Slab("max"), (1, 1))[0] == 6
    assert Projector(array).probe(plane, 5, Slab("max"), (1, 1))[0] == 8


def test_colour_is_not_projected():
    array = RNG.integers(0, 255, (5, 6, 7, 3)).astype(np.uint8)
    plane = plane_of(array.shape, affine())
    assert np.array_equal(Projector(array).values(plane, 2, Slab("max")), array[2])
