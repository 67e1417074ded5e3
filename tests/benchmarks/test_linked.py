"""Four linked panes at 1920×1080: a step through DCE slices, and a window step on four large mammograms.

Each is timed from the input until all four panes are painted, beside a plain alternative: the same slices put to grey
and to size by numpy and OpenCV without anything kept.
"""

from __future__ import annotations

import sys

import cv2
import numpy as np
import pytest
from highdicom import Volume
from PySide6.QtGui import QImage

from viewer.grid import ViewerGrid
from viewer.layers.types import Framing, ImageLayer, PaneContent
from viewer.presentation import Presentation, VoiFunction, Window
from viewer.presets import with_window

SIZE = (1920, 1080)
AXIAL = np.array([[0, 0, 0.7, 0], [0, 0.7, 0, 0], [2.5, 0, 0, 0], [0, 0, 0, 1]], float)
DETECTOR = np.array([[0, 0, 0.07, 0], [0, 0.07, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], float)


@pytest.fixture
def grid(qtbot):
    widget = ViewerGrid()
    qtbot.addWidget(widget)
    widget.resize(*SIZE)
    widget.show()
    widget.set_layout("2x2")
    qtbot.wait(50)
    return widget


def painted(grid: ViewerGrid, target: QImage) -> int:
    """Paint the four panes as their paint events do."""
    for pane in grid.visible_panes:
        pane.render(target)
    return len(grid.visible_panes)


def report(benchmark) -> None:
    times = np.array(benchmark.stats.stats.data) * 1000
    benchmark.extra_info["median ms"] = round(float(np.median(times)), 2)
    benchmark.extra_info["95th percentile ms"] = round(float(np.percentile(times, 95)), 2)
    benchmark.extra_info["frames per second"] = round(1000 / float(np.median(times)), 1)
    sys.stdout.write(f"\n{benchmark.name}: {benchmark.extra_info}\n")


def dce(rng) -> list[Volume]:
    grain = rng.normal(0, 40, (60, 512, 512))
    rows, columns = np.mgrid[:512, :512]
    breast = 600 * (np.hypot(rows - 256, columns - 256) < 220)
    return [
        Volume((grain + breast * (1 + n / 5)).astype(np.int16), AXIAL, "PATIENT", frame_of_reference_uid="1.2.3")
        for n in range(5)
    ]


@pytest.mark.benchmark(group="four linked panes, 512×512×60, five phases in memory: one slice on")
def test_scrolling_four_linked_panes(benchmark, grid) -> None:
    window = Presentation((Window(500, 1200, VoiFunction.LINEAR),))
    volumes = dce(np.random.default_rng(1))
    for pane, volume, n in zip(grid.panes, volumes, range(4), strict=False):
        pane.set_content(PaneContent(ImageLayer(f"phase {n}", volume, window)))
    target, places = QImage(*SIZE, QImage.Format.Format_RGB32), iter(list(range(60)) * 20)

    def step() -> int:
        grid.panes[0].set_slice(next(places))
        return painted(grid, target)

    assert benchmark.pedantic(step, rounds=180, warmup_rounds=4) == 4
    assert len({pane.slice_index for pane in grid.panes}) == 1
    report(benchmark)


@pytest.mark.benchmark(group="four linked panes, 512×512×60, five phases in memory: one slice on")
def test_scrolling_plainly(benchmark) -> None:
    volumes, places = dce(np.random.default_rng(1)), iter(list(range(60)) * 20)

    def step() -> int:
        number = next(places)
        for volume in volumes[:4]:
            values = np.clip((volume.array[number].astype(np.float64) + 100) / 1200 * 255, 0, 255).astype(np.uint8)
            shown = cv2.resize(values, (540, 540), interpolation=cv2.INTER_LINEAR)
        return len(shown)

    assert benchmark.pedantic(step, rounds=60, warmup_rounds=4) == 540
    report(benchmark)


@pytest.fixture
def mammograms(grid):
    rng = np.random.default_rng(2)
    rows, columns = np.mgrid[:4096, :3328]
    breast = np.hypot((rows - 2048) / 1900, columns / 2600) < 1
    window = Presentation((Window(2000, 3000, VoiFunction.LINEAR),))
    values = (breast * rng.integers(800, 3200, (4096, 3328))).astype(np.uint16)
    for n, pane in enumerate(grid.visible_panes):
        right = n % 2 == 0
        framing = Framing(
            (0, 9.8, 182, 277),
            (0, 143),
            ((-1, 0), (0, 1)) if right else ((1, 0), (0, 1)),
            "right" if right else "left",
            "exam",
        )
        volume = Volume(values[None].copy(), DETECTOR, "PATIENT", frame_of_reference_uid=f"1.2.{n}")
        pane.set_content(PaneContent(ImageLayer(f"view {n}", volume, window), framing=framing))
    painted(grid, QImage(*SIZE, QImage.Format.Format_RGB32))
    return grid


def levels(centre: float) -> Window:
    return Window(centre, 3000, VoiFunction.LINEAR, "", "user")


@pytest.mark.benchmark(group="four 4096×3328 mammograms: a window step")
@pytest.mark.parametrize("count", [1, 4], ids=["active pane", "all four"])
def test_dragging_the_window(benchmark, mammograms, count) -> None:
    target, centres = QImage(*SIZE, QImage.Format.Format_RGB32), iter(np.linspace(1500, 2500, 400))

    def step() -> int:
        window = levels(float(next(centres)))
        for pane in mammograms.visible_panes[:count]:
            pane.set_presentation(with_window(pane.presentation, window))
        return painted(mammograms, target)

    assert benchmark.pedantic(step, rounds=120, warmup_rounds=4) == 4
    report(benchmark)


@pytest.mark.benchmark(group="four 4096×3328 mammograms: a window step")
def test_windowing_whole_images_plainly(benchmark) -> None:
    values = np.random.default_rng(2).integers(800, 3200, (4096, 3328)).astype(np.uint16)

    def step() -> int:
        for _ in range(4):
            grey = np.clip((values - 500.0) / 3000 * 255, 0, 255).astype(np.uint8)
            shown = cv2.resize(grey, (437, 538), interpolation=cv2.INTER_AREA)
        return len(shown)

    assert benchmark.pedantic(step, rounds=3) == 538
    report(benchmark)
