"""Framing: chest wall at the edge, one level in a row, one scale in a group; checked in closed form and in panes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt

from viewer.camera import Camera
from viewer.framing import Framed, as_turned, cameras, facing, followed, quadrant, same_scale
from viewer.layers.types import Framing

MIRRORED = ((-1, 0), (0, 1))
HALF = ((-1, 0), (0, -1))
QUARTER = ((0, -1), (1, 0))


def left_breast(**changes):
    """100 mm deep, 150 mm high, level 90 mm below its top; chest wall at the left, 5 mm from the image's edge."""
    parts = {"region_mm": (5.0, 10.0, 105.0, 160.0), "anchor_mm": (5.0, 100.0), "chest_wall": "left", "group": "exam"}
    return Framing(**{**parts, **changes})


def right_breast(**changes):
    """The same stored with the chest wall at the right of an image that is 200 mm wide."""
    return left_breast(region_mm=(95.0, 10.0, 195.0, 160.0), anchor_mm=(195.0, 100.0), chest_wall="right", **changes)


def on_screen(camera, framing):
    left, top, right, bottom = framing.region_mm
    points = np.array([camera.to_screen(*point) for point in ((left, top), (right, bottom))])
    return (*points.min(axis=0), *points.max(axis=0))


def test_chest_walls_touch_and_both_levels_agree():
    pair = (Framed(right_breast(), (400, 300)), Framed(left_breast(), (400, 300)))
    right, left = cameras(pair)
    assert right.zoom == left.zoom == pytest.approx(2.0)  # 300 pixels for 150 mm
    assert on_screen(right, pair[0].framing) == pytest.approx((200, 0, 400, 300))
    assert on_screen(left, pair[1].framing) == pytest.approx((0, 0, 200, 300))
    assert right.to_screen(195, 100)[1] == pytest.approx(left.to_screen(5, 100)[1]) == pytest.approx(180)


def test_a_common_level_may_cost_scale_but_never_clips():
    high = left_breast(region_mm=(5.0, 0.0, 105.0, 110.0))  # 100 above, 10 below
    low = Framing((95, 80, 195, 230), (195, 100), chest_wall="right", group="exam")  # 20 above, 130 below
    pair = (Framed(low, (500, 460)), Framed(high, (500, 460)))
    assert same_scale(pair) == pytest.approx(460 / 230)
    for camera, one in zip(cameras(pair), pair, strict=True):
        x0, y0, x1, y1 = on_screen(camera, one.framing)
        assert min(x0, y0) >= -1e-9
        assert max(x1 - 500, y1 - 460) <= 1e-9
        assert camera.to_screen(*one.framing.anchor_mm)[1] == pytest.approx(200)


def test_rows_have_their_own_level_and_share_the_scale():
    tall = left_breast(region_mm=(0.0, 0.0, 80.0, 240.0), anchor_mm=(0.0, 120.0))
    group = (Framed(left_breast(), (300, 300), 0), Framed(tall, (300, 300), 1))
    upper, lower = cameras(group)
    assert upper.zoom == lower.zoom == pytest.approx(300 / 240)
    assert on_screen(upper, left_breast()) == pytest.approx((0, 56.25, 125, 243.75))  # in the middle of its row


def test_the_widest_breast_limits_where_it_is_wider_than_high():
    wide = left_breast(region_mm=(5.0, 90.0, 305.0, 110.0))
    assert same_scale((Framed(wide, (300, 900)),)) == pytest.approx(1.0)


def test_a_breast_without_a_known_wall_is_centred():
    (camera,) = cameras((Framed(left_breast(chest_wall=""), (400, 300)),))
    assert on_screen(camera, left_breast()) == pytest.approx((100, 0, 300, 300))


@pytest.mark.parametrize(("turn", "edge"), [(MIRRORED, "right"), (HALF, "right"), (QUARTER, "")])
def test_the_wall_follows_when_the_user_turns_the_image(turn, edge):
    turned = as_turned(left_breast(), turn)
    assert turned.chest_wall == edge
    (camera,) = cameras((Framed(turned, (500, 400)),))
    x0, y0, x1, y1 = on_screen(camera, turned)
    assert min(x0, y0) >= -1e-9
    assert max(x1 - 500, y1 - 400) <= 1e-9
    assert edge != "right" or x1 == pytest.approx(500)


def test_an_image_stored_mirrored_lies_as_its_upright_copy():
    width = 200.0
    region = (width - 105, 10, width - 5, 160)
    mirrored = left_breast(region_mm=region, anchor_mm=(width - 5, 100), turn=MIRRORED)
    one, other = (cameras((Framed(f, (333, 222)),))[0] for f in (left_breast(), mirrored))
    for x, y in ((5, 100), (60, 20), (105, 160)):
        assert one.to_screen(x, y) == pytest.approx(other.to_screen(width - x, y))


