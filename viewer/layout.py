"""Layout: rows and columns of the grid by name, such as ``"2x2"``. Qt-free."""

from __future__ import annotations

import re

MOST_ROWS, MOST_COLUMNS = 4, 5
_NAME = re.compile(r"([1-9])x([1-9])")


def cells(name: str) -> tuple[int, int]:
    """Return rows and columns of a layout; ``"1"`` is ``"1x1"``. ValueError for what is no layout."""
    found = _NAME.fullmatch("1x1" if name == "1" else name)
    rows, columns = (int(found[1]), int(found[2])) if found else (0, 0)
    if not found or rows > MOST_ROWS or columns > MOST_COLUMNS:
        raise ValueError(f"layout {name!r} is not rows x columns up to {MOST_ROWS}x{MOST_COLUMNS}")
    return rows, columns


def edges(place: int, parts: int, room: int, gap: int) -> tuple[int, int]:
    """Return where one of several parts of a room begins and ends, with a gap between each and the next."""
    room += gap
    return place * room // parts, (place + 1) * room // parts - gap
