"""Motion correction in a session: run, kept, found again, used only for the images it belongs to; and its dialog."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.session import Session
from app.session.motion import MotionCorrection
from app.studies.demo import write_dce
from app.studies.errors import StudyError
from app.studies.study import Dynamic
from app.ui.motion_dialog import MotionDialog
from inference.phantoms.mri import Course, make_dce
from tests.app.ui.conftest import WAIT_MS, idle, open_and_wait

COURSE = Course(seconds=(90.0, 180.0), motion_mm=7.0, with_t2=False)
NewSession = Callable[[], Session]


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dynamic series of three small phases, the later ones moved by up to 7 mm."""
    folder = tmp_path_factory.mktemp("moved")
    phantom = make_dce(5, size=(12, 72, 72), spacing_mm=(8.0, 4.6, 4.6), lesions=("IDC",), course=COURSE)
    write_dce(folder, phantom)
    return folder


def motion_of(session: Session) -> MotionCorrection:
    """Return the session's part, made here where the session has none yet."""
    known = getattr(session, "motion", None)
    if known is not None:
        return known
    return MotionCorrection(session.jobs, session.notices, session.keeping, session.library, session.images, session)


def opened(qtbot: QtBot, session: Session, exam: Path) -> tuple[MotionCorrection, Dynamic]:
    motion = motion_of(session)
    open_and_wait(qtbot, session, exam)
    assert session.study is not None
    (dynamic,) = session.study.dynamics
    return motion, dynamic


def finish(qtbot: QtBot, session: Session, motion: MotionCorrection, dynamic: Dynamic) -> None:
    qtbot.waitUntil(lambda: not motion.running(dynamic), timeout=WAIT_MS)
    idle(qtbot, session)


def load_all(qtbot: QtBot, session: Session, dynamic: Dynamic) -> None:
    for phase in dynamic.phases:
        session.images.request(phase.stack_uid)
    qtbot.waitUntil(
        lambda: all(session.images.loaded(p.stack_uid) is not None for p in dynamic.phases), timeout=WAIT_MS
    )
    idle(qtbot, session)


def test_run_keep_and_find_again(qtbot: QtBot, new_session: NewSession, exam: Path) -> None:
    session = new_session()
    motion, dynamic = opened(qtbot, session, exam)
    pre, *posts = (phase.stack_uid for phase in dynamic.phases)
    assert [row.state for row in motion.summary(dynamic)] == ["none", "none"]
    texts: set[str] = set()
    session.jobs.changed.connect(lambda: texts.update(job.text for job in session.jobs.active))
    with qtbot.waitSignal(motion.changed, timeout=WAIT_MS):
        motion.start(dynamic)
    finish(qtbot, session, motion, dynamic)
    rows = motion.summary(dynamic)
    assert [row.state for row in rows] == ["done", "done"]
    assert any(text.startswith("post 2 of 2: ") for text in texts)
    improved = [row for row in rows if row.correction is not None and row.correction.improves]
    assert improved
    for row in improved:
        assert motion.correction(row.stack_uid, pre) is row.correction
        assert row.correction is not None
        assert row.correction.after.edges < row.correction.before.edges
    motion.set_in_use(dynamic, False)
    assert motion.correction(posts[0], pre) is None
    idle(qtbot, session)

    again = new_session()
    motion_2, dynamic_2 = opened(qtbot, again, exam)
    load_all(qtbot, again, dynamic_2)
    assert not motion_2.in_use(dynamic_2)
    motion_2.set_in_use(dynamic_2, True)
    for row in improved:
        found = motion_2.correction(row.stack_uid, pre)
        assert found is not None
        assert row.correction is not None
        assert found.spline is None or np.array_equal(found.spline.coefficients, row.correction.spline.coefficients)  # type: ignore[union-attr]

    motion_2.forget(dynamic_2)
    idle(qtbot, again)
    assert all(motion_2.correction(uid, pre) is None for uid in posts)
    third = new_session()
    motion_3, dynamic_3 = opened(qtbot, third, exam)
    assert [row.state for row in motion_3.summary(dynamic_3)] == ["none", "none"]


