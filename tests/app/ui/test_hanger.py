"""Hanger: steps of the protocol, preferred layouts, priors; and what comes back the next day."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.studies.hanging import modality_of
from app.studies.study import Series, SeriesKind, Study
from app.ui.main_window import MainWindow
from app.ui.protocol import Protocol
from tests.app.ui.conftest import idle, open_and_wait
from tests.app.ui.test_content import stack


def mammogram(side: str, view: str) -> Series:
    uid = f"{side}{view}"
    return Series(uid, "MG", SeriesKind.MAMMOGRAM, None, uid, (stack(uid, 1),), laterality=side, view=view)


EXAM = Study("1", "P", "", "", "F", "", "", "", "", tuple(mammogram(s, v) for v in ("CC", "MLO") for s in "RL"))


def dated(uid: str, date: str) -> Study:
    series = tuple(
        replace(one, uid=f"{uid}.{one.uid}", stacks=(replace(one.stacks[0], uid=f"{uid}.{one.stacks[0].uid}"),))
        for one in EXAM.series
    )
    return replace(EXAM, uid=uid, patient_id="P", patient_name="Doe^Jane", date=date, series=series)


def test_the_protocol_goes_round_its_steps() -> None:
    protocol = Protocol(EXAM)
    names = [hanging.name for hanging in protocol.hangings]
    assert names[0] == "Overview"
    assert len(set(names)) == len(names) > 3
    seen = [protocol.step(1) for _ in names]
    assert [hanging.name for hanging in seen if hanging] == [*names[1:], names[0]]
    assert protocol.go(names[2])
    assert protocol.place == f"{names[2]} · 3 of {len(names)}"
    assert not protocol.go("no such step")
    assert protocol.current is not None
    assert protocol.current.name == names[2]


def test_without_a_study_there_is_no_step() -> None:
    protocol = Protocol()
    assert protocol.current is None
    assert protocol.step(1) is None
    assert protocol.place == ""


def test_one_key_goes_through_every_prior_and_back_to_none() -> None:
    now, newer, older = dated("3", "20240101"), dated("2", "20220101"), dated("1", "20200101")
    protocol = Protocol(now, [older, now, newer])
    assert [prior.uid for prior in protocol.priors] == ["2", "1"]
    shown = []
    for _ in range(3):
        hanging = protocol.cycle_prior()
        assert hanging is not None
        shown.append({uid.split(".")[0] for uid in hanging.stack_uids if uid})
    assert shown == [{"3", "2"}, {"3", "1"}, {"3"}]


def test_a_step_survives_the_choice_of_a_prior_where_it_exists_there() -> None:
    protocol = Protocol(dated("3", "20240101"), [dated("2", "20220101")])
    protocol.go("MLO pair")
    protocol.cycle_prior()
    assert protocol.current is not None
    assert protocol.current.name in ("MLO pair", protocol.hangings[0].name)


def test_steps_change_the_panes_and_the_layout_a_user_prefers_is_remembered(
    qtbot: QtBot, window: MainWindow, pictures: Path
) -> None:
    open_and_wait(qtbot, window.session, pictures)
    display, hanger = window.display, window.display.hanger
    overview = list(display.visible_uids)
    assert len(overview) == 4
    window.commands.dispatch("hang.next")
    idle(qtbot, window.session)
    assert len(display.visible_uids) == 2
    window.commands.dispatch("hang.previous")
    assert list(display.visible_uids) == overview
    hanger.set_layout("1x4")
    assert display.grid.layout_name == "1x4"
    window.commands.dispatch("hang.next")
    window.commands.dispatch("hang.previous")
    assert display.grid.layout_name == "1x4"
    window.commands.dispatch("hang.again")
    assert display.grid.layout_name == "2x2"
    assert window.session.study is not None
    assert modality_of(window.session.study) == "mammography"


def test_a_step_by_hand_is_found_again(qtbot: QtBot, window: MainWindow, pictures: Path) -> None:
    open_and_wait(qtbot, window.session, pictures)
    hanger, study = window.display.hanger, window.session.study
    assert study is not None
    hanger.step(2)
    idle(qtbot, window.session)
    name, shown = hanger.protocol.place, list(window.display.visible_uids)
    window.session.library.close_study()
    assert window.display.visible_uids == [None] * len(window.display.visible_uids)
    window.session.library.open_study(study.uid)
    idle(qtbot, window.session)
    assert hanger.protocol.place == name
    assert list(window.display.visible_uids) == shown


@pytest.mark.real_data
def test_real_phases_follow_time_together(qtbot: QtBot, window: MainWindow, shared_data: Path) -> None:
    open_and_wait(qtbot, window.session, shared_data / "mri" / "duke-153")
    display = window.display
    window.commands.dispatch("hang.subtraction")
    idle(qtbot, window.session)
    assert display.stack_uid is not None
    assert display.stack_uid.startswith("subtraction")
    display.pane.set_slice(20)
    window.commands.dispatch("image.next_phase")
    idle(qtbot, window.session)
    assert display.pane.slice_index == 20
    content = display.pane.content
    assert content is not None
    assert any("post 2" in line for line in content.corners.top_right)
