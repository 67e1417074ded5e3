"""Comparison in the window: maps of two models, phases, and what happens when the pane moves on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.notices import Notice
from app.studies.derived import Derived, DerivedKind
from app.ui.comparison import NO_IMAGE, NOTHING, ONE_MAP
from app.ui.main_window import MainWindow
from inference.result import Heatmap
from tests.app.ui.conftest import fake_result, idle, open_and_wait, store
from viewer.colours import DIVERGING
from viewer.map_keys import visible_heatmap
from viewer.presentation import VoiFunction, Window

DUKE = "mri/duke-153"


@pytest.fixture
def exam(window: MainWindow, qtbot: QtBot, pictures: Path) -> MainWindow:
    """The window with a picture in the active pane that two models have read: all a quarter, and last all ones."""
    open_and_wait(qtbot, window.session, pictures)
    read(window, "model-b", 0.25)
    read(window, "model-a", 1.0)
    return window


def read(window: MainWindow, model: str, value: float, unit: str = "") -> None:
    uid = window.display.stack_uid
    assert uid is not None
    loaded = window.session.images.loaded(uid)
    assert loaded is not None
    made = fake_result(loaded, 0, model_id=model)
    volume = loaded.volume.with_array(np.full(loaded.volume.spatial_shape, value, np.float32))
    heatmap = Heatmap("attention", "Attention", volume, unit=unit)
    store(window.session, (uid, 0), replace(made, heatmaps=(heatmap,)))
    window.display.refresh()


def said(window: MainWindow) -> list[str]:
    texts: list[str] = []

    def take(notice: Notice) -> None:
        texts.append(notice.what)

    window.session.notices.posted.connect(take)
    return texts


def titles(window: MainWindow, n: int) -> list[str]:
    content = window.display.grid.panes[n].content
    assert content is not None
    return [layer.title for layer in content.heatmaps]


A, B = "Attention · model-a", "Attention · model-b"


def test_a_swipe_shows_the_map_of_either_model_on_its_side(exam: MainWindow) -> None:
    exam.commands.dispatch("compare.swipe")
    content = exam.display.pane.content
    assert content is not None
    assert content.compare is not None
    assert (content.compare.title, content.compare.other_title) == (A, B)
    assert titles(exam, 0) == [A]
    assert [layer.title for layer in content.compare.heatmaps] == [B]


def test_the_other_half_has_its_own_colour_bar(exam: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[str, str]] = []
    monkeypatch.setattr("viewer.map_keys.draw_colour_bar", lambda _s, layer, side: drawn.append((layer.title, side)))
    exam.commands.dispatch("compare.swipe")
    exam.display.pane.image()
    assert drawn == [(A, "left"), (B, "right")]
    drawn.clear()
    exam.commands.dispatch("compare.blink")
    exam.display.pane.image()
    exam.display.pane.comparing.timer.timeout.emit()
    exam.display.pane.image()
    assert [title for title, _ in drawn] == [A, B]


def test_the_difference_is_signed_and_has_its_own_table(exam: MainWindow) -> None:
    exam.commands.dispatch("compare.difference")
    content = exam.display.pane.content
    assert content is not None
    (layer,) = content.heatmaps
    assert layer.title == "Attention: model-a − model-b"
    assert layer.table in DIVERGING
    assert layer.value_range[0] == -layer.value_range[1]
    assert np.allclose(layer.volume.array, 0.75)
    exam.display.refresh()
    again = exam.display.pane.content
    assert again is not None
    assert again.heatmaps[0].volume is layer.volume  # worked out once
    shown = visible_heatmap(exam.display.pane, exam.display.pane.shot)  # type: ignore[arg-type]
    assert shown is not None
    assert shown.title == layer.title


def test_maps_of_two_units_have_no_difference(exam: MainWindow, qtbot: QtBot) -> None:
    read(exam, "model-b", 0.25, unit="s")
    texts = said(exam)
    exam.commands.dispatch("compare.difference")
    assert texts == [ONE_MAP]
    assert exam.display.comparison.mode == ""
    assert titles(exam, 0) == [A, B]


def test_side_by_side_shows_each_model_in_its_own_pane(exam: MainWindow, qtbot: QtBot) -> None:
    exam.display.pane.set_camera(exam.display.pane.camera.zoomed(2.0, (10, 10)))
    exam.commands.dispatch("compare.beside")
    idle(qtbot, exam.session)
    assert exam.display.grid.layout_name == "1x2"
    assert (titles(exam, 0), titles(exam, 1)) == ([A], [B])
    one, other = exam.display.grid.panes[:2]
    assert one.content is not None
    assert other.content is not None
    assert one.content.image.uid == other.content.image.uid
    assert other.content.corners.top_right[-1] == B
    one.set_camera(one.camera.zoomed(1.5, (20, 20)))
    assert other.camera.zoom == pytest.approx(one.camera.zoom)
    exam.display.hanger.save()
    kept = exam.session.keeping.view(exam.session.study.uid)  # type: ignore[union-attr]
    assert [pane["slot"]["only_map"] for pane in kept["panes"][:2]] == [A, B]


def test_the_card_offers_a_model_as_soon_as_its_result_is_there(
    window: MainWindow, qtbot: QtBot, pictures: Path
) -> None:
    from app.ui.compare_card import CompareCard

    open_and_wait(qtbot, window.session, pictures)
    panel = window.tabs.widget(1)
    assert panel is not None
    card = panel.findChild(CompareCard)
    assert card is not None
    read(window, "model-b", 0.5)
    qtbot.wait(20)
    assert card.isHidden()
    read(window, "model-a", 1.0)
    qtbot.waitUntil(lambda: not card.isHidden())
    assert card.other.currentText() == B
    card._set("swipe")
    assert window.display.comparison.mode == "swipe"


def test_nothing_to_compare_is_said(window: MainWindow, qtbot: QtBot, pictures: Path) -> None:
    texts = said(window)
    window.display.comparison.toggle("swipe")
    open_and_wait(qtbot, window.session, pictures)
    window.display.comparison.toggle("swipe")
    window.display.comparison.toggle("difference")
    window.display.comparison.beside()
    window.display.comparison.next()
    assert [text for text in texts if "compare" in text or "difference" in text] == [
        NO_IMAGE, NOTHING, ONE_MAP, NOTHING, NOTHING
    ]  # fmt: skip


def test_the_comparison_stays_while_another_pane_is_active_and_ends_with_its_pane(exam: MainWindow) -> None:
    exam.commands.dispatch("compare.swipe")
    exam.display.grid.set_active(1)
    exam.display.refresh()
    first = exam.display.grid.panes[0].content
    assert first is not None
    assert first.compare is not None
    assert exam.display.comparison.candidates == ()
    exam.display.show_stack(exam.display.slots[1].uid, 0)
    assert exam.display.comparison.mode == ""


def test_a_layout_without_the_pane_and_another_step_end_it(exam: MainWindow) -> None:
    uid = exam.display.stack_uid
    exam.display.show_stack(uid, 3)
    exam.display.grid.set_active(3)
    exam.display.comparison.start("blink")
    assert exam.display.comparison.mode == "blink"
    exam.display.grid.set_layout("1")
    assert exam.display.comparison.mode == ""
    exam.display.comparison.start("swipe")
    exam.display.hanger.again()
    assert exam.display.comparison.mode == ""


def test_another_study_ends_it(exam: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    import imageio.v3 as imageio

    exam.commands.dispatch("compare.swipe")
    other = tmp_path / "other"
    other.mkdir()
    imageio.imwrite(other / "one.png", np.zeros((20, 30), np.uint8))
    open_and_wait(qtbot, exam.session, other)
    assert exam.display.comparison.mode == ""
    content = exam.display.pane.content
    assert content is not None
    assert content.compare is None


@pytest.fixture
def duke(window: MainWindow, qtbot: QtBot, shared_data: Path) -> MainWindow:
    open_and_wait(qtbot, window.session, shared_data / DUKE)
    window.display.grid.set_active(1)
    return window


def compared(window: MainWindow, n: int = 1) -> str:
    content = window.display.grid.panes[n].content
    assert content is not None
    return content.compare.other_title if content.compare is not None else ""


def test_phases_swipe_blink_and_step_in_time(duke: MainWindow, qtbot: QtBot) -> None:
    display = duke.display
    study = duke.session.study
    assert study is not None
    phases = study.dynamics[0].phases
    display.comparison.start("swipe", phases[2].stack_uid)
    idle(qtbot, duke.session)
    assert compared(duke) == "Post 2"
    duke.commands.dispatch("compare.blink")
    assert display.comparison.mode == "blink"
    assert compared(duke) == "Post 2"
    display.time.step(1)
    idle(qtbot, duke.session)
    assert display.stack_uid == phases[2].stack_uid
    assert compared(duke) == "Post 1"  # the two have changed places
    assert phases[1].stack_uid in display.in_use.needed()
    duke.session.images.free_unseen()
    display.refresh()
    assert compared(duke) == "Post 1"


def test_the_window_of_phases_is_one_window(duke: MainWindow, qtbot: QtBot) -> None:
    display = duke.display
    study = duke.session.study
    assert study is not None
    display.comparison.start("swipe", study.dynamics[0].phases[2].stack_uid)
    idle(qtbot, duke.session)
    pane = display.pane
    chosen = Window(300.0, 500.0, VoiFunction.LINEAR, "", "user")
    assert pane.presentation is not None
    pane.set_presentation(pane.presentation.with_voi(chosen).inverted())
    pane.image()
    shown = pane.comparing._presentation()
    assert shown.voi == chosen
    assert shown.invert == pane.presentation.invert


def test_phases_side_by_side_take_slice_zoom_and_window_along(duke: MainWindow, qtbot: QtBot) -> None:
    display, pane = duke.display, duke.display.pane
    pane.set_slice(21)
    assert pane.presentation is not None
    pane.set_presentation(pane.presentation.with_voi(Window(300.0, 500.0, VoiFunction.LINEAR, "", "user")))
    duke.commands.dispatch("compare.beside")
    idle(qtbot, duke.session)
    one, other = display.grid.panes[:2]
    assert (one.slice_index, other.slice_index) == (21, 21)
    assert other.presentation is not None
    assert isinstance(other.presentation.voi, Window)
    assert (other.presentation.voi.center, other.presentation.voi.width) == (300.0, 500.0)
    assert other.camera.zoom == pytest.approx(one.camera.zoom, rel=0.01)  # each fitted to its own pane
    one.set_slice(25)
    assert other.slice_index == 25


def test_a_subtraction_is_compared_with_its_correction(
    duke: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    display, study = duke.display, duke.session.study
    assert study is not None
    pre, post = (phase.stack_uid for phase in study.dynamics[0].phases[:2])
    plain = Derived(DerivedKind.SUBTRACTION, post, pre).uid
    display.grid.set_active(2)
    assert display.stack_uid == plain
    assert all(one.title != "Motion-corrected" for one in display.comparison.candidates)
    monkeypatch.setattr(duke.session.motion, "correction", lambda *_: object())
    assert [one.title for one in display.comparison.candidates][-1] == "Motion-corrected"
    corrected = display.comparison.candidates[-1].key
    monkeypatch.setitem(duke.session.images.unreadable, corrected, "no room")
    texts = said(duke)
    display.comparison.start("swipe", corrected)
    duke.session.images.changed.emit(corrected)
    assert display.comparison.mode == ""
    assert any("Motion-corrected" in text for text in texts)
