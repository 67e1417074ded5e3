"""kill -9 between strokes, fifty times: every box and measurement that was announced as saved is there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.workspace.store import Workspace

KILLS = 50
ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_fifty_kills_lose_no_stroke(folder: Path, integrity: Callable[[Path], str]) -> None:
    chance = random.Random(20261121)
    drawn: set[str] = set()
    labelled: set[str] = set()
    measured: set[str] = set()
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("strokes.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        for _ in range(KILLS):
            wait_for = chance.randint(0, 6)
            program.stdin.write(f"{folder}\n")
            child = None
            for line in program.stdout:
                word, _, rest = line.strip().partition(" ")
                assert word != "notice", rest
                child = int(rest) if word == "started" else child
                drawn |= {rest} if word == "drawn" else set()
                labelled |= {rest} if word == "labelled" else set()
                measured |= {rest} if word == "measured" else set()
                wait_for -= word in ("drawn", "labelled", "measured")
                if child is not None and wait_for <= 0:
                    os.kill(child, signal.SIGKILL)  # it may be anywhere in its next stroke
                    wait_for = 1_000_000
                if word == "ended":
                    break
            assert integrity(folder / "workspace.sqlite") == "ok" or not drawn
        program.stdin.close()
        assert program.wait() == 0
    assert len(drawn) > KILLS
    with Workspace.open(folder) as workspace:
        boxes = {box.uid: box for box in workspace.boxes("1.2")}
        measurements = {one.uid for one in workspace.measurements("1.2")}
        assert workspace.notices == ()
        assert workspace.check() == ()
    assert drawn - set(boxes) == set()
    assert measured
    assert measured - measurements == set()
    assert {uid for uid in labelled if boxes[uid].label != "IDC"} == set()
    # At most one stroke per kill was on the disk without having been announced.
    assert len(set(boxes) - drawn) + len(measurements - measured) <= KILLS
