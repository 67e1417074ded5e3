"""Which request gets a decoder first, and what is said of one that ends."""

from __future__ import annotations

import threading

import pytest

from app.studies.errors import StudyError
from app.studies.pixels import decode_pool
from inference.progress import Cancelled, Progress


def test_an_image_on_show_does_not_wait_for_what_is_read_ahead() -> None:
    places = decode_pool._Places(1)
    places.acquire(Progress(), background=True)
    places.acquire(Progress(), background=False)  # would wait for ever behind the other
    assert not places._is_free(background=True)
    assert not places._is_free(background=False)


def test_background_gives_way_to_what_waits_and_can_be_cancelled() -> None:
    places = decode_pool._Places(1)
    for _ in range(2):
        places.acquire(Progress(), background=False)
    got = threading.Event()
    waiting = threading.Thread(target=lambda: (places.acquire(Progress(), background=False), got.set()))
    waiting.start()
    while not places._waiting:
        pass
    cancelled = Progress()
    cancelled.cancel()
    with pytest.raises(Cancelled):
        places.acquire(cancelled, background=True)
    places.release()
    assert got.wait(10)
    waiting.join()
    places.release()
    assert not places._is_free(background=True)
    places.release()
    assert places._is_free(background=True)


def test_the_end_of_a_decoder_is_told_by_its_own_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode_pool, "_START", "import sys; sys.exit(3)")
    pool = decode_pool.DecoderPool(1)
    with pytest.raises(StudyError, match="ended with code 3"):
        pool.run({}, (), Progress())
    assert not pool._all
