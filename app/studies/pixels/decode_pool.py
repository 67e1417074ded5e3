"""Decoder pool: a few decoder processes kept warm; one that dies costs an error message, never the window."""

from __future__ import annotations

import atexit
import os
import queue
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.studies.errors import StudyError
from app.studies.pixels.decode_worker import receive, send
from inference.progress import Progress

#: Processes kept; two frames at once saturate two cores, more help tomosynthesis on larger machines.
SIZE = max(1, min(4, os.cpu_count() or 1))
#: Seconds one request may take before its process is taken for hung: far above any real frame.
LIMIT_S = 60.0
_POLL_S = 0.05
_START = (
    "import sys; sys.path[:0] = [sys.argv[1]]; "
    "from app.studies.pixels.decode_worker import main; main(int(sys.argv[2]))"
)
_ROOT = Path(__file__).resolve().parents[3]


class Decoder:
    """One decoder process and the socket to it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", _START, str(_ROOT), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        self.channel = ours
        self.ready = False

    def run(self, request: dict[str, Any], descriptors: tuple[int, ...], progress: Progress) -> None:
        """Send a request and wait for its end, looking at cancellation twenty times a second.

        Raises
        ------
        StudyError
            When the frames cannot be decoded, or the process died or hung over them.
        Cancelled
            When the progress was cancelled.
        """
        self._await_ready(progress)
        try:
            send(self.channel, request, descriptors)
        except OSError as error:
            raise StudyError(self._epitaph()) from error
        limit = time.monotonic() + LIMIT_S
        message = self._next(progress, limit)
        if "done" not in message:
            raise DecodingError(str(message.get("error")), str(message.get("hint", "")))

    def _await_ready(self, progress: Progress) -> None:
        if not self.ready:
            self._next(progress, time.monotonic() + LIMIT_S)
            self.ready = True

    def _next(self, progress: Progress, limit: float) -> dict[str, Any]:
        while not select.select([self.channel], [], [], _POLL_S)[0]:
            progress.check()
            if time.monotonic() > limit:
                raise StudyError(f"Decoding one image took longer than {LIMIT_S:.0f} seconds and was stopped.")
        try:
            received = receive(self.channel)
        except (OSError, ValueError):
            received = None
        if received is None or not isinstance(received[0], dict):
            raise StudyError(self._epitaph(), "The file is probably damaged; the other images are not affected.")
        return received[0]

    def _epitaph(self) -> str:
        with suppress(subprocess.TimeoutExpired):  # its own end says more than being ended
            self.process.wait(0.5)
        code = self.process.returncode
        self.close()
        cause = "stopped answering" if code is None else f"ended with code {code}"
        if code is not None and code < 0:
            cause = f"was killed by signal {signal.Signals(-code).name}"
        return f"The decoder {cause} while reading this image; the image cannot be shown."

    def close(self) -> None:
        """End the process now."""
        self.channel.close()
        self.process.kill()
        self.process.wait()


class DecodingError(StudyError):
    """The decoder answered that the image is bad; the process itself is fine."""


class _Places:
    """How many requests may run at a time; what the user waits for goes before what is read ahead.

    One place beyond ``size`` is kept for the foreground, so that an image on show never waits for a batch that is
    being decoded for later.
    """

    def __init__(self, size: int) -> None:
        self._size, self._busy, self._waiting = size, 0, 0
        self._changed = threading.Condition()

    def acquire(self, progress: Progress, *, background: bool) -> None:
        """Wait for a place; raises Cancelled when the progress is cancelled meanwhile."""
        with self._changed:
            self._waiting += not background
            try:
                while not self._is_free(background):
                    self._changed.wait(_POLL_S)
                    progress.check()
                self._busy += 1
            finally:
                self._waiting -= not background

    def _is_free(self, background: bool) -> bool:
        if background:
            return self._busy < self._size and not self._waiting
        return self._busy <= self._size

    def release(self) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()


class DecoderPool:
    """Hands out decoder processes; starts them on first use and replaces those that died.

    Parameters
    ----------
    size
        Most processes at one time; the foreground may have one more.
    """

    def __init__(self, size: int = SIZE) -> None:
        self.size = size
        self._idle: queue.LifoQueue[Decoder] = queue.LifoQueue()
        self._places = _Places(size)
        self._lock = threading.Lock()
        self._all: set[Decoder] = set()

    def warm_up(self) -> None:
        """Start every process now, without waiting for them."""
        missing = self.size + 1 - len(self._all)
        for decoder in [self._start() for _ in range(missing)]:
            self._idle.put(decoder)

    def run(
        self, request: dict[str, Any], descriptors: tuple[int, ...], progress: Progress, *, background: bool = False
    ) -> None:
        """Decode on the next free process; see :meth:`Decoder.run`. Background requests give way to all others."""
        self._places.acquire(progress, background=background)
        decoder = None
        try:
            decoder = self._take()
            decoder.run(request, descriptors, progress)
        except DecodingError:
            self._idle.put(decoder)  # type: ignore[arg-type]
            raise
        except BaseException:
            if decoder is not None:
                self._discard(decoder)
            raise
        else:
            self._idle.put(decoder)
        finally:
            self._places.release()

    def close(self) -> None:
        """End all processes."""
        with self._lock:
            decoders, self._all = self._all, set()
            self._idle = queue.LifoQueue()
        for decoder in decoders:
            decoder.close()

    def _take(self) -> Decoder:
        while True:
            try:
                decoder = self._idle.get_nowait()
            except queue.Empty:
                return self._start()
            if decoder.process.poll() is None:
                return decoder
            self._discard(decoder)

    def _start(self) -> Decoder:
        try:
            decoder = Decoder()
        except OSError as error:
            raise StudyError(f"The decoder process cannot be started: {error}.") from error
        with self._lock:
            self._all.add(decoder)
        return decoder

    def _discard(self, decoder: Decoder) -> None:
        decoder.close()
        with self._lock:
            self._all.discard(decoder)


#: The pool of this program.
POOL = DecoderPool()
atexit.register(POOL.close)
