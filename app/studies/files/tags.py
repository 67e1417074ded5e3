"""Header values read leniently: what a file says, or nothing, but never an exception for one odd value."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import pydicom.config
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence

# A value outside its VR's rules is still the best there is; it is shown, not complained about.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

_UNREADABLE = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    OverflowError,
    NotImplementedError,
    EOFError,
)
_TIME = re.compile(r"^(\d{2}):?(\d{2})?:?(\d{2})?(?:[.,](\d{1,6}))?\s*$")
SECONDS_PER_DAY = 86400.0
#: Overlay Rows (60xx,0010) of the sixteen overlay planes a file may carry (PS3.3 C.9.2).
OVERLAY_ROWS = tuple(0x60000010 + 0x20000 * plane for plane in range(16))


def raw(dataset: Dataset, keyword: str) -> Any:
    """Return the value of an attribute, None where it is absent, empty or unreadable."""
    try:
        value = dataset.get(keyword)
    except _UNREADABLE:
        return None
    if value is None or (isinstance(value, (str, bytes, MultiValue, list)) and not len(value)):
        return None
    return value


def text(dataset: Dataset, keyword: str) -> str:
    """Return an attribute as text, several values joined by a backslash; empty where absent."""
    value = raw(dataset, keyword)
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    parts = value if isinstance(value, (MultiValue, list, tuple)) else [value]
    return "\\".join(str(part).strip(" \0\t\r\n") for part in parts).strip()


def texts(dataset: Dataset, keyword: str) -> tuple[str, ...]:
    """Return the values of an attribute as texts without the empty ones."""
    return tuple(part for part in text(dataset, keyword).split("\\") if part)


def _finite(value: Any) -> float | None:
    try:
        number = float(str(value).strip(" \0").replace(",", "."))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _plain(dataset: Dataset, keyword: str) -> list[Any]:
    try:
        value = dataset.get(keyword)
    except _UNREADABLE:
        return _undecoded(dataset, keyword)
    if value is None:
        return []
    return list(value) if isinstance(value, (MultiValue, list, tuple)) else [value]


def _undecoded(dataset: Dataset, keyword: str) -> list[Any]:
    """Values of an element that pydicom cannot convert, split as text."""
    try:
        element = dataset.get_item(keyword)
    except _UNREADABLE:
        return []
    content = getattr(element, "value", b"")
    return content.decode("ascii", "replace").split("\\") if isinstance(content, bytes) else []


def numbers(dataset: Dataset, keyword: str) -> tuple[float | None, ...]:
    """Return the values of a numeric attribute; None in the place of each that is not a finite number."""
    return tuple(_finite(part) for part in _plain(dataset, keyword))


def vector(dataset: Dataset, keyword: str, length: int) -> tuple[float, ...] | None:
    """Return exactly ``length`` finite numbers, else None."""
    values = tuple(value for value in numbers(dataset, keyword) if value is not None)
    return values if len(values) == length else None


def number(dataset: Dataset, keyword: str) -> float | None:
    """Return the first value of a numeric attribute; None where it is absent or not a finite number."""
    values = numbers(dataset, keyword)
    return values[0] if values else None


def integer(dataset: Dataset, keyword: str) -> int | None:
    """Return the first value of a numeric attribute as an integer, None where it is not one."""
    value = number(dataset, keyword)
    return int(value) if value is not None and abs(value) < 2**63 else None


def items(dataset: Dataset, keyword: str) -> tuple[Dataset, ...]:
    """Return the items of a sequence, none where it is absent or not a sequence."""
    value = raw(dataset, keyword)
    if value is None or isinstance(value, (str, bytes, int, float)):
        return ()
    return tuple(entry for entry in value if isinstance(entry, Dataset))


def first_item(dataset: Dataset, keyword: str) -> Dataset | None:
    """Return the first item of a sequence, None where there is none."""
    found = items(dataset, keyword)
    return found[0] if found else None


def functional_groups(dataset: Dataset, frame_index: int, keyword: str) -> Iterator[Dataset]:
    """Yield the functional group of a frame: per-frame (5200,9230) first, then shared (5200,9229)."""
    per_frame = raw(dataset, "PerFrameFunctionalGroupsSequence")
    if isinstance(per_frame, Sequence) and frame_index < len(per_frame):
        yield from items(per_frame[frame_index], keyword)[:1]
    shared = first_item(dataset, "SharedFunctionalGroupsSequence")
    if shared is not None:
        yield from items(shared, keyword)[:1]


def time_of_day_s(dataset: Dataset, keyword: str) -> float | None:
    """Return a TM attribute in seconds since midnight; None where it is absent or malformed."""
    return seconds_of_time(text(dataset, keyword).split("\\")[0])


def seconds_of_time(value: str) -> float | None:
    """Return ``HHMMSS.ffffff`` (PS3.5 6.2 TM, also with colons) in seconds since midnight."""
    match = _TIME.match(value.strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups()[:3])
    if hours > 23 or minutes > 59 or seconds > 60:
        return None
    fraction = match.group(4)
    return hours * 3600.0 + minutes * 60.0 + seconds + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)


def day_of(value: str) -> int | None:
    """Return ``YYYYMMDD`` (PS3.5 6.2 DA) as a day number; None where it is no date."""
    digits = value.replace(".", "").replace("-", "")[:8]
    if len(digits) != 8 or not digits.isdigit():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:])).toordinal()
    except ValueError:
        return None


def date_time(dataset: Dataset, keyword: str) -> tuple[int | None, float | None]:
    """Return a DT attribute as day number and seconds since midnight."""
    value = text(dataset, keyword).split("\\")[0]
    plain = re.split(r"[+-]\d{4}$", value)[0]
    return day_of(plain[:8]), seconds_of_time(plain[8:]) if len(plain) > 8 else None
