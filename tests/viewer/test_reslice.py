"""Resampled planes: against SimpleITK and against places known in millimetres."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy.spatial.transform import Rotation

from viewer.planes import plane_of
from viewer.presentation import Padding
from viewer.reslice import Reslicer, oblique_plane, orthonormal, through, tilted

SPACING = (2.2, 0.8, 0.8)
STORED = np.array(((0, 0, 1), (0, 1, 0), (1, 0, 0)), float)  # k up, j to posterior, i to left


def oblique(angles=(12, -25, 33), spacing=SPACING, origin=(-40, 25, 60)):
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ STORED @ np.diag(spacing)
    matrix[:3, 3] = origin
    return matrix


def planes(shape, matrix):
    yield from (plane_of(shape, matrix, name) for name in ("axial", "sagittal", "coronal", "oblique"))
    yield tilted(oblique_plane(shape, matrix), np.array((1.0, 2.0, -1.0)), 23)


def sitk_slice(array, matrix, plane, index):
    """The same slice by SimpleITK, −1 where it has nothing."""
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    image = sitk.GetImageFromArray(array.astype(np.float64))
    image.SetSpacing([float(s) for s in spacing[::-1]])
    image.SetOrigin(matrix[:3, 3].tolist())
    image.SetDirection((matrix[:3, :3] / spacing)[:, ::-1].ravel().tolist())
    shown = plane.spacing_mm
    cosines = (plane.affine[:3, :3] / shown)[:, ::-1].ravel().tolist()
    corner = plane.to_mm((index, 0, 0)).tolist()
    size, steps = [plane.shape[2], plane.shape[1], 1], [shown[2], shown[1], shown[0]]
    found = sitk.Resample(image, size, sitk.Transform(), sitk.sitkLinear, corner, steps, cosines, -1.0)
    return sitk.GetArrayFromImage(found)[0]


def outside_by(plane, index, matrix, shape):
    """How many voxels each pixel of a slice lies beyond the outer voxel centres, 0 within them."""
    rows, columns = np.indices(plane.shape[1:]).reshape(2, -1)
    shown = np.stack([np.full(rows.size, index), rows, columns, np.ones(rows.size)])
    voxels = (np.linalg.inv(matrix) @ plane.affine @ shown)[:3]
    last = np.array(shape)[:, None] - 1
    return np.maximum(np.maximum(-voxels, voxels - last), 0).max(axis=0).reshape(plane.shape[1:])


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.float32, ">i2"])
def test_agrees_with_simpleitk(dtype):
    array = np.random.default_rng(1).integers(0, 200, (14, 30, 26)).astype(dtype)
    matrix = oblique()
    for plane in planes(array.shape, matrix):
        index = plane.shape[0] // 2
        ours, oracle = plane.slice_of(array, index), sitk_slice(array, matrix, plane, index)
        both = np.isfinite(ours) & (oracle >= 0)
        assert both.sum() > 50
        beyond = outside_by(plane, index, matrix, array.shape)
        assert np.isfinite(ours[beyond < 0.499]).all()  # half a voxel beyond the outer centres still shows
        assert np.isnan(ours[beyond > 0.501]).all()
        assert np.allclose(ours[both], oracle[both], atol=0.02)


def test_a_linear_ramp_comes_back_as_its_millimetres():
    matrix, shape = oblique(), (14, 30, 26)
    stored = np.indices(shape).reshape(3, -1)
    mm = matrix[:3, :3] @ stored + matrix[:3, 3:]
    for axis in range(3):
        array = mm[axis].reshape(shape).astype(np.float32)
        for plane in planes(shape, matrix):
            index = plane.shape[0] // 2
            shown = plane.slice_of(array, index)
            rows, columns = np.nonzero(np.isfinite(shown))
            places = np.stack([np.full(rows.size, index), rows, columns])
            there = plane.affine[:3, :3] @ places + plane.affine[:3, 3:]
            voxels = np.linalg.inv(matrix)[:3, :3] @ (there - matrix[:3, 3:])
            inner = ((voxels >= 0) & (voxels <= np.array(shape)[:, None] - 1)).all(axis=0)  # the outer half is held
            assert inner.sum() > 50
            assert np.allclose(shown[rows, columns][inner], there[axis][inner], atol=2e-3)


@pytest.mark.parametrize("voxel", [(3, 7, 20), (10, 22, 4), (0, 0, 0), (13, 29, 25)])
def test_a_bright_voxel_lies_where_it_is_within_half_a_voxel(voxel):
    array = np.zeros((14, 30, 26), np.int16)
    array[voxel] = 1000
    matrix = oblique()
    mm = (matrix @ (*voxel, 1.0))[:3]
    for plane in planes(array.shape, matrix):
        place = plane.to_index(mm)
        assert plane.contains(place)
        assert np.allclose(plane.to_mm(place), mm)
        nearest = tuple(round(float(value)) for value in place)
        slices = range(max(nearest[0] - 3, 0), min(nearest[0] + 4, plane.shape[0]))
        shown = np.nan_to_num(np.stack([plane.slice_of(array, k) for k in slices]))
        assert shown.max() > 100
        weights = shown / shown.sum()
        middle = [float((weights * places).sum()) for places in np.indices(shown.shape)]
        at = plane.to_mm((slices[0] + middle[0], middle[1], middle[2]))
        assert (np.abs((at - mm) @ (matrix[:3, :3] / SPACING)) <= np.array(SPACING) / 2 + 1e-6).all()
        assert np.abs(np.array(plane.array_index(nearest)) - voxel).max() <= 1


def test_every_voxel_is_in_every_plane_and_what_lies_beyond_is_not():
    shape, matrix = (14, 30, 26), oblique()
    corners = [(k, j, i) for k in (0, 13) for j in (0, 29) for i in (0, 25)]
    for plane in planes(shape, matrix):
        for corner in corners:
            place = plane.to_index((matrix @ (*corner, 1.0))[:3])
            assert plane.contains(place)
            assert all(-0.5 <= value <= size - 0.5 for value, size in zip(place, plane.shape, strict=True))
        assert not plane.contains(plane.to_index((matrix @ (-1, 10, 10, 1.0))[:3]))
        assert plane.spacing_mm[1] == pytest.approx(plane.spacing_mm[2])


def test_an_oblique_plane_keeps_its_pivot_on_a_pixel_while_it_is_tilted():
    matrix = oblique()
    pivot = tuple((matrix @ (5, 11, 17, 1.0))[:3])
    plane = through(oblique_plane((14, 30, 26), matrix), pivot)
    for axis, degrees in (((1, 0, 0), 5), ((0, 1, 0), -17), ((0, 0, 1), 90)):
        before = plane.directions
        plane = tilted(plane, np.array(axis, float), degrees)
        place = plane.to_index(pivot)
        assert np.allclose(place, np.rint(place), atol=1e-6)
        turn = Rotation.from_rotvec(np.deg2rad(degrees) * np.array(axis)).as_matrix()
        assert np.allclose(plane.directions, turn @ before, atol=1e-9)
        assert plane.pivot_mm == pytest.approx(pivot)


def test_directions_of_a_sheared_stack_are_made_orthonormal():
    made = orthonormal(np.array(((0.2, 0, 2), (0.3, 1, 0.1), (3, 0.2, 0)), float))
    assert np.allclose(made.T @ made, np.eye(3))


def test_padding_does_not_bleed_into_tissue():
    array = np.full((14, 30, 26), 100, np.int16)
    array[:, :, :13] = -2000
    plane = plane_of(array.shape, oblique(), "axial")
    shown = Reslicer(array, Padding(-2000, -2000)).slice_of(plane, plane.shape[0] // 2)
    assert set(np.unique(shown[np.isfinite(shown)])) == {100.0}


def test_colour_is_resampled_as_colour():
    array = np.zeros((14, 30, 26, 3), np.uint8)
    array[..., 1] = 77
    plane = plane_of(array.shape, oblique(), "coronal")
    shown = plane.slice_of(array, plane.shape[0] // 2)
    assert shown.dtype == np.uint8
    assert set(map(tuple, np.unique(shown.reshape(-1, 3), axis=0).tolist())) == {(0, 0, 0), (0, 77, 0)}
