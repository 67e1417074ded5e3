"""The window: start to usable, click to painted, window/level and slice steps, next to the plain way of doing each."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import highdicom
import numpy as np
import pytest
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QApplication, QLabel

from app.ui.start import make_window
from viewer.layers.types import ImageLayer, PaneContent
from viewer.pane import Pane
from viewer.presentation import Presentation, Window
from viewer.windowing import render_grey

START = """
import sys
from app.ui.start import run
from PySide6.QtWidgets import QApplication
def ready(window):
    window.repaint()
    window.close()
    QApplication.quit()
status = run([], on_ready=ready)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
sys.exit(status)
"""
PLAIN_WINDOW = """
import sys
from PySide6.QtWidgets import QApplication, QMainWindow
from PySide6.QtCore import QTimer
app = QApplication(sys.argv)
window = QMainWindow()
window.show()
QTimer.singleShot(0, app.quit)
sys.exit(app.exec())
"""


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60).stdout


@pytest.mark.benchmark(group="start to usable window")
def test_start(benchmark: pytest.FixtureRequest) -> None:
    """Process start until the window is painted, the workspace open and the program ready for a path."""
    peak_mb = int(benchmark.pedantic(_run, args=(START,), rounds=5, warmup_rounds=1))
    benchmark.extra_info["peak_mb"] = peak_mb
    assert peak_mb > 0


@pytest.mark.benchmark(group="start to usable window")
def test_plain_qt_window(benchmark: pytest.FixtureRequest) -> None:
    """The floor: an empty PySide6 window."""
    assert benchmark.pedantic(_run, args=(PLAIN_WINDOW,), rounds=5, warmup_rounds=1) == ""


def _content(values: np.ndarray, uid: str) -> PaneContent:
    volume = highdicom.Volume(
        values, np.diag([1.0, 0.1, 0.1, 1.0]), coordinate_system="PATIENT", frame_of_reference_uid="1.2.3"
    )
    return PaneContent(ImageLayer(uid, volume, Presentation((Window(1600, 3200),))))


def _pane(qtbot: pytest.FixtureRequest, values: np.ndarray) -> Pane:
    pane = Pane()
    qtbot.addWidget(pane)
    pane.resize(1500, 950)
    pane.show()
    qtbot.waitExposed(pane)
    pane.set_content(_content(values, "image"))
    _settle(pane)
    return pane


def _settle(pane: Pane) -> None:
    """Let background reduction of the image come to its end."""
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        QApplication.processEvents()
    pane.repaint()


def _window_steps(pane: Pane) -> Callable[[], None]:
    centers: Iterator[int] = iter(range(1000, 10**9))

    def step() -> None:
        presentation = pane.presentation
        assert presentation is not None
        pane.set_presentation(presentation.with_voi(Window(next(centers) % 3000, 2500, origin="user")))
        pane.repaint()

    return step


@pytest.mark.benchmark(group="window/level step to painted, 4096×3328")
def test_window_step(benchmark: pytest.FixtureRequest, qtbot: pytest.FixtureRequest, mammogram: np.ndarray) -> None:
    pane = _pane(qtbot, mammogram)
    benchmark.pedantic(_window_steps(pane), rounds=200, warmup_rounds=5)
    assert pane.presentation is not None


@pytest.mark.benchmark(group="window/level step to painted, 4096×3328")
def test_window_step_of_the_whole_image(
    benchmark: pytest.FixtureRequest, qtbot: pytest.FixtureRequest, mammogram: np.ndarray
) -> None:
    """The plain way: look up every pixel, then let Qt scale the picture to the pane."""
    label = QLabel()
    qtbot.addWidget(label)
    label.resize(1500, 950)
    label.show()
    centers = iter(range(1000, 10**9))

    def step() -> None:
        grey = render_grey(mammogram[0], Presentation((Window(next(centers) % 3000, 2500),)))
        image = QImage(grey.data, grey.shape[1], grey.shape[0], grey.strides[0], QImage.Format.Format_Grayscale8)
        label.setPixmap(QPixmap.fromImage(image.scaledToHeight(950)))
        label.repaint()

    benchmark.pedantic(step, rounds=30, warmup_rounds=2)
    assert label.pixmap().height() == 950


@pytest.mark.parametrize("reduced", [True, False], ids=["whole-in-view", "at-1-to-1"])
@pytest.mark.benchmark(group="window/level step to painted, zoom")
def test_window_step_at_zoom(
    benchmark: pytest.FixtureRequest, qtbot: pytest.FixtureRequest, mammogram: np.ndarray, reduced: bool
) -> None:
    pane = _pane(qtbot, mammogram)
    (pane.fit if reduced else pane.one_to_one)()
    benchmark.pedantic(_window_steps(pane), rounds=100, warmup_rounds=5)
    assert pane.content is not None


@pytest.mark.parametrize("shape", [(60, 512, 512), (8, 4096, 3328)], ids=["512x512x60", "4096x3328x8"])
@pytest.mark.benchmark(group="slice step to painted")
def test_slice_step(benchmark: pytest.FixtureRequest, qtbot: pytest.FixtureRequest, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).integers(0, 3200, shape, dtype=np.uint16)
    pane = _pane(qtbot, values)
    slices = iter(range(10**9))

    def step() -> None:
        pane.set_slice(next(slices) % shape[0])
        pane.repaint()

    benchmark.pedantic(step, rounds=180, warmup_rounds=3)
    assert pane.slice_count == shape[0]


@pytest.mark.benchmark(group="slice step to painted")
def test_slice_step_of_the_whole_image(benchmark: pytest.FixtureRequest, qtbot: pytest.FixtureRequest) -> None:
    """The plain way, 512×512×60: OpenCV window, OpenCV scaling, one picture."""
    values = np.random.default_rng(1).integers(0, 3200, (60, 512, 512), dtype=np.uint16)
    label = QLabel()
    qtbot.addWidget(label)
    label.resize(950, 950)
    label.show()
    slices = iter(range(10**9))

    def step() -> None:
        grey = cv2.resize(cv2.convertScaleAbs(values[next(slices) % 60], alpha=255 / 3200), (950, 950))
        label.setPixmap(QPixmap.fromImage(QImage(grey.data, 950, 950, 950, QImage.Format.Format_Grayscale8)))
        label.repaint()

    benchmark.pedantic(step, rounds=180, warmup_rounds=3)
    assert label.pixmap().height() == 950


@pytest.mark.parametrize("syntax", ["uncompressed", "JPEG 2000 lossless"])
@pytest.mark.benchmark(group="mammogram 4096×3328 from click to painted")
def test_first_mammogram(
    benchmark: pytest.FixtureRequest, qtbot: pytest.FixtureRequest, mammogram_files: dict[str, Path], syntax: str
) -> None:
    """Choosing the image in the browser until its pixels are painted, in the whole window; nothing cached."""
    window = make_window()
    qtbot.addWidget(window)
    window.resize(1800, 1000)
    window.show()
    qtbot.waitExposed(window)
    session, display = window.session, window.display
    with qtbot.waitSignal(session.keeping.opened, timeout=20000):
        session.open_workspace()
    session.warm_up()
    session.open_paths([mammogram_files[syntax]])
    qtbot.waitUntil(lambda: display.pane.content is not None, timeout=30000)
    (uid,) = (stack.uid for series in session.study.series for stack in series.stacks)

    def forget() -> None:
        display.show_stack(None)
        session.images.forget()
        qtbot.waitUntil(lambda: not session.jobs.active, timeout=20000)

    def click() -> None:
        display.show_stack(uid)
        while display.pane.content is None:
            QApplication.processEvents()
        display.pane.repaint()

    benchmark.pedantic(click, setup=forget, rounds=7, warmup_rounds=1)
    shown = display.pane.content is not None
    window.close()
    assert shown
