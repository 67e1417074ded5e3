"""Planes and slabs: a step of a thick slab, an oblique step, a whole MIP, tomosynthesis, each beside the plain way."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import highdicom
import numpy as np
import pytest
from PySide6.QtWidgets import QApplication
from pytest_benchmark.fixture import BenchmarkFixture
from pytestqt.qtbot import QtBot
from scipy.ndimage import map_coordinates
from scipy.spatial.transform import Rotation

from viewer.layers.types import ImageLayer, PaneContent
from viewer.pane import Pane
from viewer.planes import plane_of
from viewer.presentation import Presentation, Window
from viewer.projection import Projector
from viewer.reslice import Reslicer
from viewer.slab import Slab

SHAPE = (60, 512, 512)
TOMOSYNTHESIS = (60, 2457, 1996)
THICK_MM = 20.0


def _affine(angles: tuple[float, float, float] = (0, 0, 0), spacing: tuple[float, ...] = (1.5, 0.7, 0.7)) -> np.ndarray:
    matrix = np.eye(4)
    stored = np.array(((0, 0, 1), (0, 1, 0), (1, 0, 0)), float)
    matrix[:3, :3] = Rotation.from_euler("xyz", angles, degrees=True).as_matrix() @ stored @ np.diag(spacing)
    return matrix


@pytest.fixture(scope="module")
def breast() -> np.ndarray:
    """Sixty slices of 512×512, int16."""
    return np.random.default_rng(5).integers(0, 2000, SHAPE).astype(np.int16)


@pytest.fixture(scope="module")
def tomosynthesis() -> np.ndarray:
    """Sixty slices of 2457×1996, uint16, 12 bits."""
    random = np.random.default_rng(5)
    first = random.integers(0, 4096, (4, *TOMOSYNTHESIS[1:])).astype(np.uint16)
    return np.concatenate([np.roll(first, 37 * n, axis=2) for n in range(15)])


def _back_and_forth(last: int) -> Callable[[], int]:
    places = itertools.cycle([*range(10, last - 10), *range(last - 10, 10, -1)])
    return lambda: next(places)


@pytest.mark.parametrize("mode", ["max", "mean"])
@pytest.mark.parametrize("plane", ["axial", "sagittal"])
@pytest.mark.benchmark(group="slab of 20 mm, one slice on")
def test_slab_step(
    benchmark: BenchmarkFixture, breast: np.ndarray, mode: str, plane: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thick slab moves by a slice that it was not at before: finished projections are not kept here."""
    monkeypatch.setattr("viewer.projection.KEPT_RESULTS", 0)
    shown, projector = plane_of(SHAPE, _affine(), plane), Projector(breast)
    place = _back_and_forth(shown.shape[0])
    assert benchmark(lambda: projector.partial(shown, place(), Slab(mode, THICK_MM), None)[1]) == 0  # type: ignore[arg-type]


@pytest.mark.parametrize("mode", ["max", "mean"])
@pytest.mark.parametrize("plane", ["axial", "sagittal"])
@pytest.mark.benchmark(group="slab of 20 mm, one slice on")
def test_plain_slab_step(benchmark: BenchmarkFixture, breast: np.ndarray, mode: str, plane: str) -> None:
    """The same with numpy, slice by slice through the plane, nothing kept."""
    shown = plane_of(SHAPE, _affine(), plane)
    place, reach = _back_and_forth(shown.shape[0]), math.floor(THICK_MM / 2 / shown.step_mm)
    reduce = {"max": np.max, "mean": np.mean}[mode]

    def step() -> np.ndarray:
        middle = place()
        slices = range(max(0, middle - reach), min(shown.shape[0], middle + reach + 1))
        return reduce(np.stack([shown.slice_of(breast, k) for k in slices]), axis=0)

    assert benchmark(step).ndim == 2


@pytest.mark.benchmark(group="oblique slice")
def test_oblique_step(benchmark: BenchmarkFixture, breast: np.ndarray) -> None:
    """One true axial slice of a volume that lies obliquely."""
    shown, reslicer = plane_of(SHAPE, _affine((12, -8, 20)), "axial"), Reslicer(breast)
    place = _back_and_forth(shown.shape[0])
    assert benchmark(lambda: reslicer.slice_of(shown, place())).ndim == 2  # type: ignore[arg-type]


