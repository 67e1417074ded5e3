"""Planes: standard orientation from any storage order, letters, and affines that stay true."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from viewer.planes import letters_of, plane_of

# where the screen's right and down must point in LPS
STANDARD = {
    "axial": ((1, 0, 0), (0, 1, 0)),
    "coronal": ((1, 0, 0), (0, 0, -1)),
    "sagittal": ((0, 1, 0), (0, 0, -1)),
}
SPACING = (3.0, 0.8, 0.5)


def storage_orders():
    for axes in permutations(range(3)):
        for signs in product((1, -1), repeat=3):
            matrix = np.eye(4)
            matrix[:3, :3] = 0
            for array_axis, (patient_axis, sign) in enumerate(zip(axes, signs, strict=True)):
                matrix[patient_axis, array_axis] = sign * SPACING[array_axis]
            matrix[:3, 3] = (11, -7, 40)
            yield matrix


@pytest.mark.parametrize("name", STANDARD)
def test_every_storage_order_is_shown_in_the_standard_orientation(name):
    shape = (4, 5, 6)
    array = np.arange(120).reshape(shape)
    for matrix in storage_orders():
        plane = plane_of(shape, matrix, name)
        right, down = STANDARD[name]
        assert np.allclose(plane.row_cosine, right)
        assert np.allclose(plane.column_cosine, down)
        place = (1, 2, 3)
        shown = plane.slice_of(array, place[0])
        stored = plane.array_index(place)
        assert shown[place[1], place[2]] == array[stored]
        assert np.allclose(plane.to_mm(place), (matrix @ (*stored, 1))[:3])
        assert np.allclose(plane.to_index(plane.to_mm(place)), place)


def turned(degrees):
    turn = np.deg2rad(degrees)
    matrix = np.eye(4)
    matrix[:3, 0] = (0, -np.sin(turn) * 2, np.cos(turn) * 2)
    matrix[:3, 1] = (0, np.cos(turn), np.sin(turn))
    matrix[:3, 2] = (1, 0, 0)
    return matrix


def test_a_nearly_straight_volume_keeps_its_voxels_and_a_turned_one_is_resampled():
    plane = plane_of((3, 4, 5), turned(2), "sagittal")
    assert plane.axes == (2, 0, 1)
    assert plane.spacing_mm == pytest.approx((1, 2, 1))
    assert plane.row_cosine @ (0, 1, 0) == pytest.approx(np.cos(np.deg2rad(2)))
    for name, (right, down) in STANDARD.items():
        plane = plane_of((3, 4, 5), turned(20), name)
        assert plane.axes[0] < 0
        assert np.allclose(plane.row_cosine, right)
        assert np.allclose(plane.column_cosine, down)
    assert letters_of(plane_of((3, 4, 5), turned(20)).column_cosine) == "PH"


def test_the_step_along_the_normal_of_a_sheared_stack_is_less_than_its_spacing():
    matrix = np.eye(4)
    matrix[:3, :3] = ((0, 0, 1), (3, 1, 0), (4, 0, 0))
    plane = plane_of((3, 4, 5), matrix)
    assert plane.spacing_mm[0] == pytest.approx(5)
    assert plane.step_mm == pytest.approx(4)


def test_native_is_as_stored():
    matrix = np.diag((2.0, -1.0, 3.0, 1.0))
    plane = plane_of((2, 3, 4), matrix)
    assert plane.axes == (0, 1, 2)
    assert np.array_equal(plane.affine, matrix)


def test_an_unknown_plane_is_named():
    with pytest.raises(ValueError, match="radial"):
        plane_of((1, 1, 1), np.eye(4), "radial")


@pytest.mark.parametrize(
    ("direction", "letters"),
    [((1, 0, 0), "L"), ((-1, 0, 0), "R"), ((0, 1, 0), "P"), ((0, -1, 0), "A"), ((0, 0, 1), "H"), ((0, 0, -1), "F"),
     ((0.8, -0.6, 0), "LA"), ((-0.5, 0, -0.87), "FR"), ((0.99, 0.1, 0), "L")],
)  # fmt: skip
def test_letters_of_known_directions(direction, letters):
    assert letters_of(np.array(direction)) == letters
