"""``breastlens train``: trains a system, resumable, with a table of what was measured at the end."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from app.cli.outcome import meter, meter_done
from inference.errors import EngineError
from inference.progress import Cancelled, Progress
from inference.training.systems import SYSTEMS


def run(options: argparse.Namespace) -> int:
    """Train, or go on; print what was measured.

    Returns
    -------
    int
        0 where it was trained to its end or for the minutes asked for, 130 where the user stopped it.
    """
    import torch

    from inference.training.request import Request

    if options.threads:
        torch.set_num_threads(options.threads)
    changes = dict(_change(text) for text in options.set)
    request = Request(
        options.work, options.data, options.exams, options.out, _settings(options), changes, options.folds,
        options.fold, options.ray,
    )  # fmt: skip
    progress = Progress(meter)
    system = SYSTEMS[options.system]
    for name in system.needs:
        request.folder(name)
    stopped: list[str] = []
    try:
        with _until(progress, options.minutes, stopped), _interruptible(progress, stopped):
            report = system.train(request, progress, _told if options.json else None)
    except Cancelled:
        meter_done()
        print(f"Stopped after a checkpoint in {options.work}; the same command goes on.")
        return 0 if stopped == ["time"] else 130
    meter_done()
    if options.json:
        print(json.dumps({"rows": report.rows, "notes": report.notes, "published": str(report.published or "")}))
        return 0
    print(_table(report.rows))
    for note in report.notes:
        print(note)
    if report.published is not None:
        print(f"Published: {report.published}")
    return 0


def _settings(options: argparse.Namespace) -> Any:
    from inference.training.engine.settings import Settings

    return Settings(options.seed, options.device, options.precision, options.accumulate, options.patience)


def _change(text: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise EngineError(f"--set {text!r} is no change.", "Write it as --set steps=500.")
    return key.strip(), value.strip()


@contextmanager
def _until(progress: Progress, minutes: float, stopped: list[str]) -> Iterator[None]:
    """Cancel a progress once so many minutes have gone by and note it; 0 never does."""

    def stop() -> None:
        stopped.append("time")
        progress.cancel()

    timer = threading.Timer(60 * minutes, stop)
    timer.daemon = True
    if minutes:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _interruptible(progress: Progress, stopped: list[str]) -> Iterator[None]:
    """Let Ctrl+C stop a training after its checkpoint instead of in the midst of a step."""

    def stop(*_: object) -> None:
        stopped.append("user")
        progress.cancel()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _told(event: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as aligned text; every key is a column."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if not columns:
        return ""
    cells = [columns, *([_text(row.get(key, "")) for key in columns] for row in rows)]
    widths = [max(len(line[n]) for line in cells) for n in range(len(columns))]
    return "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in cells)


def _text(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)
