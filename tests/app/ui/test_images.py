"""Images: twenty studies within the budget, what is on show stays, derived images, reading ahead, closing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.jobs import Job, Jobs
from app.notices import Notice, Notices
from app.session import Session
from app.session.budget import FLOOR, Budget, Machine
from app.session.images import CANCELLED
from app.studies.derived import Derived, DerivedKind
from app.studies.errors import StudyError
from app.studies.load import LoadedStack
from app.studies.study import Dynamic, Frame, Phase, Series, SeriesKind, Stack, Study
from app.ui.browse import browser_rows
from app.ui.status_line import memory_text, memory_tip
from inference.progress import Progress
from tests.app.ui.conftest import idle
from viewer.presentation import Presentation, Window

MB = 2**20
SLICES = 20  # of 1024 × 1024 × 2 bytes: 40 MB a stack, never touched, so that the system gives no page for it


def stack(uid: str, slices: int = SLICES) -> Stack:
    frames = tuple(Frame(Path(f"{uid}.dcm"), k, f"{uid}.{k}") for k in range(slices))
    return Stack(uid, uid, frames, 1024, 1024, "1.2")


def study(uid: str, phases: int = 3, slices: int = SLICES) -> Study:
    stacks = [stack(f"{uid}.{n}", slices) for n in range(phases)]
    series = tuple(Series(one.uid, "MR", SeriesKind.MR, None, one.uid, (one,)) for one in stacks)
    labels = ["pre", *(f"post {n}" for n in range(1, phases))]
    members = tuple(Phase(one.uid, None, label) for one, label in zip(stacks, labels, strict=True))
    dynamics = (Dynamic(f"dynamic {uid}", members, 0, "key"),) if phases > 1 else ()
    return Study(uid, "id", "name", "", "", "2024", "", "", "", series, dynamics)


class Reader:
    """Stands for reading files: gives empty volumes, counts, and fails where it is told to."""

    def __init__(self) -> None:
        self.read: list[str] = []
        self.broken: set[str] = set()
        self.dtype: type = np.uint16

    def __call__(self, of: Study, uid: str, progress: Progress, *, background: bool = False) -> LoadedStack:
        self.read.append(uid)
        if uid in self.broken:
            raise StudyError("The file is damaged.", "Copy it again.")
        one = of.stack(uid)
        array = np.zeros((len(one.frames), one.rows, one.columns), self.dtype)
        volume = highdicom.Volume(array, np.eye(4), coordinate_system="PATIENT", frame_of_reference_uid="1.2")
        return LoadedStack(one, volume, Presentation((Window(1, 2),)), True, True, None, {})


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    made = Reader()
    monkeypatch.setattr("app.studies.load.load_stack", made)
    monkeypatch.setattr("app.session.thumbnails.ThumbnailMaker.start", lambda *_: None)
    monkeypatch.setattr("app.studies.dynamic_windows.DynamicWindows._of", lambda *_: ())  # reads slices of its own
    return made


@pytest.fixture
def session(qtbot: QtBot, jobs: Jobs, notices: Notices, reader: Reader) -> Session:
    """A session on a machine whose budget is the least there is: 256 MB, six stacks."""
    made = Session(jobs, notices)
    memory = made.images.memory
    memory.machine = lambda: Machine(2048 * MB, 1024 * MB, memory.shelf.bytes)
    made.images.relieve()
    assert made.images.budget.limit == 2048 * MB // 2 - 512 * MB
    made.images.memory_share = 0.1
    assert made.images.budget.limit == FLOOR
    return made


def opened(session: Session, *studies: Study) -> None:
    session.library.studies = studies
    session.library.open_study(studies[0].uid)


def read(qtbot: QtBot, session: Session, *uids: str) -> None:
    """Read one after the other, so that the order of last use is known."""
    for uid in uids:
        session.images.request(uid)
        idle(qtbot, session)


def test_twenty_studies_stay_within_the_budget(qtbot: QtBot, session: Session, reader: Reader) -> None:
    studies = [study(f"s{n}") for n in range(20)]
    opened(session, *studies)
    shown: list[str] = []
    session.images.pinned = lambda: shown
    for one in studies:
        session.library.open_study(one.uid)
        shown[:] = [f"{one.uid}.0", f"{one.uid}.1"]
        read(qtbot, session, *shown, f"{one.uid}.2")
        assert session.images.bytes <= FLOOR
        assert all(session.images.loaded(uid) is not None for uid in shown)
    assert len(reader.read) == 60
    assert session.images.loaded("s18.2") is not None  # of all opened studies, the last ones are still there
    assert session.images.loaded("s0.0") is None
    read(qtbot, session, "s0.0")  # and what left is read again, also while another study is the current one
    assert session.images.loaded("s0.0") is not None


def test_what_is_on_show_is_never_let_go_and_said_to_be_too_large(
    qtbot: QtBot, session: Session, notices: Notices
) -> None:
    said: list[Notice] = []
    notices.posted.connect(said.append)
    opened(session, study("big", slices=60))
    shown = ["big.0", "big.1", "big.2"]
    session.images.pinned = lambda: shown
    read(qtbot, session, *shown)
    assert session.images.bytes == 360 * MB
    assert len(said) == 1
    assert "360 MB, more than the 256 MB" in said[0].what
    session.images.pinned = tuple
    session.images.relieve()
    assert session.images.bytes <= FLOOR


def test_an_image_larger_than_the_budget_is_kept_for_its_pane(qtbot: QtBot, session: Session) -> None:
    opened(session, study("huge", 1, slices=200), study("other", 1))
    read(qtbot, session, "other.0", "huge.0")
    assert session.images.loaded("huge.0") is not None
    assert session.images.loaded("other.0") is None


def test_a_machine_short_of_memory_makes_images_go(qtbot: QtBot, session: Session) -> None:
    memory = session.images.memory
    memory.machine = lambda: Machine(32_000 * MB, 16_000 * MB, memory.shelf.bytes)
    session.images.memory_share = 0.5
    opened(session, study("a", 10))
    session.images.pinned = lambda: ["a.0"]
    read(qtbot, session, *(f"a.{n}" for n in range(10)))
    assert session.images.bytes == 400 * MB
    gone: list[str] = []
    session.images.evicted.connect(gone.append)
    memory.machine = lambda: Machine(32_000 * MB, 412 * MB, memory.shelf.bytes)
    session.images.relieve()
    assert gone == ["a.1", "a.2", "a.3"]  # a hundred megabytes are missing
    assert session.images.budget.short
    assert "memory is short" in memory_text(session.images.bytes, session.images.budget)


def test_closing_a_study_frees_its_images(qtbot: QtBot, session: Session) -> None:
    opened(session, study("a"), study("b"))
    uid = Derived(DerivedKind.SUBTRACTION, "a.1", "a.0").uid
    read(qtbot, session, uid, "b.0")
    session.images.unreadable["a.2"] = "damaged"
    session.images.request("a.2")
    session.library.close_study()
    assert [session.images.loaded(one) for one in ("a.0", "a.1", uid)] == [None] * 3
    assert session.images.loaded("b.0") is not None
    assert "a.2" not in session.images.unreadable
    idle(qtbot, session)
    assert session.images.loaded("a.2") is None


def test_another_study_gives_up_what_was_being_read_for_the_last(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch, reader: Reader
) -> None:
    def endless(of: Study, uid: str, progress: Progress, *, background: bool = False) -> LoadedStack:
        while of.uid == "a":
            progress.check()
        return reader(of, uid, progress)

    monkeypatch.setattr("app.studies.load.load_stack", endless)
    opened(session, study("a"), study("b"))
    for n in range(3):
        session.images.request(f"a.{n}")
    session.library.open_study("b")
    read(qtbot, session, "b.0")
    assert session.images.loaded("b.0") is not None
    assert session.images.awaited("a.0")


# -- derived images ----------------------------------------------------------------------------------------------


def subtraction(of: str, reference: str, *, corrected: bool = False) -> str:
    return Derived(DerivedKind.SUBTRACTION, of, reference, corrected).uid


def test_a_subtraction_reads_its_phases_first(qtbot: QtBot, session: Session, reader: Reader) -> None:
    opened(session, study("a"))
    uid = subtraction("a.1", "a.0")
    session.images.request(uid)
    assert session.images.awaited(uid)
    idle(qtbot, session)
    made = session.images.loaded(uid)
    assert made is not None
    assert made.stack.title == "Subtraction post 1 − pre"
    assert sorted(reader.read) == ["a.0", "a.1"]
    read(qtbot, session, uid, subtraction("a.2", "a.0"))
    assert sorted(reader.read) == ["a.0", "a.1", "a.2"]


def test_a_phase_that_cannot_be_read_is_the_reason_of_the_subtraction(
    qtbot: QtBot, session: Session, reader: Reader, notices: Notices
) -> None:
    said: list[Notice] = []
    notices.posted.connect(said.append)
    opened(session, study("a"))
    reader.broken.add("a.0")
    uid = subtraction("a.1", "a.0")
    told: list[str] = []
    session.images.changed.connect(told.append)
    read(qtbot, session, uid)
    assert "damaged" in session.images.unreadable[uid]
    assert uid in told
    assert len(said) == 1  # for the phase; the subtraction says it in its pane
    reader.broken.clear()
    read(qtbot, session, uid)
    assert session.images.loaded(uid) is not None


def test_phases_that_do_not_fit_are_a_sentence_in_the_pane(qtbot: QtBot, session: Session) -> None:
    one = study("a")
    other = replace(one.series[0], stacks=(replace(one.series[0].stacks[0], rows=512),))
    opened(session, replace(one, series=(other, *one.series[1:])))
    uid = subtraction("a.1", "a.0")
    read(qtbot, session, uid)
    assert "matrix differs" in session.images.unreadable[uid]


def test_a_phase_that_was_not_registered_says_what_to_do(qtbot: QtBot, session: Session) -> None:
    opened(session, study("a"))
    uid = subtraction("a.1", "a.0", corrected=True)
    read(qtbot, session, uid)
    assert "Ctrl+M" in session.images.unreadable[uid]


def test_a_corrected_subtraction_comes_by_way_of_the_corrected_phase(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []

    def correction(of: str, reference: str) -> object:
        asked.append((of, reference))
        return "moved"

    def resampled(
        moving: LoadedStack, _fixed: LoadedStack, known: object, uid: str, title: str, _progress: object
    ) -> LoadedStack:
        assert known == "moved"
        return replace(moving, stack=replace(moving.stack, uid=uid, title=title))

    monkeypatch.setattr("app.studies.derive.corrected", resampled)
    session.images.correction = correction  # type: ignore[assignment]
    opened(session, study("a"))
    uid, moved = subtraction("a.1", "a.0", corrected=True), Derived(DerivedKind.CORRECTED, "a.1", "a.0").uid
    read(qtbot, session, uid)
    assert session.images.loaded(uid) is not None
    assert session.images.loaded(moved) is not None
    assert ("a.1", "a.0") in asked
    session.images.forget_corrected({("a.2", "a.0")})
    assert session.images.loaded(uid) is not None
    session.images.forget_corrected({("a.1", "a.0")})
    assert session.images.loaded(uid) is None
    assert session.images.loaded("a.1") is not None


def test_a_new_spacing_makes_the_subtraction_anew(qtbot: QtBot, session: Session) -> None:
    opened(session, study("a"))
    uid = subtraction("a.1", "a.0")
    read(qtbot, session, uid)
    session.library.respaced.emit("a.0")
    assert session.images.loaded(uid) is None
    assert session.images.loaded("a.1") is not None


def test_phases_in_another_order_rename_the_subtraction(qtbot: QtBot, session: Session) -> None:
    one = study("a")
    opened(session, one)
    uid = subtraction("a.1", "a.0")
    read(qtbot, session, uid)
    phases = one.dynamics[0].phases
    swapped = (phases[0], replace(phases[2], label="post 1"), replace(phases[1], label="post 2"))
    session.library.study = replace(one, dynamics=(replace(one.dynamics[0], phases=swapped),))
    session.library.study_changed.emit()
    made = session.images.loaded(uid)
    assert made is not None
    assert made.stack.title == "Subtraction post 2 − pre"


def test_cancelling_a_phase_cancels_its_subtraction(
    qtbot: QtBot, session: Session, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(_of: Study, _uid: str, progress: Progress, *, background: bool = False) -> LoadedStack:
        while True:
            progress.check()

    monkeypatch.setattr("app.studies.load.load_stack", endless)
    opened(session, study("a"))
    uid = subtraction("a.1", "a.0")
    session.images.request(uid)
    for job in jobs.active:
        jobs.cancel(job)
    idle(qtbot, session)
    assert session.images.unreadable[uid] == session.images.unreadable["a.0"] == CANCELLED


# -- reading ahead -----------------------------------------------------------------------------------------------


def loud(jobs: Jobs) -> list[Job]:
    return [job for job in jobs.active if not job.quiet]


def test_reading_ahead_is_quiet_in_order_and_waits_for_what_was_asked(
    qtbot: QtBot, session: Session, jobs: Jobs, reader: Reader
) -> None:
    opened(session, study("a", 5))
    session.images.request("a.3")
    session.images.prefetch(["a.0", "a.3", subtraction("a.1", "a.0"), "a.2"])
    assert [job.title for job in loud(jobs)] == ["Loading a.3"]
    assert len(jobs.active) == 1
    idle(qtbot, session)
    assert reader.read == ["a.3", "a.0", "a.1", "a.2"]
    assert session.images.loaded(subtraction("a.1", "a.0")) is not None


def test_reading_ahead_stops_at_the_budget_and_pushes_out_only_what_nobody_wants(
    qtbot: QtBot, session: Session, reader: Reader
) -> None:
    opened(session, study("a", 9), study("old"))
    read(qtbot, session, "old.0", "old.1", "old.2")
    session.images.pinned = lambda: ["old.2"]
    session.images.prefetch([f"a.{n}" for n in range(9)])
    idle(qtbot, session)
    there = [uid for uid in (*(f"a.{n}" for n in range(9)), "old.0", "old.1", "old.2") if session.images.loaded(uid)]
    assert there == ["a.0", "a.1", "a.2", "a.3", "a.4", "old.2"]
    assert reader.read.count("a.0") == 1


def test_reading_ahead_comes_to_an_end_where_images_are_larger_than_thought(
    qtbot: QtBot, session: Session, reader: Reader
) -> None:
    reader.dtype = np.float32
    opened(session, study("a", 6))
    session.images.changed.connect(lambda _: session.images.prefetch([f"a.{n}" for n in range(6)]))  # as the display
    session.images.prefetch([f"a.{n}" for n in range(6)])
    idle(qtbot, session)
    assert len(reader.read) <= 6
    assert session.images.bytes <= FLOOR


def test_what_is_read_ahead_and_then_asked_for_shows_its_progress(
    qtbot: QtBot, session: Session, jobs: Jobs, reader: Reader
) -> None:
    opened(session, study("a"))
    session.images.prefetch(["a.0"])
    assert loud(jobs) == []
    session.images.request("a.0")
    assert [job.title for job in loud(jobs)] == ["Loading a.0"]
    idle(qtbot, session)
    assert reader.read == ["a.0"]


def test_what_cannot_be_read_ahead_is_not_shouted_about(
    qtbot: QtBot, session: Session, reader: Reader, notices: Notices
) -> None:
    said: list[Notice] = []
    notices.posted.connect(said.append)
    opened(session, study("a"))
    reader.broken.add("a.0")
    session.images.prefetch(["a.0", "a.1"])
    idle(qtbot, session)
    assert said == []
    assert session.images.loaded("a.1") is not None
    assert reader.read == ["a.0", "a.1"]


# -- what the user reads ------------------------------------------------------------------------------------------


def test_the_status_line_says_what_images_take() -> None:
    budget = Budget(int(11.5 * 2**30), 900 * MB, 0.5, 24 * 2**30)
    assert memory_text(int(1.2 * 2**30), budget) == "images 1.2 of 11.5 GB · program 2.1 GB"
    assert memory_text(300 * MB, budget) == "images 300 MB of 11.5 GB · program 1.2 GB"
    tip = memory_tip(300 * MB, budget)
    assert "50% of this computer's 24.0 GB" in tip
    assert "least recently" in tip


def test_freeing_memory_keeps_what_is_on_show(qtbot: QtBot, session: Session) -> None:
    opened(session, study("a"))
    session.images.pinned = lambda: ["a.1"]
    read(qtbot, session, "a.0", "a.1", "a.2")
    assert session.images.free_unseen() == 80 * MB
    assert session.images.loaded("a.1") is not None


def mammograms(uid: str, date: str) -> Study:
    one = stack(f"{uid}.0", 1)
    series = Series(one.uid, "MG", SeriesKind.MAMMOGRAM, None, "", (one,), "R", "MLO")
    return replace(study(uid, 1), date=date, series=(series,))


def test_earlier_mammograms_of_a_patient_are_marked() -> None:
    exams = (mammograms("new", "20240101"), mammograms("old", "20210101"), replace(study("mr"), date="20200101"))
    (patient,) = browser_rows(exams)
    assert ["prior" in row.subtitle for row in patient.children] == [False, True, False]
    unknown = tuple(replace(one, patient_id="", patient_name="") for one in exams)
    assert not any("prior" in row.subtitle for row in browser_rows(unknown)[0].children)


def test_a_dynamic_series_says_which_subtractions_it_offers() -> None:
    (patient,) = browser_rows((study("a", 5),))
    dynamic = patient.children[0].children[0]
    assert dynamic.subtitle.startswith("5 phases · 4 subtractions")
    assert [row.kind for row in dynamic.children] == ["stack"] * 5  # what is derived is no series of its own
