"""Millimetres on the screen and in measurements: true size, magnification, fiducials, film without a scale."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.measured import basis_text, value_text
from app.screens import MM_PER_INCH
from app.ui.main_window import MainWindow
from app.ui.preferences import PreferencesDialog, screens_text
from app.ui.true_size import TrueSize, key_of_screen, stated_pitch
from tests.app.studies.conftest import mammogram, save
from tests.app.ui.conftest import idle, open_and_wait
from tests.app.ui.test_measurements import draw

NO_SPACING = {"ImagerPixelSpacing": None}
FIDUCIAL = {"PixelSpacing": [0.5, 0.5], "PixelSpacingCalibrationType": "FIDUCIAL"}
GEOMETRY = {"PixelSpacing": [0.8, 0.8], "PixelSpacingCalibrationType": "GEOMETRY"}


def open_one(qtbot: QtBot, window: MainWindow, tmp_path: Path, **tags: Any) -> None:
    save(mammogram("R", "CC", **tags), tmp_path / "one" / "a.dcm")
    open_and_wait(qtbot, window.session, tmp_path / "one")
    window.display.show_stack(window.session.library.stack_uids[0], 0)
    idle(qtbot, window.session)


@pytest.mark.parametrize(
    ("tags", "millimetres", "basis"),
    [
        ({}, 50.0, "detector plane"),  # Imager Pixel Spacing of 1 mm
        ({"EstimatedRadiographicMagnificationFactor": 1.25}, 40.0, "magnification-corrected"),
        ({"EstimatedRadiographicMagnificationFactor": 0.5}, 50.0, "detector plane"),  # cannot be
        (FIDUCIAL, 25.0, "calibrated"),
        (GEOMETRY, 40.0, "magnification-corrected"),
    ],
)
def test_a_length_of_fifty_pixels(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, tags: dict[str, Any], millimetres: float, basis: str
) -> None:
    open_one(qtbot, window, tmp_path, **tags)
    one = draw(window, "length", [(60.0, 60.0), (90.0, 100.0)])  # 30 down, 40 across
    assert one.basis == basis
    assert one.values[0].value == pytest.approx(millimetres)
    assert value_text(one).startswith(f"{millimetres:.0f}")
    assert basis_text(one.basis) == {"magnification-corrected": "ERMF-corrected"}.get(basis, basis)


def test_without_a_scale_pixels_are_said(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    open_one(qtbot, window, tmp_path, **NO_SPACING)
    one = draw(window, "length", [(60.0, 60.0), (90.0, 100.0)])
    assert value_text(one).startswith("50")
    assert "px" in value_text(one)
    assert "mm" not in value_text(one)


@pytest.mark.parametrize("tags", [{}, {"EstimatedRadiographicMagnificationFactor": 1.25}, FIDUCIAL])
def test_true_size_is_true(qtbot: QtBot, window: MainWindow, tmp_path: Path, tags: dict[str, Any]) -> None:
    open_one(qtbot, window, tmp_path, **tags)
    pitch = 0.155
    TrueSize(window).take(pitch)
    window.commands.dispatch("view.true_size")
    pane = window.display.pane
    shot, content = pane.shot, pane.content
    assert shot is not None
    assert content is not None
    start, end = (np.array(shot.screen_of(60.0, column)) for column in (60.0, 100.0))
    in_breast = 40 * float(shot.plane.spacing_mm[2])
    assert math.dist(start, end) * pitch == pytest.approx(in_breast, rel=1e-6)
    assert "not calibrated" not in pane.size_text


def test_the_pitch_a_screen_says_of_itself(window: MainWindow) -> None:
    screen = window.screen()
    ratio = screen.devicePixelRatio()
    millimetres = screen.physicalSize().width() / (screen.size().width() * ratio)
    stated = stated_pitch(screen)
    assert stated == pytest.approx(MM_PER_INCH / (screen.physicalDotsPerInch() * ratio))
    assert stated == pytest.approx(millimetres, rel=0.05)


def test_preferences_show_screens_in_words_and_keep_what_was_calibrated_meanwhile(
    qtbot: QtBot, window: MainWindow
) -> None:
    asked = []
    dialog = PreferencesDialog(window.session.settings, calibrate=lambda: asked.append(True))
    qtbot.addWidget(dialog)
    assert "screens" not in dialog._read
    assert "No screen" in dialog.screens.text()
    TrueSize(window).take(0.2)
    dialog.show_screens(window.session.settings)
    assert dialog.screens.text() == f"{key_of_screen(window.screen())}: 0.2000 mm per pixel"
    assert dialog.answer(window.session.settings).screens == window.session.settings.screens
    assert screens_text("DP-1 3840x2160=0.15540; B 10x10=0.2") == (
        "DP-1 3840x2160: 0.1554 mm per pixel\nB 10x10: 0.2000 mm per pixel"
    )
