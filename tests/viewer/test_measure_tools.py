"""Measuring tools with a real mouse: what each gesture gives, on which slice, and how a shape is changed afterwards."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtTest import QTest

from viewer.layers.box import label_spot
from viewer.layers.measurement import draw_label, label_place
from viewer.layers.types import MeasurementShape
from viewer.measuring import angle_degrees, area_mm2, diameters_mm, length_mm
from viewer.slab import Slab

LEFT = Qt.MouseButton.LeftButton
AXES = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
LINE = MeasurementShape("m", "1.2.3", "length", ((20.0, 30.0, 2.0), (60.0, 30.0, 2.0)), AXES, ("40 mm", "volume"))
OVAL = MeasurementShape(
    "o", "1.2.3", "ellipse", ((20.0, 60.0, 2.0), (60.0, 60.0, 2.0), (40.0, 50.0, 2.0), (40.0, 70.0, 2.0)), AXES
)


@pytest.fixture
def shown(pane, make):
    """A pane at 1:1 with a volume of 1 mm voxels, at slice 2, and what it reports."""
    array = np.random.default_rng(3).integers(0, 250, (5, 100, 120)).astype(np.uint8)
    pane.set_content(make.content(array))
    pane.one_to_one()
    pane.reports = []
    pane.measurement_drawn.connect(lambda shape, method: pane.reports.append((shape, method)))
    return pane


def at(pane, row, column):
    x, y = pane.shot.screen_of(row, column)
    return QPoint(math.floor(x / pane.ratio), math.floor(y / pane.ratio))


def drag(pane, *places):
    points = [at(pane, *place) for place in places]
    QTest.mousePress(pane, LEFT, pos=points[0])
    for point in points[1:]:
        QTest.mouseMove(pane, point)
    QTest.mouseRelease(pane, LEFT, pos=points[-1])


def click(pane, *place):
    QTest.mouseMove(pane, at(pane, *place))
    QTest.mouseClick(pane, LEFT, pos=at(pane, *place))


def test_a_length_by_drag_and_by_two_clicks(shown):
    shown.set_tool("length")
    drag(shown, (20, 30), (30, 40), (50, 70))
    click(shown, 20, 30)
    assert len(shown.reports) == 1
    click(shown, 50, 70)
    (first, by_drag), (second, by_clicks) = shown.reports
    assert (by_drag, by_clicks) == ("drag", "clicks")
    assert first.points_mm == second.points_mm
    assert first.points_mm[0] == pytest.approx((30, 20, 2))
    assert length_mm(first.points_mm) == pytest.approx(50)
    assert (first.kind, first.uid, first.frame_of_reference_uid) == ("length", "", "1.2.3")
    assert first.orientation == pytest.approx(AXES)
    assert shown.tool.name == "length"  # stays armed


@pytest.mark.parametrize("by_drag", [True, False])
def test_two_diameters_are_at_right_angles(shown, by_drag):
    shown.set_tool("bidimensional")
    drag(shown, (50, 20), (50, 50), (50, 80))
    assert not shown.reports
    if by_drag:
        drag(shown, (40, 45), (50, 47), (65, 60))
    else:
        click(shown, 35, 50)
    ((shape, _),) = shown.reports
    assert diameters_mm(shape.points_mm) == pytest.approx((60, 25 if by_drag else 30))
    one, other = (np.subtract(shape.points_mm[n + 1], shape.points_mm[n]) for n in (0, 2))
    assert float(one @ other) == pytest.approx(0, abs=1e-6)


def test_an_angle_by_three_clicks(shown):
    shown.set_tool("angle")
    for place in ((20, 20), (60, 20), (60, 70)):
        click(shown, *place)
    ((shape, method),) = shown.reports
    assert (method, angle_degrees(shape.points_mm)) == ("clicks", pytest.approx(90))


def test_an_ellipse_by_drag_shows_live_values(shown):
    shown.set_tool("ellipse")
    QTest.mousePress(shown, LEFT, pos=at(shown, 20, 20))
    QTest.mouseMove(shown, at(shown, 40, 60))
    before = shown.image()
    QTest.mouseMove(shown, at(shown, 60, 90))
    assert shown.image() != before
    QTest.mouseRelease(shown, LEFT, pos=at(shown, 60, 90))
    ((shape, _),) = shown.reports
    assert area_mm2(shape) == pytest.approx(math.pi * 20 * 35)


def test_a_freehand_region_is_closed_and_simplified(shown):
    shown.set_tool("freehand")
    drag(shown, *[(50 + 25 * math.sin(t), 60 + 30 * math.cos(t)) for t in np.linspace(0, 6.25, 90)])
    ((shape, method),) = shown.reports
    assert method == "freehand"
    assert 6 <= len(shape.points_mm) < 60
    assert area_mm2(shape) == pytest.approx(math.pi * 25 * 30, rel=0.04)


def test_escape_drops_what_was_begun_and_a_mere_click_draws_nothing(shown):
    shown.set_tool("angle")
    click(shown, 20, 20)
    click(shown, 60, 20)
    QTest.keyClick(shown, Qt.Key.Key_Escape)
    click(shown, 30, 30)
    assert not shown.reports
    QTest.keyClick(shown, Qt.Key.Key_Escape)
    for tool in ("ellipse", "freehand"):
        shown.set_tool(tool)
        click(shown, 30, 30)
    assert not shown.reports


def test_a_measurement_never_spans_two_slices(shown):
    shown.set_tool("length")
    click(shown, 20, 20)
    shown.set_slice(3)
    click(shown, 50, 50)
    assert not shown.reports
    click(shown, 50, 80)
    ((shape, _),) = shown.reports
    assert {round(point[2], 6) for point in shape.points_mm} == {3.0}


def test_points_stay_within_the_image(shown):
    shown.set_tool("length")
    drag(shown, (50, 60), (50, 100), (50, 400))
    ((shape, _),) = shown.reports
    assert shape.points_mm[1][0] == pytest.approx(119.5)


def test_a_slab_is_refused_with_a_sentence(shown, qtbot):
    shown.set_slab(Slab("max", 4.0))
    shown.set_tool("length")
    with qtbot.waitSignal(shown.refused) as signal:
        drag(shown, (20, 30), (30, 40), (50, 70))
    assert "single slice" in signal.args[0]
    assert not shown.reports


def test_shapes_are_drawn_on_their_slice_only(pane, make):
    array = np.zeros((5, 100, 120), np.uint8)
    pane.set_content(make.content(array))
    pane.one_to_one()
    plain = {index: (pane.set_slice(index), pane.image())[1] for index in range(5)}
    bare = (pane.set_slice(2), pane.image(furniture=False))[1]
    pane.set_content(make.content(array, measurements=(LINE, OVAL)))
    for index in range(5):
        pane.set_slice(index)
        assert (pane.image() != plain[index]) == (index == 2)
    pane.set_slice(2)
    pane.set_overlays_visible(False)
    assert pane.image(furniture=False) == bare


def test_select_pull_move_nudge_and_delete(pane, make, qtbot):
    pane.set_content(make.content(np.zeros((5, 100, 120), np.uint8), measurements=(LINE, OVAL)))
    pane.one_to_one()
    edits = []
    pane.measurement_edited.connect(lambda before, after: edits.append((before, after)))
    click(pane, 30, 40)
    assert pane.selected_measurement.uid == "m"
    drag(pane, (30, 60), (35, 62), (40, 70))  # an end
    assert edits[0][0] == LINE
    assert edits[0][1].points_mm == (LINE.points_mm[0], pytest.approx((70, 40, 2)))
    assert edits[0][1].lines == ("51 mm",)  # the live value until the app has its own
    drag(pane, (35, 45), (38, 47), (45, 55))  # the line
    assert edits[1][1].points_mm == (pytest.approx((30, 40, 2)), pytest.approx((80, 50, 2)))
    QTest.keyClick(pane, Qt.Key.Key_Left)
    QTest.keyClick(pane, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert edits[3][1].points_mm == (pytest.approx((29, 50, 2)), pytest.approx((79, 60, 2)))
    with qtbot.waitSignal(pane.box_delete_requested) as signal:
        QTest.keyClick(pane, Qt.Key.Key_Delete)
    assert signal.args == ["m"]
    QTest.keyClick(pane, Qt.Key.Key_Escape)
    assert pane.selected_box == ""
    click(pane, 66, 36)  # inside the ellipse, away from its lines
    assert pane.selected_measurement.uid == "o"
    assert len(edits) == 4


def test_a_click_of_a_tool_selects_a_shape_and_escape_puts_a_drag_back(pane, make):
    pane.set_content(make.content(np.zeros((5, 100, 120), np.uint8), measurements=(LINE,)))
    pane.one_to_one()
    pane.set_tool("length")
    click(pane, 30, 40)
    assert pane.selected_box == "m"
    edits = []
    pane.measurement_edited.connect(lambda *both: edits.append(both))
    QTest.mousePress(pane, LEFT, pos=at(pane, 30, 60))
    QTest.mouseMove(pane, at(pane, 50, 80))
    QTest.keyClick(pane, Qt.Key.Key_Escape)
    QTest.mouseRelease(pane, LEFT, pos=at(pane, 50, 80))
    assert not edits
    assert pane.content.measurements == (LINE,)


def test_selecting_from_a_list_goes_to_the_slice(pane, make):
    pane.set_content(make.content(np.zeros((5, 100, 120), np.uint8), measurements=(LINE,)))
    pane.set_slice(4)
    pane.select_box("m")
    assert pane.slice_index == 2


def test_px_where_the_spacing_is_unknown(shown, make):
    from dataclasses import replace

    from viewer.tools.measure_edit import live

    shown.set_content(replace(shown.content, image=replace(shown.content.image, spacing_known=False)))
    assert live(shown, LINE).lines == ("40 px",)


def test_the_grid_passes_drawn_and_edited_on(grid, make, qtbot):
    pane = grid.panes[0]
    pane.set_content(make.content(np.zeros((5, 100, 120), np.uint8), measurements=(LINE,)))
    grid.set_tool("length")
    with qtbot.waitSignal(grid.measurement_drawn) as signal:
        drag(pane, (20, 80), (30, 82), (50, 90))
    assert (signal.args[0], signal.args[1].kind, signal.args[2]) == (0, "length", "drag")
    pane.select_box("m")
    with qtbot.waitSignal(grid.measurement_edited):
        QTest.keyClick(pane, Qt.Key.Key_Right)


def test_a_label_keeps_off_the_shape_and_off_other_labels():
    around, size, pane, room = QRectF(100, 100, 80, 40), (60.0, 24.0), (600, 400), (10.0, 4.0)
    first = label_place(around, size, pane, room)
    assert first.left() == 190  # to the right of the shape
    places = [first]
    for _ in range(5):
        places.append(label_place(around, size, pane, room, places))
    assert not any(place.intersects(around) for place in places)
    assert not any(one.intersects(other) for one, other in combinations(places, 2))
    crowded = label_place(around, size, pane, room, [QRectF(0, 0, *pane)])
    assert crowded == first  # where everything is taken, the best place of its own
    tight = label_place(QRectF(0, 0, 70, 30), size, (70, 30), room)
    assert QRectF(0, 0, 70, 30).intersects(tight)


def test_labels_of_boxes_keep_off_each_other_and_stay_in_the_pane():
    size, pane = (60.0, 15.0), (300, 200)
    box = QRectF(260, 4, 80, 60)  # at the corner, partly out of sight
    places = []
    while (place := label_spot(box, size, pane, 1.0, places)) is not None:
        places.append(place)
    assert 3 <= len(places) <= 8
    assert all(QRectF(0, 0, *pane).contains(one) for one in places)
    assert not any(one.intersects(other) for one, other in combinations(places, 2))
    assert label_spot(QRectF(400, 400, 20, 20), size, pane, 1.0) is None
    assert label_spot(QRectF(100, 100, 80, 60), size, pane, 1.0) == QRectF(97, 83, *size)  # above, at the left edge


def test_what_is_out_of_sight_has_no_label(shown):
    shot = shown.shot
    image = QImage(*shot.camera.size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    for start in (-300.0, 20.0):
        line = [[QPointF(start, 20.0), QPointF(start + 40, 40.0)]]
        draw_label(painter, line, ("12 mm",), QColor("#ffffff"), shot)
        assert len(shot.labels) == (start > 0)
    painter.end()
