"""Sampling of maps and masks through affines, against scipy and against places known in millimetres."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from viewer.planes import plane_of
from viewer.sampling import raster_step, same_frame, sample_map, sample_mask


def oblique(spacing, angles=(10, 20, 30), origin=(3, -5, 7)):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ np.diag(spacing)
    matrix[:3, 3] = origin
    return matrix


@pytest.mark.parametrize("name", ["native", "axial", "sagittal", "coronal"])
@pytest.mark.parametrize("angles", [(0, 0, 0), (10, 20, 30), (90, 0, 0)])
def test_agrees_with_scipy_voxel_by_voxel(make, name, angles):
    image = make.volume(np.zeros((9, 20, 24), np.uint8), oblique((2, 1, 1)))
    layer = make.volume(
        np.random.default_rng(5).random((4, 6, 7)).astype(np.float32), oblique((4, 3, 3), angles, (5, -2, 8))
    )
    plane = plane_of(image.array.shape, image.affine, name)
    index = 4
    ours = sample_map(layer, plane, index)
    rows, columns = np.mgrid[: plane.shape[1], : plane.shape[2]]
    points = plane.affine @ np.stack([np.full(rows.size, index), rows.ravel(), columns.ravel(), np.ones(rows.size)])
    cells = (np.linalg.inv(layer.affine) @ points)[:3]
    oracle = map_coordinates(layer.array, cells, order=1, mode="nearest").reshape(rows.shape)
    last = np.array(layer.array.shape)[:, None] - 1
    within = ((cells >= -0.5 - 1e-6) & (cells <= last + 0.5 + 1e-6)).all(axis=0).reshape(rows.shape)
    assert np.array_equal(np.isfinite(ours), within)
    assert np.allclose(ours[within], oracle[within], atol=1e-5)


def test_a_peak_lies_at_its_millimetres_and_not_where_a_naive_resize_puts_it(make):
    # a stride-32 map: cell n is centred on pixel 32·n, so a resize to the image would be 15.5 pixels off
    image = make.volume(np.zeros((1, 240, 345), np.uint8), make.affine((1, 0.6, 0.6)))
    heat = np.zeros((1, 8, 11), np.float32)
    heat[0, 3, 5] = 1
    layer = make.volume(heat, make.affine((1, 32 * 0.6, 32 * 0.6)))
    values = np.nan_to_num(sample_map(layer, plane_of(image.array.shape, image.affine), 0))
    assert np.unravel_index(values.argmax(), values.shape) == (96, 160)


def test_nothing_is_drawn_beyond_half_a_cell(make):
    image = make.volume(np.zeros((1, 50, 50), np.uint8))
    layer = make.volume(np.ones((1, 2, 2), np.float32), make.affine((1, 10, 10), origin=(20, 20, 0)))
    shown = np.isfinite(sample_map(layer, plane_of((1, 50, 50), image.affine), 0))
    rows, columns = np.nonzero(shown)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (15, 35, 15, 35)


def test_a_map_of_one_slice_is_on_that_slice_only(make):
    image = make.volume(np.zeros((5, 8, 8), np.uint8), make.affine((3, 1, 1)))
    layer = make.volume(np.ones((1, 2, 2), np.float32), make.affine((3, 4, 4), origin=(2, 2, 6)))
    plane = plane_of(image.array.shape, image.affine)
    assert [bool(np.isfinite(sample_map(layer, plane, k)).any()) for k in range(5)] == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_a_mask_on_its_own_grid_is_shown_true(make):
    image = make.volume(np.zeros((3, 40, 60), np.uint8))
    mask = np.zeros((3, 20, 30), np.uint8)
    mask[1, 5:8, 10:14] = 1
    layer = make.volume(mask, make.affine((1, 2, 2), origin=(0.5, 0.5, 0)))  # cells of 2×2 image pixels
    shown = sample_mask(layer, plane_of(image.array.shape, image.affine), 1)
    assert np.array_equal(shown, mask[1].repeat(2, 0).repeat(2, 1).astype(bool))
    assert not sample_mask(layer, plane_of(image.array.shape, image.affine), 0).any()


def test_a_coarse_raster_samples_the_middle_of_its_cells(make):
    image = make.volume(np.zeros((1, 1000, 1300), np.uint8))
    plane = plane_of(image.array.shape, image.affine)
    step = raster_step(plane)
    assert step == 3
    columns = np.tile(np.arange(1300, dtype=np.float32), (1, 1000, 1))
    values = sample_map(make.volume(columns), plane, 0, step)
    assert np.allclose(values[0, :400], np.arange(400) * 3 + 1)


def test_frames_of_reference_are_compared(make):
    assert same_frame(make.volume(np.zeros((1, 1, 1))), "1.2.3")
    assert not same_frame(make.volume(np.zeros((1, 1, 1))), "1.2.4")
