"""Placings that come back: a quadrant, 1:1 and true size are justified anew when the pane changes its size."""

from __future__ import annotations

import numpy as np
import pytest

from viewer.layers.types import Framing

FRAMING = Framing((0.0, 0.0, 40.0, 80.0), (0.0, 40.0), chest_wall="left", group="views")


@pytest.fixture
def framed(pane, make):
    pane.set_content(make.content(np.zeros((1, 80, 60), np.uint8), make.affine((1, 1, 1)), framing=FRAMING))
    return pane


@pytest.mark.parametrize("placing", ["one_to_one", "upper left", "fit"])
def test_a_placing_is_kept_with_the_view(framed, placing):
    framed.show_zoom(placing)
    state, camera = framed.view_state(), framed.camera
    framed.show_zoom("lower right")
    framed.restore_view_state(state)
    assert framed.placing == placing
    assert framed.camera == camera
    framed.resize(400, 300)
    framed.image()
    left, _ = framed.camera.to_screen(0.0, 40.0)
    assert left == pytest.approx(0.0, abs=1e-6)  # the chest wall is at the edge again


def test_true_size_comes_back_as_its_scale_without_the_claim(framed):
    framed.placing = "fit"
    framed.true_size(4.0, calibrated=True)
    state = framed.view_state()
    assert framed.size_text
    framed.true_scale = None  # another day, perhaps another screen
    framed.show_zoom("fit")
    framed.restore_view_state(state)
    assert framed.camera.zoom == pytest.approx(4.0)
    assert framed.size_text == ""
    framed.resize(400, 300)
    framed.image()
    assert framed.camera.zoom == pytest.approx(4.0)
    assert framed.camera.to_screen(0.0, 40.0)[0] == pytest.approx(0.0, abs=1e-6)


def test_a_zoom_by_hand_stays_where_it_was(framed):
    framed.set_camera(framed.camera.zoomed(2.0, (10, 10)))
    state = framed.view_state()
    framed.fit()
    framed.restore_view_state(state)
    assert framed.placing == ""
    framed.restore_view_state({**state, "placing": "nonsense"})
    assert framed.placing == ""
