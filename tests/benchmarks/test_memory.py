"""Memory: 50 studies one after the other in the whole window, within a small budget; RSS must not creep."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QApplication

from app.session import budget as rules
from app.studies.study import Study
from app.ui.main_window import MainWindow
from app.ui.start import make_window

MB = 2**20
STUDIES = 50
ROUNDS = 4
EVERY = 10  # one in ten is the breast MRI
BUDGET = 160 * MB  # the MRI alone, with its subtractions, fills it


@pytest.fixture
def window(qtbot: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setattr(rules, "FLOOR", BUDGET)
    made = make_window()
    made.session.images.memory.machine = lambda: rules.Machine(2048 * MB, 1024 * MB, made.session.images.bytes)
    made.session.images.memory_share = 0.1
    made.resize(1600, 1000)
    made.show()
    qtbot.waitExposed(made)
    with qtbot.waitSignal(made.session.keeping.opened, timeout=20_000):
        made.session.open_workspace()
    yield made
    made.close()


def _settle(window: MainWindow) -> None:
    """Let everything that was asked for and read ahead come, and paint it."""
    deadline = time.monotonic() + 60
    quiet_since = time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - quiet_since < 0.15:
        QApplication.processEvents()
        if window.session.jobs.active:
            quiet_since = time.monotonic()
        time.sleep(0.002)
    window.repaint()


def _order(mammograms: list[Study], mri: Study) -> Iterator[Study]:
    films = iter(mammograms)
    for number in range(STUDIES):
        yield mri if number % EVERY == EVERY - 1 else next(films)


def _rss() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / MB


@pytest.mark.benchmark(group="memory over 50 studies")
def test_fifty_studies(
    benchmark: pytest.FixtureRequest, qtbot: pytest.FixtureRequest, window: MainWindow, shared_data: Path
) -> None:
    session = window.session
    session.open_paths([shared_data / "mini-mias", shared_data / "mri" / "duke-153"])
    qtbot.waitUntil(lambda: len(session.library.studies) > STUDIES, timeout=60_000)
    mri = next(study for study in session.library.studies if study.dynamics)
    mammograms = list(islice((study for study in session.library.studies if not study.dynamics), STUDIES))
    rss: list[float] = []
    images: list[float] = []
    empty: list[float] = []

    def loop() -> None:
        for study in _order(mammograms, mri):
            session.library.open_study(study.uid)
            _settle(window)
            images.append(session.images.bytes / MB)
            rss.append(_rss())
        session.library.close_study()
        session.images.forget()
        session.images.relieve()
        _settle(window)
        empty.append(_rss())

    benchmark.pedantic(loop, rounds=ROUNDS)
    # The first rounds also load code, make thumbnails and fill the caches of Qt and of the allocator.
    growth = (empty[-1] - empty[-2]) / STUDIES
    benchmark.extra_info |= {
        "rss_mb": [round(value) for value in rss],
        "rss_highest_by_round_mb": [round(max(rss[n * STUDIES : (n + 1) * STUDIES])) for n in range(ROUNDS)],
        "images_mb": [round(value) for value in images],
        "rss_when_closed_mb": [round(value) for value in empty],
        "growth_mb_per_study": round(growth, 2),
    }
    assert max(images) * MB <= BUDGET
    assert growth < 0.3
