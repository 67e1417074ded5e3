"""Readings of the session: every model has its say of every image, and the command line says the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.__main__ import main
from app.ai_state import WHOLE, AiState, Reading, readings_of, short_name, spoken
from app.jobs import Jobs
from app.notices import Notices
from app.session import Session
from app.studies.study import Study
from app.workspace.box import Box
from app.workspace.history import StoredResult
from app.workspace.result_document import result_of
from inference.card import ModelCard
from inference.exam import MriSlice
from inference.result import Provenance, Result, Score, Status

WAIT_MS = 120_000
Card = Callable[[str], ModelCard]
MODELS = ("fake-slice", "fake-mammo", "fake-dce", "fake-lesion")


@pytest.fixture
def session(qtbot: QtBot, fake_card: Card) -> Iterator[Session]:
    made = Session(Jobs(), Notices())
    with qtbot.waitSignal(made.keeping.opened, timeout=WAIT_MS):
        made.open_workspace()
    made.readings.cards = tuple(fake_card(model) for model in MODELS)
    made.readings.device = "cpu"
    yield made
    made.close()


@pytest.fixture
def folder(mri_exams: ModuleType, dce_source: Any, tmp_path: Path) -> Path:
    return mri_exams.write("axial", dce_source, tmp_path / "mri")


def idle(qtbot: QtBot, session: Session) -> None:
    qtbot.waitUntil(lambda: not session.jobs.active, timeout=WAIT_MS)


def opened(qtbot: QtBot, session: Session, folder: Path) -> Study:
    with qtbot.waitSignal(session.library.study_changed, timeout=WAIT_MS):
        session.open_paths([folder])
    idle(qtbot, session)
    assert session.study is not None
    return session.study


def shown(qtbot: QtBot, session: Session, uid: str) -> None:
    session.images.request(uid)
    idle(qtbot, session)


def phases(study: Study) -> list[str]:
    return [phase.stack_uid for phase in study.dynamics[0].phases]


def said(result: Result) -> Result:
    """A result without when and how fast it was made."""
    return replace(result, heatmaps=(), masks=(), provenance=replace(result.provenance, created="", seconds={}))


def test_a_whole_study_is_read_as_on_the_command_line(
    qtbot: QtBot, session: Session, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = opened(qtbot, session, folder)
    refused = session.readings.analyse_study()
    assert refused == ("fake-mammo reads mammograms; this study has none.",)
    post = phases(study)[1]
    assert session.readings.of(post, 2).state is AiState.RUNNING
    idle(qtbot, session)
    models = [one.result.provenance.model_id for one in session.readings.stored]
    assert models[-2:] == ["fake-dce", "fake-lesion"]  # lesions last: what was found before is asked about
    assert models.count("fake-slice") == len(study.stack(post).frames)

    out = tmp_path / "out"
    command = ["analyse", str(folder), "--model", ",".join(MODELS), "--out", str(out), "--device", "cpu"]
    assert main(command) == 0
    capsys.readouterr()
    recorded: dict[tuple[str, str], list[Result]] = {}
    for path in sorted(out.rglob("records/*/*.json")):
        content = path.with_suffix(".npz").read_bytes() if path.with_suffix(".npz").exists() else None
        result = result_of(json.loads(path.read_text())["document"], content)
        recorded.setdefault((result.provenance.model_id, result.facts[0].text), []).append(result)
    assert len(session.readings.stored) == sum(len(some) for some in recorded.values())
    for one in session.readings.stored:
        (other,) = recorded[one.result.provenance.model_id, one.result.facts[0].text]
        assert said(one.result) == said(other)
        for name in ("heatmaps", "masks"):
            for mine, its in zip(getattr(one.result, name), getattr(other, name), strict=True):
                np.testing.assert_array_equal(mine.volume.array, its.volume.array)
                np.testing.assert_array_equal(mine.volume.affine, its.volume.affine)

    # a result of the whole examination is shown on every slice of every phase, and comes back after a restart
    for uid in phases(study):
        reading = next(one for one in session.readings.all_of(uid, 7) if one.model_id == "fake-dce")
        assert (reading.state, reading.is_whole) == (AiState.FINDINGS, True)
        assert session.readings.of_stack(uid) is AiState.FINDINGS
    assert "fake-dce" in session.readings.of(post, 7).text
    assert "fake-slice: no finding" in session.readings.of(post, 7).text
    before = {one.uid for one in session.readings.stored}
    session.library.open_study(study.uid)
    idle(qtbot, session)
    assert {one.uid for one in session.readings.stored} == before

    # what is known is not asked again, but lesions may be others
    session.readings.analyse_study()
    assert len(session.jobs.active) == 1
    idle(qtbot, session)
    assert len(session.readings.stored) == len(before)


def test_the_image_on_show_is_asked_of_every_model_that_fits(
    qtbot: QtBot, session: Session, folder: Path, fake_family: ModuleType
) -> None:
    study = opened(qtbot, session, folder)
    pre, post = phases(study)[:2]
    shown(qtbot, session, post)
    assert session.readings.why_not("fake-slice", post, 3) == ""
    assert "mammograms" in session.readings.why_not("fake-mammo", post, 3)
    assert "none is marked" in session.readings.why_not("fake-lesion", post, 3)
    assert "before" in session.readings.why_not("fake-slice", pre, 3)
    assert session.readings.why_not("nobody", post, 3) == "There is no model nobody."
    session.readings.analyse(post, 3)
    idle(qtbot, session)
    found = {one.model_id: one.state for one in session.readings.all_of(post, 3)}
    assert found == {"fake-slice": AiState.NO_FINDING, "fake-dce": AiState.FINDINGS}
    assert {one.model_id: one.state for one in session.readings.all_of(post, 4)} == {
        "fake-slice": AiState.NOT_RUN,
        "fake-dce": AiState.FINDINGS,
    }
    assert session.readings.why_not("fake-lesion", post, 3) == ""  # fake-dce found some

    # at the next slice, what reads the whole examination has said it already; lesions are asked about once as well
    def asked() -> list[str]:
        return ["slice" if isinstance(exam, MriSlice) else "lesions" if exam.lesions else "exam" for exam in runs]

    runs = fake_family.runs
    assert sorted(asked()) == ["exam", "slice"]
    for index in (4, 5):
        session.readings.analyse(post, index)
        idle(qtbot, session)
    assert sorted(asked()) == ["exam", "lesions", "slice", "slice", "slice"]

    shown(qtbot, session, pre)
    session.readings.model_id = "fake-slice"
    session.readings.analyse(pre, 3)
    idle(qtbot, session)
    reading = session.readings.of(pre, 3)
    assert reading.state is AiState.FINDINGS  # of the whole examination
    session.readings.analyse(post, 3, "fake-dce")
    idle(qtbot, session)
    assert len(fake_family.runs) == 6
    assert len(session.readings.stored) == 5  # the newest of each image and model


def test_a_lesion_at_the_cross_and_boxes_are_asked_about(qtbot: QtBot, session: Session, folder: Path) -> None:
    study = opened(qtbot, session, folder)
    post = phases(study)[1]
    shown(qtbot, session, post)
    frame = study.stack(post).frame_of_reference_uid
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    drawn = Box(study.uid, post, "i", frame, (-70.0, -10.0, 2.0), (-50.0, 6.0, 2.0), axes)
    session.readings.boxes = lambda: (drawn,)
    session.readings.analyse(post, 3, "fake-lesion", (66.0, 0.0, 2.0))
    idle(qtbot, session)
    (stored,) = session.readings.stored
    assert stored.slice_index == WHOLE
    assert [score.subject for score in stored.result.scores] == ["", "Box 1", "Lesion at the cross"]
    assert stored.result.profiles[0].name == drawn.uid
    assert any("half of its own" in warning for warning in stored.result.warnings)


def test_cancelling_gives_back_what_was_said_before(
    qtbot: QtBot, session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(qtbot, session, folder)
    post = phases(study)[1]
    monkeypatch.setenv("FAKE_STEPS", "100000")
    session.readings.analyse_study(("fake-dce", "fake-slice"))
    assert session.readings.of(post, 0).state is AiState.RUNNING
    session.jobs.cancel_all()
    idle(qtbot, session)
    assert session.readings.of(post, 0).state is AiState.NOT_RUN
    assert session.readings.all_of(post, 0) == ()
    assert session.readings.stored == ()


def test_a_failure_is_told_once_for_a_whole_stack(
    qtbot: QtBot, session: Session, folder: Path, fake_family: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = opened(qtbot, session, folder)

    def broken(*_: object) -> float:
        raise RuntimeError("shapes differ")

    monkeypatch.setattr(fake_family, "predict", broken)
    heard: list[str] = []
    session.notices.raised.connect(lambda notice: heard.append(notice.what))
    session.readings.analyse_study(("fake-slice",))
    idle(qtbot, session)
    assert heard == ["The analysis failed"]
    assert session.readings.of(phases(study)[1], 5).state is AiState.FAILED


# --- the line that speaks for all -------------------------------------------------------------------------------------


def stored(model: str, status: Status, stack: str = "post", index: int = 3) -> StoredResult:
    made = Provenance(model, "0.1", "T", "note", "ab", "0", "cpu", "2026")
    result = Result(status, (Score("malignant", "Malignant", 0.5),), (), (), (), made)
    return StoredResult(f"{model}{stack}{index}", "study", stack, "sop", index, "2026", result)


def test_the_loudest_model_speaks_and_names_the_others() -> None:
    results = [
        stored("mri-curriculum-003", Status.NO_FINDING, index=WHOLE),
        stored("mri-segmentation-004", Status.FINDINGS),
    ]
    line = spoken(readings_of(("post", 3), {}, results))
    assert line.text == "AI: findings · mri-segmentation-004 0.1 · 003: no finding"
    assert line.tone == "warn"
    whole = spoken(readings_of(("pre", 9), {}, results[:1], ("pre", "post")))
    assert whole.text == "AI: no finding · mri-curriculum-003 0.1 · whole exam"
    assert spoken(readings_of(("pre", 9), {}, results[:1])).text == "AI: not run"  # of another examination
    assert short_name("my-model") == "my-model"


def test_what_goes_on_stands_first_and_a_failure_is_not_silent() -> None:
    results = [stored("mri-curriculum-003", Status.NO_FINDING)]
    failed = {("post", 3, "mri-segmentation-004"): Reading(AiState.FAILED, "no memory")}
    line = spoken(readings_of(("post", 3), failed, results))
    assert line.text == "AI: failed · mri-segmentation-004 · no memory · 003: no finding"
    running = {("post", 3, "mri-curriculum-003"): Reading(AiState.RUNNING)}
    (reading,) = readings_of(("post", 3), running, results)  # wins over the same model's older result
    assert reading.state is AiState.RUNNING


def test_silence_about_one_slice_is_not_no_finding() -> None:
    elsewhere = readings_of(("post", 8), {}, [stored("mri-attention-000", Status.NO_FINDING)])
    assert [one.state for one in elsewhere] == [AiState.NOT_RUN]
    assert spoken(elsewhere).text == "AI: not run · analysed: slice 4"
    nameless = SimpleNamespace(stack_uid="post", slice_index=4, result=None)
    assert spoken(readings_of(("post", 7), {}, [nameless])).state is AiState.NOT_RUN  # type: ignore[list-item]
