"""Session: boxes, undo over a restart, results and AI states."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtGui import QUndoStack
from pytestqt.qtbot import QtBot

from app.ai_state import AiState, Reading, reading_of
from app.jobs import Jobs
from app.notices import Notices
from app.session import Session
from app.session.answering import Question, run_fitting
from app.session.keeping import WorkspaceClosedError
from app.session.undo import NUDGE, describe, rebuild
from app.workspace.box import Box, Edit
from inference.errors import CardError, EngineError, OutOfScopeError
from inference.progress import Progress
from tests.app.ui.conftest import fake_result, idle, open_and_wait, store

NewSession = Callable[[], Session]


def box(study_uid: str, **changes: object) -> Box:
    plain = Box(study_uid, "stack", "sop", "frame", (0.0, 0.0, 0.0), (10.0, 8.0, 0.0), (1.0, 0, 0, 0, 1.0, 0))
    return replace(plain, **changes)  # type: ignore[arg-type]


def moved(one: Box, by: float) -> Box:
    shift = (by, 0.0, 0.0)
    return replace(
        one,
        corner_mm=tuple(a + b for a, b in zip(one.corner_mm, shift, strict=True)),  # type: ignore[arg-type]
        opposite_mm=tuple(a + b for a, b in zip(one.opposite_mm, shift, strict=True)),  # type: ignore[arg-type]
    )


def test_undo_and_redo_reach_the_database(qtbot: QtBot, new_session: NewSession, pictures: Path) -> None:
    session = new_session()
    open_and_wait(qtbot, session, pictures)
    assert session.study is not None
    one = box(session.study.uid)
    session.annotations.commit(None, one)
    session.annotations.relabel(one.uid, "IDC")
    session.annotations.delete(one.uid)
    assert session.annotations.boxes == ()
    session.annotations.undo()
    assert [b.label for b in session.annotations.boxes] == ["IDC"]
    session.annotations.undo()
    assert [b.label for b in session.annotations.boxes] == [""]
    session.annotations.redo()
    assert session.workspace is not None
    assert [b.label for b in session.workspace.boxes(session.study.uid)] == ["IDC"]


def test_undo_survives_a_restart(qtbot: QtBot, new_session: NewSession, pictures: Path) -> None:
    first = new_session()
    open_and_wait(qtbot, first, pictures)
    assert first.study is not None
    one = box(first.study.uid)
    first.annotations.commit(None, one)
    for _ in range(3):
        first.annotations.commit(first.annotations.boxes[0], moved(first.annotations.boxes[0], 0.5))
    first.annotations.relabel(one.uid, "IDC")
    first.annotations.undo()
    assert (first.annotations.undo_stack.count(), first.annotations.undo_stack.index()) == (3, 2)
    first.close()

    second = new_session()
    open_and_wait(qtbot, second, pictures)
    assert (second.annotations.undo_stack.count(), second.annotations.undo_stack.index()) == (3, 2)
    assert second.annotations.undo_stack.undoText() == NUDGE
    second.annotations.undo()  # the three nudges are one step
    assert second.annotations.boxes[0].corner_mm == one.corner_mm
    second.annotations.redo()
    second.annotations.redo()
    assert [b.label for b in second.annotations.boxes] == ["IDC"]


def test_a_box_without_an_open_workspace_is_refused(qtbot: QtBot, jobs: Jobs, notices: Notices) -> None:
    session = Session(jobs, notices)
    with pytest.raises(WorkspaceClosedError):
        session.annotations.commit(None, box("1.2"))
    assert session.annotations.boxes == ()
    assert not session.annotations.undo_stack.canUndo()


def test_edits_are_described_by_what_they_do() -> None:
    one = box("1")
    assert describe(None, one) == "Draw box"
    assert describe(None, replace(one, method="accepted")) == "Accept finding"
    assert describe(one, None) == "Delete box"
    assert describe(one, replace(one, label="IDC")) == "Relabel box"
    assert describe(one, moved(one, 0.7)) == NUDGE
    assert describe(one, moved(one, 30.0)) == "Move box"
    assert describe(one, replace(one, opposite_mm=(10.5, 8.0, 0.0))) == "Move box"


@pytest.mark.parametrize(("position", "count", "index"), [(4, 2, 2), (2, 3, 2), (0, 2, 0), (1, 2, 1)])
def test_no_step_straddles_the_position(qtbot: QtBot, position: int, count: int, index: int) -> None:
    states = [box("1")]
    for _ in range(3):
        states.append(moved(states[-1], 0.5))
    edits = [Edit(None, states[0], "Draw box")]
    edits += [Edit(a, b, NUDGE) for a, b in pairwise(states)]
    stack = QUndoStack()
    rebuild(stack, edits, position)
    assert (stack.count(), stack.index()) == (count, index)


def test_opening_lists_what_was_skipped_and_remembers_the_study(
    qtbot: QtBot, new_session: NewSession, pictures: Path
) -> None:
    session = new_session()
    open_and_wait(qtbot, session, pictures)
    assert [one.path.name for one in session.library.skipped] == ["letter.dcm"]
    assert session.library.skipped[0].reason
    assert session.study is not None
    assert [one.study_uid for one in session.keeping.recent()] == [session.study.uid]


def test_a_folder_without_images_says_so(qtbot: QtBot, new_session: NewSession, tmp_path: Path) -> None:
    session = new_session()
    empty = tmp_path / "empty"
    empty.mkdir()
    with qtbot.waitSignal(session.notices.posted) as heard:
        session.open_paths([empty])
    assert heard.args is not None
    assert "No images" in heard.args[0].what or heard.args[0].why
    idle(qtbot, session)
    assert session.study is None


def test_results_come_back_when_the_study_is_reopened(qtbot: QtBot, new_session: NewSession, pictures: Path) -> None:
    first = new_session()
    open_and_wait(qtbot, first, pictures)
    assert first.study is not None
    uid = first.study.series[0].stacks[0].uid
    first.images.request(uid)
    idle(qtbot, first)
    loaded = first.images.loaded(uid)
    assert loaded is not None
    assert first.readings.of(uid, 0).state is AiState.NOT_RUN
    store(first, (uid, 0), fake_result(loaded, 0))
    assert first.readings.of(uid, 0).state is AiState.FINDINGS
    first.close()

    second = new_session()
    open_and_wait(qtbot, second, pictures)
    reading = second.readings.of(uid, 0)
    assert reading.state is AiState.FINDINGS
    assert reading.result is not None
    assert "fake 1.0" in reading.text
    assert [score.value for score in reading.result.scores] == [0.81, 0.12]


@pytest.mark.parametrize(
    ("error", "state"),
    [(OutOfScopeError("needs MR"), AiState.OUT_OF_SCOPE), (EngineError("weights altered"), AiState.FAILED)],
)
def test_what_the_model_cannot_do_is_an_explicit_state(
    qtbot: QtBot,
    new_session: NewSession,
    pictures: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: EngineError,
    state: AiState,
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr("app.session.answering.run_fitting", refuse)
    session = new_session()
    open_and_wait(qtbot, session, pictures)
    assert session.study is not None
    uid = session.study.series[0].stacks[0].uid
    session.images.request(uid)
    idle(qtbot, session)
    session.readings.analyse(uid, 0)
    assert session.readings.of(uid, 0).state is AiState.RUNNING
    idle(qtbot, session)
    assert session.readings.of(uid, 0) == Reading(state, str(error))
    assert session.readings.stored == ()


def test_a_cancelled_analysis_leaves_the_slice_not_run(
    qtbot: QtBot, new_session: NewSession, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_question: object, progress: Progress) -> None:
        while True:
            progress.check()

    monkeypatch.setattr("app.session.answering.run_fitting", endless)
    session = new_session()
    open_and_wait(qtbot, session, pictures)
    assert session.study is not None
    uid = session.study.series[0].stacks[0].uid
    session.images.request(uid)
    idle(qtbot, session)
    session.readings.analyse(uid, 0)
    session.jobs.cancel(session.jobs.active[0])
    assert session.readings.of(uid, 0).state is AiState.NOT_RUN


def test_silence_never_looks_like_no_finding() -> None:
    stored = SimpleNamespace(stack_uid="a", slice_index=4, result=None)
    elsewhere = reading_of(("a", 7), {}, [stored])  # type: ignore[list-item]
    assert elsewhere.state is AiState.NOT_RUN
    assert "5" in elsewhere.text
    assert reading_of(("b", 0), {}, []).text == "AI: not run"


def test_the_first_card_that_accepts_the_slice_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.analysis.refusal", lambda card, *_: "" if card == "second" else f"{card} says no")
    monkeypatch.setattr("app.analysis.analyse", lambda card, *_: f"result of {card}")

    def ask(*cards: str) -> object:
        return run_fitting(Question("study", "loaded", 0, cards, "cpu"), Progress())  # type: ignore[arg-type]

    assert ask("first", "second") == "result of second"
    with pytest.raises(OutOfScopeError, match="first says no"):
        ask("first", "third")
    with pytest.raises(CardError):
        ask()
