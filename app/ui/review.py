"""Demo review: the main job performed in the real window by its own mouse and keys, with screenshots of each step."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from app import analysis
from app.ai_state import AiState
from app.studies.study import Stack, Study
from app.ui.main_window import MainWindow
from app.ui.start import run
from viewer.pane import Pane

LONGEST_STEP_S = 240.0
POLL_MS = 40
SLICES_TRIED = 12  # slices of a volume that the model reads before the most suspicious one is shown
SLICE_MODEL = "mri-attention-000"
SIZE = (1920, 1040)

Steps = Iterator[Callable[[], bool]]


class ReviewFailedError(Exception):
    """A step of the review did not come to its end."""


def review(path: Path | None, out: Path) -> int:
    """Open, analyse, overlay, box, reopen; write screenshots and results to ``out``.

    Parameters
    ----------
    path
        Study to review; the demo studies when None.

    Returns
    -------
    int
        0 when every step came to its end.
    """
    out = out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if "BREASTLENS_HOME" not in os.environ:
        os.environ["BREASTLENS_HOME"] = str(out / "home")
        shutil.rmtree(out / "home" / "workspace", ignore_errors=True)
    scripts: list[Review] = []
    run([], on_ready=lambda window: scripts.append(Review(window, path, out)))
    if not scripts:
        return 1
    return scripts[0].report()


class Review(QObject):
    """Drives the window step by step; a step waits, while the event loop runs, until its condition holds."""

    def __init__(self, window: MainWindow, path: Path | None, out: Path) -> None:
        super().__init__(window)
        self.window, self.session, self.display = window, window.session, window.display
        self.path, self.out = path, out
        self.done: list[str] = []
        self.pictures: list[str] = []
        self.found: list[dict[str, object]] = []
        self.failure = ""
        window.resize(*SIZE)
        window.session.notices.raised.connect(lambda notice: self._fail(str(notice)))
        self._steps = self._script()
        self._condition: Callable[[], bool] = lambda: True
        self._since = time.monotonic()
        self._timer = QTimer(self, interval=POLL_MS, timeout=self._advance)
        self._timer.start()

    # -- driving ---------------------------------------------------------------------------------------------------

    def _advance(self) -> None:
        if not self._condition():
            if time.monotonic() - self._since > LONGEST_STEP_S:
                self._fail(f"nothing happened for {LONGEST_STEP_S:.0f} s after: {self.done[-1:] or 'the start'}")
            return
        self._since = time.monotonic()
        try:
            self._condition = next(self._steps)
        except StopIteration:
            self._finish()
        except ReviewFailedError as error:
            self._fail(str(error))

    def _fail(self, reason: str) -> None:
        self.failure = self.failure or reason
        self._finish()

    def _finish(self) -> None:
        self._timer.stop()
        self.window.close()

    def _picture(self, name: str) -> None:
        file = f"{len(self.pictures) + 1:02d}-{name}.png"
        self.window.grab().save(str(self.out / file))
        self.pictures.append(file)

    def report(self) -> int:
        """Write ``review.json``, say where everything is, and return the exit status."""
        document = {"steps": self.done, "pictures": self.pictures, "studies": self.found, "failure": self.failure}
        (self.out / "review.json").write_text(json.dumps(document, indent=2), "utf-8")
        write = sys.stdout.write
        write("".join(f"  {step}\n" for step in self.done))
        write("".join(f"  {self.out / picture}\n" for picture in self.pictures))
        write(f"Results: {self.out / 'review.json'}\nResearch use only, not for diagnosis.\n")
        if self.failure:
            sys.stderr.write(f"The review stopped: {self.failure}\n")
        return 1 if self.failure else 0

    # -- the main job ----------------------------------------------------------------------------------------------

    def _script(self) -> Steps:
        session = self.session
        yield lambda: bool(session.readings.cards)
        self._picture("start")
        if self.path is None:
            self.window.open_demo()
        else:
            session.open_paths([self.path])
        yield lambda: session.study is not None
        for study in session.library.studies:
            yield from self._review_study(study)

    def _review_study(self, study: Study) -> Steps:
        session = self.session
        session.library.open_study(study.uid)
        yield self._settled
        self.done.append(f"opened {study.patient_name or study.patient_id} ({study.description})")
        self._picture("opened")
        yield from self._analyse(study)
        yield from self._draw_box()
        yield from self._find_again(study)

    def _analyse(self, study: Study) -> Steps:
        """Let the model read slices of the first stack it is offered, and show the most suspicious one."""
        offered = [one for one in analysis.candidates(study) if not one.refusal]
        if not offered:
            self.done.append("no image to analyse: all are derived or their contrast phase is unknown")
            return
        stack = offered[0].stack
        if stack.uid not in self.display.stack_uids:
            self.display.show_stack(stack.uid)
        self.display.grid.set_active(self.display.stack_uids.index(stack.uid))
        yield self._settled
        self._choose_model(stack)
        for index in self._slices(stack):
            self.display.pane.set_slice(index)
            self.window.commands.dispatch("ai.analyse")
            yield lambda i=index: self.session.readings.of(stack.uid, i).state not in (AiState.RUNNING, AiState.NOT_RUN)
        best = max(self._slices(stack), key=lambda index: self._suspicion(stack, index))
        self.display.pane.set_slice(best)
        yield self._settled
        self._picture("analysed")
        reading = self.session.readings.of(stack.uid, best)
        self.done.append(f"analysed slice {best + 1} of {stack.title or stack.uid}: {reading.state.value}")
        self.found.append(self._result(study, stack, best))

    def _choose_model(self, stack: Stack) -> None:
        """Choose the model of single MR slices where it may read the image, else every model that fits."""
        refused = self.session.readings.why_not(SLICE_MODEL, stack.uid, len(stack.frames) // 2)
        chosen = self.window.findings.model
        chosen.setCurrentIndex(max(0, chosen.findData("" if refused else SLICE_MODEL)))

    def _slices(self, stack: Stack) -> list[int]:
        count = len(stack.frames)
        step = max(1, count // SLICES_TRIED)
        return list(range(step // 2, count, step))

    def _suspicion(self, stack: Stack, index: int) -> float:
        result = self.session.readings.of(stack.uid, index).result
        return max((1 - s.value for s in result.scores if s.name == "normal"), default=0.0) if result else -1.0

    def _result(self, study: Study, stack: Stack, index: int) -> dict[str, object]:
        reading = self.session.readings.of(stack.uid, index)
        scores = {score.name: score.value for score in reading.result.scores} if reading.result else {}
        return {
            "study": study.uid, "stack": stack.uid, "slice": index + 1, "state": reading.state.value, "scores": scores,
        }  # fmt: skip

    def _draw_box(self) -> Steps:
        """Accept the model's finding where there is one, and draw a box by dragging the mouse over the image."""
        before = len(self.session.annotations.boxes)
        if self.display.marks.open_findings():
            self.window.commands.dispatch("ai.accept")
            yield lambda: len(self.session.annotations.boxes) > before
            self.done.append("made a box of the model's finding")
            before = len(self.session.annotations.boxes)
        pane, grid = self.display.pane, self.display.grid
        grid.set_tool("box")
        middle = _brightest_place(pane)
        start, stop = middle - QPoint(40, 40), middle + QPoint(40, 40)
        QTest.mousePress(pane, Qt.MouseButton.LeftButton, pos=start)
        QTest.mouseMove(pane, (start + stop) / 2)
        QTest.mouseMove(pane, stop)
        QTest.mouseRelease(pane, Qt.MouseButton.LeftButton, pos=stop)
        yield lambda: len(self.session.annotations.boxes) > before
        grid.set_tool("navigate")
        self.window.tabs.setCurrentWidget(self.window.boxes)
        yield self._settled
        self.done.append("drew a box with the mouse")
        self._picture("boxed")

    def _find_again(self, study: Study) -> Steps:
        """Close the study, open it again, and compare what comes back."""
        kept = {box.uid for box in self.session.annotations.boxes}, {one.uid for one in self.session.readings.stored}
        self.session.library.close_study()
        yield self._settled
        self.session.library.open_study(study.uid)
        yield self._settled
        back = {box.uid for box in self.session.annotations.boxes}, {one.uid for one in self.session.readings.stored}
        if back != kept:
            raise ReviewFailedError("boxes or results did not come back when the study was opened again")
        self.done.append(f"closed and reopened: {len(back[0])} boxes and {len(back[1])} results came back")
        self._picture("found-again")

    def _settled(self) -> bool:
        """Whether everything on show is loaded and no job that a user waits for is under way."""
        shown = [uid for uid in self.display.stack_uids if uid]
        ready = all(
            self.session.images.loaded(uid) is not None or uid in self.session.images.unreadable for uid in shown
        )
        return ready and not any(not job.quiet for job in self.session.jobs.active)


def _brightest_place(pane: Pane) -> QPoint:
    """Return the widget position around which the image on show is brightest, smoothed over 10 mm or so."""
    picture = pane.image(furniture=False).convertToFormat(QImage.Format.Format_Grayscale8)
    width, height = picture.width() // 16, picture.height() // 16
    small = picture.scaled(
        width, height, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
    inner = ((x, y) for y in range(height // 5, height // 2) for x in range(width // 6, 5 * width // 6))
    x, y = max(inner, key=lambda place: small.pixelColor(*place).lightness())
    return QPoint(round((x + 0.5) * pane.width() / width), round((y + 0.5) * pane.height() / height))
