"""Panes: the pixels they show, what they keep, and the gestures they report."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from viewer.layers.types import BoxShape, HeatmapLayer, ImageLayer, MaskLayer, PaneContent
from viewer.presentation import Padding, Presentation, VoiFunction, VoiLut, Window
from viewer.snapshot import save
from viewer.windowing import render_grey

RNG = np.random.default_rng(7)
BOX = BoxShape("b", "1.2.3", (9.5, 19.5, 2), (29.5, 39.5, 2), (1, 0, 0, 0, 1, 0), "IDC", "#00ff00")


def stack(dtype=np.uint8, slices=5, rows=100, columns=120):
    return RNG.integers(0, 250, (slices, rows, columns)).astype(dtype)


def at(pane, row, column):
    """Logical position of an image pixel."""
    x, y = pane.shot.screen_of(row, column)
    return QPoint(int(np.floor(x / pane.ratio)), int(np.floor(y / pane.ratio)))


def scroll(pane, notches, modifiers=Qt.KeyboardModifier.NoModifier):
    event = QWheelEvent(
        QPointF(150, 100), pane.mapToGlobal(QPointF(150, 100)), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(pane, event)


def drag(qtbot, pane, points, button=Qt.MouseButton.LeftButton):
    qtbot.mousePress(pane, button, pos=points[0])
    for point in points[1:]:
        qtbot.mouseMove(pane, point)
        move(pane, point, button)
    qtbot.mouseRelease(pane, button, pos=points[-1])


def move(pane, point, button=Qt.MouseButton.NoButton):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent

    where = QPointF(point)
    event = QMouseEvent(
        QEvent.Type.MouseMove, where, pane.mapToGlobal(where), Qt.MouseButton.NoButton, button,
        Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(pane, event)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("turns", [(), ("rotate",), ("flip_horizontal", "rotate"), ("flip_vertical",)])
@pytest.mark.parametrize("function", list(VoiFunction))
def test_one_to_one_shows_exactly_the_rendered_pixels(pane, make, dtype, turns, function):
    array = stack(dtype)
    presentation = Presentation((Window(110, 130, function),), 0, True, Padding(0, 3))
    pane.set_content(make.content(array, make.affine((3, 0.35, 0.35)), presentation=presentation))
    pane.one_to_one()
    for turn in turns:
        getattr(pane, turn)()
    shown = make.pixels(pane.image(furniture=False))
    expected = render_grey(array[2], presentation)
    for turn in turns:
        expected = {"rotate": lambda a: np.rot90(a, -1), "flip_horizontal": np.fliplr, "flip_vertical": np.flipud}[
            turn
        ](expected)
    left, top, width, height = pane.shot.image_rect()
    assert (height, width) == expected.shape
    assert np.array_equal(shown[top : top + height, left : left + width], expected[..., None].repeat(3, -1))
    outside = np.ones(shown.shape[:2], bool)
    outside[top : top + height, left : left + width] = False
    assert len(np.unique(shown[outside], axis=0)) == 1


def test_one_to_one_of_a_larger_image_is_a_crop_of_it(pane, make):
    array = stack(np.uint16, 1, 900, 700)
    pane.set_content(make.content(array, make.affine((1, 0.07, 0.07))))
    pane.one_to_one()
    pane.set_camera(pane.camera.panned(31.4, -17.7))
    shown = make.pixels(pane.image(furniture=False))
    row, column = (round(value) for value in pane.shot.pixel_at(0.5, 0.5))
    expected = render_grey(array[0], pane.presentation)[row : row + 200, column : column + 300]
    assert np.array_equal(shown[..., 0], expected)


def test_colour_images_show_their_colours(pane, make):
    array = RNG.integers(0, 256, (1, 100, 120, 3), dtype=np.uint8)
    from highdicom import RGB_COLOR_CHANNEL_DESCRIPTOR, Volume

    volume = Volume(array, make.affine(), "PATIENT", "1.2.3", channels={RGB_COLOR_CHANNEL_DESCRIPTOR: ["R", "G", "B"]})
    pane.set_content(PaneContent(ImageLayer("c", volume, make.identity_window())))
    pane.one_to_one()
    left, top, width, height = pane.shot.image_rect()
    assert np.array_equal(make.pixels(pane.image(furniture=False))[top : top + height, left : left + width], array[0])


def test_anisotropic_planes_keep_their_proportions(pane, make):
    pane.set_content(make.content(stack(np.uint8, 20, 40, 40), make.affine((4, 1, 1)), plane="sagittal"))
    _, _, width, height = pane.shot.image_rect()
    assert width / height == pytest.approx(40 / 80, rel=0.02)


def test_degenerate_images_are_painted(pane, make):
    for array in (np.full((1, 9, 9), np.nan, np.float32), np.zeros((1, 1, 1), np.uint16), np.zeros((2, 1, 500), bool)):
        pane.set_content(make.content(array, uid=str(array.shape)))
        assert not make.pixels(pane.image(furniture=False))[100, 150].any() or array.shape[1] == 1
    pane.set_content(None)
    pane.set_empty_text("Open a study")
    assert pane.image().width() == 300
    assert pane.view_state() == {}


def test_a_heat_map_appears_at_its_millimetres(pane, make):
    heat = np.zeros((1, 5, 6), np.float32)
    heat[0, 2, 4] = 1
    layer = HeatmapLayer(
        "h", "Attention", make.volume(heat, make.affine((1, 20, 20), origin=(10, 10, 2))), "p", (0, 1), opacity=1.0,
        threshold=0.6,
    )  # fmt: skip
    pane.set_content(make.content(np.zeros((5, 100, 120), np.uint8), heatmaps=(layer,)))
    for turn in (None, pane.rotate, pane.flip_horizontal):
        if turn:
            turn()
        seen = make.pixels(pane.image(furniture=False)).astype(int)
        left, top, width, height = pane.shot.image_rect()
        inner = seen[top : top + height, left : left + width].sum(axis=2)
        ys, xs = np.nonzero(inner)
        x, y = pane.shot.screen_of(50, 90)  # cell (2, 4) is centred on row 10 + 2·20, column 10 + 4·20
        assert xs.mean() + left + 0.5 == pytest.approx(x, abs=1)
        assert ys.mean() + top + 0.5 == pytest.approx(y, abs=1)
    pane.set_slice(3)
    left, top, width, height = pane.shot.image_rect()
    assert not make.pixels(pane.image(furniture=False))[top : top + height, left : left + width].any()


def test_changed_looks_of_a_map_are_drawn(pane, make):
    layer = HeatmapLayer("h", "A", make.volume(np.ones((1, 2, 2), np.float32), make.affine((9, 60, 60))), "p", (0, 1))
    base = make.content(np.zeros((1, 100, 120), np.uint8))
    values = []
    for opacity, table in ((0.5, "inferno"), (1.0, "inferno"), (1.0, "viridis")):
        pane.set_content(replace(base, heatmaps=(replace(layer, opacity=opacity, table=table),)))
        x, y = pane.shot.screen_of(30, 30)
        values.append(make.pixels(pane.image(furniture=False))[int(y), int(x)].astype(int))
    assert np.allclose(values[0] * 2, values[1], atol=3)
    assert not np.array_equal(values[1], values[2])
    pane.set_overlays_visible(False)
    assert not make.pixels(pane.image(furniture=False))[int(y), int(x)].any()


def test_layers_of_another_frame_of_reference_are_not_drawn(pane, make):
    heat = HeatmapLayer("h", "A", make.volume(np.ones((5, 2, 2)), make.affine((1, 50, 50)), "9.9"), "p", (0, 1))
    mask = MaskLayer("m", "M", make.volume(np.ones((5, 100, 120), np.uint8), frame="9.9"))
    box = replace(BOX, frame_of_reference_uid="9.9")
    plain = make.content(stack())
    pane.set_content(plain)
    before = make.pixels(pane.image())
    pane.set_content(replace(plain, heatmaps=(heat,), masks=(mask,), boxes=(box,)))
    assert np.array_equal(make.pixels(pane.image()), before)


def test_a_mask_tints_its_pixels_and_draws_its_edge(pane, make):
    mask = np.zeros((5, 100, 120), np.uint8)
    mask[2, 30:70, 40:90] = 1
    layer = MaskLayer("m", "M", make.volume(mask), "#ff0000", 0.4)
    pane.set_content(make.content(np.zeros((5, 100, 120), np.uint8), masks=(layer,)))
    seen = make.pixels(pane.image(furniture=False))[..., 0].astype(int)
    colour = {}
    for name, row, column in (("middle", 50, 60), ("edge", 30.2, 60), ("outside", 20, 60)):
        x, y = pane.shot.screen_of(row, column)
        colour[name] = seen[int(y), int(x)]
    assert colour == {"middle": 102, "edge": 204, "outside": 0}


def test_a_box_is_drawn_on_its_slice_only_and_a_proposal_is_dashed(pane, make):
    pane.set_content(make.content(np.zeros((5, 100, 120), np.uint8), boxes=(BOX,)))
    x, _ = pane.shot.screen_of(30, 9.5)
    _, top = pane.shot.screen_of(19.5, 9.5)
    _, bottom = pane.shot.screen_of(39.5, 9.5)
    column = slice(int(top) + 6, int(bottom) - 6), slice(int(x) - 1, int(x) + 2)

    def green():
        return make.pixels(pane.image(furniture=False))[column][..., 1].max(axis=1)

    assert green().min() > 100
    pane.set_content(replace(pane.content, boxes=(replace(BOX, proposal=True),)))
    assert green().max() > 100 > green().min()
    pane.set_slice(3)
    assert green().max() == 0


def test_the_same_image_keeps_zoom_slice_and_window(pane, make):
    first = make.content(stack())
    pane.set_content(first)
    pane.set_slice(4)
    pane.set_camera(pane.camera.zoomed(2).panned(5, 5))
    window = pane.presentation.with_voi(Window(10, 20, origin="user"))
    pane.set_presentation(window)
    camera = pane.camera
    pane.set_content(replace(first, ai_state="AI: 1 finding", boxes=(BOX,)))
    assert (pane.slice_index, pane.camera, pane.presentation) == (4, camera, window)
    pane.set_content(make.content(stack(), uid="next phase"))  # same grid: slice and zoom stay, the window is its own
    assert (pane.slice_index, pane.camera) == (4, camera)
    assert pane.presentation != window
    pane.set_content(make.content(stack(np.uint8, 3, 50, 50), uid="other", frame="7.7"))
    assert pane.slice_index == 1
    assert pane.fitted


def test_a_new_spacing_of_the_same_image_is_taken_up(pane, make):
    array = stack()
    pane.set_content(make.content(array))
    pane.set_content(make.content(array, make.affine((1, 2, 1))))
    _, _, width, height = pane.shot.image_rect()
    assert width / height == pytest.approx(120 / 200, rel=0.02)


def test_view_state_survives_json(pane, make, qtbot):
    content = make.content(stack())
    pane.set_content(content)
    pane.set_plane("sagittal")
    pane.set_slice(33)
    pane.rotate()
    pane.set_camera(pane.camera.zoomed(3).panned(7, 9))
    pane.set_presentation(pane.presentation.with_voi(Window(10, 20, VoiFunction.SIGMOID, origin="user")))
    pane.invert()
    pane.go_to((33, 40, 2))
    state = json.loads(json.dumps(pane.view_state()))
    camera, presentation = pane.camera, pane.presentation
    pane.set_content(None)
    pane.set_content(content)
    pane.restore_view_state(state)
    assert pane.view_state() == state
    assert pane.camera == camera
    assert pane.presentation.voi == presentation.voi
    assert pane.presentation.invert


@pytest.mark.parametrize(
    "state",
    [{}, {"plane": "oblique"}, {"slice": "x"}, {"slice": 9999}, {"centre_mm": [1], "zoom": None, "fitted": False},
     {"turn": [[2, 0], [0, 1]]}, {"turn": "no"}, {"presentation": {"chosen": 99, "window": {"center": "a"}}},
     {"zoom": -1, "centre_mm": [float("nan"), 0], "fitted": False}, {"image": "another"}],
)  # fmt: skip
def test_a_damaged_view_state_is_harmless(pane, make, state):
    pane.set_content(make.content(stack()))
    pane.restore_view_state(state)
    assert 0 <= pane.slice_index < 5
    assert pane.image().width() == 300


def test_wheel_scrolls_by_notches_and_zooms_with_control(pane, make):
    pane.set_content(make.content(stack()))
    scroll(pane, -1)
    assert pane.slice_index == 3
    scroll(pane, 0.5)
    assert pane.slice_index == 3
    scroll(pane, 0.5)
    assert pane.slice_index == 2
    scroll(pane, 100)
    assert pane.slice_index == 0
    under = pane.shot.pixel_at(150.5, 100.5)
    zoom = pane.camera.zoom
    scroll(pane, 2, Qt.KeyboardModifier.ControlModifier)
    assert pane.camera.zoom == pytest.approx(zoom * 1.44)
    assert pane.shot.pixel_at(150.5, 100.5) == pytest.approx(under)
    assert pane.slice_index == 0


def test_many_wheel_events_are_painted_once(pane, make, qtbot, monkeypatch):
    pane.set_content(make.content(stack(slices=40)))
    qtbot.waitExposed(pane)
    QApplication.processEvents()
    painted = []
    from viewer.layers.image import ImageVisual

    draw = ImageVisual.draw
    monkeypatch.setattr(
        ImageVisual, "draw", lambda self, painter, shot: (painted.append(shot.slice_index), draw(self, painter, shot))
    )
    for _ in range(15):
        scroll(pane, -1)
    QApplication.processEvents()
    assert painted == [35]


def test_right_drag_changes_window_and_level(pane, make, qtbot):
    pane.set_content(make.content(stack()))
    before = pane.presentation.voi
    drag(qtbot, pane, [QPoint(50, 100), QPoint(130, 100)], Qt.MouseButton.RightButton)
    wider = pane.presentation.voi
    assert wider.width > before.width
    assert wider.center == before.center
    assert wider.origin == "user"
    drag(qtbot, pane, [QPoint(50, 100), QPoint(50, 60)], Qt.MouseButton.RightButton)
    assert pane.presentation.voi.center < before.center  # up is brighter
    assert len(pane.presentation.vois) == 2


def test_dragging_from_a_voi_lut_starts_at_its_range(pane, make, qtbot):
    lut = VoiLut(100, np.arange(200, dtype=np.uint16), 8)
    pane.set_content(make.content(stack(), presentation=Presentation((lut,))))
    drag(qtbot, pane, [QPoint(50, 100), QPoint(50, 99)], Qt.MouseButton.RightButton)
    assert pane.presentation.voi.width == 200
    assert pane.presentation.voi.center == pytest.approx(200, abs=1)
    assert pane.presentation.vois[0] is lut


def test_keys_do_what_the_table_says(pane, make, qtbot):
    windows = Presentation((Window(50, 100), Window(60, 20, VoiFunction.SIGMOID)))
    pane.set_content(make.content(stack(), presentation=windows))
    steps = [
        (Qt.Key.Key_Down, lambda: pane.slice_index == 3), (Qt.Key.Key_PageUp, lambda: pane.slice_index == 2),
        (Qt.Key.Key_End, lambda: pane.slice_index == 4), (Qt.Key.Key_Home, lambda: pane.slice_index == 0),
        (Qt.Key.Key_I, lambda: pane.presentation.invert), (Qt.Key.Key_W, lambda: pane.presentation.chosen == 1),
        (Qt.Key.Key_R, lambda: pane.camera.turn == ((0, -1), (1, 0))), (Qt.Key.Key_1, lambda: not pane.fitted),
        (Qt.Key.Key_F, lambda: pane.fitted), (Qt.Key.Key_Plus, lambda: not pane.fitted),
        (Qt.Key.Key_A, lambda: pane.presentation.voi.explanation == "auto"),
        (Qt.Key.Key_0, lambda: pane.fitted and pane.presentation is windows),
        (Qt.Key.Key_H, lambda: pane.camera.turn == ((-1, 0), (0, 1))), (Qt.Key.Key_C, lambda: pane.cine),
        (Qt.Key.Key_C, lambda: not pane.cine), (Qt.Key.Key_S, lambda: not pane.image_visual.smooth),
    ]  # fmt: skip
    for key, holds in steps:
        qtbot.keyClick(pane, key)
        assert holds(), key


def test_cine_goes_round(pane, make, qtbot):
    pane.set_content(make.content(stack()))
    pane.set_slice(4)
    with qtbot.waitSignal(pane.slice_changed, timeout=3000) as signal:
        pane.set_cine(60)
    pane.set_cine(None)
    assert signal.args == [0]


def test_space_and_middle_button_pan(pane, make, qtbot):
    pane.set_content(make.content(stack()))
    before = pane.shot.screen_of(10, 10)
    qtbot.keyPress(pane, Qt.Key.Key_Space)
    drag(qtbot, pane, [QPoint(50, 50), QPoint(70, 45)])
    qtbot.keyRelease(pane, Qt.Key.Key_Space)
    assert pane.shot.screen_of(10, 10) == pytest.approx(np.add(before, np.multiply((20, -5), pane.ratio)))
    drag(qtbot, pane, [QPoint(50, 50), QPoint(30, 55)], Qt.MouseButton.MiddleButton)
    assert pane.shot.screen_of(10, 10) == pytest.approx(before)
    assert pane.cursor_mm is None


def test_a_box_is_drawn_by_dragging_and_the_tool_stays_armed(pane, make, qtbot):
    pane.set_content(make.content(stack()))
    pane.one_to_one()
    pane.set_tool("box")
    for _ in range(2):
        with qtbot.waitSignal(pane.box_drawn) as signal:
            drag(qtbot, pane, [at(pane, 20, 30), at(pane, 30, 40), at(pane, 49, 69)])
        box, method = signal.args
        assert method == "drag"
        assert (box.uid, box.frame_of_reference_uid) == ("", "1.2.3")
        assert box.corner_mm == pytest.approx((29.5, 19.5, 2))
        assert box.opposite_mm == pytest.approx((69.5, 49.5, 2))
    assert pane.tool.name == "box"


def test_four_extreme_points_in_any_order_make_the_box(pane, make, qtbot):
    pane.set_content(make.content(stack()))
    pane.set_camera(pane.camera.zoomed(1))
    pane.one_to_one()
    pane.set_tool("extreme_points")
    drawn = []
    pane.box_drawn.connect(lambda box, method: drawn.append((box, method)))
    for row, column in ((50, 60), (35, 80), (20, 62), (40, 41)):
        assert not drawn
        qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=at(pane, row, column))
    box, method = drawn[0]
    assert method == "extreme points"
    assert box.corner_mm == pytest.approx((40.5, 19.5, 2))
    assert box.opposite_mm == pytest.approx((80.5, 50.5, 2))


def test_escape_drops_a_half_drawn_box(pane, make, qtbot):
    pane.set_content(make.content(stack()))
    pane.set_tool("extreme_points")
    drawn = []
    pane.box_drawn.connect(lambda *args: drawn.append(args))
    for point in (QPoint(100, 60), QPoint(120, 80), QPoint(140, 70)):
        qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=point)
    qtbot.keyClick(pane, Qt.Key.Key_Escape)
    qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=QPoint(110, 90))
    assert not drawn
    pane.set_tool("box")
    qtbot.mousePress(pane, Qt.MouseButton.LeftButton, pos=QPoint(100, 60))
    move(pane, QPoint(150, 90), Qt.MouseButton.LeftButton)
    qtbot.keyClick(pane, Qt.Key.Key_Escape)
    qtbot.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=QPoint(150, 90))
    assert not drawn


def test_select_move_resize_nudge_and_delete(pane, make, qtbot):
    pane.set_content(make.content(stack(), boxes=(BOX,)))
    pane.one_to_one()
    edits = []
    pane.box_edited.connect(lambda before, after: edits.append((before, after)))
    with qtbot.waitSignal(pane.box_selected) as signal:
        qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=at(pane, 30, 20))
    assert signal.args == ["b"]
    assert pane.cursor_mm is None
    drag(qtbot, pane, [at(pane, 30, 20), at(pane, 33, 22), at(pane, 35, 27)])
    assert len(edits) == 1
    assert edits[0][0] == BOX
    assert edits[0][1].corner_mm == pytest.approx((16.5, 24.5, 2))
    assert edits[0][1].opposite_mm == pytest.approx((36.5, 44.5, 2))
    drag(qtbot, pane, [at(pane, 44.5, 36.5), at(pane, 54.5, 46.5)])
    assert edits[1][1].corner_mm == pytest.approx((16.5, 24.5, 2))
    assert edits[1][1].opposite_mm == pytest.approx((46.5, 54.5, 2))
    qtbot.keyClick(pane, Qt.Key.Key_Left)
    qtbot.keyClick(pane, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert edits[3][1].corner_mm == pytest.approx((15.5, 34.5, 2))
    assert len(edits) == 4
    with qtbot.waitSignal(pane.box_delete_requested) as signal:
        qtbot.keyClick(pane, Qt.Key.Key_Delete)
    assert signal.args == ["b"]
    qtbot.keyClick(pane, Qt.Key.Key_Escape)
    assert pane.selected_box == ""
    assert pane.slice_index == 2


def test_nudges_follow_the_screen_when_the_image_is_turned(pane, make, qtbot):
    pane.set_content(make.content(stack(), boxes=(BOX,)))
    pane.rotate()
    pane.select_box("b")
    with qtbot.waitSignal(pane.box_edited) as signal:
        qtbot.keyClick(pane, Qt.Key.Key_Right)  # turned clockwise, right on the screen is up in the image
    assert signal.args[1].corner_mm == pytest.approx((9.5, 18.5, 2))


def test_a_proposal_can_be_selected_but_not_changed(pane, make, qtbot):
    pane.set_content(make.content(stack(), boxes=(replace(BOX, proposal=True),)))
    edits = []
    pane.box_edited.connect(lambda *args: edits.append(args))
    qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=at(pane, 30, 20))
    assert pane.selected_box == "b"
    drag(qtbot, pane, [at(pane, 30, 20), at(pane, 50, 60)])
    qtbot.keyClick(pane, Qt.Key.Key_Left)
    assert not edits


def test_selecting_from_a_list_goes_to_the_slice(pane, make):
    pane.set_content(make.content(stack(), boxes=(BOX,)))
    pane.set_slice(0)
    pane.select_box("b")
    assert pane.slice_index == 2


def test_the_cursor_reads_stored_voxels_in_every_plane(pane, make, qtbot):
    array = stack(np.int16)
    matrix = make.affine((3, 0.5, 0.5), origin=(5, 6, 7))
    pane.set_content(make.content(array, matrix))
    for name in ("native", "sagittal", "coronal"):
        pane.set_plane(name)
        with qtbot.waitSignal(pane.cursor_read) as signal:
            pane.report_cursor(150 * pane.ratio, 100 * pane.ratio)
        mm, voxel, value = signal.args
        assert value == array[voxel]
        inside_voxel = np.linalg.inv(matrix) @ (*mm, 1)
        assert np.abs(inside_voxel[:3] - voxel).max() <= 0.5 + 1e-6
    pane.report_cursor(1, 1)


def test_sop_index_and_plane_geometry(pane, make):
    pane.set_content(make.content(stack()))
    assert pane.sop_index == 2
    assert pane.plane_geometry() == ((1, 0, 0, 0, 1, 0), "1.2.3")
    pane.set_plane("coronal")
    assert pane.sop_index is None
    assert pane.plane_geometry().orientation == pytest.approx((1, 0, 0, 0, 0, -1))


def test_magnifier_shows_larger_pixels_and_goes_away(pane, make, qtbot):
    array = np.zeros((1, 100, 120), np.uint8)
    array[0, 48:53, 58:63] = 200
    pane.set_content(make.content(array))
    plain = make.pixels(pane.image())
    pane.set_tool("magnify")
    qtbot.mousePress(pane, Qt.MouseButton.LeftButton, pos=at(pane, 50, 60))
    lens = make.pixels(pane.image())
    qtbot.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=at(pane, 50, 60))
    middle = slice(60, 140), slice(100, 200)
    assert (lens[middle] == 200).sum() > 5 * (plain[middle] == 200).sum()
    assert np.array_equal(make.pixels(pane.image()), plain)


def test_a_snapshot_is_what_the_pane_shows(pane, make, tmp_path):
    from PySide6.QtGui import QImage

    pane.set_content(make.content(stack()))
    save(pane, tmp_path / "pane.png")
    read = QImage(str(tmp_path / "pane.png")).convertToFormat(QImage.Format.Format_RGB32)
    assert np.array_equal(make.pixels(read), make.pixels(pane.image()))
    with pytest.raises(OSError, match="nowhere"):
        save(pane, tmp_path / "nowhere" / "pane.png")


def test_arrows_scroll_where_the_selected_box_is_not(pane, make, qtbot):
    pane.set_content(make.content(stack(), boxes=(BOX,)))
    pane.select_box("b")
    pane.set_slice(4)
    qtbot.keyClick(pane, Qt.Key.Key_Up)
    assert pane.slice_index == 3


def test_a_plane_taken_by_hand_does_not_follow_to_another_patient(pane, make):
    pane.set_content(make.content(stack()))
    pane.set_plane("sagittal")
    pane.set_content(make.content(stack(), uid="next phase"))
    assert pane.plane == "sagittal"
    pane.set_content(make.content(stack(slices=1), uid="mammogram", frame="8.8"))
    assert pane.plane == "native"


def test_the_colour_bar_is_there_only_where_the_map_is(pane, make):
    layer = HeatmapLayer("h", "A", make.volume(np.zeros((1, 2, 2)), make.affine((1, 60, 60), (30, 30, 2))), "p", (0, 1))
    pane.set_content(make.content(stack()))
    plain = make.pixels(pane.image())
    pane.set_content(replace(pane.content, heatmaps=(replace(layer, threshold=0.5),)))
    assert not np.array_equal(make.pixels(pane.image())[:, 230:], plain[:, 230:])
    pane.set_slice(1)
    one = make.pixels(pane.image())
    pane.set_overlays_visible(False)
    assert np.array_equal(make.pixels(pane.image()), one)


def test_scale_bar_is_hidden_and_said_so_without_spacing(pane, make):
    base = make.content(np.zeros((1, 100, 120), np.uint8))
    pane.set_content(base)
    known = make.pixels(pane.image())
    pane.set_content(replace(base, image=replace(base.image, spacing_known=False)))
    unknown = make.pixels(pane.image())
    bar = slice(150, 175), slice(145, 190)
    assert known[bar].max() > 180
    assert unknown[bar].max() < 60
    assert unknown[140:, :110].max() > known[140:, :110].max() - 1
    assert not np.array_equal(unknown[120:165, :110], known[120:165, :110])
