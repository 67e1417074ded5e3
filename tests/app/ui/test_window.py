"""The window: opening, hanging, boxes, findings, dialogs and the keyboard-only path, offscreen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.ai_state import AiState
from app.notices import Level, Notice, explain
from app.settings import Settings
from app.studies.derived import DerivedKind, base_uid, parse
from app.studies.study import Skipped
from app.ui import theme
from app.ui.badges import badge_text, badges
from app.ui.browse import Row
from app.ui.browser_row import ROW, SHOWN
from app.ui.layers import overlay_values
from app.ui.main_window import MainWindow
from app.ui.notice_bar import ErrorDialog, NoticeBar
from app.ui.palette import Palette
from app.ui.parts import ScoreBar
from app.ui.phases_dialog import PhasesDialog
from app.ui.preferences import PreferencesDialog
from app.ui.skipped_dialog import SkippedDialog
from app.ui.spacing_dialog import SpacingDialog
from app.ui.start import make_window
from app.ui.status_line import RESEARCH_USE
from app.workspace.box import Box
from tests.app.ui.conftest import WAIT_MS, fake_result, idle, open_and_wait, store
from tests.app.ui.test_content import study as dynamic_study
from viewer.layers.types import BoxShape
from viewer.presentation import Window

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")  # what offscreen cannot do


def draw(window: MainWindow, pane: int = 0) -> Box:
    """Report the gesture of a box in a pane, as the grid does."""
    loaded = window.session.images.loaded(window.display.stack_uids[pane] or "")
    assert loaded is not None
    frame = str(loaded.volume.frame_of_reference_uid)
    shape = BoxShape("", frame, (10.0, 10.0, 0.0), (30.0, 25.0, 0.0), (1.0, 0, 0, 0, 1.0, 0))
    window.display.grid.box_drawn.emit(pane, shape, "drag")
    return window.session.annotations.boxes[-1]


def shown_bars(window: MainWindow) -> list[ScoreBar]:
    return [bar for bar in window.findings.findChildren(ScoreBar) if bar.isVisible()]


def test_four_pictures_hang_two_by_two(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    display = window.display
    assert display.grid.layout_name == "2x2"
    study = window.session.study
    assert study is not None
    shown = [study.series_of(uid)[0].label for uid in display.stack_uids if uid is not None]
    assert shown == ["R-CC", "L-CC", "R-MLO", "L-MLO"]
    assert all(pane.content is not None for pane in display.grid.panes)
    assert all(pane.content.ai_state == "AI: not run" for pane in display.grid.panes if pane.content)
    assert window.browser.skipped.isVisible()
    assert any(label.text() == RESEARCH_USE and label.isVisible() for label in window.status.findChildren(QLabel))


def test_a_drawn_box_is_stored_shown_listed_and_undone(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    window.commands.dispatch("boxes.label_1")
    box = draw(window)
    session = window.session
    assert session.workspace is not None
    assert session.workspace.boxes(box.study_uid) == (box,)
    assert box.label == session.annotations.label != ""
    content = window.display.grid.panes[0].content
    assert content is not None
    assert [shape.uid for shape in content.boxes] == [box.uid]
    assert window.boxes.list.count() == 1
    assert window.boxes.list.item(0).text().splitlines()[1].startswith("R-CC · ")
    window.commands.dispatch("edit.undo")
    assert session.workspace.boxes(box.study_uid) == ()
    assert window.boxes.list.count() == 0
    assert window.boxes.empty.isVisibleTo(window.boxes)
    window.commands.dispatch("edit.redo")
    assert session.annotations.boxes == (box,)


def test_relabel_delete_and_steps_through_boxes(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    first, second = draw(window, 0), draw(window, 1)
    assert window.display.marks.selected == second.uid
    window.commands.dispatch("boxes.next")
    assert window.display.marks.selected == first.uid
    window.commands.dispatch("boxes.label_3")
    assert [box.label for box in window.session.annotations.boxes] == [window.session.annotations.label, ""]
    window.display.grid.box_delete_requested.emit(first.uid)
    assert [box.uid for box in window.session.annotations.boxes] == [second.uid]


def test_a_gesture_that_cannot_be_kept_is_said(
    qtbot: QtBot, window: MainWindow, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_and_wait(qtbot, window.session, pictures)

    def full(_edit: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(window.session.workspace, "apply", full)
    with qtbot.waitSignal(window.session.notices.posted) as heard, pytest.raises(IndexError):
        draw(window)
    assert heard.args is not None
    assert "No space left" in heard.args[0].why
    content = window.display.grid.panes[0].content
    assert content is not None
    assert content.boxes == ()


def test_findings_scores_layers_and_accepting(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    session, display = window.session, window.display
    uid = display.stack_uid
    loaded = session.images.loaded(uid or "")
    assert uid is not None
    assert loaded is not None
    store(session, (uid, 0), fake_result(loaded, 0))
    content = display.grid.panes[0].content
    assert content is not None
    assert (len(content.heatmaps), [box.proposal for box in content.boxes]) == (1, [True])
    assert content.ai_state.startswith("AI: findings · fake 1.0")
    qtbot.waitUntil(lambda: [bar.score.title for bar in shown_bars(window)] == ["Malignant", "Normal"])
    assert "0.50" in shown_bars(window)[0].toolTip()
    words = [label.text() for label in window.findings.findChildren(QLabel)]
    assert "Provisional, demonstration only" in words
    session.overlays.set("fake/attention", opacity=0.25, visible=False)
    content = display.grid.panes[0].content
    assert content is not None
    assert (content.heatmaps[0].opacity, content.heatmaps[0].visible) == (0.25, False)
    window.commands.dispatch("ai.accept")
    assert [(box.source, box.method) for box in session.annotations.boxes] == [("model fake", "accepted")]
    assert display.marks.open_findings() == ()
    assert session.readings.of_stack(uid) is AiState.FINDINGS


def test_of_several_maps_the_first_is_shown_until_the_user_says_otherwise() -> None:
    layers: dict[str, dict[str, object]] = {"": {"opacity": 0.5}, "b": {"opacity": 0.9}}
    assert overlay_values("a", 0, layers)["visible"] is True
    assert overlay_values("b", 1, layers) == {"visible": False, "opacity": 0.9}
    assert overlay_values("b", 1, {**layers, "b": {"visible": True}})["visible"] is True


def test_analyse_runs_in_the_background_and_shows_every_state(
    qtbot: QtBot, window: MainWindow, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_and_wait(qtbot, window.session, pictures)
    answer = lambda asked, _: fake_result(asked.loaded, asked.slice_index, findings=0)  # noqa: E731
    monkeypatch.setattr("app.session.answering.run_fitting", answer)
    window.commands.dispatch("ai.analyse")
    pane = window.display.pane
    assert pane.content is not None
    assert pane.content.ai_state.startswith("AI: running")
    assert pane.content.ai_tone == "busy"
    assert not window.findings.run.isEnabled()
    idle(qtbot, window.session)
    assert pane.content.ai_state == "AI: no finding · fake 1.0"
    assert window.findings.run.isEnabled()


def test_the_view_comes_back_tomorrow(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    window.display.hanger.set_layout("1x2")
    window.display.grid.set_active(1)
    pane = window.display.pane
    assert pane.presentation is not None
    pane.invert()
    shown = list(window.display.stack_uids)
    window.close()

    again = make_window()
    qtbot.addWidget(again)
    with qtbot.waitSignal(again.session.keeping.opened, timeout=WAIT_MS):
        again.session.open_workspace()
    open_and_wait(qtbot, again.session, pictures)
    assert again.display.grid.layout_name == "1x2"
    assert again.display.grid.active_index == 1
    assert again.display.stack_uids == shown
    restored = again.display.pane.presentation
    assert restored is not None
    assert restored.invert
    again.close()


def test_everything_by_keyboard(
    qtbot: QtBot, window: MainWindow, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = lambda asked, _: fake_result(asked.loaded, asked.slice_index)  # noqa: E731
    monkeypatch.setattr("app.session.answering.run_fitting", answer)
    open_and_wait(qtbot, window.session, pictures)
    keys = window.display.pane
    window.activateWindow()
    qtbot.keyClick(keys, Qt.Key.Key_E)
    idle(qtbot, window.session)
    qtbot.keyClick(keys, Qt.Key.Key_F4)
    qtbot.keyClick(keys, Qt.Key.Key_K)
    assert [box.label for box in window.session.annotations.boxes] == [window.session.annotations.label]
    assert window.session.annotations.label
    qtbot.keyClick(keys, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert window.session.annotations.boxes == ()
    qtbot.keyClick(keys, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert len(window.session.annotations.boxes) == 1
    qtbot.keyClick(keys, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.display.grid.layout_name == "1"
    qtbot.keyClick(keys, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    assert window.display.stack_uid != window.session.annotations.boxes[0].stack_uid
    qtbot.keyClick(keys, Qt.Key.Key_BracketRight)
    assert window.display.stack_uid == window.session.annotations.boxes[0].stack_uid
    qtbot.keyClick(keys, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    assert window.browser.tree.hasFocus()
    qtbot.keyClick(window.browser.tree, Qt.Key.Key_W, Qt.KeyboardModifier.ControlModifier)
    assert window.session.study is None
    assert window.centre.currentWidget() is window.start_page


def test_the_palette_runs_what_was_typed(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    palette = Palette(window.commands, window)
    qtbot.addWidget(palette)
    palette.open()
    qtbot.keyClicks(palette.typed, "one pane")
    qtbot.keyClick(palette.typed, Qt.Key.Key_Return)
    assert window.display.grid.layout_name == "1"
    assert not palette.isVisible()


def test_a_series_is_shown_by_its_row(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    item = next(item for item in window.browser.items() if item.data(0, ROW).title == "L-MLO")
    window.browser.tree.itemActivated.emit(item, 0)
    row: Row = item.data(0, ROW)
    assert window.display.stack_uids[0] == row.uid
    assert row.uid in window.browser._images


def test_dropped_folders_are_opened(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(pictures))])
    buttons, modifiers = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDropEvent(QPointF(QPoint(5, 5)), Qt.DropAction.CopyAction, data, buttons, modifiers)
    with qtbot.waitSignal(window.session.library.study_changed, timeout=WAIT_MS):
        window.dropEvent(event)
    idle(qtbot, window.session)
    assert window.session.study is not None


def test_spacing_given_by_the_user_is_used_and_kept(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    session = window.session
    uid = window.display.stack_uid or ""
    assert session.study is not None
    series, stack = session.study.series_of(uid)
    dialog = SpacingDialog(series.label, stack)
    qtbot.addWidget(dialog)
    assert not dialog.accept_button.isEnabled()
    dialog.row.setValue(0.1)
    assert dialog.column.value() == 0.1  # square pixels until told otherwise
    dialog.column.setValue(0.2)
    assert dialog.accept_button.isEnabled()
    session.library.set_spacing(uid, dialog.answer())
    idle(qtbot, session)
    loaded = session.images.loaded(uid)
    assert loaded is not None
    assert loaded.spacing_known
    assert loaded.stack.spacing_mm is not None
    assert loaded.stack.spacing_mm[1:] == (0.1, 0.2)
    assert loaded.stack.spacing_basis == "given by the user"
    study_uid = session.study.uid
    session.library.close_study()
    session.library.open_study(study_uid)
    idle(qtbot, session)
    assert session.study.stack(uid).spacing_mm == loaded.stack.spacing_mm


def test_phases_dialog_moves_phases_and_leaves_unknown_times_unknown(qtbot: QtBot) -> None:
    study = dynamic_study()
    dialog = PhasesDialog(study, study.dynamics[0])
    qtbot.addWidget(dialog)
    assert any("Trigger Time" in label.text() for label in dialog.findChildren(QLabel))
    assert dialog.answer().pre_index == 0
    dialog.table.setCurrentCell(0, 0)
    dialog.table.move_row(1)
    assert dialog.table.uids() == ("post", "pre")
    assert dialog.pre.currentData() == "pre"  # the pre-contrast phase is a series, not a place
    assert not dialog.accept_button.isEnabled()  # 91 s before 0 s
    for row in range(2):
        cell = dialog.table.item(row, 2)
        assert cell is not None
        cell.setText("")
    assert dialog.accept_button.isEnabled()
    answer = dialog.answer()
    assert (answer.stack_uids, answer.pre_index, answer.seconds) == (("post", "pre"), 1, (None, None))


def test_preferences_come_from_the_settings_and_refuse_what_is_not_allowed(qtbot: QtBot) -> None:
    dialog = PreferencesDialog(Settings(author="AB", cine_fps=12))
    qtbot.addWidget(dialog)
    assert dialog.answer() == Settings(author="AB", cine_fps=12)
    dialog._read["device"] = lambda: "toaster"
    dialog.accept()
    assert "Compute device" in dialog.problem.text()
    assert dialog.result() == 0


def test_notices_show_problems_first_and_once(qtbot: QtBot) -> None:
    bar = NoticeBar()
    qtbot.addWidget(bar)
    news = explain("x", OSError(2, "gone", "a.dcm"))
    quiet = SimpleNamespace(level=Level.INFO, what="news", why="", hint="", action_title="", action=None)
    bar.post(quiet)  # type: ignore[arg-type]
    bar.post(Notice(Level.WARNING, "be careful"))
    bar.post(news)
    bar.post(news)
    assert bar.what.text() == "x"
    assert "a.dcm" in bar.why.text()
    bar.next()
    assert bar.what.text() == "be careful"
    bar.next()
    assert bar.what.text() == "news"
    bar.next()
    assert bar.isHidden()


def test_a_defect_opens_the_error_dialog_with_details(qtbot: QtBot) -> None:
    dialog = ErrorDialog(explain("Something went wrong", ZeroDivisionError("division by zero")))
    qtbot.addWidget(dialog)
    words = " ".join(label.text() for label in dialog.findChildren(QLabel))
    assert "Something went wrong" in words
    assert "ZeroDivisionError" in words
    assert "Try again" in words


@pytest.mark.parametrize("name", theme.THEMES)
def test_themes_are_complete_and_legible(qapp: QApplication, name: str) -> None:
    assert "$" not in theme.style_sheet(name)
    colours = theme.colours(name)
    for text in ("text", "text_quiet", "text_faint", "warn", "alert", "good"):
        assert contrast(colours[text], colours["panel"]) >= 4.5, text
    assert contrast(colours["accent_text"], colours["accent"]) >= 4.5


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.1."""

    def luminance(colour: str) -> float:
        channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.real_data
