"""Garbage: Python's cyclic collector runs in the Qt thread only, since widgets and timers must die where they live."""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 1000


class QtThreadCollector(QObject):
    """Takes over from the automatic collector, which runs in whichever thread happens to allocate.

    A worker thread that collects a cycle with a QObject in it destroys the object there, which Qt does not survive.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._thresholds = gc.get_threshold()
        self._timer = QTimer(self, interval=EVERY_MS, timeout=self.collect)
        self._timer.start()

    def collect(self) -> None:
        """Collect the generations that are due, by the counts the automatic collector goes by."""
        counts = enumerate(zip(gc.get_count(), self._thresholds, strict=True))
        due = [generation for generation, (count, limit) in counts if count > limit]
        if due:
            gc.collect(max(due))