@pytest.mark.parametrize("ratio", [1.5, 2.0])
def test_high_dpi_only_scales(ratio):
    plain = cameras((Framed(left_breast(), (400, 300)),))[0]
    dense = cameras((Framed(left_breast(), (round(400 * ratio), round(300 * ratio))),))[0]
    assert dense.zoom == pytest.approx(plain.zoom * ratio)
    assert dense.centre_mm == pytest.approx(plain.centre_mm)


def test_larger_than_the_pane_the_wall_stays_and_the_level_is_shared():
    group = (Framed(right_breast(), (400, 300)), Framed(left_breast(), (400, 300)))
    right, left = cameras(group, 8.0)
    assert right.to_screen(195, 0)[0] == pytest.approx(400)
    assert left.to_screen(5, 0)[0] == pytest.approx(0)
    assert right.to_screen(0, 100)[1] == pytest.approx(left.to_screen(0, 100)[1])


def test_quadrants_cover_the_breast_and_fill_the_pane():
    seen = {name: quadrant(left_breast(), (400, 600), name) for name in
            ("upper left", "upper right", "lower left", "lower right")}  # fmt: skip
    for name, camera in seen.items():
        assert camera.zoom == pytest.approx(8.0)  # 400 for 50 mm, 600 for 75 mm
        x = 5 + 50 * ("right" in name)
        y = 10 + 75 * ("lower" in name)
        assert camera.to_screen(x, y) == pytest.approx((0, 0))
        assert camera.to_screen(x + 50, y + 75) == pytest.approx((400, 600))
    mirrored = quadrant(as_turned(left_breast(), MIRRORED), (400, 600), "upper right")
    assert mirrored.to_screen(5, 10) == pytest.approx((400, 0))
    with pytest.raises(ValueError, match="middle"):
        quadrant(left_breast(), (4, 4), "middle")


def test_a_pan_to_the_wall_is_a_pan_to_the_wall_of_the_facing_breast():
    right, left = cameras((Framed(right_breast(), (400, 300)), Framed(left_breast(), (400, 300))))
    moved = left.zoomed(2.0).panned(-30, 14)
    other = followed(moved, left, right, ("left", "right"))
    for x, y in ((5, 100), (70, 44)):
        sx, sy = moved.to_screen(x, y)
        assert other.to_screen(200 - x, y) == pytest.approx((400 - sx, sy))


def test_walls_face_only_back_to_back():
    assert facing(right_breast(), left_breast())
    assert not facing(left_breast(), right_breast())
    assert not facing(right_breast(), None)


# --- in panes ----------------------------------------------------------------------------------------------------


def mammogram(make, framing, uid, spacing=1.0, shape=(200, 200)):
    values, frame = np.zeros((1, *shape), np.uint16), "1.9." + "".join(str(ord(c)) for c in uid)
    return make.content(values, make.affine((1, spacing, spacing)), frame=frame, uid=uid, framing=framing)


@pytest.fixture
def exam(grid, make):
    """R CC and L CC over R MLO and a missing L MLO; the left one has half the pixel size."""
    grid.set_layout("2x2")
    grid.panes[0].set_content(mammogram(make, right_breast(), "rcc"))
    grid.panes[1].set_content(mammogram(make, left_breast(), "lcc", 0.5, (400, 400)))
    grid.panes[2].set_content(mammogram(make, right_breast(), "rmlo"))
    return grid


def region(pane):
    return on_screen(pane.camera, pane.content.framing)


def test_panes_of_an_exam_touch_at_the_chest_wall(exam):
    right, left, below = exam.panes[:3]
    assert right.geometry().right() + 1 == left.geometry().left()
    assert below.geometry().right() + 2 == left.geometry().left()  # the empty pane has no chest wall
    assert right.camera.zoom == left.camera.zoom == below.camera.zoom
    assert region(right)[2] == pytest.approx(right.camera.size[0])
    assert region(left)[0] == pytest.approx(0)
    assert right.camera.to_screen(0, 100)[1] == pytest.approx(left.camera.to_screen(0, 100)[1])


def test_framing_holds_through_resizing_layouts_and_maximising(exam):
    for change in (
        lambda: exam.resize(900, 300), lambda: exam.set_layout("1x4"), lambda: exam.toggle_maximised(),
        lambda: exam.toggle_maximised(), lambda: exam.set_layout("2x2"),
    ):  # fmt: skip
        change()
        shown = [pane for pane in exam.visible_panes if pane.content is not None]
        assert len({pane.camera.zoom for pane in shown}) == 1
        for pane in shown:
            x0, y0, x1, y1 = region(pane)
            assert min(x0, y0) > -1e-6
            assert max(x1 - pane.camera.size[0], y1 - pane.camera.size[1]) < 1e-6


