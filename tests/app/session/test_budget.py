"""Budget: the rule for how much memory images may take, and what goes first when it is full."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pytest

from app.session.budget import FLOOR, RESERVE, ImageShelf, Machine, budget_of, bytes_of, size_text
from app.studies.load import LoadedStack
from app.studies.study import Frame, Stack
from viewer.presentation import Presentation, Window

GB, MB = 2**30, 2**20


def image(array: np.ndarray) -> LoadedStack:
    frames = tuple(Frame(Path("x"), k, f"x.{k}") for k in range(len(array)))
    stack = Stack("x", "x", frames, *array.shape[1:], "x")
    volume = highdicom.Volume(array, np.eye(4), coordinate_system="PATIENT", frame_of_reference_uid="1.2")
    return LoadedStack(stack, volume, Presentation((Window(1, 2),)), True, True, None, {})


def of_size(megabytes: int) -> LoadedStack:
    return image(np.zeros((megabytes, 1024, 1024), np.uint8))  # never touched: the system gives no page for it


@pytest.mark.parametrize(
    ("share", "total", "program", "images", "limit"),
    [
        (0.5, 24 * GB, 1 * GB, 0, 12 * GB - RESERVE - 1 * GB),
        (0.5, 24 * GB, 9 * GB, 8 * GB, 12 * GB - RESERVE - 1 * GB),  # images are not counted against themselves
        (0.9, 64 * GB, 1 * GB, 2 * GB, int(0.9 * 64 * GB) - RESERVE),
        (0.1, 4 * GB, 1 * GB, 0, FLOOR),
    ],
)
def test_the_budget_is_a_share_less_reserve_and_program(
    share: float, total: int, program: int, images: int, limit: int
) -> None:
    assert budget_of(share, images, Machine(total, total // 2, program)).limit == limit


def test_a_machine_that_is_short_of_memory_lowers_the_limit() -> None:
    short = budget_of(0.5, 8 * GB, Machine(24 * GB, RESERVE - 100 * MB, 9 * GB))
    assert short.short
    assert short.limit == 8 * GB - 100 * MB
    assert not budget_of(0.5, 8 * GB, Machine(24 * GB, RESERVE, 9 * GB)).short


def test_this_machine_can_be_measured() -> None:
    machine = Machine.now()
    assert 0 < machine.available <= machine.total
    assert 0 < machine.program < machine.total


def test_shared_arrays_count_once_and_views_as_their_owner() -> None:
    array = np.zeros((4, 8, 8), np.uint16)
    one = image(array)
    assert bytes_of([one]) == array.nbytes
    assert bytes_of([one, one, image(array[1:]), image(array[:, ::2])]) == array.nbytes
    assert bytes_of([one, image(array.copy())]) == 2 * array.nbytes


def test_the_least_recently_used_goes_first() -> None:
    shelf = ImageShelf()
    for name in "abcd":
        shelf.put(name, of_size(10))
    shelf.get("a")
    shelf.peek("b")
    assert shelf.evict(25 * MB, ()) == ("b", "c")
    assert list(shelf) == ["d", "a"]
    assert shelf.bytes == 20 * MB


def test_nothing_pinned_goes_even_beyond_the_limit() -> None:
    shelf = ImageShelf()
    for name in "abc":
        shelf.put(name, of_size(10))
    assert shelf.evict(0, ("a", "c")) == ("b",)
    assert shelf.evict(0, ("a", "c")) == ()
    assert "a" in shelf


def test_an_image_in_the_place_of_another_keeps_its_age() -> None:
    shelf = ImageShelf()
    for name in "ab":
        shelf.put(name, of_size(10))
    shelf.replace("a", of_size(5))
    assert shelf.evict(12 * MB, ()) == ("a",)


@pytest.mark.parametrize(("count", "text"), [(820 * MB, "820 MB"), (1.2 * GB, "1.2 GB"), (0, "0 MB")])
def test_sizes_read_as_people_say_them(count: float, text: str) -> None:
    assert size_text(count) == text
