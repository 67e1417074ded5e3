"""Any sequence of edits, undos, redos and restarts does what a plain list of states does."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from app.workspace.box import Box, Edit, Mark
from app.workspace.measurement import Measurement, Quantity
from app.workspace.store import Workspace

STUDIES = ("1.1", "1.2")
study_uids = st.sampled_from(STUDIES)
coordinates = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=True)
State = dict[str, Mark]


class Edits(RuleBasedStateMachine):
    """The model: per study a list of states and the place in it; undo and redo only move the place."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="breastlens-machine-"))
        self.workspace = Workspace.open(self.folder)
        self.states: dict[str, list[State]] = {uid: [{}] for uid in STUDIES}
        self.place = dict.fromkeys(STUDIES, 0)

    def teardown(self) -> None:
        if hasattr(self, "workspace"):
            assert self.workspace.check() == ()
            self.workspace.close()
            shutil.rmtree(self.folder)

    def _do(self, uid: str, before: Mark | None, after: Mark | None) -> None:
        self.workspace.apply(Edit(before, after, "edit"))
        state = dict(self.states[uid][self.place[uid]])
        box = after or before
        assert box is not None
        state.pop(box.uid, None)
        if after is not None:
            state[after.uid] = after
        self.states[uid] = [*self.states[uid][: self.place[uid] + 1], state]
        self.place[uid] += 1

    @rule(uid=study_uids, x=coordinates, note=st.text(max_size=8))
    def draw(self, uid: str, x: float, note: str) -> None:
        axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
        self._do(uid, None, Box(uid, "s", "i", "f", (x, 0.0, 1.0), (x, x, x), axes, note=note))

    @rule(uid=study_uids, x=coordinates, count=st.integers(2, 5))
    def measure(self, uid: str, x: float, count: int) -> None:
        axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
        grid = tuple(map(float, range(12)))
        kind = "length" if count == 2 else "freehand"
        points = tuple((x, float(n), 0.0) for n in range(count))
        self._do(uid, None, Measurement(uid, "s", "i", "f", "s", kind, points, axes, grid, "patient"))

    @rule(uid=study_uids, x=coordinates, pick=st.integers(0, 99))
    def move(self, uid: str, x: float, pick: int) -> None:
        boxes = list(self.states[uid][self.place[uid]].values())
        if boxes:
            mark = boxes[pick % len(boxes)]
            if isinstance(mark, Measurement):
                values = (Quantity("length", abs(x), "mm"),)
                self._do(uid, mark, replace(mark, points_mm=((x, 0.0, 0.0), (0.0, 0.0, 0.0)), values=values))
            else:
                self._do(uid, mark, replace(mark, corner_mm=(x, x, 0.0)))

    @rule(uid=study_uids, pick=st.integers(0, 99))
    def remove(self, uid: str, pick: int) -> None:
        boxes = list(self.states[uid][self.place[uid]].values())
        if boxes:
            self._do(uid, boxes[pick % len(boxes)], None)

    @rule(uid=study_uids)
    def undo(self, uid: str) -> None:
        done = self.workspace.undo(uid)
        assert (done is None) == (self.place[uid] == 0)
        self.place[uid] = max(0, self.place[uid] - 1)

    @rule(uid=study_uids)
    def redo(self, uid: str) -> None:
        done = self.workspace.redo(uid)
        assert (done is None) == (self.place[uid] == len(self.states[uid]) - 1)
        self.place[uid] = min(len(self.states[uid]) - 1, self.place[uid] + 1)

    @rule()
    def restart(self) -> None:
        self.workspace.close()
        self.workspace = Workspace.open(self.folder)
        assert self.workspace.notices == ()

    @precondition(lambda self: any(len(states) > 1 for states in self.states.values()))
    @rule()
    def lose_the_database(self) -> None:
        """The worst case: the file is gone, and everything comes back from backup and journal."""
        self.workspace.close()
        (self.folder / "workspace.sqlite").unlink()
        self.workspace = Workspace.open(self.folder)
        assert len(self.workspace.notices) == 1

    @invariant()
    def boxes_are_the_models(self) -> None:
        for uid in STUDIES if hasattr(self, "workspace") else ():
            drawn = (*self.workspace.boxes(uid), *self.workspace.measurements(uid))
            assert {mark.uid: mark for mark in drawn} == self.states[uid][self.place[uid]]
            history = self.workspace.history(uid)
            assert (len(history.edits), history.position) == (len(self.states[uid]) - 1, self.place[uid])


TestEdits = Edits.TestCase
TestEdits.settings = settings(
    max_examples=12, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
