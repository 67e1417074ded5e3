"""Images in the window: shared windows, sides, panes that lost their image, studies that go while work runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.studies.derived import base_uid
from app.ui.main_window import MainWindow
from tests.app.ui.conftest import WAIT_MS, idle, open_and_wait
from viewer.presentation import VoiFunction, Window


@pytest.fixture(scope="module")
def exams(mri_exams, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Axial with five phases, another patient's, and sagittal of both breasts."""
    source = mri_exams.phantom()
    folder = tmp_path_factory.mktemp("exams")
    kinds = {"axial": "axial", "other": "coronal", "sagittal": "sagittal_both"}
    return {name: mri_exams.write(kind, source, folder / name) for name, kind in kinds.items()}


def show(qtbot: QtBot, window: MainWindow, folder: Path) -> None:
    open_and_wait(qtbot, window.session, folder)
    filled(qtbot, window)


def filled(qtbot: QtBot, window: MainWindow) -> None:
    def there() -> bool:
        panes, grid = window.display.grid.visible_panes, window.display.grid.panes
        return all(p.content is not None or window.display.slots[grid.index(p)].uid is None for p in panes)

    qtbot.waitUntil(there, timeout=WAIT_MS)
    idle(qtbot, window.session)


def levels(window: MainWindow) -> list[tuple[float, float]]:
    found = [pane.presentation.voi for pane in window.display.grid.visible_panes if pane.presentation is not None]
    return [(voi.center, voi.width) for voi in found if isinstance(voi, Window)]


def test_phases_and_subtractions_keep_one_window_each_whatever_the_reader_does(
    qtbot: QtBot, window: MainWindow, exams: dict[str, Path]
) -> None:
    show(qtbot, window, exams["axial"])
    display = window.display
    pre, post, subtraction, projection = levels(window)
    assert (pre, subtraction) == (post, projection)
    assert pre != subtraction
    display.grid.set_active(1)
    chosen = Window(100.0, 333.0, VoiFunction.LINEAR, "", "user")
    assert display.pane.presentation is not None
    display.pane.set_presentation(display.pane.presentation.with_voi(chosen))
    assert levels(window) == [(100.0, 333.0)] * 2 + [subtraction] * 2
    display.time.step(1)
    filled(qtbot, window)
    assert levels(window) == [(100.0, 333.0)] * 2 + [subtraction] * 2
    display.hanger.go("Time")
    filled(qtbot, window)
    assert levels(window) == [(100.0, 333.0)] * 5
    last = display.grid.panes[0].presentation
    assert last is not None
    assert len(last.vois) >= 2  # that of the file is still among the choices


def test_panes_of_a_sagittal_exam_say_which_breast_they_show(
    qtbot: QtBot, window: MainWindow, exams: dict[str, Path]
) -> None:
    show(qtbot, window, exams["sagittal"])
    panes = window.display.grid.visible_panes

    def labels() -> list[str]:
        return [pane.content.view_label for pane in panes if pane.content is not None]

    qtbot.waitUntil(lambda: labels() == ["R"] * 4 + ["L"] * 4, timeout=WAIT_MS)
    panes[0].set_slice(0 if (panes[4].sop_index or 0) < (panes[0].sop_index or 0) else panes[0].slice_count - 1)
    qtbot.waitUntil(lambda: labels()[0] == "L", timeout=WAIT_MS)  # scrolled across the midline


def test_a_hidden_pane_that_lost_its_image_gets_it_back(
    qtbot: QtBot, window: MainWindow, exams: dict[str, Path]
) -> None:
    show(qtbot, window, exams["axial"])
    display, images = window.display, window.session.images
    before = list(display.stack_uids[:4])
    display.hanger.set_layout("1")
    idle(qtbot, window.session)
    assert images.free_unseen() > 0
    assert [uid for uid in before if uid and images.loaded(uid) is not None] == [display.visible_uids[0]]
    assert [pane.content is not None for pane in display.grid.panes[:4]] == [True, False, False, False]
    display.hanger.set_layout("2x2")
    filled(qtbot, window)
    assert display.stack_uids[:4] == before
    assert all(pane.content is not None for pane in display.grid.panes[:4])


@pytest.mark.parametrize("work", ["loading", "motion", "kinetics"])
def test_another_study_opened_meanwhile_gets_no_late_result(
    qtbot: QtBot, window: MainWindow, exams: dict[str, Path], work: str
) -> None:
    session = window.session
    session.open_paths([exams["other"]])
    qtbot.waitUntil(lambda: session.study is not None, timeout=WAIT_MS)
    idle(qtbot, session)
    assert session.study is not None
    other = session.study.uid
    if work == "loading":
        with qtbot.waitSignal(session.library.study_changed, timeout=WAIT_MS):
            session.open_paths([exams["axial"]])
    else:
        show(qtbot, window, exams["axial"])
    first = session.study
    assert first is not None
    assert first.uid != other
    if work == "motion":
        session.motion.start(first.dynamics[0])
    elif work == "kinetics":
        window.commands.dispatch("kinetics.map")
    qtbot.wait(30)  # somewhere in the middle
    session.library.open_study(other)
    filled(qtbot, window)
    assert session.study is not None
    assert session.study.uid == other
    mine = {stack.uid for series in session.study.series for stack in series.stacks}
    for pane in window.display.grid.visible_panes:
        assert pane.content is None or base_uid(pane.content.image.uid) in mine
        assert pane.content is None or not pane.content.class_maps
    pre, *posts = (phase.stack_uid for phase in session.study.dynamics[0].phases)
    assert all(session.motion.correction(post, pre) is None for post in posts)


@pytest.mark.parametrize("work", ["loading", "motion", "kinetics"])
def test_a_study_closed_while_work_runs_leaves_nothing_behind(
    qtbot: QtBot, window: MainWindow, exams: dict[str, Path], work: str
) -> None:
    session = window.session
    if work == "loading":
        with qtbot.waitSignal(session.library.study_changed, timeout=WAIT_MS):
            session.open_paths([exams["axial"]])
    else:
        show(qtbot, window, exams["axial"])
    study = session.study
    assert study is not None
    if work == "motion":
        session.motion.start(study.dynamics[0])
    elif work == "kinetics":
        window.commands.dispatch("kinetics.map")
    qtbot.wait(30)
    session.library.close_study()
    idle(qtbot, session)
    assert session.study is None
    assert session.images.bytes == 0
    assert all(pane.content is None for pane in window.display.grid.panes)
    show(qtbot, window, exams["axial"])  # opens again as ever
    assert session.study is not None
