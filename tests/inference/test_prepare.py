"""Preparation of a slice: grey values, grids, and a lesion planted and found again in millimetres."""

from __future__ import annotations

import highdicom as hd
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.errors import CardError, EngineError
from inference.explain import findings_from_map
from inference.prepare.grid import cell_affine, reduce_mask, resize, resized_affine, to_canonical
from inference.prepare.intensity import robust_scale
from inference.prepare.mri_slice import SlicePreprocessing, prepare_slice
from inference.result import Finding


def rotation(degrees: tuple[float, float, float]) -> np.ndarray:
    turn = np.eye(3)
    for axis, angle in enumerate(np.deg2rad(degrees)):
        a, b = [k for k in range(3) if k != axis]
        one = np.eye(3)
        one[a, a] = one[b, b] = np.cos(angle)
        one[a, b], one[b, a] = -np.sin(angle), np.sin(angle)
        turn = turn @ one
    return turn


# Columns are the directions of slice, row and column index.
AXIAL = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], float)
SAGITTAL = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)


def make_volume(
    array: np.ndarray,
    spacing: tuple[float, float, float] = (2.0, 0.7, 0.7),
    base: np.ndarray = AXIAL,
    degrees: tuple[float, float, float] = (0, 0, 0),
) -> hd.Volume:
    affine = np.eye(4)
    affine[:3, :3] = rotation(degrees) @ base @ np.diag(spacing)
    affine[:3, 3] = (-150.0, -120.0, 33.0)
    return hd.Volume(array[None], affine, "PATIENT", frame_of_reference_uid="1.2.3")


def pixels(volume: hd.Volume, points_mm: np.ndarray) -> np.ndarray:
    homogeneous = np.column_stack([points_mm, np.ones(len(points_mm))])
    return (np.linalg.inv(volume.affine) @ homogeneous.T).T[:, 1:3]


def centre(finding: Finding) -> np.ndarray:
    return (np.array(finding.corner_mm) + np.array(finding.opposite_mm)) / 2


