"""Garbage: a cycle is never destroyed in a worker thread, and is destroyed in the Qt thread."""

from __future__ import annotations

import gc
import threading

from pytestqt.qtbot import QtBot

from app.garbage import QtThreadCollector


class Cycle:
    destroyed_in: list[int]

    def __init__(self, destroyed_in: list[int]) -> None:
        self.me, self.destroyed_in = self, destroyed_in

    def __del__(self) -> None:
        self.destroyed_in.append(threading.get_ident())


def test_cycles_die_in_the_qt_thread_only(qtbot: QtBot) -> None:
    collector = QtThreadCollector()
    destroyed_in: list[int] = []

    def work() -> None:
        for _ in range(100):
            Cycle(destroyed_in)
        _ = [[[]] for _ in range(50_000)]  # far beyond the automatic collector's threshold

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert destroyed_in == []
    collector.collect()
    gc.collect()
    assert len(destroyed_in) == 100
    assert set(destroyed_in) == {threading.get_ident()}
