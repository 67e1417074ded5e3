"""Lesion masks of any grid on the exam's slices, and the windows around them."""

from __future__ import annotations

from dataclasses import replace

import highdicom as hd
import numpy as np
import pytest
import torch
from scipy import ndimage
from torch.nn import functional

from inference.errors import EngineError
from inference.exam import LesionInput
from inference.prepare.lesion_on_grid import place_lesion
from inference.prepare.lesion_patch import Window, joined_map, others_in, patch_cells, sample, turned

GEOMETRIES = [((3.0, 1.0, 1.0), (0, 0, 0)), ((3.3, 0.7, 1.2), (0, 0, 0)), ((2.5, 0.9, 0.6), (12, -17, 25))]


@pytest.fixture(params=GEOMETRIES, ids=["plain", "anisotropic", "oblique"])
def grid(request: pytest.FixtureRequest, helpers) -> hd.Volume:
    spacing, degrees = request.param
    return helpers.volume(np.zeros(helpers.shape, np.uint16), helpers.affine(spacing, degrees))


def test_a_box_gives_its_voxels_and_its_centre(grid: hd.Volume, helpers) -> None:
    placed = place_lesion(helpers.box(grid.affine, (2, 30, 20), (4, 37, 33)), grid)
    assert placed.slices == (2, 3, 4)
    assert len(placed.voxels) == 3 * 8 * 14
    assert not placed.is_cut
    np.testing.assert_allclose(placed.centre(3), (33.5, 26.5))


def test_a_mask_of_another_grid_is_sampled_through_both_affines(grid: hd.Volume, helpers) -> None:
    """A ball of 9 mm on a finer, turned grid: the exam's voxels whose centre lies in it, by their distance."""
    fine = helpers.affine((0.8, 0.8, 0.8), (-20, 8, 5))
    middle = grid.map_indices_to_reference(np.array([[5.2, 36.3, 41.1]]))[0]
    fine[:3, 3] = middle - fine[:3, :3] @ (20, 20, 20)
    inside = np.linalg.norm(np.moveaxis(np.indices((41, 41, 41)), 0, -1) - 20, axis=-1) * 0.8 <= 9
    lesion = LesionInput("1", "Mask", "mask", helpers.volume(inside.astype(np.uint8), fine))
    placed = place_lesion(lesion, grid)
    index = np.moveaxis(np.indices(grid.spatial_shape), 0, -1).reshape(-1, 3)
    distance = np.linalg.norm(grid.map_indices_to_reference(index.astype(float)) - middle, axis=1)
    found = {tuple(voxel) for voxel in placed.voxels}
    assert {tuple(voxel) for voxel in index[distance < 8.2]} <= found
    assert found <= {tuple(voxel) for voxel in index[distance < 9.8]}


def test_a_mask_thinner_than_the_slices_is_not_lost(grid: hd.Volume, helpers) -> None:
    thin = grid.affine.copy()
    thin[:3, 0] /= 10
    thin[:3, 3] += grid.affine[:3, :3] @ (3.4, 30, 30)
    lesion = LesionInput("1", "Thin", "mask", helpers.volume(np.ones((1, 6, 6), np.uint8), thin))
    assert place_lesion(lesion, grid).slices == (3,)


def test_lesions_that_have_no_place_give_sentences(grid: hd.Volume, helpers) -> None:
    lesion = helpers.box(grid.affine, (2, 30, 20), (4, 37, 33))
    away = lesion.mask.affine.copy()
    away[:3, 3] += 500
    with pytest.raises(EngineError, match="Box 1 lies outside"):
        place_lesion(replace(lesion, mask=helpers.volume(lesion.mask.array, away)), grid)
    with pytest.raises(EngineError, match="Box 1 is empty"):
        place_lesion(replace(lesion, mask=lesion.mask.with_array(lesion.mask.array * 0)), grid)
    elsewhere = hd.Volume(lesion.mask.array, lesion.mask.affine, "PATIENT", frame_of_reference_uid="9.9")
    with pytest.raises(EngineError, match="another frame of reference"):
        place_lesion(replace(lesion, mask=elsewhere), grid)


def test_a_lesion_that_reaches_out_is_cut(grid: hd.Volume, helpers) -> None:
    lesion = helpers.box(grid.affine, (2, 30, 20), (4, 37, 33))
    shifted = lesion.mask.affine.copy()
    shifted[:3, 3] -= grid.affine[:3, :3] @ (3, 0, 0)
    placed = place_lesion(replace(lesion, mask=helpers.volume(lesion.mask.array, shifted)), grid)
    assert placed.is_cut
    assert placed.slices == (0, 1)


@pytest.mark.parametrize("spacing", [(0.6, 0.6), (1.0, 1.0), (0.75, 1.3)])
def test_patches_are_linear_samples_30_mm_wide(spacing: tuple[float, float]) -> None:
    plane = np.random.default_rng(0).normal(size=(80, 90)).astype(np.float32)
    window = Window(0, (37.3, 48.8))
    rows, columns = (window.centre[i] + (np.arange(50) - 24.5) * 0.6 / spacing[i] for i in (0, 1))
    oracle = ndimage.map_coordinates(plane, np.meshgrid(rows, columns, indexing="ij"), order=1)
    np.testing.assert_allclose(sample(plane, window, spacing), oracle, atol=1e-5)
    assert np.ptp(rows) * spacing[0] == pytest.approx(29.4)  # between the centres of the outer pixels