def test_a_real_dynamic_series_opens_with_its_phases(qtbot: QtBot, window: MainWindow, shared_data: Path) -> None:
    open_and_wait(qtbot, window.session, shared_data / "mri" / "duke-153")
    session, display = window.session, window.display
    study = session.study
    assert study is not None
    assert len(study.dynamics[0].phases) == 5
    places = [study.phase_of(uid or "") for uid in display.stack_uids[:2]]
    assert [place[1] for place in places if place] == [0, 1]
    derived = [parse(uid or "") for uid in display.stack_uids]
    assert sum(one is not None and one.kind is DerivedKind.SUBTRACTION for one in derived) >= 2
    display.grid.set_active(1)
    display.pane.set_slice(40)
    idle(qtbot, session)
    window.commands.dispatch("image.next_phase")
    second = study.dynamics[0].phases[2].stack_uid
    assert display.stack_uid == second
    idle(qtbot, session)
    following = [uid for slot, uid in zip(display.slots, display.stack_uids, strict=True) if uid and slot.follows]
    assert {base_uid(uid) for uid in following} == {second}
    for uid in display.stack_uids:
        assert uid is None or session.images.loaded(uid) is not None, session.images.unreadable.get(uid)
    assert display.pane.slice_index == 40
    session.library.set_phases(
        study.dynamics[0], [p.stack_uid for p in study.dynamics[0].phases], 0, (0, 60, 180, 300, 420)
    )
    assert session.study is not None
    assert session.study.dynamics[0].key == "set by the user"
    idle(qtbot, session)


