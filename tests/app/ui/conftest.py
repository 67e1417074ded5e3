"""Fixtures of the window's tests: sessions that are shut down, tiny studies written as real PNG files, fake results."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio.v3 as imageio
import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.ai_state import Place
from app.jobs import Jobs
from app.notices import Notices
from app.session import Session
from app.session.answering import Question, saved, unsaved
from app.studies.load import LoadedStack
from app.ui.main_window import MainWindow
from app.ui.start import make_window
from inference.result import Finding, Heatmap, Provenance, Result, Score, Status

gc.disable()  # as in the program (app.garbage): a worker thread must never destroy a QObject
WAIT_MS = 120_000  # a ceiling for a loaded machine, not a wait


@pytest.fixture(autouse=True)
def _collect_in_the_qt_thread() -> Iterator[None]:
    yield
    gc.collect(1)


@pytest.fixture
def jobs(qtbot: QtBot) -> Iterator[Jobs]:
    made = Jobs()
    yield made
    made.shut_down()


@pytest.fixture
def notices() -> Notices:
    return Notices()


@pytest.fixture
def new_session(qtbot: QtBot) -> Iterator[Callable[[], Session]]:
    """Make sessions with an open workspace, all in the same home."""
    made: list[Session] = []

    def make() -> Session:
        session = Session(Jobs(), Notices())
        made.append(session)
        with qtbot.waitSignal(session.keeping.opened, timeout=WAIT_MS):
            session.open_workspace()
        return session

    yield make
    for session in made:
        session.close()


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    """The window with an open workspace, offscreen."""
    made = make_window()
    qtbot.addWidget(made)
    made.resize(1280, 800)
    with qtbot.waitExposed(made):
        made.show()
    made.finish()
    with qtbot.waitSignal(made.session.keeping.opened, timeout=WAIT_MS):
        made.session.open_workspace()
    yield made
    made.session.close()


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with the four views of an exam as small PNG files, and one file that is no image."""
    folder = tmp_path / "exam"
    folder.mkdir()
    for number, name in enumerate(("L-CC", "L-MLO", "R-CC", "R-MLO")):
        ramp = np.add.outer(np.arange(48), np.arange(64)).astype(np.uint8) + np.uint8(20 * number)
        imageio.imwrite(folder / f"{name}.png", ramp)
    (folder / "letter.dcm").write_text("<html>not an image</html>")
    return folder


def idle(qtbot: QtBot, session: Session) -> None:
    """Wait until no job is left."""
    qtbot.waitUntil(lambda: not session.jobs.active, timeout=WAIT_MS)


def open_and_wait(qtbot: QtBot, session: Session, path: Path) -> None:
    """Open a path and wait until its study is on show and every job has ended."""
    with qtbot.waitSignal(session.library.study_changed, timeout=WAIT_MS):
        session.open_paths([path])
    idle(qtbot, session)


def fake_result(loaded: LoadedStack, slice_index: int, findings: int = 1, model_id: str = "fake") -> Result:
    """Return a result whose map and finding lie on one slice of a stack."""
    volume = loaded.volume[slice_index : slice_index + 1]
    affine = np.asarray(volume.affine, float)
    rows, columns = volume.spatial_shape[1:3]

    def point(row: float, column: float) -> tuple[float, float, float]:
        x, y, z = (affine[:3, 3] + affine[:3, 1] * row + affine[:3, 2] * column).tolist()
        return x, y, z

    unit = [affine[:3, axis] / np.linalg.norm(affine[:3, axis]) for axis in (2, 1)]
    finding = Finding(
        "attention",
        0.87,
        str(volume.frame_of_reference_uid),
        point(rows * 0.25 - 0.5, columns * 0.25 - 0.5),
        point(rows * 0.5 - 0.5, columns * 0.5 - 0.5),
        tuple(float(v) for axis in unit for v in axis),  # type: ignore[arg-type]
    )
    return Result(
        status=Status.FINDINGS if findings else Status.NO_FINDING,
        scores=(Score("malignant", "Malignant", 0.81, 0.5, "B"), Score("normal", "Normal", 0.12, None, "A")),
        heatmaps=(Heatmap("attention", "Attention", volume.astype(np.float32)),),
        findings=(finding,) * findings,
        warnings=(),
        provenance=Provenance(
            model_id, "1.0", "Fake", "provisional, demonstration only", "ab" * 32, "0", "cpu", "2026"
        ),
    )


def store(session: Session, place: Place, result: Result) -> None:
    """Store a result as the session does at the end of an analysis."""
    assert session.study is not None
    loaded = session.images.loaded(place[0])
    assert loaded is not None
    answer = saved(unsaved(Question(session.study, loaded, place[1], (), "cpu"), result), session.workspace)
    session.readings._take(session.study.uid, place, answer)
