"""Progress: how a long calculation reports how far it is and learns that it was cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Cancelled(Exception):  # noqa: N818 - a control-flow signal, not an error
    """Raised by :meth:`Progress.check` once the user has cancelled."""


class Progress:
    """Progress of one job, shared between the thread that works and the one that watches.

    Parameters
    ----------
    on_report
        Called as ``on_report(fraction, text)`` in the working thread. ``None`` listens to nothing.
    """

    def __init__(self, on_report: Callable[[float, str], None] | None = None) -> None:
        self._on_report = on_report
        self._cancelled = threading.Event()

    def report(self, fraction: float, text: str = "") -> None:
        """Say how far the job is (0 to 1) and what it is doing; raises :class:`Cancelled` when cancelled."""
        self.check()
        if self._on_report is not None:
            self._on_report(min(max(fraction, 0.0), 1.0), text)

    def check(self) -> None:
        """Raise :class:`Cancelled` if the job was cancelled."""
        if self._cancelled.is_set():
            raise Cancelled

    def cancel(self) -> None:
        """Ask the job to stop at its next report or check."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def part(self, start: float, stop: float, prefix: str = "") -> Progress:
        """Return a view on this progress whose 0 to 1 is ``start`` to ``stop`` of the whole; its texts get a prefix."""
        part = Progress(lambda fraction, text: self.report(start + fraction * (stop - start), prefix + text))
        part._cancelled = self._cancelled
        return part
