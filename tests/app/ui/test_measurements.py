"""Measurements in the window: drawn, kept, undone, listed, exported, and true when the spacing is corrected."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.__main__ import main
from app.measured import basis_text, details, respaced, value_text
from app.measured_table import csv_text, row_names
from app.session import Session
from app.session.undo import describe
from app.studies.derived import Derived, DerivedKind
from app.ui.main_window import MainWindow
from app.ui.measurement_layers import measurement_shapes
from app.ui.measurements_panel import MeasurementsPanel
from app.workspace.measurement import Measurement, Quantity
from tests.app.ui.conftest import idle, open_and_wait
from viewer.layers.types import MeasurementShape
from viewer.measuring import shaped
from viewer.measuring_places import ellipse_in

EMPTY = MeasurementShape("", "", "length", (), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0))


def shape_on(window: MainWindow, kind: str, places: list[tuple[float, float]], pane: int = 0) -> MeasurementShape:
    shot = window.display.grid.panes[pane].shot
    assert shot is not None
    empty = replace(EMPTY, kind=kind, frame_of_reference_uid=shot.frame_uid)  # type: ignore[arg-type]
    return shaped(empty, places, shot.plane, shot.slice_index)


def draw(window: MainWindow, kind: str, places: list[tuple[float, float]], pane: int = 0) -> Measurement:
    window.display.grid.measurement_drawn.emit(pane, shape_on(window, kind, places, pane), "drag")
    return window.session.annotations.measurements[-1]


@pytest.fixture
def panel(qtbot: QtBot, window: MainWindow, pictures: Path) -> MeasurementsPanel:
    made = MeasurementsPanel(window.display)
    qtbot.addWidget(made)
    open_and_wait(qtbot, window.session, pictures)
    window.display.show_stack(window.session.library.stack_uids[0], 0)
    idle(qtbot, window.session)
    return made


def test_unknown_spacing_is_in_pixels_until_the_user_gives_it(
    qtbot: QtBot, window: MainWindow, panel: MeasurementsPanel
) -> None:
    line = draw(window, "length", [(10, 10), (10, 40)])
    oval = draw(window, "ellipse", ellipse_in((10, 10), (30, 40)))
    assert (line.basis, value_text(line)) == ("unknown", "30 px")
    assert oval.value("area") == pytest.approx(np.pi * 15 * 10)
    assert {quantity.unit for quantity in oval.values} == {"px²", "px", ""}
    before = window.display.grid.panes[0].content
    assert before is not None
    assert before.measurements[0].lines == ("30 px", "pixel spacing unknown")

    window.session.library.set_spacing(line.stack_uid, (0.2, 0.1))
    idle(qtbot, window.session)
    window.display.show_stack(line.stack_uid, 0)
    idle(qtbot, window.session)
    shown = window.display.grid.panes[0].content
    assert shown is not None
    assert window.session.annotations.measurements == (line, oval)  # the record is as it was drawn
    assert shown.measurements[0].lines == ("3.0 mm", "spacing given by the user")
    pane = window.display.grid.panes[0]
    assert pane.shot is not None
    index = [pane.shot.plane.to_index(point)[1:] for point in shown.measurements[0].points_mm]
    assert index[0] == pytest.approx((10, 10))  # still on its pixels
    assert index[1] == pytest.approx((10, 40))
    moved = next(one for one in panel.measurements if one.uid == oval.uid)
    assert moved.value("area") == pytest.approx(np.pi * 15 * 10 * 0.02)
    assert moved.value("mean") == oval.value("mean")

    after = shape_on(window, "length", [(10, 10), (10, 50)])
    drawn = shown.measurements[0]
    window.display.grid.measurement_edited.emit(drawn, replace(drawn, points_mm=after.points_mm))
    kept = window.session.annotations.measurement(line.uid)
    assert kept is not None
    assert (kept.basis, kept.value("length")) == ("given by the user", pytest.approx(4.0))
    window.session.annotations.undo()
    assert window.session.annotations.measurement(line.uid) == line


def test_statistics_are_those_of_the_pixels(window: MainWindow, panel: MeasurementsPanel) -> None:
    one = draw(window, "ellipse", ellipse_in((10.2, 10.3), (30.7, 40.1)))
    loaded = window.session.images.loaded(one.stack_uid)
    assert loaded is not None
    rows, columns = np.mgrid[: loaded.volume.array.shape[1], : loaded.volume.array.shape[2]]
    mask = ((rows - 20.45) / 10.25) ** 2 + ((columns - 25.2) / 14.9) ** 2 <= 1
    values = loaded.volume.array[0][mask].astype(float)
    assert one.value("pixels") == mask.sum()
    assert one.value("mean") == pytest.approx(values.mean())
    assert one.value("SD") == pytest.approx(values.std(ddof=1))
    assert any("sample" in line for line in details(one))


def test_boxes_and_measurements_are_undone_in_one_order(
    qtbot: QtBot, new_session: Callable[[], Session], pictures: Path
) -> None:
    from tests.app.ui.test_session import box

    session = new_session()
    open_and_wait(qtbot, session, pictures)
    assert session.study is not None
    uid = session.study.uid
    grid = (0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    line = Measurement(uid, "s", "i", "f", "s", "length", ((0.0, 0, 0), (3.0, 0, 0)), axes, grid, "patient")
    session.annotations.commit(None, box(uid))
    session.annotations.commit(None, line)
    session.annotations.set_note(line.uid, "a note")
    session.annotations.relabel(line.uid, "IDC")
    session.annotations.delete(line.uid)
    assert session.annotations.measurements == ()
    texts = [session.annotations.undo_stack.text(n) for n in range(session.annotations.undo_stack.count())]
    assert texts == ["Draw box", "Draw length", "Edit note", "Relabel measurement", "Delete measurement"]
    session.close()
    again = new_session()
    open_and_wait(qtbot, again, pictures)
    for _ in range(4):
        again.annotations.undo()
    assert (len(again.annotations.boxes), again.annotations.measurements) == (1, ())
    again.annotations.redo()
    assert again.annotations.measurements == (line,)


def test_menu_texts_of_measurements() -> None:
    grid = (0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    one = Measurement("u", "s", "i", "f", "s", "angle", ((0.0, 0, 0), (3.0, 0, 0), (3.0, 3, 0)), axes, grid, "patient")
    assert describe(None, one) == "Draw angle"
    near = tuple((x + 0.7, y, z) for x, y, z in one.points_mm)
    far = tuple((x + 7.0, y, z) for x, y, z in one.points_mm)
    assert describe(one, replace(one, points_mm=near)) == "Nudge measurement"
    assert describe(one, replace(one, points_mm=far)) == "Move measurement"
    assert describe(one, replace(one, points_mm=one.points_mm[:2])) == "Move measurement"


def test_the_list_jumps_notes_deletes_copies_and_exports(
    qtbot: QtBot, window: MainWindow, panel: MeasurementsPanel, tmp_path: Path
) -> None:
    first = draw(window, "length", [(10, 10), (10, 40)])
    second = draw(window, "angle", [(10, 10), (30, 10), (30, 40)])
    assert panel.table.rowCount() == 2
    assert window.display.marks.selected == second.uid
    window.display.show_stack(window.session.library.stack_uids[1], 0)
    idle(qtbot, window.session)
    panel.table.setCurrentCell(0, 0)
    idle(qtbot, window.session)
    assert window.display.stack_uid == first.stack_uid
    assert window.display.marks.selected == first.uid
    panel.note.setText("=HYPERLINK(1)")
    panel.note.editingFinished.emit()
    panel.copy()
    copied = QGuiApplication.clipboard().text().splitlines()
    assert copied[0].split("\t") == ["Kind", "Value", "Place"]
    assert "30 px" in copied[1]
    assert "90°" in copied[2]
    panel.write(tmp_path / "out.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_bytes().decode("utf-8-sig"))))
    assert [row["kind"] for row in rows] == ["length", "angle"]
    assert rows[0]["note"] == "'=HYPERLINK(1)"
    assert (rows[0]["length"], rows[0]["unit"], rows[0]["basis"]) == ("30", "px", "pixel spacing unknown")
    assert float(rows[1]["angle"]) == pytest.approx(90)
    assert rows[0]["sop_instance_uid"] == first.sop_instance_uid
    QTest.keyClick(panel.table, Qt.Key.Key_Delete)
    assert [one.uid for one in window.session.annotations.measurements] == [second.uid]


def test_nothing_can_be_drawn_on_an_image_of_another_exam(window: MainWindow, panel: MeasurementsPanel) -> None:
    shape = shape_on(window, "length", [(10, 10), (10, 40)])
    window.display.slots[0] = replace(window.display.slots[0], uid="1.2.3.of.another.exam")
    posted = []
    window.session.notices.posted.connect(posted.append)
    window.display.grid.measurement_drawn.emit(0, shape, "drag")
    assert window.session.annotations.measurements == ()
    assert "belongs to another exam" in posted[0].why


def test_a_measurement_on_a_subtraction_belongs_to_the_phase_and_says_so(
    window: MainWindow, panel: MeasurementsPanel
) -> None:
    one = draw(window, "ellipse", ellipse_in((10, 10), (30, 40)))
    study = window.session.study
    assert study is not None
    uid = Derived(DerivedKind.SUBTRACTION, one.stack_uid, "pre", motion_corrected=True).uid
    (shape,) = measurement_shapes([replace(one, image=uid)], one.frame_of_reference_uid, study)
    assert "subtraction (motion-corrected)" in shape.lines[1]
    assert measurement_shapes([one], "another frame", study) == ()


def test_every_basis_is_said() -> None:
    assert basis_text("patient") == "volume"
    assert basis_text("magnification-corrected") == "ERMF-corrected"
    assert [basis_text(b) for b in ("detector plane", "calibrated")] == ["detector plane", "calibrated"]


def test_respacing_an_oblique_stack_keeps_the_pixels() -> None:
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    affine = np.column_stack((turn @ np.diag((2.0, 0.7, 0.7)), (5.0, 6.0, 7.0)))
    points = [affine @ (3, row, column, 1) for row, column in ((10, 10), (10, 20))]
    one = Measurement(
        "u", "s", "i", "f", "s", "length",
        tuple(tuple(map(float, p)) for p in points),  # type: ignore[arg-type]
        tuple(map(float, (*turn[:, 2], *turn[:, 1]))),  # type: ignore[arg-type]
        tuple(map(float, affine.ravel())), "patient", (Quantity("length", 7.0, "mm"),),
    )  # fmt: skip
    assert respaced(one, (2.0, 0.7, 0.7), "patient") is one
    wider = respaced(one, (3.0, 0.5, 1.4), "given by the user")
    assert wider.value("length") == pytest.approx(14.0)
    matrix = np.column_stack((turn @ np.diag((3.0, 0.5, 1.4)), (5.0, 6.0, 7.0)))
    assert np.array(wider.points_mm) == pytest.approx(np.array([matrix @ (3, 10, c, 1) for c in (10, 20)]))


def test_the_command_line_lists_what_is_stored(
    window: MainWindow, panel: MeasurementsPanel, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = draw(window, "length", [(10, 10), (10, 40)])
    window.session.library.set_spacing(line.stack_uid, (0.2, 0.1))
    window.session.close()
    assert main(["measurements", str(pictures)]) == 0
    assert "Length: 3.0 mm" in capsys.readouterr().out
    assert main(["measurements", "--study", line.study_uid, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["value"], found["basis_text"]) == ("3.0 mm", "spacing given by the user")
    assert main(["measurements", "--study", line.study_uid, "--csv", str(tmp_path / "m.csv")]) == 0
    assert (tmp_path / "m.csv").read_text("utf-8-sig").startswith("kind,value,")
    capsys.readouterr()
    assert main(["measurements", "--study", "1.2.3"]) == 0
    assert capsys.readouterr().out == "No measurements are stored.\n"
    assert main(["measurements"]) == 1
    assert "Say whose measurements" in capsys.readouterr().err


def test_a_csv_without_measurements_has_its_header() -> None:
    assert csv_text(()).rstrip("\r\n").split(",") == list(row_names())
