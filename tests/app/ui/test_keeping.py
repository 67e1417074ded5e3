"""Keeping: nothing slow in the Qt thread, nothing lost, and what the workspace says later reaches the user."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ai_state import AiState, Reading
from app.jobs import KEEPING, Job, Jobs
from app.notices import Notices
from app.session import Session
from app.session.answering import Question, saved, unsaved
from app.session.keeping import WorkspaceClosedError
from app.studies.study import Dynamic, Phase
from app.workspace.errors import WorkspaceError
from inference.progress import Progress
from tests.app.ui.conftest import WAIT_MS, fake_result, idle, open_and_wait
from tests.app.ui.test_content import study as dynamic_study

NewSession = Callable[[], Session]


def ready(qtbot: QtBot, session: Session, pictures: Path) -> str:
    """Open the pictures and load one; returns its stack."""
    open_and_wait(qtbot, session, pictures)
    assert session.study is not None
    uid = session.study.series[0].stacks[0].uid
    session.images.request(uid)
    idle(qtbot, session)
    return uid


def answer_with(monkeypatch: pytest.MonkeyPatch, findings: int = 1) -> None:
    monkeypatch.setattr(
        "app.session.answering.run_fitting",
        lambda asked, _: fake_result(asked.loaded, asked.slice_index, findings=findings),
    )


def test_what_is_being_kept_is_finished_when_the_window_closes(qtbot: QtBot) -> None:
    jobs, begun, written = Jobs(), threading.Event(), []

    def slow(_: Progress) -> None:
        begun.wait(10)
        written.append("first")

    jobs.start(Job("Saving", slow), KEEPING)
    jobs.start(Job("Saving", lambda _: written.append("second")), KEEPING)
    begun.set()
    jobs.shut_down()
    assert written == ["first", "second"]


def test_results_and_views_are_written_outside_the_qt_thread(
    qtbot: QtBot, new_session: NewSession, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session()
    uid = ready(qtbot, session, pictures)
    answer_with(monkeypatch)
    workspace, threads = session.workspace, []
    assert workspace is not None
    for name in ("save_result", "save_view_state", "results"):
        real = getattr(workspace, name)

        def noted(*values: object, real: Callable[..., object] = real) -> object:
            threads.append(threading.current_thread())
            return real(*values)

        monkeypatch.setattr(workspace, name, noted)
    assert session.study is not None
    session.readings.analyse(uid, 0)
    session.keeping.save_view(session.study.uid, {"layout": "1"})
    assert session.keeping.view(session.study.uid) == {"layout": "1"}  # before it is on the disk
    idle(qtbot, session)
    session.library.open_study(session.study.uid)
    idle(qtbot, session)
    assert len(threads) == 3
    assert threading.main_thread() not in threads
    assert session.readings.of(uid, 0).state is AiState.FINDINGS


def test_a_result_that_cannot_be_saved_is_shown_and_said(
    qtbot: QtBot, new_session: NewSession, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session()
    uid = ready(qtbot, session, pictures)
    answer_with(monkeypatch, findings=0)

    def full(*_: object) -> None:
        raise WorkspaceError("The disk is full.", "Free some space.")

    monkeypatch.setattr(session.workspace, "save_result", full)
    with qtbot.waitSignal(session.notices.posted, timeout=WAIT_MS) as heard:
        session.readings.analyse(uid, 0)
    assert heard.args is not None
    assert (heard.args[0].why, heard.args[0].hint) == ("The disk is full.", "Free some space.")
    idle(qtbot, session)
    assert session.readings.of(uid, 0).text == "AI: no finding · fake 1.0 · not saved"


def test_a_result_that_came_while_the_workspace_was_closed_is_saved_when_it_opens(
    qtbot: QtBot, new_session: NewSession, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = new_session()
    uid = ready(qtbot, session, pictures)
    answer_with(monkeypatch)
    workspace = session.workspace
    session.keeping.workspace = None
    session.readings.analyse(uid, 0)
    idle(qtbot, session)
    assert session.readings.of(uid, 0).reason == "not saved"
    session.keeping.workspace = workspace
    session.keeping.opened.emit()
    idle(qtbot, session)
    assert workspace is not None
    assert session.study is not None
    assert len(workspace.results(session.study.uid)) == 1
    assert session.readings.of(uid, 0).reason == ""


def test_what_the_workspace_says_later_reaches_the_user_once(
    qtbot: QtBot, new_session: NewSession, pictures: Path
) -> None:
    session = new_session()
    heard: list[str] = []
    session.notices.posted.connect(lambda notice: heard.append(notice.what))
    assert session.workspace is not None
    session.workspace._parts.say("The backup failed.")
    session.keeping.pass_on_notices()
    session.keeping.pass_on_notices()
    assert heard == ["The backup failed."]


def test_a_cancelled_analysis_gives_back_the_state_before(
    qtbot: QtBot, new_session: NewSession, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_question: object, progress: Progress) -> None:
        while True:
            progress.check()

    monkeypatch.setattr("app.session.answering.run_fitting", endless)
    session = new_session()
    uid = ready(qtbot, session, pictures)
    assert session.study is not None
    before = Reading(AiState.FAILED, "the weights were altered")
    session.readings._pass(session.study.uid, (uid, 0), before)
    session.readings.analyse(uid, 0)
    assert session.readings.of(uid, 0).state is AiState.RUNNING
    assert session.readings.of_stack(uid) is AiState.RUNNING
    session.jobs.cancel(session.jobs.active[0])
    assert session.readings.of(uid, 0) == before


def test_a_missing_slice_is_out_of_scope_before_anyone_asks(
    qtbot: QtBot, new_session: NewSession, pictures: Path
) -> None:
    session = new_session()
    uid = ready(qtbot, session, pictures)
    loaded = session.images.loaded(uid)
    assert loaded is not None
    session.images.memory.keep(uid, replace(loaded, blank_slices=(0,)))
    assert session.readings.of(uid, 0).state is AiState.OUT_OF_SCOPE


def test_a_result_is_never_lost_without_a_workspace(qtbot: QtBot, new_session: NewSession, pictures: Path) -> None:
    session = new_session()
    uid = ready(qtbot, session, pictures)
    loaded = session.images.loaded(uid)
    assert loaded is not None
    assert session.study is not None
    result = fake_result(loaded, 0)
    answer = saved(unsaved(Question(session.study, loaded, 0, (), "cpu"), result), None)
    assert isinstance(answer.problem, WorkspaceClosedError)
    assert (answer.stored.result, answer.stored.slice_index) == (result, 0)


def test_brightness_that_contradicts_the_order_is_said_without_loading_again(
    qtbot: QtBot, jobs: Jobs, notices: Notices
) -> None:
    session = Session(jobs, notices)
    study = dynamic_study()
    (dynamic,) = study.dynamics
    session.library.study = replace(study, dynamics=(replace(dynamic, pre_index=0),))
    session.library.studies = (study,)
    heard: list[str] = []
    notices.posted.connect(lambda notice: heard.append(notice.what))
    phases: tuple[Phase, ...] = dynamic.phases
    session.brightness._measured = {phases[0].stack_uid: 300.0, phases[1].stack_uid: 100.0}
    with qtbot.assertNotEmitted(session.library.study_changed):
        session.brightness._compare()
        session.brightness._compare()
    assert len(heard) == 1
    assert "darker than the phase taken as pre-contrast" in heard[0]
    noted: Dynamic = session.library.study.dynamics[0]
    assert noted.notes[-1] == heard[0]
