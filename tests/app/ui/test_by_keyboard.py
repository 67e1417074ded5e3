"""A whole reading by keyboard alone: a dynamic breast MRI, and four mammograms with a prior; German keyboards too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QComboBox, QLineEdit, QPushButton, QSlider, QWidget
from pytestqt.qtbot import QtBot

from app.studies.derived import DerivedKind, parse
from app.ui.main_window import MainWindow
from app.ui.palette import HelpSheet, Palette, command_keys, pane_keys, volume_keys
from tests.app.studies.conftest import mammogram, save, uid
from tests.app.ui.conftest import idle, open_and_wait
from tests.app.ui.test_measurements import draw
from viewer.keys import ACTIONS, KEYS, SPOKEN

Press = Callable[..., None]
ALT_GR = set("[]{}\\|@~€")  # on a German keyboard these need AltGr, and shortcuts with them do not work everywhere
CLOSE_BY = {  # what the mouse does as well, or what has its own keys
    *("previous_slice", "next_slice", "back_ten", "on_ten", "first_slice", "last_slice"),
    *("cancel", "nudge", "nudge_ten", "tilt", "tilt_five", "move_swipe", "pan_hold"),
}


@pytest.fixture
def press(qtbot: QtBot, window: MainWindow) -> Press:
    """Press keys where the keyboard is, and wait for what they start."""

    def send(*keys: str, at: QWidget | None = None) -> None:
        for key in keys:
            to = at or window.focusWidget() or window
            QTest.keySequence(to, QKeySequence(key))
            QApplication.processEvents()
            idle(qtbot, window.session)

    window.activateWindow()
    return send


@pytest.mark.real_data
def test_a_dynamic_series_is_read_without_the_mouse(
    qtbot: QtBot, window: MainWindow, press: Press, shared_data: Path
) -> None:
    open_and_wait(qtbot, window.session, shared_data / "mri" / "duke-153")
    display, session, bar = window.display, window.session, window.tool_bar
    grid, protocol = display.grid, display.hanger.protocol
    assert window.focusWidget() is display.pane

    press("Q")
    assert protocol.current is protocol.hangings[1]
    press("Shift+Q")
    assert protocol.current is protocol.hangings[0]
    before = grid.active_index
    press("G")
    assert grid.active_index != before
    first, study = display.stack_uid, session.study
    assert first is not None
    assert study is not None
    press(".")
    later = study.phase_of(display.stack_uid or "")
    press(",")
    assert later is not None
    assert display.stack_uid == first
    here = display.pane.slice_index
    press("Down", "Down", "Up")
    assert display.pane.slice_index == here + 1

    press("Shift+M")
    assert bar.slab_button.isChecked()
    assert bar.slab_button.text() == "MIP 10 mm"
    press("Ctrl+Up")
    thicker = display.pane.slab
    assert thicker is not None
    assert thicker.thickness_mm > 10
    press("Shift+N")
    assert bar.slab_button.text().startswith("Mean")
    press("Shift+M")
    assert bar.slab_button.text() == "Slab"
    press("Ctrl+Shift+3")
    assert bar.plane_picker.currentData() == display.pane.plane == "sagittal"
    press("Ctrl+Shift+1")
    assert bar.plane_picker.currentData() == "native"

    press("Shift+S")
    other = display.stack_uid
    press("Shift+S")
    assert display.stack_uid == first
    kinds = [made.kind if (made := parse(shown or "")) else None for shown in (first, other)]
    assert set(kinds) == {DerivedKind.SUBTRACTION, None}
    press("Shift+C")
    assert display.comparison.mode == "swipe"
    press("Shift+B")
    assert display.comparison.mode == "blink"
    press("Shift+B")
    press("U")
    assert window.tabs.currentWidget() is window.kinetics
    press("Alt+2", "Shift+U")
    assert session.kinetics.visible
    press("Shift+U")
    assert not session.kinetics.visible
    press("T")
    assert display.pane.size_text
    press("Shift+V")
    assert window.volume.shown
    press("Shift+V")
    assert not window.volume.shown


@pytest.fixture
def exams(tmp_path: Path) -> Path:
    """Four views of today and four of two years ago, of one patient."""
    for name, day in (("now", "20240102"), ("then", "20220102")):
        for side in "RL":
            for view in ("CC", "MLO"):
                made = mammogram(side, view, StudyInstanceUID=uid(name), StudyDate=day)
                save(made, tmp_path / "exams" / name / f"{side}{view}.dcm")
    return tmp_path / "exams"


def test_four_views_with_a_prior_are_read_without_the_mouse(
    qtbot: QtBot, window: MainWindow, press: Press, exams: Path
) -> None:
    open_and_wait(qtbot, window.session, exams)
    display, session = window.display, window.session
    protocol = display.hanger.protocol
    assert protocol.hangings[0].name == "Overview"
    seen = set()
    for _ in protocol.hangings:
        seen.add(protocol.current.name if protocol.current else "")
        press("Q")
    assert seen == {hanging.name for hanging in protocol.hangings}
    if not protocol.priors:  # the older exam was opened: go to the newer one from the browser
        other = next(one for one in session.library.studies if one is not session.study)
        session.library.open_study(other.uid)
        idle(qtbot, session)
        protocol = display.hanger.protocol
    press("Alt+2", "J")
    assert {"20240102", "20220102"} <= {one.date for one in (session.study, *protocol.priors) if one}
    assert len({display.hanger.protocol.current}) == 1
    press("J")
    press("1")
    assert display.pane.shot is not None
    assert display.pane.shot.one_to_one
    press("Y", "T", "0")

    one = draw(window, "length", [(50.0, 50.0), (80.0, 90.0)])
    two = draw(window, "length", [(60.0, 50.0), (90.0, 90.0)])
    press("Alt+2")
    press("Alt+Shift+PgDown")
    chosen = display.marks.selected
    assert chosen in (one.uid, two.uid)
    press("Alt+Shift+PgUp")
    assert {chosen, display.marks.selected} == {one.uid, two.uid}
    points = {m.uid: m.points_mm for m in session.annotations.measurements}[display.marks.selected]
    press("Right", at=display.pane)
    assert {m.uid: m.points_mm for m in session.annotations.measurements}[display.marks.selected] != points
    press("Del", at=display.pane)
    assert len(session.annotations.measurements) == 1
    press("Ctrl+Z")
    assert len(session.annotations.measurements) == 2


@pytest.mark.qt_log_ignore("This plugin does not support")
def test_sheets_and_panels_open_and_close_by_key(
    qtbot: QtBot, window: MainWindow, press: Press, pictures: Path
) -> None:
    open_and_wait(qtbot, window.session, pictures)
    for key, kind in (("F1", HelpSheet), ("Ctrl+K", Palette)):
        press(key, at=window.display.pane)
        sheet = next(made for made in window.findChildren(kind) if made.isVisible())
        QTest.keyClick(sheet, Qt.Key.Key_Escape)
        assert not sheet.isVisible()
    for number in range(5):
        press(f"Alt+{number + 3}", at=window.display.pane)
        assert window.tabs.currentIndex() == number
        now = window.focusWidget()
        assert now is not None
        panel = window.tabs.currentWidget()
        assert now is panel or panel.isAncestorOf(now) or now is window.tabs.tabBar()


def test_every_part_of_every_panel_is_reached_by_tab(
    qtbot: QtBot, window: MainWindow, press: Press, pictures: Path
) -> None:
    open_and_wait(qtbot, window.session, pictures)
    parts = (QPushButton, QComboBox, QSlider, QLineEdit)
    for number in range(window.tabs.count()):
        window.tabs.setCurrentIndex(number)
        for part in window.tabs.currentWidget().findChildren(QWidget):
            if isinstance(part, parts) and not isinstance(part.parent(), QAbstractSpinBox | QComboBox):
                assert part.focusPolicy() & Qt.FocusPolicy.TabFocus, (number, part.accessibleName(), type(part))


def test_no_tab_is_cut_and_the_bar_fits(qtbot: QtBot, window: MainWindow) -> None:
    tabs, bar = window.tabs.tabBar(), window.tool_bar
    assert sum(tabs.tabRect(n).width() for n in range(tabs.count())) <= window.tabs.minimumWidth()
    for width in (1024, 1280, 1440, 1920):
        window.resize(width, 800)
        QApplication.processEvents()
        assert bar.width() == width
        for part in bar.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            if part.isVisible():
                assert bar.rect().contains(part.geometry()), (width, part.accessibleName())
        for picker in (bar.step_picker, bar.window_picker):
            assert picker.width() >= (80 if width < 1280 else 100), width


def test_a_german_keyboard_has_a_key_for_everything(window: MainWindow) -> None:
    for command in window.commands:
        if command.shortcuts:
            assert any(not ALT_GR & set(key) for key in command.shortcuts), command.id
    assert all(any(not ALT_GR & set(key) for key in entry.keys) for entry in KEYS if entry.keys)


def test_no_key_means_two_things(window: MainWindow) -> None:
    taken = [QKeySequence(key).toString() for command in window.commands for key in command.shortcuts]
    assert len(set(taken)) == len(taken)
    assert not set(taken) & {QKeySequence(key).toString() for key in ACTIONS}
    assert len(ACTIONS) == sum(len([key for key in entry.keys if key not in SPOKEN]) for entry in KEYS)


def test_what_a_pane_does_is_also_in_menus_and_palette(window: MainWindow) -> None:
    in_menus = {command.pane_key for command in window.commands if command.pane_key}
    for entry in KEYS:
        if entry.keys and entry.action not in CLOSE_BY and entry.action != "next_pane":
            assert in_menus & set(entry.keys), entry.action


def test_the_sheet_shows_every_key_once(window: MainWindow) -> None:
    groups = [*command_keys(window.commands), *pane_keys(), *volume_keys()]
    assert len({title for title, _ in groups}) == len(groups)
    rows = [row for title, rows in groups if title != "Volume view" for row in rows]
    assert len(set(rows)) == len(rows)
    text = " ".join(keys for keys, _ in rows)
    assert all(key in text for command in window.commands for key in command.shortcuts)