@pytest.mark.real_data
def test_a_real_mammogram_pair_hangs_right_beside_left(qtbot: QtBot, window: MainWindow, shared_data: Path) -> None:
    files = sorted((shared_data / "mini-mias").rglob("*.dcm"))[:2]
    window.session.open_paths(files)
    qtbot.waitUntil(lambda: window.session.study is not None, timeout=WAIT_MS)
    idle(qtbot, window.session)
    study = window.session.study
    assert study is not None
    sides = [study.series_of(uid)[0].laterality for uid in window.display.stack_uids if uid]
    assert sides == sorted(sides, reverse=True)
    assert window.session.annotations.taxonomy is not None
    assert window.session.annotations.taxonomy.id == "mammography"


@pytest.mark.real_data
@pytest.mark.slow
def test_the_real_model_runs_from_the_window_and_its_result_comes_back(
    qtbot: QtBot, window: MainWindow, shared_data: Path
) -> None:
    session, display = window.session, window.display
    qtbot.waitUntil(lambda: bool(session.readings.cards), timeout=WAIT_MS)
    session.readings.model_id = "mri-attention-000"
    open_and_wait(qtbot, session, shared_data / "mri" / "duke-153")
    assert session.study is not None
    pre, post = display.stack_uids[:2]
    assert pre is not None
    assert post is not None
    display.grid.set_active(0)
    window.commands.dispatch("ai.analyse")  # the pre-contrast phase is not what the model was made for
    qtbot.waitUntil(lambda: not session.jobs.active, timeout=WAIT_MS)
    assert session.readings.of(pre, display.slice_index or 0).state is AiState.OUT_OF_SCOPE
    display.grid.set_active(1)
    display.pane.set_slice(28)
    window.commands.dispatch("ai.analyse")
    qtbot.waitUntil(lambda: not session.jobs.active, timeout=WAIT_MS)
    reading = session.readings.of(post, 28)
    assert reading.state in (AiState.FINDINGS, AiState.NO_FINDING)
    assert reading.result is not None
    assert reading.result.provenance.model_note
    assert display.pane.content is not None
    assert display.pane.content.heatmaps
    study_uid = session.study.uid
    session.library.close_study()
    session.library.open_study(study_uid)
    qtbot.waitUntil(lambda: session.readings.of(post, 28).stored is not None, timeout=WAIT_MS)
    idle(qtbot, session)


