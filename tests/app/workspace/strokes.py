"""A program that draws boxes and measurements until it is killed; it announces each once the workspace has saved it.

Reads a folder per line from standard input and forks a fresh program for each, so that 50 kills cost one import.
"""

from __future__ import annotations

import itertools
import os
import sys
from dataclasses import replace
from pathlib import Path

from app.workspace import opened  # noqa: F401 - imported once, before the forks
from app.workspace.box import Box, Edit
from app.workspace.measurement import Measurement, Quantity
from app.workspace.store import Workspace


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def draw(folder: Path) -> None:
    workspace = Workspace.open(folder)
    for sentence in workspace.notices:
        say(f"notice {sentence}")
    axes = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    for number in itertools.count():
        box = Box("1.2", "1.3", "1.4", "1.5", (float(number), 0.1, 0.2), (1.0, 2.0, 3.0), axes)
        workspace.apply(Edit(None, box, "draw"))
        say(f"drawn {box.uid}")
        if number % 3 == 1:
            labelled = replace(box, label="IDC")
            workspace.apply(Edit(box, labelled, "label"))
            say(f"labelled {box.uid}")
        if number % 3 == 2:
            line = ((float(number), 0.0, 0.0), (1.0, 2.0, 3.0))
            length = (Quantity("length", float(number), "mm"),)
            grid = tuple(map(float, range(12)))
            one = Measurement("1.2", "1.3", "1.4", "1.5", "1.3", "length", line, axes, grid, "patient", length)
            workspace.apply(Edit(None, one, "measure"))
            say(f"measured {one.uid}")


def main() -> None:
    say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            draw(Path(line.strip()))
        say(f"started {child}")
        os.waitpid(child, 0)
        say("ended")


if __name__ == "__main__":
    main()
