"""Rectangles: whole pixels, millimetres and back, and only on the slice they belong to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.layers.rectangle import Rectangle, new_box, rectangle_of, slice_of
from viewer.planes import plane_of

AFFINE = np.array([[0, 0, 0.5, 10], [0, 0.8, 0, 20], [3, 0, 0, -30], [0, 0, 0, 1]], float)
SHAPE = (6, 50, 60)
PLANE = plane_of(SHAPE, AFFINE)
place = st.tuples(st.floats(-20, 80), st.floats(-20, 80))


def test_corners_are_outer_pixel_edges_in_millimetres():
    edges = Rectangle.around([(10.2, 5.4), (12.6, 7.9)], PLANE)
    assert edges == Rectangle(9.5, 4.5, 13.5, 8.5)
    box = new_box(edges, PLANE, 2, "1.2")
    assert box.corner_mm == pytest.approx((10 + 4.5 * 0.5, 20 + 9.5 * 0.8, -24))
    assert box.opposite_mm == pytest.approx((10 + 8.5 * 0.5, 20 + 13.5 * 0.8, -24))
    assert box.orientation == pytest.approx((1, 0, 0, 0, 1, 0))


@given(points=st.lists(place, min_size=2, max_size=4), index=st.integers(0, 5))
def test_a_box_comes_back_as_it_was_drawn_on_its_slice_only(points, index):
    edges = Rectangle.around(points, PLANE)
    assert edges.top >= -0.5
    assert edges.left >= -0.5
    assert edges.bottom - edges.top >= 1
    box = new_box(edges, PLANE, index, "1.2")
    for other in range(SHAPE[0]):
        found = rectangle_of(box, PLANE, other, "1.2")
        assert (found is not None) == (other == index)
    back = rectangle_of(box, PLANE, index, "1.2")
    assert back is not None
    assert (back.top, back.left, back.bottom, back.right) == pytest.approx(
        (edges.top, edges.left, edges.bottom, edges.right)
    )
    assert slice_of(box, PLANE) == index


def test_a_box_of_another_frame_or_plane_is_not_shown():
    box = new_box(Rectangle(9.5, 9.5, 19.5, 19.5), PLANE, 2, "1.2")
    assert rectangle_of(box, PLANE, 2, "1.3") is None
    sagittal = plane_of(SHAPE, AFFINE, "sagittal")
    assert all(rectangle_of(box, sagittal, k, "1.2") is None for k in range(60))


def test_a_box_is_found_on_a_flipped_grid_of_the_same_frame():
    box = new_box(Rectangle(9.5, 4.5, 13.5, 8.5), PLANE, 2, "1.2")
    flipped = AFFINE @ np.diag((1, 1, -1, 1.0))
    flipped[:3, 3] += AFFINE[:3, 2] * 59
    found = rectangle_of(box, plane_of(SHAPE, flipped), 2, "1.2")
    assert found is not None
    assert (found.left, found.right) == pytest.approx((59 - 8.5, 59 - 4.5))


@given(rows=st.floats(-100, 100), columns=st.floats(-100, 100))
def test_a_moved_rectangle_keeps_its_size_and_stays_inside(rows, columns):
    moved = Rectangle(9.5, 4.5, 13.5, 8.5).moved(rows, columns, PLANE)
    assert (moved.bottom - moved.top, moved.right - moved.left) == (4, 4)
    assert -0.5 <= moved.top <= moved.bottom <= 49.5
    assert -0.5 <= moved.left <= moved.right <= 59.5


def test_a_handle_may_be_pulled_through_to_the_other_side():
    pulled = Rectangle(9.5, 9.5, 19.5, 19.5).dragged("se", 4.2, 30.1, PLANE)
    assert pulled == Rectangle(4.5, 9.5, 9.5, 30.5)
    assert Rectangle(9.5, 9.5, 19.5, 19.5).dragged("n", 3.1, 99, PLANE).right == 19.5


def test_labels_do_not_change_the_place():
    box = new_box(Rectangle(9.5, 4.5, 13.5, 8.5), PLANE, 2, "1.2")
    assert rectangle_of(replace(box, text="IDC"), PLANE, 2, "1.2") == rectangle_of(box, PLANE, 2, "1.2")
