"""Measuring: lengths, angles, areas and pixel statistics against analytic values, OpenCV and plain numpy."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from viewer.layers.types import MeasurementShape
from viewer.measuring import (
    angle_degrees,
    area_mm2,
    diameters_mm,
    inside,
    inside_ellipse,
    length_mm,
    outline,
    perimeter_mm,
    places_on,
    plane_holding,
    region_values,
    shaped,
    slice_of_shape,
    statistics,
)
from viewer.measuring_places import (
    across,
    crossing,
    ellipse_in,
    moved,
    perpendicular,
    pulled,
    simplified,
    untangled,
)
from viewer.measuring_text import last_digit, mean_text, number, size_text
from viewer.planes import plane_of
from viewer.presentation import Padding

AFFINE = np.array([[0, 0, 0.5, 10], [0, 0.8, 0, 20], [3, 0, 0, -30], [0, 0, 0, 1]], float)
SHAPE = (6, 50, 60)
PLANE = plane_of(SHAPE, AFFINE)
SPACING = (0.8, 0.5)
EMPTY = MeasurementShape("u", "1.2", "length", (), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


def shape(kind, places, index=2, plane=PLANE):
    return shaped(replace(EMPTY, kind=kind), places, plane, index)


def test_lengths_are_of_millimetres_not_pixels():
    assert length_mm(shape("length", [(10, 10), (15, 16)]).points_mm) == pytest.approx(math.hypot(5 * 0.8, 6 * 0.5))
    two = shape("bidimensional", [(10, 10), (10, 20), (6, 15), (14, 15)])
    assert diameters_mm(two.points_mm) == pytest.approx((6.4, 5.0))  # the longer first, whichever was drawn first


@pytest.mark.parametrize("degrees", [0.5, 30, 90, 135, 179.9, 180])
def test_angles(degrees):
    arm = np.array((math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0.0)) * 7
    assert angle_degrees(((3.0, 0, 0), (0.0, 0, 0), tuple(arm))) == pytest.approx(degrees)
    assert angle_degrees(((0.0, 0, 0), (0.0, 0, 0), tuple(arm))) == 0.0


def test_areas_and_outlines():
    ellipse = shape("ellipse", ellipse_in((10, 10), (30, 50)))
    assert area_mm2(ellipse) == pytest.approx(math.pi * (40 * 0.5 / 2) * (20 * 0.8 / 2))
    square = shape("freehand", [(10, 10), (10, 20), (20, 20), (20, 10)])
    assert area_mm2(square) == pytest.approx(10 * 0.8 * 10 * 0.5)
    assert perimeter_mm(square) == pytest.approx(2 * (8 + 5))
    assert area_mm2(replace(square, kind="freehand", points_mm=tuple(map(tuple, outline(ellipse))))) == pytest.approx(
        area_mm2(ellipse), rel=1e-3
    )


@settings(max_examples=60, deadline=None)
@given(data=st.data(), corners=st.integers(3, 12))
def test_pixels_inside_an_outline_are_those_opencv_finds(data, corners):
    turns = np.sort(data.draw(st.lists(st.floats(0, 6.28), min_size=corners, max_size=corners, unique=True)))
    radii = data.draw(st.lists(st.floats(3, 22), min_size=corners, max_size=corners))
    places = [
        (25.3137 + r * math.sin(t), 30.2713 + r * math.cos(t)) for r, t in zip(radii, turns, strict=True)
    ]  # odd offsets, so that no centre lies on the outline
    mask = inside(places, (50, 60))
    curve = np.array([(column, row) for row, column in places], np.float32).reshape(-1, 1, 2)
    for row in range(50):
        for column in range(60):
            far = cv2.pointPolygonTest(curve, (float(column), float(row)), measureDist=True)
            if abs(far) > 1e-3:  # OpenCV counts in single precision
                assert mask[row, column] == (far > 0), (row, column)


def test_pixels_inside_an_ellipse_are_those_of_its_equation():
    places = [(20 - 6.1, 25 - 8.2), (20 + 6.1, 25 + 8.2), (20 - 4.1, 25 + 3.05), (20 + 4.1, 25 - 3.05)]  # turned
    axes = np.array([(6.1, 8.2), (4.1, -3.05)]).T
    expected = np.zeros((50, 60), bool)
    for row in range(50):
        for column in range(60):
            expected[row, column] = np.sum(np.linalg.solve(axes, (row - 20, column - 25)) ** 2) <= 1
    assert np.array_equal(inside_ellipse(places, (50, 60)), expected)
    assert not inside_ellipse([(5, 5), (5, 5), (5, 5), (5, 5)], (50, 60)).any()


def test_statistics_are_of_the_pixels_of_the_one_slice():
    array = np.random.default_rng(1).normal(100, 20, SHAPE).astype(np.float32)
    ellipse = shape("ellipse", ellipse_in((10.2, 12.3), (31.7, 44.9)), index=4)
    values = region_values(ellipse, array, AFFINE)
    rows, columns = np.mgrid[:50, :60]
    mask = ((rows - 20.95) / 10.75) ** 2 + ((columns - 28.6) / 16.3) ** 2 <= 1
    assert np.array_equal(np.sort(values), np.sort(array[4][mask]))
    found = statistics(values)
    assert found.pixels == mask.sum()
    assert found.mean == pytest.approx(array[4][mask].astype(float).mean())
    assert found.sd == pytest.approx(np.std(array[4][mask].astype(float), ddof=1))
    assert (found.minimum, found.maximum) == (array[4][mask].min(), array[4][mask].max())
    assert found.pixels * 0.8 * 0.5 == pytest.approx(area_mm2(ellipse), rel=0.02)


def test_statistics_on_a_plane_of_the_array_and_none_across_it():
    array = np.arange(6 * 50 * 60, dtype=float).reshape(SHAPE)
    coronal = plane_of(SHAPE, AFFINE, "coronal")
    region = shape("ellipse", ellipse_in((1, 10), (4, 30)), index=7, plane=coronal)
    values = region_values(region, array, AFFINE)
    part = coronal.slice_of(array, 7)
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
    mask = ((rows - 2.5) / 1.5) ** 2 + ((columns - 20) / 10) ** 2 <= 1
    assert sorted(values) == sorted(part[mask])
    tilted = replace(region, orientation=(math.cos(0.3), math.sin(0.3), 0.0, 0.0, 0.0, -1.0))
    assert plane_holding(tilted, SHAPE, AFFINE) is None
    assert region_values(tilted, array, AFFINE) is None
    assert region_values(replace(region, kind="length"), array, AFFINE) is None
    assert region_values(region, np.zeros((*SHAPE, 3)), AFFINE) is None


def test_padding_and_what_is_no_number_is_left_out():
    values = np.array([np.nan, np.inf, -2000, -1999, 5, 7, 9])
    found = statistics(values, Padding(-2000, -1999))
    assert (found.pixels, found.mean, found.sd, found.minimum, found.maximum) == (3, 7.0, 2.0, 5.0, 9.0)
    assert statistics(np.array([np.nan])) is None
    assert statistics(np.array([])) is None
    assert math.isnan(statistics(np.array([4.0])).sd)


def test_a_region_beyond_the_image_has_the_pixels_that_are_there():
    array = np.ones(SHAPE)
    assert statistics(region_values(shape("ellipse", ellipse_in((-30, -30), (8, 8))), array, AFFINE)).pixels < 81
    assert region_values(shape("ellipse", ellipse_in((-30, -30), (-5, -5))), array, AFFINE).size == 0


def test_a_shape_lies_on_its_slice_only():
    line = shape("length", [(10, 10), (20, 20)], index=3)
    for index in range(6):
        assert (places_on(line, PLANE, index, "1.2") is not None) == (index == 3)
    assert places_on(line, PLANE, 3, "other") is None
    assert places_on(line, plane_of(SHAPE, AFFINE, "sagittal"), 10, "1.2") is None
    assert slice_of_shape(line, PLANE) == 3
    assert places_on(line, PLANE, 3, "1.2") == [pytest.approx((10, 10)), pytest.approx((20, 20))]


# --- handles ---------------------------------------------------------------------------------------------------------


def mm(places):
    return np.array(places) * SPACING


def right_angle(places):
    one, other = np.diff(mm(places)[:2], axis=0)[0], np.diff(mm(places)[2:], axis=0)[0]
    return abs(float(one @ other)) / max(np.linalg.norm(one) * np.linalg.norm(other), 1e-9)


place = st.tuples(st.floats(0, 49), st.floats(0, 59))


@given(tip=place, to=place, handle=st.integers(0, 3))
def test_two_diameters_stay_at_right_angles_in_millimetres(tip, to, handle):
    first, second = (10.0, 10.0), (30.0, 40.0)
    ends = perpendicular(first, second, tip, SPACING)
    places = [first, second, *ends]
    assert right_angle(places) < 1e-6 or np.allclose(ends[0], ends[1])
    there = pulled("bidimensional", places, handle, to, SPACING)
    if np.linalg.norm(mm(there)[0] - mm(there)[1]) > 1e-3 and np.linalg.norm(mm(there)[2] - mm(there)[3]) > 1e-3:
        assert right_angle(there) < 1e-5
    start = (12.0, 20.0)
    assert right_angle([first, second, start, across(first, second, start, tip, SPACING)]) < 1e-6


def test_an_axis_of_an_ellipse_is_pulled_and_the_other_end_stays():
    places = ellipse_in((10, 10), (20, 30))
    wider = pulled("ellipse", places, 1, (17, 40), SPACING)
    assert wider == [pytest.approx(p) for p in ((15, 10), (15, 40), (10, 25), (20, 25))]
    assert pulled("freehand", [(0, 0), (0, 5), (5, 5)], 2, (9, 9), SPACING)[2] == (9, 9)


def test_moving_stops_at_the_edge_of_the_image():
    assert moved([(1, 1), (4, 5)], -10, 2, (50, 60)) == [(-0.5, 3), (2.5, 7)]
    assert moved([(1, 1), (4, 5)], 100, 100, (50, 60)) == [(46.5, 55.5), (49.5, 59.5)]


def test_an_outline_that_cuts_itself_keeps_its_larger_loop():
    hook = [(0, 0), (0, 20), (20, 20), (20, 0), (-3, 1), (-3, 2), (-1, -2)]  # overshot where it closes
    assert crossing(hook) is not None
    kept = untangled(hook)
    assert crossing(kept) is None
    assert {(0, 20), (20, 20), (20, 0)} <= set(kept)
    assert crossing([(0, 0), (0, 5), (5, 5), (5, 0)]) is None
    eight = untangled([(0, 0), (10, 10), (0, 10), (10, 0)])
    assert crossing(eight) is None


def test_simplifying_keeps_the_area():
    ring = [(25 + 20 * math.sin(t), 30 + 20 * math.cos(t)) for t in np.linspace(0, 2 * math.pi, 400, endpoint=False)]
    few = simplified(ring, 0.3)
    assert len(few) < 60
    assert area_mm2(shape("freehand", few)) == pytest.approx(math.pi * 400 * 0.4, rel=0.03)


# --- digits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pixel", "text"),
    [(0.07, "12.3 mm"), (0.2, "12.3 mm"), (0.02, "12.35 mm"), (0.76, "12 mm"), (1.2, "12 mm"), (5.0, "12 mm")],
)
def test_a_length_has_no_more_digits_than_the_pixel(pixel, text):
    line = replace(EMPTY, points_mm=((0.0, 0.0, 0.0), (12.3451, 0.0, 0.0)))
    assert size_text(line, pixel) == text


def test_texts_of_other_kinds():
    two = replace(EMPTY, kind="bidimensional", points_mm=((0, 0, 0), (14.4, 0, 0), (7, -12, 0), (7, 11, 0)))
    assert size_text(two, 0.76) == "23 × 14 mm"
    assert size_text(two, 1.0, "px") == "23 × 14 px"
    angle = replace(EMPTY, kind="angle", points_mm=((10, 0, 0), (0, 0, 0), (0, 10, 0)))
    assert size_text(angle, 0.76) == "90°"
    square = replace(EMPTY, kind="freehand", points_mm=((0, 0, 0), (20, 0, 0), (20, 20, 0), (0, 20, 0)))
    assert size_text(square, 0.07) == "400 mm²"
    assert size_text(replace(square, points_mm=((0, 0, 0), (21, 0, 0), (21, 21, 0), (0, 21, 0))), 0.76) == "440 mm²"
    assert (last_digit(0.1), number(1249.0, -1), number(-0.0, 0)) == (1, "1250", "0")


def test_a_mean_has_the_digits_of_its_standard_error():
    values = np.tile([90.0, 110.0], 5000)
    assert mean_text(statistics(values)) == "mean 100.0 ± 10.0 SD"
    assert mean_text(statistics(values[:10])) == "mean 100 ± 10 SD"
    assert mean_text(statistics(np.array([3.0]))) == "mean 3.00"
    assert mean_text(None) == ""
