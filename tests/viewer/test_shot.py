"""Camera and shot: round trips, letters that follow the turns, exact 1:1, round scale bars."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.camera import CLOCKWISE, MIRROR, UPSIDE_DOWN, Camera
from viewer.planes import plane_of
from viewer.shot import Shot, scale_bar

AXIAL = np.array([[0, 0, 0.7, 5], [0, 0.7, 0, -3], [2, 0, 0, 9], [0, 0, 0, 1]], float)
TURNS = {"clockwise": CLOCKWISE, "mirror": MIRROR, "upside down": UPSIDE_DOWN}


def shot(camera, name="axial"):
    return Shot(plane_of((4, 30, 40), AXIAL, name), 1, camera)


@given(
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
    zoom=st.floats(0.01, 50),
    turns=st.lists(st.sampled_from(list(TURNS)), max_size=4),
)
def test_screen_and_plane_are_inverse(x, y, zoom, turns):
    camera = Camera((10, 20), zoom, size=(301, 200))
    for turn in turns:
        camera = camera.turned(TURNS[turn])
    assert camera.to_plane(*camera.to_screen(x, y)) == pytest.approx((x, y), abs=1e-6)
    row, column = shot(camera).pixel_at(x, y)
    assert shot(camera).screen_of(row, column) == pytest.approx((x, y), abs=1e-5)


@given(factor=st.floats(0.1, 10), x=st.floats(0, 300), y=st.floats(0, 200))
def test_zoom_keeps_the_point_under_the_cursor(factor, x, y):
    camera = Camera((10, 20), 3.0, size=(300, 200)).turned(CLOCKWISE)
    assert camera.zoomed(factor, (x, y)).to_plane(x, y) == pytest.approx(camera.to_plane(x, y), abs=1e-6)


def test_a_pan_moves_the_image_with_the_pointer():
    camera = Camera((10, 20), 3.0, size=(300, 200)).turned(MIRROR)
    assert camera.panned(12, -5).to_screen(4, 4) == pytest.approx(np.add(camera.to_screen(4, 4), (12, -5)))


@pytest.mark.parametrize(
    ("name", "letters"),
    [("axial", ("R", "L", "A", "P")), ("coronal", ("R", "L", "H", "F")), ("sagittal", ("A", "P", "H", "F"))],
)
def test_letters_of_the_standard_planes(name, letters):
    assert shot(Camera(), name).edge_letters() == letters


@pytest.mark.parametrize(
    ("turn", "letters"),
    [("clockwise", ("P", "A", "R", "L")), ("mirror", ("L", "R", "A", "P")), ("upside down", ("R", "L", "P", "A"))],
)
def test_letters_follow_turns_from_the_affine_and_when_given(turn, letters):
    turned = shot(Camera().turned(TURNS[turn]))
    assert turned.edge_letters() == letters
    assert turned.turned_letters(("R", "L", "A", "P")) == letters


def test_a_prone_patient_is_shown_anterior_up():
    prone = np.array([[0, 0, -0.7, 0], [0, -0.7, 0, 0], [2, 0, 0, 0], [0, 0, 0, 1]], float)  # rows to right, anterior
    assert Shot(plane_of((4, 30, 40), prone, "axial"), 0, Camera()).edge_letters() == ("R", "L", "A", "P")
    assert Shot(plane_of((4, 30, 40), prone), 0, Camera()).edge_letters() == ("L", "R", "P", "A")


def test_one_to_one_falls_on_the_screens_grid_whatever_the_centre():
    for turn in TURNS.values():
        one = shot(Camera((13.37, 7.91), 1 / 0.7, size=(101, 64)).turned(turn))
        matrix = one.sampling(0, 0)
        assert np.allclose(matrix, np.rint(matrix))


def test_the_image_rectangle_is_clipped_to_the_pane():
    whole = shot(Camera(size=(200, 100)).fitted(28, 21))
    assert whole.image_rect() == (33, 0, 134, 100)  # 133.3 wide: 33.3 to 166.7, edges to the nearest pixel
    near = shot(Camera((14, 10.5), 100, size=(200, 100)))
    assert near.image_rect() == (0, 0, 200, 100)
    away = shot(Camera((900, 900), 1, size=(200, 100)))
    assert away.image_rect()[2:] == (0, 0)


@given(zoom=st.floats(1e-3, 1e3), room=st.floats(20, 2000))
def test_a_scale_bar_is_a_round_length_that_fits(zoom, room):
    length, pixels = scale_bar(zoom, room)
    assert pixels == pytest.approx(length * zoom)
    assert room / 2.51 <= pixels <= room * 1.001
    assert f"{length:.0e}"[0] in "125"
