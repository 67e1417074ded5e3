"""Jobs: results, errors, cancelling, superseding; nothing late lands anywhere."""

from __future__ import annotations

import threading

from pytestqt.qtbot import QtBot

from app.jobs import Job, Jobs, JobState
from inference.progress import Progress


def test_a_result_arrives_in_the_qt_thread(qtbot: QtBot, jobs: Jobs) -> None:
    where: list[tuple[int, object]] = []
    worker: list[int] = []

    def work(_: Progress) -> int:
        worker.append(threading.get_ident())
        return 42

    job = jobs.start(Job("answer", work, on_done=lambda value: where.append((threading.get_ident(), value))))
    qtbot.waitUntil(lambda: bool(where))
    assert where == [(threading.get_ident(), 42)]
    assert worker[0] != threading.get_ident()
    assert job.state is JobState.DONE
    assert jobs.active == ()


def test_an_error_reaches_the_one_who_waits_or_else_everybody(qtbot: QtBot, jobs: Jobs) -> None:
    told: list[Exception] = []

    def work(_: Progress) -> None:
        raise ValueError("no disk")

    jobs.start(Job("fails", work, on_failed=told.append))
    qtbot.waitUntil(lambda: bool(told))
    assert str(told[0]) == "no disk"
    with qtbot.waitSignal(jobs.failed) as heard:
        jobs.start(Job("fails unheard", work))
    assert heard.args is not None
    assert heard.args[0].state is JobState.FAILED


def test_cancel_is_told_at_once_and_stops_the_work(qtbot: QtBot, jobs: Jobs) -> None:
    started, told, done = threading.Event(), [], []

    def work(progress: Progress) -> None:
        started.set()
        while True:
            progress.check()

    job = jobs.start(Job("endless", work, on_done=done.append, on_cancelled=lambda: told.append(True)))
    assert started.wait(5)
    jobs.cancel(job)
    assert told == [True]
    assert jobs.active == ()
    with qtbot.waitSignal(jobs.changed):  # the worker has noticed and left its lane
        pass
    assert told == [True]
    assert done == []


def test_a_waiting_job_can_be_cancelled_before_it_starts(qtbot: QtBot, jobs: Jobs) -> None:
    gate, ran, done = threading.Event(), [], []
    jobs.start(Job("first", lambda _: gate.wait(5), on_done=done.append), "compute")
    second = jobs.start(Job("second", ran.append), "compute")
    jobs.cancel(second)
    gate.set()
    qtbot.waitUntil(lambda: bool(done))
    jobs.start(Job("third", lambda _: None, on_done=done.append), "compute")
    qtbot.waitUntil(lambda: len(done) == 2)
    assert ran == []


def test_a_superseded_job_never_lands(qtbot: QtBot, jobs: Jobs) -> None:
    gate, landed = threading.Event(), []

    def slow(_: Progress) -> str:
        gate.wait(5)
        return "old study"

    jobs.start(Job("old", slow, "load", on_done=landed.append, on_cancelled=lambda: landed.append("cancelled")))
    jobs.start(Job("new", lambda _: "new study", "load", on_done=landed.append))
    gate.set()
    qtbot.waitUntil(lambda: bool(landed))
    jobs.start(Job("flush", lambda _: None, on_done=lambda _: landed.append("end")))
    qtbot.waitUntil(lambda: "end" in landed)
    assert landed == ["new study", "end"]


def test_progress_is_throttled_but_its_end_is_told(qtbot: QtBot, jobs: Jobs) -> None:
    heard: list[float] = []
    done: list[object] = []

    def work(progress: Progress) -> None:
        for n in range(10_001):
            progress.report(n / 10_000, f"file {n}")

    job = jobs.start(Job("many", work, on_done=done.append))
    jobs.changed.connect(lambda: heard.append(job.fraction))
    qtbot.waitUntil(lambda: bool(done))
    assert job.fraction == 1.0
    assert job.text == "file 10000"
    assert len(heard) < 1000