def test_zoom_and_pan_move_the_group_and_fit_brings_it_back(exam, qtbot):
    right, left, below = exam.panes[:3]
    homes = [pane.camera for pane in (right, left, below)]
    right.set_camera(right.camera.zoomed(3.0, (250, 60)))
    assert left.camera.zoom == below.camera.zoom == pytest.approx(homes[0].zoom * 3)
    width = right.camera.size[0]
    sx, sy = right.camera.to_screen(150, 70)
    assert left.camera.to_screen(50, 70) == pytest.approx((width - sx, sy))
    exam.set_linked(False)
    before = left.camera
    right.set_camera(right.camera.panned(5, 5))
    assert left.camera == before
    exam.set_linked(True)
    qtbot.keyClick(right, Qt.Key.Key_F)
    assert [pane.camera for pane in (right, left, below)] == homes


def test_true_size_is_true_in_every_pane_and_says_whether_it_can_be(exam, qtbot):
    exam.true_size(4.0, calibrated=False)
    for pane in exam.panes[:3]:
        assert pane.camera.zoom == 4.0
        assert pane.size_text == "true size (screen not calibrated)"
    assert exam.panes[0].camera.to_screen(195, 0)[0] == pytest.approx(exam.panes[0].camera.size[0])
    exam.resize(700, 500)
    assert exam.panes[1].camera.zoom == 4.0
    assert exam.panes[1].camera.to_screen(5, 0)[0] == pytest.approx(0)
    exam.panes[0].set_camera(exam.panes[0].camera.zoomed(1.5))
    assert exam.panes[0].size_text == ""
    with qtbot.waitSignal(exam.action_requested) as asked:
        qtbot.keyClick(exam.panes[0], Qt.Key.Key_T)
    assert asked.args == ["true_size"]
    qtbot.keyClick(exam.panes[0], Qt.Key.Key_Y)
    assert len({pane.camera.zoom for pane in exam.panes[:3]}) == 1
    assert region(exam.panes[1])[0] == pytest.approx(0)


def test_an_image_without_millimetres_has_no_true_size(pane, make):
    from dataclasses import replace

    content = make.content(np.zeros((1, 20, 20), np.uint8))
    pane.set_content(replace(content, image=replace(content.image, spacing_known=False)))
    camera = pane.camera
    assert not pane.true_size(3.0, calibrated=True)
    assert pane.camera == camera
    assert "no true size" in pane.refusal


def test_show_zoom_of_a_framed_and_of_a_plain_image(pane, make):
    pane.set_content(mammogram(make, left_breast(), "lcc", 0.5, (400, 400)))
    pane.show_zoom("one_to_one")
    assert pane.camera.zoom == 2.0
    assert pane.camera.to_screen(5, 0)[0] == pytest.approx(0)
    pane.show_zoom("lower right")
    assert pane.camera.to_screen(55, 85)[1] == pytest.approx(0)
    pane.resize(200, 300)
    assert pane.camera.to_screen(55, 85)[0] == pytest.approx(0)
    pane.show_zoom("fit")
    assert pane.fitted
    with pytest.raises(ValueError, match="huge"):
        pane.show_zoom("huge")
    pane.set_content(make.content(np.zeros((1, 40, 60), np.uint8), uid="plain"))
    pane.show_zoom("upper right")
    assert pane.camera.to_screen(60, 0)[0] == pytest.approx(pane.camera.size[0])


def test_another_turn_of_the_same_image_is_taken_up_and_reset_goes_home(pane, make):
    pane.set_content(mammogram(make, left_breast(), "lcc"))
    pane.flip_horizontal()
    assert pane.framing.chest_wall == "right"
    assert pane.camera.to_screen(5, 0)[0] == pytest.approx(pane.camera.size[0])
    pane.reset_view()
    assert pane.camera.turn == ((1, 0), (0, 1))
    mirrored = left_breast(turn=MIRRORED, chest_wall="right")
    pane.set_content(mammogram(make, mirrored, "lcc"))
    assert pane.camera.turn == MIRRORED


def test_more_panes_are_made_when_needed_and_take_up_the_tool(grid, qtbot):
    grid.set_tool("pan")
    with qtbot.waitSignal(grid.pane_added):
        grid.set_layout("2x5")
    assert len(grid.panes) == 10
    assert {pane.tool.name for pane in grid.panes} == {"pan"}
    grid.set_active(9)
    grid.set_layout("1")
    assert grid.active_index == 0
    assert len(grid.panes) == 10
    for name in ("0x1", "5x1", "1x6", "2", "", "2x2x2"):
        with pytest.raises(ValueError, match="layout"):
            grid.set_layout(name)


def test_a_camera_of_a_pane_stays_its_own_without_a_group(grid, make):
    grid.set_layout("1x2")
    grid.panes[0].set_content(mammogram(make, left_breast(group=""), "a"))
    grid.panes[1].set_content(mammogram(make, left_breast(group=""), "b"))
    before = grid.panes[1].camera
    grid.panes[0].set_camera(Camera((50, 50), 5.0, size=grid.panes[0].camera.size))
    assert grid.panes[1].camera == before
