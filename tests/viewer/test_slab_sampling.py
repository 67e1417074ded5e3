"""Layers through a slab: against the slices one by one, on grids of their own."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from viewer.planes import plane_of
from viewer.sampling import sample_map, sample_mask
from viewer.slab_sampling import project_classes, project_map, slab_step

RNG = np.random.default_rng(9)
WHOLE_RANGE = (2, 6)


def turned(spacing, angles=(0, 0, 0), origin=(0, 0, 0)):
    matrix = np.eye(4)
    stored = np.array(((0, 0, 1), (0, 1, 0), (1, 0, 0)), float)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ stored @ np.diag(spacing)
    matrix[:3, 3] = origin
    return matrix


def fine(layer, plane, span, sample=sample_map):
    """Slices of the layer, 64 to an image slice."""
    return np.stack([sample(layer, plane, float(k)) for k in np.linspace(*span, (span[1] - span[0]) * 64 + 1)])


@pytest.mark.parametrize("name", ["native", "axial", "sagittal", "coronal"])
def test_on_the_images_grid_it_is_the_maximum_of_the_slices(make, name):
    array = RNG.random((9, 10, 11)).astype(np.float32)
    layer = make.volume(array, turned((2, 1, 1)))
    plane = plane_of(array.shape, layer.affine, name)
    found = project_map(layer, plane, WHOLE_RANGE)
    oracle = np.stack([plane.slice_of(array, k) for k in range(2, 7)]).max(axis=0)
    assert np.allclose(found, oracle, atol=1e-6)


@pytest.mark.parametrize("name", ["native", "axial", "sagittal", "coronal"])
@pytest.mark.parametrize("signed", [False, True])
def test_on_a_grid_of_its_own_it_is_the_maximum_anywhere_in_the_slab(make, name, signed):
    image = make.volume(np.zeros((9, 16, 18), np.uint8), turned((2, 1, 1)))
    array = RNG.normal(size=(5, 4, 6)).astype(np.float32)
    array[1, 2, 3] = np.nan
    layer = make.volume(array, turned((3.7, 4.1, 3.3), origin=(1.3, -0.7, 2.1)))
    plane = plane_of(image.array.shape, image.affine, name)
    found = project_map(layer, plane, WHOLE_RANGE, signed=signed)
    slices = fine(layer, plane, WHOLE_RANGE)
    empty = np.isnan(slices).all(axis=0)
    if signed:
        filled = np.nan_to_num(slices)
        oracle = np.take_along_axis(filled, np.abs(filled).argmax(axis=0)[None], axis=0)[0]
    else:
        oracle = np.nanmax(np.where(empty, 0, slices), axis=0)
    clear = np.isfinite(slices).all(axis=0)  # where a value is missing somewhere the sampled oracle is too coarse
    assert clear.sum() > 20
    # reduced on its own grid first, the layer may only be larger between its cells than the oracle, never smaller
    nodes = found[clear] - oracle[clear] if not signed else np.abs(found[clear]) - np.abs(oracle[clear])
    assert (nodes > -0.02).all()
    assert np.nanmax(np.abs(found)) <= np.nanmax(np.abs(array)) + 1e-6
    assert not np.isfinite(found[empty]).any()


def test_at_the_cells_of_its_own_grid_it_is_exact(make):
    array = RNG.normal(size=(6, 5, 7)).astype(np.float32)
    layer = make.volume(array, turned((4, 4, 4)))
    image = make.volume(np.zeros((24, 20, 28), np.uint8), turned((1, 1, 1)))
    plane = plane_of(image.array.shape, image.affine)
    found = project_map(layer, plane, (2, 14))  # between cells 0 and 1, to between cells 3 and 4
    ends = (array[0] + array[1]) / 2, (array[3] + array[4]) / 2
    assert np.allclose(found[::4, ::4], np.max([*ends, *array[1:4]], axis=0), atol=1e-5)


def test_a_slab_beside_the_layer_shows_nothing(make):
    layer = make.volume(np.ones((2, 5, 5), np.float32), turned((1, 1, 1), origin=(0, 0, 20)))
    plane = plane_of((30, 5, 5), turned((1, 1, 1)))
    assert np.isnan(project_map(layer, plane, (3, 18))).all()
    assert np.isfinite(project_map(layer, plane, (3, 20))).all()
    assert not project_classes(layer, plane, (3, 18)).any()


def test_a_slanting_layer_is_sampled_through_the_slab(make):
    array = np.zeros((12, 12, 12), np.float32)
    array[5, 6, 7] = 1
    layer = make.volume(array, turned((2, 2, 2), (20, 30, 10)))
    mm = (layer.affine @ (5, 6, 7, 1.0))[:3]
    plane = plane_of((40, 40, 40), turned((1, 1, 1), origin=(-10, -10, -10)))
    place = plane.to_index(mm)
    found = np.nan_to_num(project_map(layer, plane, (0, 39)))
    assert found.max() > 0.6
    assert np.abs(np.array(np.unravel_index(found.argmax(), found.shape)) - place[1:]).max() <= 1
    oracle = np.nanmax(np.where(np.isnan(fine(layer, plane, (0, 39))), 0, fine(layer, plane, (0, 39))), axis=0)
    assert np.abs(found - oracle).max() < 0.35
    assert slab_step(layer, plane_of((4, 1200, 1200), turned((1, 1, 1))), (0, 3)) == 4
    assert slab_step(layer, plane_of((4, 1200, 1200), turned((1, 1, 1))), (2, 2)) == 2


@pytest.mark.parametrize("name", ["native", "sagittal", "coronal"])
@pytest.mark.parametrize("angles", [(0, 0, 0), (15, 25, 5)])
def test_a_mask_is_seen_wherever_a_slice_of_the_slab_has_it(make, name, angles):
    array = np.zeros((8, 9, 10), bool)
    array[2:5, 3:6, 4:8] = True
    layer = make.volume(array, turned((2, 2, 2), angles, (1, 2, 3)))
    plane = plane_of((20, 20, 20), turned((1, 1, 1)), name)
    found = project_classes(layer, plane, (5, 14)) != 0
    slices = np.stack([sample_mask(layer, plane, k) for k in range(5, 15)]).any(axis=0)
    assert np.array_equal(found, slices)


def test_the_highest_known_class_is_seen(make):
    array = np.zeros((5, 4, 4), np.uint8)
    array[1], array[2], array[3] = 1, 3, 9
    layer = make.volume(array, turned((1, 1, 1)))
    plane = plane_of((5, 4, 4), turned((1, 1, 1)))
    assert (project_classes(layer, plane, (0, 4), known=(1, 2, 3)) == 3).all()
    assert (project_classes(layer, plane, (0, 1), known=(1, 2, 3)) == 1).all()
    assert (project_classes(layer, plane, (3, 3), known=(1, 2, 3)) == 0).all()