def test_a_series_dragged_from_the_browser_lands_in_the_pane_under_the_cursor(
    qtbot: QtBot, window: MainWindow, pictures: Path
) -> None:
    open_and_wait(qtbot, window.session, pictures)
    display, grid = window.display, window.display.grid
    item = next(item for item in window.browser.items() if item.data(0, ROW).title == "L-CC")
    data = window.browser.tree.mimeData([item])
    where = QPointF(grid.panes[2].geometry().center())
    buttons, modifiers = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    entered = QDragEnterEvent(where.toPoint(), Qt.DropAction.CopyAction, data, buttons, modifiers)
    QApplication.sendEvent(grid, entered)
    assert entered.isAccepted()
    QApplication.sendEvent(grid, QDropEvent(where, Qt.DropAction.CopyAction, data, buttons, modifiers))
    assert display.stack_uids[2] == item.data(0, ROW).uid
    assert grid.active_index == 2
    idle(qtbot, window.session)
    content = grid.panes[2].content
    assert content is not None
    assert content.image.uid == item.data(0, ROW).uid


def test_a_patient_row_cannot_be_dropped(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    before = list(window.display.stack_uids)
    item = next(item for item in window.browser.items() if item.data(0, ROW).kind == "patient")
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, window.browser.tree.mimeData([item]),
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    QApplication.sendEvent(window.display.grid, event)
    assert window.display.stack_uids == before


def test_presets_from_picker_and_keyboard_and_the_way_back(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    pane, picker = window.display.pane, window.tool_bar.window_picker
    file_window = pane.presentation
    assert file_window is not None
    row = picker.findData("full")
    assert row > 0
    picker.activated.emit(row)
    assert pane.presentation is not None
    full = pane.presentation.voi
    assert pane.content is not None
    values = pane.content.image.volume.array
    assert isinstance(full, Window)
    assert (full.center - full.width / 2, full.center + full.width / 2) == (values.min(), values.max())
    qtbot.keyClick(pane, Qt.Key.Key_5)
    assert isinstance(pane.presentation.voi, Window)
    assert pane.presentation.voi.explanation == "Brighter"
    qtbot.keyClick(pane, Qt.Key.Key_D)
    assert pane.presentation == file_window


def test_what_was_said_of_one_study_is_not_said_of_the_next(qtbot: QtBot, window: MainWindow) -> None:
    window.session.notices.offer("No spacing.", "Set…", lambda: None, "study")
    window.session.notices.warn("No images.", topic="opening")
    window.session.notices.warn("The backup failed.")
    window.session.library.turned.emit()
    assert [notice.what for notice in window.notice_bar.waiting] == ["No images.", "The backup failed."]


def test_badges_tell_findings_from_no_finding() -> None:
    icons = {state: badges(state, annotated=False) for state in (None, *AiState)}
    assert icons[None] == icons[AiState.NOT_RUN] == ()
    told = [icons[state] for state in AiState if state is not AiState.NOT_RUN]
    assert len({found[0][0] for found in told}) == len(told)  # by shape, not by colour alone
    assert badge_text(AiState.NO_FINDING, annotated=True) == "AI: no finding\nHas boxes"


def test_what_is_on_show_stays_marked_when_another_folder_holds_no_images(
    qtbot: QtBot, window: MainWindow, pictures: Path, tmp_path: Path
) -> None:
    open_and_wait(qtbot, window.session, pictures)
    (tmp_path / "empty").mkdir()
    window.session.open_paths([tmp_path / "empty"])
    idle(qtbot, window.session)
    marked = {item.data(0, ROW).uid for item in window.browser.items() if item.data(0, SHOWN)}
    assert marked == set(window.display.stack_uids)


def test_skipped_files_are_listed_with_the_whole_reason(qtbot: QtBot) -> None:
    reason = "The header of the picture is damaged, and this sentence goes on for longer than one line can hold. " * 2
    dialog = SkippedDialog((Skipped(Path("/exam/a.png"), reason), Skipped(Path("/exam/b.dcm"), "No image.")))
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    table = dialog.table
    cells = [table.item(row, column) for row in range(2) for column in range(2)]
    assert [cell.text() for cell in cells if cell is not None] == ["a.png", reason, "b.dcm", "No image."]
    assert table.rowHeight(0) > 2 * table.rowHeight(1) - 20  # wrapped, not cut


def test_a_slice_that_is_missing_says_so_in_the_middle_of_the_view(
    qtbot: QtBot, window: MainWindow, pictures: Path
) -> None:
    open_and_wait(qtbot, window.session, pictures)
    images, uid = window.session.images, window.display.stack_uid or ""
    loaded = images.loaded(uid)
    assert loaded is not None
    frames = tuple(replace(frame, index=-1) for frame in loaded.stack.frames)
    images.memory.keep(uid, replace(loaded, stack=replace(loaded.stack, frames=frames), blank_slices=(0,)))
    window.display.refresh()
    content = window.display.pane.content
    assert content is not None
    assert content.banner == "Slice 1 is missing from the study."
    assert content.ai_state == "AI: out of scope · this slice is missing from the study"


def test_that_the_spacing_is_unknown_is_said_once(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    content = window.display.pane.content
    assert content is not None
    assert not content.image.spacing_known  # the pane itself says it for such an image
    said = (*content.notes, *content.corners.bottom_right, *content.corners.bottom_left)
    assert not [text for text in said if "spacing" in text]


def test_escape_unselects_first_and_then_dismisses_the_notice(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    draw(window)
    window.notice_bar.waiting.clear()
    window.session.notices.warn("Something to read.")
    pane = window.display.pane
    qtbot.keyClick(pane, Qt.Key.Key_Escape)
    assert window.display.marks.selected == ""
    assert window.notice_bar.notice is not None
    qtbot.keyClick(pane, Qt.Key.Key_Escape)
    assert window.notice_bar.notice is None


def test_cine_has_the_speed_of_the_settings(qtbot: QtBot, window: MainWindow) -> None:
    window.session.take_settings(Settings(cine_fps=25))
    assert {pane.cine_fps for pane in window.display.grid.panes} == {25}
