"""The whole window at 1920×1080: a slice step through four linked panes with a class map, a window step on mammograms.

Timed from the input until everything is painted. "settled" is what a single step costs with all that follows it:
corner texts, AI line, layers, commands and panels; while scrolling these come once, after the last step.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.uid import DigitalMammographyXRayImageStorageForPresentation, generate_uid
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.ui.main_window import MainWindow
from app.ui.start import make_window
from tests.benchmarks.conftest import mammogram_pixels, write_image

WAIT_S = 240


@pytest.fixture
def window(qtbot) -> Iterator[MainWindow]:
    made = make_window()
    qtbot.addWidget(made)
    made.resize(1920, 1080)
    made.show()
    made.finish()
    with qtbot.waitSignal(made.session.keeping.opened, timeout=WAIT_S * 1000):
        made.session.open_workspace()
    yield made
    made.session.close()


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not done():
        assert time.monotonic() < end
        QApplication.processEvents()
        time.sleep(0.01)


def show(window: MainWindow, path: Path) -> None:
    window.session.open_paths([path])
    until(lambda: window.session.study is not None and not window.session.jobs.active)


def report(benchmark) -> None:
    times = np.array(benchmark.stats.stats.data) * 1000
    benchmark.extra_info["median ms"] = round(float(np.median(times)), 2)
    benchmark.extra_info["95th percentile ms"] = round(float(np.percentile(times, 95)), 2)
    sys.stdout.write(f"\n{benchmark.name}: {benchmark.extra_info}\n")


@pytest.mark.benchmark(group="the window, duke-153 in four panes with kinetic classes: one slice on")
@pytest.mark.parametrize("settled", [False, True], ids=["scrolling", "settled"])
@pytest.mark.parametrize("classes", [False, True], ids=["images", "with classes"])
def test_scrolling_the_window(benchmark, window, shared_data, settled, classes) -> None:
    show(window, shared_data / "mri/duke-153")
    display = window.display
    if classes:
        window.commands.dispatch("kinetics.map")
        until(lambda: not window.session.jobs.active and bool(display.pane.content.class_maps))
    places = iter(list(range(60)) * 20)

    def step() -> int:
        display.pane.set_slice(next(places))
        if settled:
            display._refresher.stop()
            display._refresh_stale()
        QApplication.processEvents()
        return len(display.grid.visible_panes)

    assert benchmark.pedantic(step, rounds=120, warmup_rounds=60) == 4
    report(benchmark)


@pytest.fixture
def four_views(tmp_path) -> Path:
    pixels, study = mammogram_pixels(), generate_uid()
    for side in "RL":
        for view in ("CC", "MLO"):
            write_image(
                tmp_path / f"{side}{view}.dcm", pixels[:, ::-1] if side == "R" else pixels,
                DigitalMammographyXRayImageStorageForPresentation, Modality="MG", StudyInstanceUID=study,
                SeriesInstanceUID=generate_uid(), ImageLaterality=side, ViewPosition=view,
                ImagerPixelSpacing=[0.07, 0.07], PatientOrientation=["P" if side == "R" else "A", "F"],
            )  # fmt: skip
    return tmp_path


@pytest.mark.benchmark(group="the window, four 4096×3328 mammograms: a window step by dragging")
@pytest.mark.parametrize("settled", [False, True], ids=["dragging", "settled"])
def test_dragging_the_window_level(benchmark, window, four_views, settled) -> None:
    show(window, four_views)
    display = window.display
    assert len(display.grid.visible_panes) == 4
    pane = display.pane
    steps = iter(range(10_000))
    QTest.mousePress(pane, Qt.MouseButton.RightButton, pos=QPoint(100, 100))

    def step() -> int:
        number = next(steps)
        QTest.mouseMove(pane, QPoint(100 + number % 97, 100 + number % 61))
        if settled:
            display._refresher.stop()
            display._refresh_stale()
        QApplication.processEvents()
        return len(display.grid.visible_panes)

    assert benchmark.pedantic(step, rounds=120, warmup_rounds=10) == 4
    QTest.mouseRelease(pane, Qt.MouseButton.RightButton, pos=QPoint(100, 100))
    assert pane.presentation is not None
    assert pane.presentation.voi.origin == "user"
    report(benchmark)
