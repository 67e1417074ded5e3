"""Kinetics in the window's half: session part, panel, plot; phases are phantoms held in memory."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from highdicom import Volume
from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.jobs import Jobs
from app.notices import Notices
from app.session.kinetic_layers import COLOURS
from app.session.kinetics import Kinetics
from app.settings import Settings
from app.studies.derived import Derived, DerivedKind
from app.studies.study import Dynamic, Phase
from app.ui import geometry
from app.ui.actions.kinetics import kinetics_commands
from app.ui.kinetics_panel import KineticsPanel
from app.ui.kinetics_regions import region_of, selected_shape
from inference.kinetics import PARAMETERS, KineticClass, KineticsError, KineticSettings
from viewer.curve import CurveLine, CurvePlot, ticks
from viewer.layers.types import BoxShape, MeasurementShape

CLOCK = (0.0, 1380.0, 1470.0, 1560.0, 1650.0)
FRAME = "1.2.840.1"
FACTORS = {"washout": (1, 3.0, 2.7, 2.5, 2.3), "persistent": (1, 1.8, 2.1, 2.4, 2.6), "plain": (1, 1, 1, 1, 1)}


def phase_volumes() -> list[Volume]:
    """Return five phases, 6 × 40 × 40 of 2 × 1 × 1 mm: washout at the left, persistent at the right, fat around."""
    affine = np.diag([1.0, 1.0, 1.0, 1.0])[:, [2, 1, 0, 3]] @ np.diag([2.0, 1.0, 1.0, 1.0])
    made = []
    for n in range(5):
        array = np.full((6, 40, 40), 100.0)
        array[2:5, 5:15, 5:15] *= FACTORS["washout"][n]
        array[2:5, 5:15, 25:35] *= FACTORS["persistent"][n]
        made.append(
            Volume(np.rint(array).astype(np.int16), affine, coordinate_system="PATIENT", frame_of_reference_uid=FRAME)
        )
    return made


class FakeStudy:
    def __init__(self, clock: tuple[float | None, ...] = CLOCK) -> None:
        labels = ("pre", "post 1", "post 2", "post 3", "post 4")
        phases = tuple(Phase(f"s{n}", clock[n], labels[n]) for n in range(5))
        self.uid, self.dynamics = "study", (Dynamic("d1", phases, 0, "Acquisition Time (0008,0032)"),)

    def phase_of(self, uid: str) -> tuple[Dynamic, int] | None:
        return next(((d, n) for d in self.dynamics for n, p in enumerate(d.phases) if p.stack_uid == uid), None)

    def stack(self, _uid: str) -> SimpleNamespace:
        return SimpleNamespace(frame_of_reference_uid=FRAME)


class FakeLibrary(QObject):
    study_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.study: FakeStudy | None = FakeStudy()


class FakeImages(QObject):
    changed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.there = {f"s{n}": volume for n, volume in enumerate(phase_volumes())}
        self.asked: list[str] = []
        self.unreadable: dict[str, str] = {}
        self.correction: Callable[[str, str], object] = lambda _of, _reference: None

    def loaded(self, uid: str) -> SimpleNamespace | None:
        return SimpleNamespace(volume=self.there[uid]) if uid in self.there else None

    def request(self, uid: str) -> None:
        self.asked.append(uid)


class FakeDisplay(QObject):
    focus_changed = Signal()

    def __init__(self, kinetics: Kinetics, library: FakeLibrary, notices: Notices) -> None:
        super().__init__()
        annotations = Changing()
        annotations.boxes, annotations.measurements = (), ()
        self.session = SimpleNamespace(kinetics=kinetics, annotations=annotations, library=library, notices=notices)
        self.grid, self.marks = Cursor(), Marks()
        self.pane = SimpleNamespace(cursor_mm=None)
        self.stack_uid = "s1"


class Changing(QObject):
    changed = Signal()
    boxes: tuple = ()
    measurements: tuple = ()


class Cursor(QObject):
    cursor_moved = Signal(object)


class Marks(QObject):
    box_selected = Signal(str)
    selected = ""


@pytest.fixture
def parts(qtbot: QtBot) -> Iterator[tuple[Kinetics, FakeImages, FakeLibrary, Notices, Jobs]]:
    jobs, notices, library, images = Jobs(), Notices(), FakeLibrary(), FakeImages()
    kinetics = Kinetics(jobs, notices, library, images)  # type: ignore[arg-type]
    kinetics.take_settings(Settings())
    yield kinetics, images, library, notices, jobs
    jobs.shut_down()


@pytest.fixture
def panel(qtbot: QtBot, parts: tuple) -> Iterator[KineticsPanel]:
    kinetics, _, library, notices, _ = parts
    host = QWidget()  # offscreen windows cannot take size hints, which come with the plot
    qtbot.addWidget(host)
    host.resize(320, 900)
    made = KineticsPanel(FakeDisplay(kinetics, library, notices), host)  # type: ignore[arg-type]
    made.resize(320, 900)
    with qtbot.waitExposed(host):
        host.show()
    yield made
    host.hide()


def mapped(qtbot: QtBot, kinetics: Kinetics) -> None:
    kinetics.start()
    qtbot.waitUntil(lambda: kinetics.maps is not None, timeout=60_000)


def box(corner: tuple[float, float, float], opposite: tuple[float, float, float]) -> BoxShape:
    return BoxShape("box", FRAME, corner, opposite, (1, 0, 0, 0, 1, 0))


def test_curve_under_the_cursor(qtbot: QtBot, parts: tuple) -> None:
    kinetics = parts[0]
    assert kinetics.curve_at((10.0, 10.0, 6.0)) is None  # its noise is estimated in the background first
    qtbot.waitUntil(lambda: kinetics.curve_at((10.0, 10.0, 6.0)) is not None)
    curve = kinetics.curve_at((10.0, 10.0, 6.0))
    assert curve is not None
    assert curve.voxels == 9
    assert curve.kind is KineticClass.WASHOUT
    assert curve.enhancement == pytest.approx((0, 200, 170, 150, 130))
    assert curve.times == (0.0, 45.0, 135.0, 225.0, 315.0)
    assert kinetics.curve_at((10.0, 10.0, 600.0)) is None


def test_maps_become_layers_of_their_frame(qtbot: QtBot, parts: tuple) -> None:
    kinetics = parts[0]
    kinetics.show(visible=True, parameter="wash_in", opacity=0.4)
    qtbot.waitUntil(lambda: kinetics.heatmaps(FRAME) != (), timeout=60_000)
    (classes,) = kinetics.class_maps(FRAME)
    assert "whole image" in kinetics.map_problem  # a block of tissue is no breast
    assert {one.colour for one in classes.classes} == set(COLOURS.values())
    assert classes.volume.array[3, 10, 10] == 3
    assert classes.volume.array[3, 10, 30] == 1
    assert classes.opacity == 0.4
    assert kinetics.class_maps("another") == ()
    assert kinetics.class_maps(FRAME)[0].volume is classes.volume  # panes keep what they sampled
    (heat,) = kinetics.heatmaps(FRAME)
    assert heat.unit == "%/s"
    assert heat.volume.array[3, 10, 10] == pytest.approx(200 / 45)
    assert math.isnan(heat.volume.array[0, 0, 0])
    kinetics.set_thresholds(peak_percent=100)
    assert kinetics.class_maps(FRAME)[0].volume is classes.volume  # until the others are there
    qtbot.waitUntil(lambda: kinetics.class_maps(FRAME)[0].volume.array[3, 10, 30] == 0)
    kinetics.show(visible=False, parameter="")
    assert kinetics.class_maps(FRAME) == kinetics.heatmaps(FRAME) == ()


def test_phases_that_are_missing_are_read_first(qtbot: QtBot, parts: tuple) -> None:
    kinetics, images, *_ = parts
    late = images.there.pop("s3")
    kinetics.show(visible=True)
    assert kinetics.busy
    assert "s3" in images.asked
    assert kinetics.curve_at((10.0, 10.0, 6.0)) is None
    images.there["s3"] = late
    images.changed.emit("s3")
    qtbot.waitUntil(lambda: kinetics.maps is not None, timeout=60_000)
    assert kinetics.pinned == ()
    kinetics.want(True)
    assert kinetics.pinned == ("s0", "s1", "s2", "s3", "s4")


def test_unreadable_phase_is_a_sentence(parts: tuple) -> None:
    kinetics, images, *_ = parts
    del images.there["s3"]
    kinetics.show(visible=True)
    images.unreadable["s3"] = "The file is cut off."
    images.changed.emit("s3")
    assert "cut off" in kinetics.problem
    assert not kinetics.busy


def test_motion_corrected_phases_are_used_and_named(qtbot: QtBot, parts: tuple) -> None:
    kinetics, images, *_ = parts
    mapped(qtbot, kinetics)
    images.correction = lambda of, _reference: object() if of == "s2" else None
    uid = Derived(DerivedKind.CORRECTED, "s2", "s0").uid
    assert kinetics.sources == ("s0", "s1", uid, "s3", "s4")
    assert kinetics.maps is None
    kinetics.follow_correction()
    assert kinetics.provenance.endswith("motion-corrected: post 2.")
    images.there[uid] = images.there["s2"]
    mapped(qtbot, kinetics)


def test_another_grid_is_refused(parts: tuple) -> None:
    kinetics, images, *_ = parts
    images.there["s2"] = images.there["s2"][1:]
    assert kinetics.phases() is None
    assert "number of slices" in kinetics.problem


def test_injection_changes_time_zero(parts: tuple) -> None:
    kinetics = parts[0]
    kinetics.set_injection(100.0)
    assert kinetics.timing is not None
    assert kinetics.timing.times[1] == 145.0
    assert kinetics.timing.warnings
    kinetics.set_injection(None)
    assert kinetics.timing.warnings == ()


def test_other_study_forgets_the_maps(qtbot: QtBot, parts: tuple) -> None:
    kinetics, _, library, *_ = parts
    mapped(qtbot, kinetics)
    library.study = None
    library.study_changed.emit()
    assert kinetics.maps is None
    assert kinetics.dynamic is None
    assert kinetics.phases() is None


def test_panel_follows_the_cursor_and_pins(qtbot: QtBot, panel: KineticsPanel) -> None:
    move = lambda x: panel.display.grid.cursor_moved.emit(  # noqa: E731
        SimpleNamespace(mm=(x, 10.0, 6.0), frame_of_reference_uid=FRAME)
    )
    move(10.0)
    qtbot.waitUntil(lambda: panel.curves.live is not None)
    assert "Washout" in panel.curves.verdict.text()
    panel.curves.pin_curve()
    move(30.0)
    qtbot.waitUntil(lambda: "Persistent" in panel.curves.verdict.text())
    assert [curve.title for curve in panel.curves.curves] == ["Cursor", "Pin 1"]
    assert panel.curves.plot is not None
    assert len(panel.curves.plot.lines) == 2
    panel.curves.clear_pins()
    assert len(panel.curves.curves) == 1
    notes = panel.notes.text()
    assert "start of the first phase after contrast" in notes
    assert "not motion-corrected" in notes


def test_panel_measures_a_box(qtbot: QtBot, panel: KineticsPanel, tmp_path: Path) -> None:
    panel.session.annotations.boxes = (box((4.5, 4.5, 6.0), (34.5, 14.5, 6.0)),)
    panel.session.annotations.changed.emit()
    qtbot.waitUntil(lambda: panel.report is not None, timeout=60_000)
    report = panel.report
    assert report is not None
    assert report.voxels[KineticClass.WASHOUT] == report.voxels[KineticClass.PERSISTENT] == 100
    assert report.ml(KineticClass.WASHOUT) == pytest.approx(0.2)
    assert "Worst curve: washout" in panel.worst.text()
    panel.export_to(tmp_path / "out.csv")
    rows = list(csv.reader((tmp_path / "out.csv").read_text("utf-8-sig").splitlines()))
    assert ["Box", "Washout", "100", "0.2000", "50.00"] in rows
    panel.copy_table()
    assert "Box\tWashout\t100\t0.2000\t50.00" in QGuiApplication.clipboard().text()


def test_panel_grows_the_lesion_at_the_cross(qtbot: QtBot, panel: KineticsPanel) -> None:
    panel.scope.setCurrentIndex(panel.scope.findData("lesion"))
    panel._choose_scope()
    assert "Click on the lesion" in panel.worst.text()
    panel.display.pane.cursor_mm = (10.0, 10.0, 6.0)
    panel._choose_scope()
    qtbot.waitUntil(lambda: panel.report is not None, timeout=60_000)
    assert "100 % or more, half of its own (200 %" in panel.worst.text()
    assert "not limited to the breast" in panel.worst.text()
    assert panel.report.voxels[KineticClass.WASHOUT] == 300
    assert panel.report.total_ml == pytest.approx(0.6)
    panel.display.pane.cursor_mm = (20.0, 35.0, 10.0)
    panel._choose_scope()
    assert panel.report is None
    qtbot.waitUntil(lambda: "enhances by 30 %" in panel.worst.text())
    for scope, said in (("whole", "heart, vessels and liver are included"), ("left", "counted instead")):
        panel.scope.setCurrentIndex(panel.scope.findData(scope))
        panel._choose_scope()
        qtbot.waitUntil(lambda: panel.report is not None)
        assert panel.report.enhancing == 600
        assert said in panel.worst.text()


def test_cancelled_measurement_says_so(qtbot: QtBot, panel: KineticsPanel) -> None:
    mapped(qtbot, panel.kinetics)
    panel.scope.setCurrentIndex(panel.scope.findData("whole"))
    panel._choose_scope()
    assert panel.kinetics.measuring
    panel.kinetics._jobs.cancel_all()
    assert "was cancelled" in panel.worst.text()


def test_thresholds_are_remembered(panel: KineticsPanel) -> None:
    from app.ui import kinetics_memory

    panel.kinetics.set_thresholds(peak_percent=75, gate="highest")
    panel.kinetics.take_settings(Settings(theme="light"))  # other preferences leave them alone
    assert panel.kinetics.settings.peak_percent == 75
    panel.kinetics.set_thresholds(peak_percent=50, gate="initial")
    geometry.store().setValue(kinetics_memory.KEY, "80 12 highest")
    kinetics_memory.restore(panel.kinetics)
    assert panel.kinetics.settings == KineticSettings(80, 12, "highest")
    geometry.store().setValue(kinetics_memory.KEY, "80 lots")
    kinetics_memory.restore(panel.kinetics)
    assert panel.kinetics.settings.peak_percent == 80


@pytest.mark.parametrize(
    ("last", "unit", "width", "labels"),
    [
        (6.4, "min", 250, ["0", "2", "4", "6"]),
        (6.4, "min", 400, ["0", "1", "2", "3", "4", "5", "6"]),
        (2.1, "min", 300, ["0", "0.5", "1", "1.5", "2"]),
        (386, "s", 250, ["0", "120", "240", "360"]),
        (4, "phase", 250, ["0", "1", "2", "3", "4"]),
        (100, "min", 200, ["0", "40", "80"]),
    ],
)
def test_ticks_say_where_they_stand(last: float, unit: str, width: float, labels: list[str]) -> None:
    found = ticks(last, unit, width)
    assert [text for _, text in found] == labels
    assert [float(text) for text in labels] == [place for place, _ in found]


def test_panel_without_a_dynamic_series_says_what_to_do(panel: KineticsPanel) -> None:
    library = panel.session.library
    library.study = None
    library.study_changed.emit()
    assert not panel.isEnabled()
    assert "Open a breast MRI" in panel.curves.plot._empty.text()


def test_unknown_times_put_phases_on_the_axis(panel: KineticsPanel) -> None:
    library = panel.session.library
    library.study = FakeStudy((None,) * 5)
    library.study_changed.emit()
    panel.curves.follow((10.0, 10.0, 6.0))  # its noise is still estimated
    assert panel.curves.plot._unit == "phase"
    assert "are not known" in panel.notes.text()
    panel.kinetics.show(parameter="wash_in")


def test_shapes_become_regions() -> None:
    grid = phase_volumes()[0]
    points = ((10.0, 20.0, 6.0), (20.0, 20.0, 6.0), (15.0, 17.0, 6.0), (15.0, 23.0, 6.0))
    ellipse = MeasurementShape("e", FRAME, "ellipse", points, (1, 0, 0, 0, 1, 0))
    assert len(region_of(ellipse, grid).voxels) == pytest.approx(math.pi * 5 * 3, rel=0.15)
    length = MeasurementShape("l", FRAME, "length", points[:2], (1, 0, 0, 0, 1, 0))
    with pytest.raises(KineticsError, match="no area"):
        region_of(length, grid)
    with pytest.raises(KineticsError, match="another examination"):
        region_of(BoxShape("b", "9.9", (0, 0, 0), (5, 5, 0), (1, 0, 0, 0, 1, 0)), grid)
    display = SimpleNamespace(session=SimpleNamespace(annotations=Changing()), marks=Marks())
    with pytest.raises(KineticsError, match="No region is drawn"):
        selected_shape(display)  # type: ignore[arg-type]


def test_thresholds_of_the_card(qtbot: QtBot, panel: KineticsPanel) -> None:
    from app.ui.kinetics_cards import MapsCard, ThresholdCard

    card = panel.findChild(ThresholdCard)
    qtbot.mouseClick(card.peaks.button(80), Qt.MouseButton.LeftButton)
    assert panel.kinetics.settings.peak_percent == 80
    assert card.peak.value() == 80
    card.change.setValue(15)
    assert panel.kinetics.settings.change_percent == 15
    card.injected.setValue(20)
    assert panel.kinetics.injected_before_s == 20
    maps = panel.findChild(MapsCard)
    assert maps.parameter.count() == len(PARAMETERS) + 1
    maps.classes.setChecked(True)
    assert panel.kinetics.visible
    qtbot.waitUntil(lambda: panel.kinetics.maps is not None, timeout=60_000)


@pytest.fixture
def plot(qtbot: QtBot) -> Iterator[CurvePlot]:
    host = QWidget()
    qtbot.addWidget(host)
    host.resize(300, 220)
    made = CurvePlot(host)
    made.resize(300, 220)
    with qtbot.waitExposed(host):
        host.show()
    yield made
    host.hide()


def test_plot_reads_the_point_under_the_mouse(plot: CurvePlot) -> None:
    plot.set_empty("Nothing yet")
    assert plot._empty.isVisible()
    line = CurveLine("a", (0.0, 60.0, 120.0), (0.0, 180.0, 150.0), (1.0, 9.0, 9.0), zone=(60.0, 152.0, 208.0))
    plot.set_curves([line], ("pre", "post 1", "post 2"))
    assert not plot._empty.isVisible()
    plot.grab()
    for unit, factor in (("min", 1 / 60), ("s", 1.0)):
        plot.set_unit(unit)
        place = plot._plot.getViewBox().mapViewToScene(QPointF(60.0 * factor, 180.0))
        assert plot.point_at(place + QPointF(3, 3)) == (line, 1)
    plot._hover(place)
    assert plot._tip.text() == "post 1 · 60 s · 180 %"
    plot._hover(QPointF(-50, -50))
    assert not plot._tip.isVisible()
    undefined = CurveLine("b", (0.0, 60.0), (math.nan, math.nan))
    plot.set_curves([line, undefined])
    plot.grab()
    assert plot.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_commands(parts: tuple) -> None:
    kinetics = parts[0]
    window = SimpleNamespace(session=SimpleNamespace(kinetics=kinetics), tabs=None, kinetics=None)
    commands = {command.id: command for command in kinetics_commands(window)}  # type: ignore[arg-type]
    assert commands["kinetics.show"].shortcut == "U"
    commands["kinetics.map"].handler()
    assert kinetics.visible
    assert commands["kinetics.map"].enabled()
