"""Sagittal grid of system 004: resampling against scipy and torch, and positions in millimetres."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from highdicom import Volume
from scipy import ndimage
from torch.nn import functional

from inference.prepare.sagittal import Axis, SagittalGrid, mirrored, sagittal_grid, turned


def grid_of(*axes: tuple[int, int]) -> SagittalGrid:
    a, b, c = (Axis(*axis) for axis in axes)
    return SagittalGrid((a, b, c), np.eye(4))


def whole(grid: SagittalGrid) -> tuple:
    return tuple((0, count) for count in grid.shape)


def test_doubling_in_the_plane_is_that_of_scikit_image():
    """skimage.transform.resize(order=1, mode="reflect") is scipy's zoom on a grid of cells, mirrored at the ends."""
    values = np.random.default_rng(0).normal(size=(2, 5, 30, 41)).astype(np.float32)
    grid = grid_of((5, 5), (30, 60), (41, 82))
    found = grid.sample(values, whole(grid))
    for channel in range(2):
        wanted = ndimage.zoom(values[channel], (1, 2, 2), order=1, mode="mirror", grid_mode=True)
        np.testing.assert_allclose(found[channel], wanted, atol=1e-5)
    assert found.dtype == np.float32


def test_shrinking_averages_as_torch_with_antialiasing():
    values = np.random.default_rng(1).normal(size=(1, 4, 40, 37)).astype(np.float32)
    grid = grid_of((4, 4), (40, 11), (37, 16))
    wanted = functional.interpolate(torch.from_numpy(values), size=(11, 16), mode="bilinear", antialias=True).numpy()
    np.testing.assert_allclose(grid.sample(values, whole(grid)), wanted, atol=1e-5)


def test_beyond_its_ends_the_grid_is_reflected():
    values = np.random.default_rng(2).normal(size=(1, 6, 9, 8)).astype(np.float32)
    grid = grid_of((6, 4), (9, 20), (8, 8))
    inside = grid.sample(values, whole(grid))[0]
    found = grid.sample(values, ((-9, 13), (-19, 39), (-19, 27)))[0]
    np.testing.assert_array_equal(found, np.pad(inside, ((9, 9), (19, 19), (19, 19)), mode="reflect"))
    assert mirrored(np.array([-3, 0, 5]), 1).tolist() == [0, 0, 0]


def test_a_part_of_the_source_is_enough():
    values = np.random.default_rng(3).normal(size=(1, 30, 12, 40)).astype(np.float32)
    grid = grid_of((30, 9), (12, 31), (40, 70))
    ranges = ((2, 6), (5, 19), (-4, 9))
    box = grid.source_box(*ranges)
    part = values[:, box[0][0] : box[0][1], box[1][0] : box[1][1], box[2][0] : box[2][1]]
    start = tuple(low for low, _ in box)
    np.testing.assert_array_equal(grid.sample(part, ranges, start), grid.sample(values, ranges))


def volume(spacing, shape, oblique=False) -> Volume:
    """Return an axial volume, slices towards the head; oblique turns it by 25° and 12°."""
    directions = np.array([[0.0, 0, 1], [0, 1, 0], [1, 0, 0]])
    if oblique:
        a, b = np.deg2rad((25, 12))
        turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
        tilt = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
        directions = turn @ tilt @ directions
    affine = np.eye(4)
    affine[:3, :3] = directions * np.array(spacing)
    affine[:3, 3] = (-70.0, 12.5, 33.0)
    return Volume(np.zeros(shape, np.float32), affine, "PATIENT", frame_of_reference_uid="1.2.3")


@pytest.mark.parametrize("oblique", [False, True])
@pytest.mark.parametrize("spacing", [(3.5, 0.85, 0.85), (1.1, 0.76, 0.76), (0.9, 1.3, 1.3)])
def test_a_point_keeps_its_place(spacing, oblique):
    """A smooth blob's centre of mass, before and after, in millimetres."""
    image = volume(spacing, (30, 60, 64), oblique)
    centre = np.array([15.3, 29.1, 33.6])
    index = np.moveaxis(np.indices(image.spatial_shape), 0, -1)
    blob = np.exp(-((((index - centre) * spacing) ** 2).sum(-1)) / (2 * 5.0**2)).astype(np.float32)
    seen = turned(image.with_array(blob))
    assert [letter.value for letter in seen.get_closest_patient_orientation()] == ["L", "F", "P"]
    grid = sagittal_grid(seen, "axial")
    values = grid.sample(seen.array[None], whole(grid))[0]
    mass = np.array(ndimage.center_of_mass(values))
    found = grid.affine[:3, :3] @ mass + grid.affine[:3, 3]
    true = image.affine[:3, :3] @ centre + image.affine[:3, 3]
    assert np.linalg.norm(found - true) < 0.05
    assert grid.spacing == pytest.approx((3.0, 0.4, 0.4), rel=0.05)


def test_which_grid_which_acquisition_gets():
    fine, coarse = volume((2.4, 0.5, 0.5), (20, 30, 40)), volume((2.4, 0.7, 0.7), (20, 30, 40))
    assert sagittal_grid(fine, "sagittal").shape == (20, 30, 40)
    doubled = sagittal_grid(coarse, "sagittal")
    assert doubled.shape == (20, 60, 80)
    assert doubled.spacing == pytest.approx((2.4, 0.35, 0.35))
    axial = turned(volume((3.5, 0.8, 0.8), (8, 50, 60)))
    assert sagittal_grid(axial, "axial").shape == (16, 70, 100)
    assert sagittal_grid(axial, "axial", lateral_mm=None).shape == (60, 70, 100)