def test_robust_scale_puts_the_percentiles_at_0_and_1() -> None:
    values = np.random.default_rng(0).normal(500, 90, (64, 64)).astype(np.float32)
    scaled = robust_scale(values)
    low, high = np.percentile(values, (0.5, 99.5))
    np.testing.assert_allclose(scaled, np.clip((values - low) / (high - low), 0, 1), atol=1e-5)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_robust_scale_does_not_depend_on_the_bit_depth(bits: int) -> None:
    values = np.random.default_rng(0).random((64, 64))
    stored = np.round(values * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    np.testing.assert_allclose(robust_scale(stored), robust_scale(values), atol=0.01)


def test_padding_does_not_count_and_becomes_black() -> None:
    values = np.random.default_rng(0).random((40, 40)).astype(np.float32)
    padded = np.full((60, 60), np.nan, np.float32)
    padded[10:50, 10:50] = values
    padded[0, 0] = np.inf
    scaled = robust_scale(padded)
    np.testing.assert_array_equal(scaled[10:50, 10:50], robust_scale(values))
    assert scaled[0, 0] == scaled[5, 5] == 0


@pytest.mark.parametrize("values", [np.full((9, 9), np.nan), np.full((9, 9), 7.0), np.zeros((9, 9), np.uint16)])
def test_an_empty_or_constant_image_is_refused_with_a_sentence(values: np.ndarray) -> None:
    with pytest.raises(EngineError, match="pixel"):
        robust_scale(values)


def test_a_single_bright_pixel_is_enough_to_scale() -> None:
    values = np.zeros((64, 64), np.uint8)
    values[3, 4] = 200
    assert robust_scale(values)[3, 4] == 1
    assert robust_scale(values).sum() == 1


def test_resizing_keeps_edges_and_values_in_place() -> None:
    """The oracle: a linear ramp in millimetres is the same ramp on any grid."""
    rows, columns = np.mgrid[0:300, 0:220].astype(np.float32)
    source = make_volume(3 * rows + 2 * columns, spacing=(1, 0.5, 1.5), degrees=(20, -10, 30))
    small = resize(source, (240, 345))
    index = np.array([[0, 100, 100], [0, 33, 200]])
    points = small.map_indices_to_reference(index.astype(float))
    back = pixels(source, points)
    ramp = 3 * back[:, 0] + 2 * back[:, 1]
    # Antialiasing weights are not quite symmetric: up to 0.05 pixel; half a pixel would be 1 or more.
    np.testing.assert_allclose(small.array[0, index[:, 1], index[:, 2]], ramp, atol=0.2)
    corner = resized_affine(np.eye(4), (300, 220), (240, 345)) @ [0, -0.5, -0.5, 1]
    np.testing.assert_allclose(corner, [0, -0.5, -0.5, 1])


def test_cells_of_the_receptive_field_are_centred_on_multiples_of_32() -> None:
    affine = cell_affine(np.eye(4), (240, 345), "receptive-field")
    np.testing.assert_allclose(affine @ [0, 3, 5, 1], [0, 96, 160, 1])


def test_adaptive_cells_share_the_image_out_evenly() -> None:
    affine = cell_affine(np.eye(4), (240, 345), "adaptive")
    np.testing.assert_allclose(affine @ [0, -0.5, -0.5, 1], [0, -0.5, -0.5, 1])
    np.testing.assert_allclose(affine @ [0, 7.5, 10.5, 1], [0, 239.5, 344.5, 1])


def test_targets_are_window_means_around_the_centres() -> None:
    rng = np.random.default_rng(0)
    mask = (rng.random((240, 345)) < 0.3).astype(np.float32)
    cells = reduce_mask(torch.from_numpy(mask)[None], "receptive-field")[0].numpy()
    assert cells.shape == (8, 11)
    for i, j in ((0, 0), (0, 5), (3, 0), (4, 7), (7, 10)):
        window = mask[max(0, 32 * i - 16) : 32 * i + 16, max(0, 32 * j - 16) : 32 * j + 16]
        assert cells[i, j] == pytest.approx(window.mean(), abs=1e-5)
    assert set(np.unique(reduce_mask(torch.from_numpy(mask)[None], "receptive-field", "max"))) == {1.0}


def test_adaptive_targets_are_torchs_own_pooling() -> None:
    mask = torch.rand(2, 240, 345)
    expected = torch.nn.functional.adaptive_avg_pool2d(mask, (8, 11))
    torch.testing.assert_close(reduce_mask(mask, "adaptive"), expected)
    assert torch.equal(reduce_mask(torch.zeros(1, 240, 345), "adaptive", "max"), torch.zeros(1, 8, 11))


ORIENTED = [(AXIAL, "axial"), (SAGITTAL, "sagittal"), (AXIAL @ np.diag([1, -1, -1]), "axial"), (AXIAL, "")]


@pytest.mark.parametrize("target_grid", ["receptive-field", "adaptive"])
@pytest.mark.parametrize(("base", "plane"), ORIENTED)
def test_a_planted_box_comes_back_within_one_cell(base: np.ndarray, plane: str, target_grid: str) -> None:
    """Source pixels → network grid → targets as a perfect attention would give them → map → rectangle in mm."""
    rng = np.random.default_rng(5)
    for degrees in ((0, 0, 0), (12, -25, 8)):
        mask = np.zeros((320, 200), np.float32)
        top, left = rng.integers(40, 220), rng.integers(30, 120)
        mask[top : top + 50, left : left + 36] = 1
        source = make_volume(mask, spacing=(2, 0.6, 1.1), base=base, degrees=degrees)
        prepared = prepare_slice(source, plane, SlicePreprocessing(target_grid=target_grid))
        cells = reduce_mask(torch.from_numpy(prepared.grid.array), target_grid)[0].numpy()
        attention = prepared.map_volume(cells)
        (finding,) = findings_from_map(attention, source, "planted")
        truth = source.map_indices_to_reference(np.array([[0, top + 24.5, left + 17.5]]))[0]
        error = np.abs(np.linalg.inv(attention.affine)[1:3, :3] @ (centre(finding) - truth))
        assert error.max() < 0.5, "half the way to the next cell centre"
        assert abs(np.dot(centre(finding) - truth, np.cross(*np.reshape(finding.orientation, (2, 3))))) < 1e-6
        corners = pixels(source, np.array([finding.corner_mm, finding.opposite_mm]))
        assert (corners[0] < [top + 25, left + 18]).all()
        assert (corners[1] > [top + 25, left + 18]).all()
        assert corners.min() >= -0.5 - 1e-6
        assert (corners.max(axis=0) <= np.array([319.5, 199.5]) + 1e-6).all()
        assert finding.score == pytest.approx(cells.max(), rel=0.2)


def test_pairing_matters_a_map_drawn_with_the_other_grid_is_off() -> None:
    """The trap of SYSTEMS.md §3: cell (3, 5) lies at 96, 160, not at 104.5, 172."""
    naive, true = (cell_affine(np.eye(4), (240, 345), kind) @ [0, 3, 5, 1] for kind in ("adaptive", "receptive-field"))
    np.testing.assert_allclose(naive[1:3] - true[1:3], [8.5, 12], atol=0.1)


@pytest.mark.parametrize("base", [AXIAL @ np.diag(f) for f in ([1, -1, 1], [1, 1, -1], [1, -1, -1], [-1, -1, 1])])
def test_however_it_is_stored_the_network_sees_the_same(base: np.ndarray) -> None:
    rng = np.random.default_rng(2)
    upright = rng.random((90, 70)).astype(np.float32)
    flips = tuple(-1 if base[axis, column] < 0 else 1 for axis, column in ((1, 1), (0, 2)))
    stored = make_volume(upright[:: flips[0], :: flips[1]], base=base)
    np.testing.assert_array_equal(to_canonical(stored, "axial").array[0], upright)
    turned = make_volume(upright.T, base=AXIAL[:, [0, 2, 1]])
    np.testing.assert_array_equal(to_canonical(turned, "axial").array[0], upright)
    as_stored = prepare_slice(stored, "axial", SlicePreprocessing(orientation="stored"))
    np.testing.assert_array_equal(
        as_stored.grid.array, resize(stored.with_array(robust_scale(stored.array)), (240, 345)).array
    )


def test_a_plane_that_contradicts_the_affine_is_left_as_stored() -> None:
    stored = make_volume(np.arange(600.0).reshape(20, 30), base=SAGITTAL)
    np.testing.assert_array_equal(to_canonical(stored, "axial").array, stored.array)


@given(rows=st.integers(1, 60), columns=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_any_size_is_prepared_or_refused(rows: int, columns: int) -> None:
    image = make_volume(np.random.default_rng(0).random((rows, columns)).astype(np.float32))
    if min(rows, columns) < 16:
        with pytest.raises(EngineError, match="pixels"):
            prepare_slice(image, "axial", SlicePreprocessing())
    else:
        tensor = prepare_slice(image, "axial", SlicePreprocessing()).tensor()
        assert tensor.shape == (1, 3, 240, 345)
        assert torch.isfinite(tensor).all()


def test_the_channels_are_imagenets() -> None:
    grey = np.zeros((240, 345), np.float32)
    grey[:, 170:] = 1
    tensor = prepare_slice(make_volume(grey), "axial", SlicePreprocessing()).tensor()
    torch.testing.assert_close(tensor[0, :, 0, 0], -torch.tensor([0.485 / 0.229, 0.456 / 0.224, 0.406 / 0.225]))
    torch.testing.assert_close(tensor[0, :, 0, -1], torch.tensor([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225]))


def test_presets_and_their_keys() -> None:
    strict = SlicePreprocessing.from_card({"preset": "strict", "percentiles": [1, 99]})
    assert strict == SlicePreprocessing((240, 345), (1, 99), "stored", "adaptive", "max")
    assert SlicePreprocessing.from_card({}) == SlicePreprocessing()
    for wrong in ({"preset": "no"}, {"sise": [1, 2]}, {"target_grid": "naive"}):
        with pytest.raises(CardError):
            SlicePreprocessing.from_card(wrong)


def test_findings_are_separate_regions_highest_first() -> None:
    cells = np.zeros((8, 11), np.float32)
    cells[2, 2], cells[5, 8], cells[6, 2] = 0.9, 0.6, 0.2
    image = make_volume(np.zeros((240, 345), np.float32))
    attention = hd.Volume(cells[None], cell_affine(image.affine, (240, 345), "receptive-field"), "PATIENT")
    found = findings_from_map(attention, image, "attention", fraction=0.5)
    assert len(found) == 2
    assert found[0].score > found[1].score
    np.testing.assert_allclose(pixels(image, centre(found[0])[None])[0], [64, 64], atol=0.01)
    np.testing.assert_allclose(pixels(image, centre(found[1])[None])[0], [160, 256], atol=0.01)
    assert len(findings_from_map(attention, image, "attention", smallest_peak=0.7)) == 1
    assert findings_from_map(attention.with_array(np.zeros_like(cells[None])), image, "attention") == ()
