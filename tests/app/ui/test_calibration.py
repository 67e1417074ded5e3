"""Calibration of the screen: the figure, its keys, and what is kept."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from app.ui.calibration_dialog import CalibrationDialog
from app.ui.true_size import TrueSize, key_of_screen, stated_pitch


@pytest.fixture
def dialog(qtbot):
    widget = CalibrationDialog("DP-1", 0.25, calibrated=False)
    qtbot.addWidget(widget)
    return widget


def test_the_card_gives_the_pitch(dialog, qtbot):
    assert dialog.answer() == 0.25  # untouched: as it was, not rounded to a pixel
    assert dialog.figure.pixels == round(85.60 / 0.25)
    assert "often wrong" in dialog.pitch.text()
    dialog.slider.setValue(400)
    assert dialog.answer() == pytest.approx(85.60 / 400)
    qtbot.keyClick(dialog.slider, Qt.Key.Key_Right)
    assert dialog.answer() == pytest.approx(85.60 / 401)
    qtbot.keyClick(dialog, Qt.Key.Key_PageDown)
    assert dialog.figure.pixels == 391
    assert "0.2189 mm per pixel" in dialog.pitch.text()


def test_the_ruler_goes_on_where_the_card_was(dialog):
    dialog.slider.setValue(428)
    dialog.kind.setCurrentIndex(1)
    assert dialog.figure.pixels == 500  # 100 mm at 0.2 mm
    assert dialog.answer() == pytest.approx(0.2)
    dialog.slider.setValue(400)
    assert dialog.answer() == pytest.approx(0.25)
    assert not dialog.figure.grab().isNull()


def test_a_calibration_is_kept_and_used(window):
    size = TrueSize(window)
    assert not size.calibrated
    assert size.pitch_mm == pytest.approx(stated_pitch(window.screen()))
    size.take(0.2)
    assert size.calibrated
    assert size.pitch_mm == 0.2
    assert key_of_screen(window.screen()) in window.session.settings.screens
    size.take(99)
    assert size.pitch_mm == 0.2


def test_commands_and_the_key_of_the_panes_ask_for_true_size(window):
    table = {command.id: command for command in window.commands}
    same, true, calibrate = (table[f"view.{name}"] for name in ("same_size", "true_size", "calibrate"))
    assert (same.key, true.key, calibrate.key) == ("Y", "T", "")
    asked = []
    window.display.grid.true_size = lambda pixels, *, calibrated: asked.append((pixels, calibrated))
    window.display.grid.action_requested.emit("compare_swipe")
    assert asked == []
    window.display.grid.action_requested.emit("true_size")
    TrueSize(window).take(0.2)
    true.handler()
    assert asked == [(1 / stated_pitch(window.screen()), False), (5.0, True)]
