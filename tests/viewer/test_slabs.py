"""Slabs, oblique planes and class maps in a pane, as a reader works with them."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter
from scipy.spatial.transform import Rotation

from viewer.furniture.colour_bar import CLEAR, WIDTH, bar_height
from viewer.furniture.corners import MARGIN, Sheet
from viewer.furniture.legend import legend_rect
from viewer.layers.types import BoxShape, ClassMapLayer, HeatmapLayer, MapClass, MaskLayer
from viewer.map_keys import visible_class_map
from viewer.pane_painter import own_lines
from viewer.slab import Slab

KEY = Qt.Key
CTRL, SHIFT, ALT = (
    Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier,
)  # fmt: skip
BOX = BoxShape("b", "1.2.3", (9.5, 19.5, 2), (29.5, 39.5, 2), (1, 0, 0, 0, 1, 0), "IDC", "#00ff00")
CLASSES = (MapClass(1, "Persistent", "#0072b2"), MapClass(2, "Plateau", "#f0e442"), MapClass(3, "Washout", "#d55e00"))


def oblique(spacing=(2, 1, 1), angles=(12, -25, 33), origin=(-30, 10, 20)):
    matrix = np.eye(4)
    stored = np.array(((0, 0, 1), (0, 1, 0), (1, 0, 0)), float)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ stored @ np.diag(spacing)
    matrix[:3, 3] = origin
    return matrix


@pytest.fixture
def peak(make):
    """A volume of five slices with one bright voxel in slice 4."""
    array = np.full((5, 100, 120), 20, np.int16)
    array[4, 30, 70] = 200
    return make.content(array, make.affine((3, 1, 1)))


def at(pane, row, column):
    x, y = pane.shot.screen_of(row, column)
    return QPoint(int(np.floor(x / pane.ratio)), int(np.floor(y / pane.ratio)))


def seen(pane, make, row, column):
    x, y = pane.shot.screen_of(row, column)
    return make.pixels(pane.image(furniture=False))[int(y), int(x)].astype(int)


def test_a_slab_shows_what_lies_in_other_slices_and_says_so(pane, make, peak):
    pane.set_content(peak)
    assert pane.slice_index == 2
    assert seen(pane, make, 30, 70)[0] == 20
    changes = []
    pane.slab_changed.connect(changes.append)
    pane.set_slab(Slab("max", 12))
    assert seen(pane, make, 30, 70)[0] > 60
    assert own_lines(pane, pane.shot)[:2] == ["1–5 / 5", "MIP 12 mm"]
    pane.set_slab(Slab("max", 6))
    assert seen(pane, make, 30, 70)[0] == 20
    pane.set_slab(Slab("mean"))
    assert "Mean" in own_lines(pane, pane.shot)
    assert changes == [Slab("max", 12), Slab("max", 6), Slab("mean")]
    with pytest.raises(ValueError, match="-1"):
        pane.set_slab(Slab("max", -1.0))


def test_the_contents_slab_is_where_an_image_starts_and_the_users_stays(pane, make, peak):
    pane.set_content(replace(peak, slab=Slab("max")))
    assert pane.slab == Slab("max")
    pane.set_slab(None)
    pane.set_content(replace(peak, slab=Slab("max"), ai_state="AI: not run"))
    assert pane.slab is None
    phase = make.content(np.zeros((5, 100, 120), np.int16), make.affine((3, 1, 1)), uid="next phase", slab=Slab("max"))
    pane.set_content(phase)  # same frame of reference and start: the choice of the user goes along
    assert pane.slab is None
    pane.set_content(make.content(np.zeros((5, 9, 9), np.int16), frame="7.7", uid="other", slab=Slab("min")))
    assert pane.slab == Slab("min")
    pane.set_content(make.content(np.zeros((5, 9, 9), np.int16), frame="7.8", uid="third"))
    assert pane.slab is None


def test_a_click_in_a_projection_puts_the_cursor_where_the_maximum_lies(qtbot, pane, peak):
    pane.set_content(peak)
    pane.set_slab(Slab("max"))
    read, pointed = [], []
    pane.cursor_read.connect(lambda *found: read.append(found))
    pane.cursor_set.connect(pointed.append)
    pane.report_cursor(*pane.shot.screen_of(30, 70))
    mm, voxel, value = read[-1]
    assert (voxel, value) == ((4, 30, 70), 200)
    assert mm == pytest.approx((70, 30, 12))
    qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=at(pane, 30, 70))
    assert pointed[-1][2] == pytest.approx(12)
    assert pane.slice_index == 4
    pane.set_slab(Slab("mean"))
    pane.report_cursor(*pane.shot.screen_of(30, 70))
    assert read[-1][2] == pytest.approx((4 * 20 + 200) / 5)


def test_keys_switch_modes_and_thickness(qtbot, pane, peak):
    pane.set_content(peak)
    press = lambda key, modifier=Qt.KeyboardModifier.NoModifier: qtbot.keyClick(pane, key, modifier)  # noqa: E731
    press(KEY.Key_M, SHIFT)
    assert pane.slab == Slab("max", 10)
    press(KEY.Key_N, SHIFT)
    press(KEY.Key_N, SHIFT)
    assert pane.slab.mode == "min"
    press(KEY.Key_Up, CTRL)
    assert pane.slab == Slab("min", 15)  # reaches both ends from the middle slice
    press(KEY.Key_Up, CTRL)
    assert pane.slab.mode == "min"
    assert pane.slab.thickness_mm > 15
    for _ in range(12):
        press(KEY.Key_Up, CTRL)
    assert math.isinf(pane.slab.thickness_mm)
    counts = []
    while pane.slab is not None:
        counts.append(pane.shot.span)
        press(KEY.Key_Down, CTRL)
        assert len(counts) < 20
    assert counts[-1] == (1, 3)  # one slice each way is the thinnest; then single slices
    press(KEY.Key_M, SHIFT)
    assert pane.slab.mode == "min"
    press(KEY.Key_M, SHIFT)
    assert pane.slab is None


def test_nothing_is_drawn_on_a_slab_and_the_pane_says_why(qtbot, pane, peak):
    pane.set_content(peak)
    pane.set_slab(Slab("max", 12))
    drawn, refused = [], []
    pane.box_drawn.connect(lambda *box: drawn.append(box))
    pane.refused.connect(refused.append)
    pane.set_tool("box")
    for tool in ("box", "extreme_points"):
        pane.set_tool(tool)
        qtbot.mousePress(pane, Qt.MouseButton.LeftButton, pos=at(pane, 20, 20))
        qtbot.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=at(pane, 60, 60))
    assert not drawn
    assert len(refused) == 2
    assert refused[0].startswith("MIP 12 mm on show")
    assert pane.refusal == refused[0]
    pane.image()  # the sentence is painted
    pane.set_slab(Slab("max", 2))  # no thicker than a slice: places are what they seem
    qtbot.mousePress(pane, Qt.MouseButton.LeftButton, pos=at(pane, 20, 20))
    assert len(refused) == 2


def test_boxes_masks_and_maps_of_other_slices_are_seen_in_a_slab(pane, make):
    mask = np.zeros((5, 100, 120), np.uint8)
    mask[4, 60:90, 60:100] = 1
    heat = np.zeros((5, 10, 12), np.float32)
    heat[0, 8, 2] = 1
    layers = {
        "boxes": (replace(BOX, corner_mm=(9.5, 19.5, 0), opposite_mm=(29.5, 39.5, 0)),),
        "masks": (MaskLayer("m", "M", make.volume(mask)),),
        "heatmaps": (
            HeatmapLayer("h", "H", make.volume(heat, make.affine((1, 10, 10))), "p", (0, 1), threshold=0.5, opacity=1),
        ),
    }
    pane.set_content(make.content(np.zeros((5, 100, 120), np.uint8), **layers))
    places = {"boxes": (19.5, 20), "masks": (75, 80), "heatmaps": (80, 20)}
    assert not any(seen(pane, make, *place).any() for place in places.values())
    pane.set_slab(Slab("max"))
    assert all(seen(pane, make, *place).any() for place in places.values())
    pane.set_slab(Slab("max", 2))
    assert not any(seen(pane, make, *place).any() for place in places.values())


def test_classes_are_drawn_in_their_colours_by_the_nearest_voxel(pane, make):
    array = np.zeros((5, 10, 12), np.uint8)
    array[2, 2:4, 2:4], array[2, 6, 6], array[2, 8, 8] = 1, 3, 9
    layer = ClassMapLayer("c", "Kinetics", make.volume(array, make.affine((1, 10, 10))), CLASSES, opacity=0.5)
    pane.set_content(make.content(np.full((5, 100, 120), 100, np.uint8), class_maps=(layer,)))
    assert seen(pane, make, 25, 25).tolist() == pytest.approx([50, 50 + 0x72 / 2, 50 + 0xB2 / 2], abs=1)
    assert seen(pane, make, 58, 62).tolist() == pytest.approx([50 + 0xD5 / 2, 50 + 0x5E / 2, 50], abs=1)
    assert seen(pane, make, 80, 80).tolist() == [100, 100, 100]  # 9 is no class
    assert visible_class_map(pane, pane.shot) is layer
    pane.set_slice(0)
    assert visible_class_map(pane, pane.shot) is None
    pane.set_slab(Slab("mean", 4.0))
    assert visible_class_map(pane, pane.shot) is layer
    pane.set_content(replace(pane.content, class_maps=(replace(layer, opacity=1.0),)))
    assert seen(pane, make, 58, 62).tolist() == pytest.approx([0xD5, 0x5E, 0], abs=1)
    pane.set_content(replace(pane.content, class_maps=(replace(layer, visible=False),)))
    assert seen(pane, make, 58, 62).tolist() == [100, 100, 100]


def test_classes_of_another_frame_of_reference_are_not_drawn(pane, make):
    layer = ClassMapLayer("c", "K", make.volume(np.ones((5, 100, 120), np.uint8), frame="9.9"), CLASSES)
    pane.set_content(make.content(np.full((5, 100, 120), 100, np.uint8), class_maps=(layer,)))
    assert seen(pane, make, 50, 50).tolist() == [100, 100, 100]
    assert visible_class_map(pane, pane.shot) is None


@pytest.mark.parametrize("size", [(300, 200), (900, 700)])
def test_legend_and_colour_bar_do_not_overlap(qapp, make, size):
    layer = ClassMapLayer("c", "Kinetic classes", make.volume(np.ones((1, 2, 2), np.uint8)), CLASSES)
    image = QImage(*size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    sheet = Sheet(painter, *size, 1.0)
    alone, beside = legend_rect(sheet, layer), legend_rect(sheet, layer, beside_bar=True)
    painter.end()
    bar_left = size[0] - (MARGIN + WIDTH + CLEAR)
    bar_bottom = (size[1] + bar_height(sheet)) / 2
    beside_it, below_it = beside.right() < bar_left - 35, beside.top() > bar_bottom + 8  # "-0.123"; half a line
    assert beside_it or below_it
    assert below_it == (size[1] == 700)
    assert beside.bottom() < size[1]
    assert alone.right() > bar_left
    assert alone.left() > 0
    assert beside.left() > 0


def test_a_turned_acquisition_is_shown_in_true_patient_planes(pane, make):
    array = np.zeros((20, 60, 50), np.int16)
    array[11, 19:22, 32:35] = 250
    matrix = oblique()
    mm = (matrix @ (11, 20, 33, 1.0))[:3]
    for name, letters in {"axial": ("R", "L", "A", "P"), "coronal": ("R", "L", "H", "F")}.items():
        pane.set_content(make.content(array, matrix, uid=name, plane=name))
        assert pane.shot.edge_letters() == letters
        assert pane.sop_index is None
        pane.go_to(tuple(mm))
        assert seen(pane, make, *pane.shot.plane.to_index(mm)[1:]).max() > 25
        pane.set_slab(Slab("max"))
        read = []
        pane.cursor_read.connect(lambda *found, read=read: read.append(found))
        pane.report_cursor(*pane.shot.screen_of(*pane.shot.plane.to_index(mm)[1:]))
        assert np.linalg.norm(np.array(read[-1][0]) - mm) < 1.8  # half a slice and half a pixel
        assert read[-1][2] > 25
        pane.set_slab(None)


def test_a_box_drawn_on_a_true_axial_plane_is_right_in_millimetres(qtbot, pane, make):
    pane.set_content(make.content(np.full((20, 60, 50), 9, np.int16), oblique(), plane="axial"))
    pane.set_tool("box")
    drawn = []
    pane.box_drawn.connect(lambda box, _: drawn.append(box))
    middle = [size // 2 for size in pane.shot.plane.shape[1:]]
    qtbot.mousePress(pane, Qt.MouseButton.LeftButton, pos=at(pane, *middle))
    qtbot.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=at(pane, middle[0] + 10, middle[1] + 12))
    box = drawn[0]
    assert np.allclose(box.orientation, (1, 0, 0, 0, 1, 0))
    assert box.corner_mm[2] == box.opposite_mm[2]
    assert np.abs(np.subtract(box.opposite_mm, box.corner_mm)[:2]) == pytest.approx((13, 11), abs=1.1)
    pane.set_content(replace(pane.content, boxes=(replace(box, uid="b"),)))
    pane.select_box("b")
    assert pane.nudge(1, 0)
    pane.set_plane("native")  # turned against the box: not shown askew
    assert not pane.nudge(1, 0)


def test_the_oblique_plane_goes_through_the_cursor_and_turns_about_it(qtbot, pane, make):
    matrix = make.affine((3, 1, 1))
    pane.set_content(make.content(np.zeros((30, 100, 120), np.uint8), matrix))
    pane.go_to((40, 30, 45))
    before = pane.shot.screen_of(*pane.shot.plane.to_index((40, 30, 45))[1:])
    qtbot.keyClick(pane, KEY.Key_O, SHIFT)
    assert pane.plane == "oblique"
    for key, modifiers in ((KEY.Key_Right, ALT), (KEY.Key_Up, ALT | SHIFT), (KEY.Key_Left, ALT | SHIFT)):
        qtbot.keyClick(pane, key, modifiers)
        shot = pane.shot
        place = shot.plane.to_index((40, 30, 45))
        assert place[0] == pytest.approx(pane.slice_index, abs=1e-6)
        assert shot.screen_of(*place[1:]) == pytest.approx(before, abs=1e-6)
    pane.set_plane("axial")
    pane.set_plane("oblique")
    pane.tilt(10, 0)  # the right edge away: seen from below in an axial plane, that is up
    assert pane.shot.plane.row_cosine == pytest.approx((np.cos(np.deg2rad(10)), 0, np.sin(np.deg2rad(10))))
    pane.tilt(-10, 0)
    pane.tilt(0, 30)  # the upper edge away, that is up: the screen's bottom points to the feet as well
    assert pane.shot.plane.column_cosine == pytest.approx((0, np.cos(np.deg2rad(30)), -0.5), abs=1e-9)
    assert pane.shot.edge_letters()[2:] == ("AH", "PF")
    qtbot.keyClick(pane, KEY.Key_O, SHIFT)
    assert pane.plane == "axial"
    assert not pane.tilt(5, 0)
    assert not pane.perform("tilt")


def test_a_mirrored_view_tilts_the_way_it_is_seen(pane, make):
    pane.set_content(make.content(np.zeros((30, 100, 120), np.uint8), plane="axial"))
    pane.set_plane("oblique")
    pane.flip_horizontal()
    right = pane.shot.screen_directions()[0]
    pane.tilt(10, 0)
    away = np.array((0, 0, 1.0))  # the slice axis of the unturned plane: into the screen
    assert pane.shot.screen_directions()[0] @ away == pytest.approx(np.sin(np.deg2rad(10)))
    assert pane.shot.screen_directions()[0] @ right == pytest.approx(np.cos(np.deg2rad(10)))


def test_alt_and_drag_tilt_the_oblique_plane(qtbot, pane, make):
    from PySide6.QtCore import QEvent
    from PySide6.QtGui import QMouseEvent
    from PySide6.QtWidgets import QApplication

    pane.set_content(make.content(np.zeros((30, 100, 120), np.uint8), plane="axial"))
    pane.set_plane("oblique")
    qtbot.mousePress(pane, Qt.MouseButton.LeftButton, ALT, QPoint(100, 100))
    where, left, none = QPointF(140, 100), Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    QApplication.sendEvent(pane, QMouseEvent(QEvent.Type.MouseMove, where, pane.mapToGlobal(where), none, left, ALT))
    qtbot.mouseRelease(pane, Qt.MouseButton.LeftButton, ALT, QPoint(140, 100))
    assert pane.shot.plane.row_cosine[2] == pytest.approx(np.sin(np.deg2rad(10)))


def test_a_thick_slab_of_a_turned_volume_is_completed_while_it_is_on_show(qtbot, pane, make, monkeypatch):
    monkeypatch.setattr("viewer.layers.image.PATIENCE_S", 0.0)
    array = np.random.default_rng(1).integers(0, 250, (20, 60, 50)).astype(np.int16)
    pane.set_content(make.content(array, oblique(), plane="sagittal", slab=Slab("max")))
    pane.repaint()
    qtbot.waitUntil(lambda: pane.image_visual.missing == 0 and not pane.grab().isNull(), timeout=5000)
    shown = make.pixels(pane.image(furniture=False))
    pane.image_visual = type(pane.image_visual)(pane.content.image)
    assert np.array_equal(make.pixels(pane.image(furniture=False)), shown)


def test_slab_and_oblique_plane_are_kept_in_the_state(pane, make):
    pane.set_content(make.content(np.zeros((30, 100, 120), np.uint8), make.affine((3, 1, 1))))
    pane.set_slab(Slab("mean", 12))
    pane.set_plane("oblique")
    pane.tilt(13, 7)
    state = json.loads(json.dumps(pane.view_state()))
    affine, index = pane.shot.plane.affine, pane.slice_index
    pane.set_plane("coronal")
    pane.set_slab(None)
    pane.restore_view_state(state)
    assert pane.slab == Slab("mean", 12)
    assert np.allclose(pane.shot.plane.affine, affine)
    assert pane.slice_index == index
    pane.set_slab(Slab("max"))
    state = json.loads(json.dumps(pane.view_state()))
    pane.set_slab(None)
    pane.restore_view_state(state)
    assert pane.slab == Slab("max")
    for wrong in ({"mode": "median"}, {"mode": "max", "thickness_mm": "thick"}, {"mode": "max", "thickness_mm": -3}, 7):
        pane.restore_view_state({**state, "slab": wrong, "plane": "oblique", "oblique": {"directions": [1] * 9}})
    assert pane.slab == Slab("max")
    pane.restore_view_state({"plane": "oblique", "oblique": {"directions": [2.0] * 9, "pivot_mm": [0, 0, 0]}})
    assert np.allclose(pane.shot.plane.affine, affine)


def test_colour_images_are_never_projected(pane, make):
    from highdicom import RGB_COLOR_CHANNEL_DESCRIPTOR, Volume

    from viewer.layers.types import ImageLayer, PaneContent

    array = np.random.default_rng(2).integers(0, 255, (5, 40, 50, 3)).astype(np.uint8)
    channels = {RGB_COLOR_CHANNEL_DESCRIPTOR: ["R", "G", "B"]}
    volume = Volume(array, make.affine(), "PATIENT", "1.2.3", channels=channels)
    pane.set_content(PaneContent(ImageLayer("c", volume, make.identity_window()), slab=Slab("max")))
    assert not pane.shot.projects
    assert pane.shot.slab is None
    pane.set_plane("oblique")
    assert pane.image_visual.slice_values(pane.shot).shape[2] == 3
    pane.image()


def test_a_click_in_a_projection_takes_the_linked_pane_to_the_lesion(qtbot, grid, make, peak):
    grid.set_layout("1x2")
    mip, slices = grid.panes[0], grid.panes[1]
    mip.set_content(replace(peak, slab=Slab("max")))
    slices.set_content(replace(peak, plane="coronal"))
    qtbot.mouseClick(mip, Qt.MouseButton.LeftButton, pos=at(mip, 30, 70))
    assert slices.cursor_mm == pytest.approx(mip.cursor_mm)
    assert slices.cursor_mm[2] == pytest.approx(12)
    assert slices.slice_index == 30
    slices.set_plane("oblique")
    slices.tilt(20, 35)
    assert slices.shot.plane.to_index(mip.cursor_mm)[0] == pytest.approx(slices.slice_index, abs=1e-6)


def test_windows_are_worked_out_from_what_a_resampled_slab_shows(pane, make):
    array = np.random.default_rng(4).integers(100, 200, (20, 60, 50)).astype(np.int16)
    pane.set_content(make.content(array, oblique(), plane="axial", slab=Slab("max")))
    for action in ("auto_window", "preset:full", "preset:wide"):
        pane.perform(action)
        window = pane.presentation.voi
        assert math.isfinite(window.width)
        assert 90 < window.center < 220
