"""Sharpening: when the coarse picture of the volume view is followed by the sharp one, band by band."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

STILL_AFTER_MS = 160
BREATH_MS = 5  # between two bands: time for mouse, keys and the other panes


class Sharpening:
    """Calls for a band after the view was left alone for a moment, until there is no more to do.

    Parameters
    ----------
    band
        Draws the next band; returns whether there are more.
    """

    def __init__(self, parent: QObject, band: Callable[[], bool]) -> None:
        self._band = band
        self._waiting: list[Callable[[], object]] = []
        self._timer = QTimer(parent, singleShot=True, timeout=self._step)

    def start(self) -> None:
        """Begin in a moment; anew where it has begun."""
        self._timer.start(STILL_AFTER_MS)

    def stop(self) -> None:
        """Draw no more; who waits is told."""
        self._timer.stop()
        self.done()

    def wait(self, then: Callable[[], object]) -> None:
        """Call a function when the picture is sharp."""
        self._waiting.append(then)

    def done(self) -> None:
        """Tell who waits."""
        waiting, self._waiting = self._waiting, []
        for then in waiting:
            then()

    def _step(self) -> None:
        if self._band():
            self._timer.start(BREATH_MS)
        else:
            self.done()
