"""Lesion size against analytic solids, a brute-force oracle, and published figures of pyradiomics."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from highdicom import Volume
from scipy.spatial.distance import pdist
from scipy.spatial.transform import Rotation

from inference.errors import EngineError
from inference.lesion_size import axial_axis, lesion_size, outline_points, perpendicular_diameter, plane_name

AXIAL = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)
OBLIQUE = Rotation.from_euler("xyz", (25, -35, 50), degrees=True).as_matrix()


def volume(array, spacing=(1.0, 1.0, 1.0), turn=None, origin=(5.0, -7.0, 11.0)):
    affine = AXIAL @ np.diag((*spacing, 1.0))
    if turn is not None:
        affine[:3, :3] = turn @ affine[:3, :3]
    affine[:3, 3] = origin
    return Volume(np.asarray(array, np.uint8), affine, "PATIENT", frame_of_reference_uid="1.2.3")


def ellipsoid(half_axes, spacing, turn=None, axes_turn=None):
    """A mask of an ellipsoid with half axes in mm along the columns of axes_turn (LPS)."""
    shape = tuple(int(2 * (max(half_axes) + 3) / step) + 1 for step in spacing)
    made = volume(np.zeros(shape), spacing, turn)
    centres = np.moveaxis(np.indices(shape), 0, -1) @ made.affine[:3, :3].T + made.affine[:3, 3]
    middle = (np.array(shape) - 1) / 2 @ made.affine[:3, :3].T + made.affine[:3, 3]
    local = (centres - middle) @ (np.eye(3) if axes_turn is None else axes_turn)
    return made.with_array((np.sum((local / half_axes) ** 2, axis=-1) <= 1).astype(np.uint8))


def test_a_cuboid_is_as_long_as_its_voxels():
    array = np.zeros((9, 12, 14))
    array[2:5, 3:9, 4:12] = 1  # 3 × 6 × 8 voxels
    size = lesion_size(volume(array, (2.0, 0.5, 0.7)))
    assert size.voxels == 144
    assert size.volume_ml == pytest.approx(144 * 0.7 / 1000)
    assert size.principal_mm == pytest.approx((6.0, 5.6, 3.0))
    assert size.plane_name == "axial"
    assert size.slice_index in (2, 3, 4)
    # from the middle of one end voxel's face to the farthest of the other: 8 columns, 5 rows between centres
    assert size.plane_longest_mm == pytest.approx(np.hypot(8 * 0.7, 5 * 0.5))


@pytest.mark.parametrize("turn", [None, OBLIQUE])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.7, 0.9)])
def test_an_ellipsoid_has_its_volume_and_axes_however_the_grid_lies(turn, spacing):
    axes_turn = Rotation.from_euler("zyx", (20, 40, 10), degrees=True).as_matrix()
    size = lesion_size(ellipsoid((14.0, 9.0, 6.0), spacing, turn, axes_turn))
    voxel = max(spacing)
    assert size.volume_ml == pytest.approx(4 / 3 * np.pi * 14 * 9 * 6 / 1000, rel=0.02)
    assert size.longest_mm == pytest.approx(28, abs=voxel)
    assert size.principal_mm == pytest.approx((28, 18, 12), abs=1.2 * voxel)
    ends = np.array(size.longest_ends)
    assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(size.longest_mm)
    along = (ends[1] - ends[0]) / size.longest_mm
    assert abs(along @ axes_turn[:, 0]) > 0.97


def test_in_plane_diameters_are_those_of_the_axial_section():
    size = lesion_size(ellipsoid((12.0, 7.0, 20.0), (1.0, 0.5, 0.5)))
    assert size.plane_longest_mm == pytest.approx(24, abs=0.6)
    assert size.plane_perpendicular_mm == pytest.approx(14, abs=0.6)
    assert size.longest_mm == pytest.approx(40, abs=1.1)
    ends = np.array(size.plane_longest_ends)
    assert ends[0][2] == pytest.approx(ends[1][2])  # one slice
    assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(size.plane_longest_mm)


def test_a_sagittal_stack_is_still_measured_in_axial_planes():
    sagittal = np.array([[1.5, 0, 0, 0], [0, 0, 0.8, 0], [0, -0.8, 0, 0], [0, 0, 0, 1.0]])
    assert axial_axis(sagittal) == 1
    assert plane_name(sagittal, 1) == "axial"
    assert plane_name(sagittal, 0) == "sagittal"
    array = np.zeros((20, 40, 40), np.uint8)
    array[5:15, 10:34, 10:20] = 1  # 15 mm across, 19.2 mm high, 8 mm deep
    mask = Volume(array, sagittal, "PATIENT")
    size = lesion_size(mask)
    assert size.plane_name == "axial"
    assert size.plane_longest_mm < 17.1
    assert lesion_size(mask, axis=0).plane_longest_mm > 19.2


def test_the_hull_finds_what_brute_force_finds():
    rng = np.random.default_rng(3)
    array = rng.random((9, 11, 10)) > 0.6
    mask = volume(array, (1.7, 0.6, 0.8), OBLIQUE)
    points = outline_points(array) @ mask.affine[:3, :3].T
    assert lesion_size(mask).longest_mm == pytest.approx(pdist(points).max())
    best = 0.0
    for k in range(9):
        flat = outline_points(array, (1, 2))
        flat = flat[flat[:, 0] == k] @ mask.affine[:3, :3].T
        best = max(best, pdist(flat).max())
    assert lesion_size(mask, axis=0).plane_longest_mm == pytest.approx(best)


def test_the_perpendicular_is_the_longest_chord_across():
    ring = np.array([[0, 0], [10, 0], [10, 4], [7, 6], [0, 3]], float)
    along = np.array([1.0, 0.0])
    steps = np.linspace(0, 10, 20_001)
    upper = np.interp(steps, [0, 7, 10], [3, 6, 4])
    assert perpendicular_diameter(ring, along) == pytest.approx(upper.max(), abs=1e-9)


def test_a_single_voxel_and_a_mirrored_grid():
    array = np.zeros((3, 3, 3))
    array[1, 1, 1] = 1
    one = lesion_size(volume(array, (3.0, 1.0, 2.0)))
    assert one.voxels == 1
    assert one.longest_mm == pytest.approx(3.0)
    assert one.plane_longest_mm == pytest.approx(2.0)
    assert one.plane_perpendicular_mm == pytest.approx(1.0)
    mirror = np.diag((-1.0, 1.0, 1.0))
    array[1, 1, 0] = array[0, 1, 1] = 1
    left, right = lesion_size(volume(array)), lesion_size(volume(array, turn=mirror))
    assert left.longest_mm == pytest.approx(right.longest_mm)
    assert left.volume_ml == pytest.approx(right.volume_ml)


def test_an_empty_mask_is_refused_in_a_sentence():
    with pytest.raises(EngineError, match="empty"):
        lesion_size(volume(np.zeros((3, 3, 3))))


@pytest.mark.real_data
def test_pyradiomics_breast1_has_the_published_volume_and_diameters(shared_data: Path):
    """AIM-Harvard/pyradiomics, data/baseline/baseline_shape.csv: breast1, 143 voxels."""
    import SimpleITK

    path = next(iter(sorted((shared_data / "mri" / "pyradiomics_breast1").glob("*label*"))))
    image = SimpleITK.ReadImage(str(path))
    array = SimpleITK.GetArrayFromImage(image)
    affine = np.eye(4)
    turn = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = (turn * np.array(image.GetSpacing()))[:, ::-1]
    affine[:3, 3] = image.GetOrigin()
    size = lesion_size(Volume((array == 1).astype(np.uint8), affine, "PATIENT"), axis=0)
    assert size.voxels == 143
    assert size.volume_ml * 1000 == pytest.approx(132.42579, rel=1e-5)
    # they measure between voxel centres of the border, we between the faces: at most a voxel more
    spacing = image.GetSpacing()
    assert 7.7727 <= size.longest_mm <= 7.7727 + max(spacing)
    assert 7.7726 <= size.plane_longest_mm <= 7.7726 + spacing[0] * np.sqrt(2)


def test_outline_points_lie_half_way_between_inside_and_outside():
    array = np.zeros((2, 2, 2), bool)
    array[0, 0, 0] = True
    found = {tuple(point) for point in outline_points(array)}
    expected = {tuple(np.array(axis) * sign * 0.5) for axis, sign in itertools.product(np.eye(3), (-1, 1))}
    assert found == expected
