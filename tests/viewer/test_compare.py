"""Compare: swipe and blink through the affines, and the lines where other panes cut this one."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QImage, QPainter

from viewer.furniture.colour_bar import draw_colour_bar
from viewer.furniture.corners import Sheet
from viewer.furniture.legend import legend_rect
from viewer.furniture.reference import crossing
from viewer.layers.types import ClassMapLayer, Compare, Framing, HeatmapLayer, ImageLayer, MapClass, MaskLayer
from viewer.other_shot import shot_of_other
from viewer.presentation import VoiFunction, Window


def other_image(make, value, matrix=None, frame="1.2.3", shape=(5, 40, 60)):
    volume = make.volume(np.full(shape, value, np.uint8), matrix, frame)
    return ImageLayer(f"other {value}", volume, make.identity_window())


@pytest.fixture
def compared(pane, make):
    """A pane of 300×200 with grey 50 and, beyond the line, grey 200 on a grid of twice the spacing."""
    own = np.full((5, 40, 60), 50, np.uint8)
    coarse = make.affine((1, 2, 2), origin=(0.5, 0.5, 0))
    other = other_image(make, 200, coarse, shape=(5, 20, 30))

    def show(**changes):
        compare = Compare(**{"title": "Phase 1", "other_title": "Phase 2", "image": other, **changes})
        pane.set_content(make.content(own, make.affine((1, 1, 1)), compare=compare))
        return pane

    return show


def test_swipe_shows_the_other_image_right_of_the_line(compared, make):
    pane = compared()
    grey = make.pixels(pane.image(furniture=False))[100, :, 0]
    assert set(grey[:147]) == {50}
    assert set(grey[153:]) == {200}
    pane.comparing.drag_to(60)
    grey = make.pixels(pane.image(furniture=False))[100, :, 0]
    assert set(grey[:57]) == {50}
    assert set(grey[63:]) == {200}


def test_the_line_is_dragged_and_moved_by_keys(compared, qtbot):
    pane = compared()
    pane.set_tool("box")
    qtbot.mousePress(pane, Qt.MouseButton.LeftButton, pos=QPoint(151, 30))
    qtbot.mouseMove(pane, QPoint(90, 30))
    qtbot.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=QPoint(90, 30))
    assert pane.comparing.at == pytest.approx(0.3, abs=0.01)
    qtbot.keyClick(pane, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert pane.comparing.at == pytest.approx(0.32, abs=0.01)
    pane.comparing.drag_to(9999)
    assert pane.comparing.at == 1.0


def test_blink_changes_in_turn_and_rests_while_hidden(compared, make):
    pane = compared(mode="blink")
    assert pane.comparing.timer.isActive()
    assert pane.comparing.timer.interval() == 1000
    assert make.pixels(pane.image(furniture=False))[100, 150, 0] == 50
    pane.comparing.timer.timeout.emit()
    assert make.pixels(pane.image(furniture=False))[100, 150, 0] == 200
    pane.hide()
    assert not pane.comparing.timer.isActive()
    pane.show()
    assert pane.comparing.timer.isActive()
    pane.set_content(None)
    assert not pane.comparing.timer.isActive()


def test_masks_of_the_other_side_lie_on_the_other_side(compared, make):
    mask = MaskLayer("m", "Model B", make.volume(np.ones((5, 40, 60), np.uint8)), "#ff0000", 1.0)
    pane = compared(image=None, masks=(mask,))
    shown = make.pixels(pane.image(furniture=False))[100]
    assert tuple(shown[40]) == (50, 50, 50)
    assert shown[240, 0] > 150
    assert shown[240, 1] < 50


def test_another_frame_of_reference_and_a_missing_slice_are_said(compared, make):
    pane = compared(image=other_image(make, 200, frame="5.5"))
    assert "frame of reference" in pane.comparing.problem
    assert 200 not in make.pixels(pane.image(furniture=False))[100, :, 0]
    pane = compared(image=other_image(make, 200, make.affine((1, 1, 1), origin=(0, 0, 3))))
    pane.set_slice(0)
    assert "does not reach" in pane.comparing.problem
    pane.set_slice(4)
    assert pane.comparing.problem == ""


def test_the_other_shot_lies_on_the_same_millimetres(pane, make):
    pane.set_content(make.content(np.zeros((9, 40, 60), np.uint8), make.affine((2, 1, 1), origin=(4, -3, 7))))
    pane.set_slice(6)
    pane.set_camera(pane.camera.zoomed(2.3, (40, 170)))
    shot = pane.shot
    for matrix in (make.affine((3, 0.7, 1.9), origin=(-9, 2, 1)), np.diag((1.0, 1.5, 2.0, 1.0))):
        other = shot_of_other(shot, (40, 50, 60), np.asarray(matrix, float).tobytes())
        for at in ((0, 0), (120, 33), (299, 199)):
            here, there = np.array(shot.mm_at(*at)), np.array(other.mm_at(*at))
            off = there - here
            assert abs(off @ shot.plane.row_cosine) < 1e-6
            assert abs(off @ shot.plane.column_cosine) < 1e-6
            assert abs(off @ shot.plane.normal) <= other.plane.step_mm / 2 + 1e-6


def test_a_crossing_plane_is_marked_where_it_cuts(grid, make):
    grid.set_layout("1x2")
    values = np.zeros((10, 60, 60), np.uint8)
    axial, sagittal = grid.panes[:2]
    axial.set_content(make.content(values, make.affine((3, 1, 1))))
    sagittal.set_content(make.content(values, make.affine((3, 1, 1)), uid="other", plane="sagittal"))
    grid.join(1)
    axial.set_slice(4)
    assert sagittal.reference is axial
    assert axial.reference is None
    (x0, y0), (x1, y1) = crossing(sagittal.shot, axial.shot)
    row = sagittal.shot.plane.to_index((0, 0, 12))[1]  # slice 4 lies at 12 mm
    assert (y0, y1) == pytest.approx((sagittal.shot.screen_of(row, 0)[1],) * 2)
    reach = [sagittal.shot.screen_of(row, column)[0] for column in (-0.5, 59.5)]
    assert sorted((x0, x1)) == pytest.approx(sorted(reach))
    assert crossing(axial.shot, axial.shot) is None
    grid.set_active(1)
    assert axial.reference is sagittal
    grid.set_linked(False)
    assert axial.reference is None


@pytest.mark.parametrize(("wall", "side"), [("right", "left"), ("left", "right")])
def test_colour_bar_and_legend_keep_off_the_chest_wall(pane, make, monkeypatch, wall, side):
    drawn = []
    monkeypatch.setattr("viewer.map_keys.draw_colour_bar", lambda _sheet, layer, where: drawn.append(where))
    monkeypatch.setattr("viewer.map_keys.draw_legend", lambda _sheet, layer, beside_bar, side: drawn.append(side))
    heatmap = HeatmapLayer("h", "Map", make.volume(np.ones((1, 40, 60), np.float32)), "", (0.0, 1.0))
    classes = ClassMapLayer("c", "Classes", make.volume(np.ones((1, 40, 60), np.uint8)), (MapClass(1, "A", "#ff0000"),))
    framing = Framing((0.0, 0.0, 40.0, 40.0), (0.0, 20.0), chest_wall=wall)
    values = np.zeros((1, 40, 60), np.uint8)
    pane.set_content(make.content(values, heatmaps=(heatmap,), class_maps=(classes,), framing=framing))
    pane.image()
    assert drawn == [side, side]


def test_legend_and_bar_mirror_at_the_left_edge(make):
    image = QImage(300, 200, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    sheet = Sheet(painter, 300, 200, 1.0)
    classes = ClassMapLayer("c", "Classes", make.volume(np.ones((1, 4, 6), np.uint8)), (MapClass(1, "A", "#ff0000"),))
    right, left = legend_rect(sheet, classes), legend_rect(sheet, classes, side="left")
    assert left.left() == pytest.approx(300 - right.right())
    heatmap = HeatmapLayer("h", "Map", make.volume(np.ones((1, 4, 6), np.float32)), "", (0.0, 1.0), table="viridis")
    columns = {}
    for side in ("left", "right"):
        image.fill(0)
        draw_colour_bar(sheet, heatmap, side)
        bright = make.pixels(image)[:, :, 1].astype(int)[70:130].mean(axis=0)
        columns[side] = int(np.argmax(bright))
    painter.end()
    assert columns["left"] < 50
    assert columns["right"] > 250


def test_the_other_side_of_the_same_kind_takes_the_window_of_the_pane(compared):
    pane = compared(same_window=True)
    window = Window(10.0, 20.0, VoiFunction.LINEAR, "", "user")
    pane.set_presentation(pane.presentation.with_voi(window).inverted())
    assert pane.comparing._presentation().voi == window
    assert pane.comparing._presentation().invert
    assert pane.comparing._presentation() is pane.comparing._presentation()
    pane = compared(same_window=False)
    assert pane.comparing._presentation() is pane.content.compare.image.presentation