def test_shrinking_averages_as_torch_does() -> None:
    plane = np.random.default_rng(0).normal(size=(250, 250)).astype(np.float32)
    found = sample(plane, Window(0, (124.5, 124.5)), (0.12, 0.12))
    oracle = functional.interpolate(
        torch.from_numpy(plane)[None, None], size=(50, 50), mode="bilinear", align_corners=False, antialias=True
    )
    np.testing.assert_allclose(found[2:-2, 2:-2], oracle[0, 0].numpy()[2:-2, 2:-2], atol=1e-4)


def test_borders_are_mirrored() -> None:
    plane = np.random.default_rng(0).normal(size=(40, 60)).astype(np.float32)
    found = sample(plane, Window(0, (3.0, 55.0), 51), (0.6, 0.6))
    np.testing.assert_allclose(found, np.pad(plane, 30, mode="reflect")[8:59, 60:111], atol=1e-5)
    one = sample(np.full((1, 60), 2.0, np.float32), Window(0, (0.0, 30.0)), (0.6, 0.6))
    np.testing.assert_allclose(one, 2.0, atol=1e-6)


def test_a_bright_voxel_comes_back_from_the_patch(grid: hd.Volume) -> None:
    plane = np.zeros(grid.spatial_shape[1:], np.float32)
    plane[38, 43] = 1
    window = Window(4, (36.2, 41.7))
    patch = sample(plane, window, grid.spacing[1:])
    for name in ("axial", ""):
        images, affine = turned(patch[None], window.affine(grid), grid, name)
        peak = np.argwhere(images[0] >= images[0].max() - 1e-6).mean(axis=0)
        mm = affine @ (0, *peak, 1)
        voxel = grid.map_reference_to_indices(mm[None, :3])[0]
        assert np.abs(voxel - (4, 38, 43)).max() <= 0.5


def test_patches_are_turned_as_a_reader_sees_them(grid: hd.Volume, helpers) -> None:
    """Stored from left to right and from back to front: after turning, columns go left and rows go back."""
    mirrored = grid.affine.copy()
    mirrored[:3, 1:3] *= -1
    stored = helpers.volume(np.zeros(grid.spatial_shape, np.uint16), mirrored)
    window = Window(4, (36.0, 41.0))
    image = np.arange(2500, dtype=np.float32).reshape(1, 50, 50)
    images, affine = turned(image, window.affine(stored), stored, "axial")
    np.testing.assert_array_equal(images[0], image[0, ::-1, ::-1])
    assert affine[0, 2] > 0  # columns towards the patient's left
    assert affine[1, 1] > 0  # rows towards the back
    np.testing.assert_array_equal(turned(image, window.affine(stored), stored, "")[0], image)


def test_other_lesions_in_the_window_are_named(grid: hd.Volume, helpers) -> None:
    spacing = grid.spacing[1:]
    window = Window(3, (36.0, 40.0))
    reach = int(15 / spacing[1])
    near = place_lesion(helpers.box(grid.affine, (3, 35, 39 + reach), (3, 36, 41 + reach), "Near"), grid)
    far = place_lesion(helpers.box(grid.affine, (3, 35, 43 + reach), (3, 36, 44 + reach), "Far"), grid)
    above = place_lesion(helpers.box(grid.affine, (4, 35, 40), (4, 36, 41), "Above"), grid)
    assert others_in(window, spacing, [near, far, above]) == ("Near",)


def test_a_hot_cell_comes_back_within_one_cell_centre(grid: hd.Volume) -> None:
    """Windows that follow the lesion: in each slice the joined map is highest where its own hot cell lies."""
    windows = [Window(k, (33 + 1.3 * k, 44 - 2.1 * k)) for k in (3, 4, 5)]
    cells = np.zeros((3, 7, 7), np.float32)
    cells[:, 2, 5] = 1
    pairs = [turned(np.zeros((1, 50, 50), np.float32), window.affine(grid), grid, "axial") for window in windows]
    affines = [affine for _, affine in pairs]
    joined = joined_map(cells, affines, windows, grid)
    assert joined.spatial_shape[0] == 3
    assert joined.frame_of_reference_uid == grid.frame_of_reference_uid
    for k, affine in enumerate(affines):
        wanted = (patch_cells(affine, 50) @ (0, 2, 5, 1))[:3]
        inside = np.nan_to_num(joined.array[k], nan=-1)
        assert 49 * 49 < (inside > -1).sum() < 52 * 52  # the window alone: 50 × 50 pixels, at fractions of a pixel
        peak = np.argwhere(inside >= inside.max() - 1e-6).mean(axis=0)
        found = joined.map_indices_to_reference(np.array([[k, *peak]]))[0]
        assert np.linalg.norm(found - wanted) < 0.6 * 2**0.5  # one pixel; a cell is 4.3 mm
        middle = grid.map_reference_to_indices(found[None])[0]
        assert middle[0] == pytest.approx(3 + k, abs=1e-6)
