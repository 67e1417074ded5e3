"""Tomosynthesis in the window: the cursor marked against the 2D image, slabs and cine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.studies.hanging.tomosynthesis import ACCURACY_MM
from app.ui.main_window import MainWindow
from app.ui.tomo_marks import place_on_plane
from tests.app.studies import conftest as built
from tests.app.ui.conftest import idle, open_and_wait
from viewer.slab import Slab


@pytest.fixture
def tomo(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """The window with R CC tomosynthesis beside its 2D image."""
    folder = tmp_path / "dbt"
    folder.mkdir()
    volume = built.tomosynthesis("R", "CC", PatientOrientation=["P", "L"])
    built.exam(folder, built.mammogram("R", "CC"), built.mammogram("L", "CC"), volume)
    open_and_wait(qtbot, window.session, folder)
    window.display.hanger.go("R CC tomo | 2D")
    idle(qtbot, window.session)
    return window


def in_breast(window: MainWindow, n: int) -> tuple[float, float]:
    """Return a screen position in the middle of the breast."""
    pane = window.display.grid.panes[n]
    assert pane.framing is not None
    left, top, right, bottom = pane.framing.region_mm
    return pane.camera.to_screen((left + right) / 2, (top + bottom) / 2)


def test_the_cursor_in_a_volume_is_marked_on_the_2d_image(tomo: MainWindow) -> None:
    volume, flat = tomo.display.grid.panes[:2]
    assert (volume.slice_count, flat.slice_count) == (5, 1)
    volume.set_slice(3)
    volume.point_at(*in_breast(tomo, 0))
    (mark,) = flat.place_marks
    assert mark.text == "about here, slice 4 of 5"
    assert volume.place_marks == ()
    assert volume.content is not None
    assert volume.cursor_mm is not None
    _, here = place_on_plane(volume.content.image.volume, volume.cursor_mm)
    assert np.hypot(*np.subtract(mark.point_mm, here)) < ACCURACY_MM  # one breast, stored alike
    volume.cancel()
    assert flat.place_marks == ()


def test_the_cursor_in_the_2d_image_is_marked_in_the_volume(tomo: MainWindow) -> None:
    volume, flat = tomo.display.grid.panes[:2]
    flat.point_at(*in_breast(tomo, 1))
    assert [mark.text for mark in volume.place_marks] == ["about here, slice not known"]
    volume.point_at(*in_breast(tomo, 0))  # the cursor set last is the one marked
    assert volume.place_marks == ()
    assert len(flat.place_marks) == 1


def test_a_mark_is_drawn_under_the_switch_of_the_overlays(tomo: MainWindow) -> None:
    volume, flat = tomo.display.grid.panes[:2]
    plain = flat.image().copy()
    volume.point_at(*in_breast(tomo, 0))
    assert flat.image() != plain
    tomo.display.grid.set_overlays_visible(False)
    assert flat.image() == plain


def test_another_image_or_step_takes_the_mark_away(tomo: MainWindow, qtbot: QtBot) -> None:
    volume, flat = tomo.display.grid.panes[:2]
    volume.point_at(*in_breast(tomo, 0))
    assert flat.place_marks
    tomo.display.show_stack(tomo.display.slots[1].uid, 0)
    idle(qtbot, tomo.session)
    assert flat.place_marks == ()
    assert volume.place_marks == ()


def test_slabs_and_cine_of_a_volume(tomo: MainWindow, qtbot: QtBot) -> None:
    pane = tomo.display.pane
    tomo.commands.dispatch("image.slab")
    assert pane.slab is not None
    pane.set_slab(Slab("mean", 3.0))
    pane.set_slice(2)
    assert pane.shot is not None
    assert pane.shot.span == (1, 3)
    assert pane.framing is not None  # a slab keeps the breast at its chest wall
    before = pane.slice_index
    tomo.commands.dispatch("image.cine")
    assert pane.cine
    qtbot.waitUntil(lambda: pane.slice_index != before)
    tomo.commands.dispatch("image.cine")
    assert not pane.cine