def test_a_stored_correction_of_other_pixels_is_not_used(
    qtbot: QtBot, new_session: NewSession, exam: Path, tmp_path: Path
) -> None:
    from dataclasses import replace

    from app.workspace.corrections import Corrections
    from tests.app.workspace.test_corrections import correction

    session = new_session()
    assert session.workspace is not None
    motion = motion_of(session)
    open_and_wait(qtbot, session, exam)
    assert session.study is not None
    (dynamic,) = session.study.dynamics
    pair = (dynamic.phases[1].stack_uid, dynamic.phases[0].stack_uid)
    Corrections(session.workspace.folder).save(session.study.uid, pair, replace(correction(), fixed_hash="c" * 64))
    other = new_session()
    said: list[str] = []
    other.notices.posted.connect(lambda notice: said.append(notice.what))
    motion, dynamic = opened(qtbot, other, exam)
    load_all(qtbot, other, dynamic)
    assert motion.correction(*pair) is None
    assert any("belongs to other images" in text for text in said)


def test_cancelling_ends_the_run_at_once_and_what_cannot_start_says_why(
    qtbot: QtBot, new_session: NewSession, exam: Path
) -> None:
    from dataclasses import replace

    session = new_session()
    motion, dynamic = opened(qtbot, session, exam)
    motion.start(dynamic)
    assert motion.running(dynamic)
    motion.cancel()
    assert not motion.running(dynamic)
    idle(qtbot, session)
    assert all(row.state in ("none", "done") for row in motion.summary(dynamic))
    for bad in (replace(dynamic, pre_index=None), replace(dynamic, phases=dynamic.phases[:1])):
        with pytest.raises(StudyError, match=r"pre-contrast|one phase"):
            motion.start(bad)
    assert motion.summary(replace(dynamic, pre_index=None)) == ()


def test_without_a_workspace_it_works_and_says_that_it_is_not_kept(
    qtbot: QtBot, new_session: NewSession, exam: Path
) -> None:
    session = new_session()
    motion, dynamic = opened(qtbot, session, exam)
    workspace, session.keeping.workspace = session.keeping.workspace, None
    said: list[str] = []
    session.notices.posted.connect(lambda notice: said.append(notice.what))
    motion.start(dynamic)
    finish(qtbot, session, motion, dynamic)
    assert [row.state for row in motion.summary(dynamic)] == ["done", "done"]
    assert any("lost when the program is closed" in text for text in said)
    session.keeping.workspace = workspace


def test_the_dialog_runs_shows_and_discards(qtbot: QtBot, new_session: NewSession, exam: Path) -> None:
    session = new_session()
    motion, dynamic = opened(qtbot, session, exam)
    dialog = MotionDialog(session, motion, dynamic, 4)
    qtbot.addWidget(dialog)
    assert not dialog.isModal()
    assert not dialog.use.isEnabled()
    dialog.start_button.click()
    assert dialog.start_button.text() == "Cancel"
    finish(qtbot, session, motion, dynamic)
    assert dialog.start_button.text() == "Start again"
    text = [dialog.table.item(0, n).text() for n in range(dialog.table.columnCount())]  # type: ignore[union-attr]
    assert text[0] == "Post 1"
    assert "→" in text[1]
    qtbot.waitUntil(lambda: dialog.check.pane.content is not None, timeout=WAIT_MS)
    pane = dialog.check.pane
    dialog.check.show_mode("before")
    before = pane.content.image.volume.array  # type: ignore[union-attr]
    pane.set_slice(7)
    dialog.check.show_mode("after")
    after = pane.content.image.volume.array  # type: ignore[union-attr]
    assert pane.sop_index == 7
    assert before.shape == after.shape
    assert np.abs(after[3:-3].astype(float)).mean() < np.abs(before[3:-3].astype(float)).mean()
    dialog.use.click()
    assert not motion.in_use(dynamic)
    dialog.discard.click()
    assert pane.content is None
    assert dialog.start_button.text() == "Start"
    idle(qtbot, session)