@pytest.mark.benchmark(group="oblique slice")
def test_plain_oblique_step(benchmark: BenchmarkFixture, breast: np.ndarray) -> None:
    """The same with scipy.ndimage.map_coordinates."""
    matrix = _affine((12, -8, 20))
    shown = plane_of(SHAPE, matrix, "axial")
    place, to_stored = _back_and_forth(shown.shape[0]), np.linalg.inv(matrix) @ shown.affine
    rows, columns = np.indices(shown.shape[1:], dtype=np.float32)

    def step() -> np.ndarray:
        ways = [to_stored[n, 1] * rows + to_stored[n, 2] * columns for n in range(3)]
        index = place()
        voxels = [way + (to_stored[n, 0] * index + to_stored[n, 3]) for n, way in enumerate(ways)]
        return map_coordinates(breast, voxels, np.float32, order=1, cval=np.nan)

    assert benchmark(step).ndim == 2


@pytest.mark.parametrize("plane", ["axial", "sagittal", "coronal"])
@pytest.mark.benchmark(group="whole MIP")
def test_whole_mip(benchmark: BenchmarkFixture, breast: np.ndarray, plane: str) -> None:
    """The whole volume, the first time; afterwards it is kept."""
    shown = plane_of(SHAPE, _affine(), plane)
    assert benchmark(lambda: Projector(breast).values(shown, 5, Slab("max"))).ndim == 2


@pytest.mark.parametrize("plane", ["axial", "sagittal", "coronal"])
@pytest.mark.benchmark(group="whole MIP")
def test_whole_mip_again(benchmark: BenchmarkFixture, breast: np.ndarray, plane: str) -> None:
    """The whole volume while slices are scrolled."""
    shown, projector = plane_of(SHAPE, _affine(), plane), Projector(breast)
    place = _back_and_forth(shown.shape[0])
    assert benchmark(lambda: projector.values(shown, place(), Slab("max"))).ndim == 2


@pytest.mark.benchmark(group="whole MIP")
def test_plain_whole_mip(benchmark: BenchmarkFixture, breast: np.ndarray) -> None:
    """Slice by slice with numpy."""

    def project() -> np.ndarray:
        result = breast[0]
        for one in breast[1:]:
            result = np.maximum(result, one)
        return result

    assert benchmark(project).ndim == 2


def _scrolling(qtbot: QtBot, values: np.ndarray, matrix: np.ndarray, slab: Slab | None, plane: str) -> Callable:
    pane = Pane()
    qtbot.addWidget(pane)
    pane.resize(1000, 950)
    volume = highdicom.Volume(values, matrix, coordinate_system="PATIENT", frame_of_reference_uid="1.2.3")
    pane.set_content(PaneContent(ImageLayer("image", volume, Presentation((Window(2000, 4000),))), plane=plane))
    pane.set_slab(slab)
    pane.show()
    qtbot.waitExposed(pane)
    place = _back_and_forth(pane.slice_count)

    def step() -> bool:
        pane.set_slice(place())
        pane.repaint()
        QApplication.processEvents()
        return pane.isVisible()

    return step


@pytest.mark.parametrize("mode", ["", "mean", "max"])
@pytest.mark.benchmark(group="tomosynthesis 60×2457×1996, one slice on, painted")
def test_tomosynthesis(benchmark: BenchmarkFixture, qtbot: QtBot, tomosynthesis: np.ndarray, mode: str) -> None:
    """A pane scrolls single slices, a mean and a MIP of 10 mm."""
    slab = Slab(mode, 10.0) if mode else None  # type: ignore[arg-type]
    assert benchmark(_scrolling(qtbot, tomosynthesis, _affine(spacing=(1.0, 0.1, 0.1)), slab, "native"))


@pytest.mark.benchmark(group="tomosynthesis 60×2457×1996, one slice on, painted")
def test_plain_tomosynthesis(benchmark: BenchmarkFixture, tomosynthesis: np.ndarray) -> None:
    """The mean of 11 slices with numpy alone, not painted."""
    place = _back_and_forth(len(tomosynthesis))
    step = lambda middle: tomosynthesis[middle - 5 : middle + 6].mean(axis=0, dtype=np.float32)  # noqa: E731
    assert benchmark(lambda: step(place())).ndim == 2


@pytest.mark.parametrize("thickness", [0.0, THICK_MM])
@pytest.mark.benchmark(group="oblique, one slice on, painted")
def test_oblique_painted(benchmark: BenchmarkFixture, qtbot: QtBot, breast: np.ndarray, thickness: float) -> None:
    """A pane scrolls true axial slices of a volume that lies obliquely, single and as a MIP."""
    slab = Slab("max", thickness) if thickness else None
    assert benchmark(_scrolling(qtbot, breast, _affine((12, -8, 20)), slab, "axial"))
