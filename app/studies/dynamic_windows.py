"""Dynamic windows: one window for all phases of a dynamic series, and one for all of its subtractions. Qt-free.

Enhancement and washout can only be seen where equal grey means equal signal: scanners store another window with every
phase. What the files say stays among the choices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from app.studies.derived import parse
from app.studies.errors import StudyError
from app.studies.hanging.sides import partner_of
from app.studies.study import Dynamic, Stack, Study
from viewer.presentation import VoiFunction, Window

if TYPE_CHECKING:
    from app.studies.load import LoadedStack

Windows = tuple[Window, ...]
_SLICES = 12  # that a window is estimated on
_PHASE_PERCENTS = (0.5, 99.8)  # of all values: a lesion and vessels must not be flat white
_ALIKE = 0.5  # of a grey value: windows closer than that are the same


class DynamicWindows:
    """The windows of the dynamic series of the open studies, each worked out once."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Windows] = {}
        self._lock = Lock()

    def applied(self, study: Study, loaded: LoadedStack) -> LoadedStack:
        """Return a phase with the window of the first post-contrast phase chosen, other images as they are.

        It is the window that phase has in its file, else one worked out over its slices, and over those of the other
        breast where that has a dynamic series of its own.
        """
        place = study.phase_of(loaded.stack.uid)
        if place is None or loaded.volume.array.ndim != 3:
            return loaded
        dynamic, index = place
        windows = self._of(study, dynamic, "phases", _phase_windows, {loaded.stack.uid: loaded})
        if not windows or _same(windows[0], loaded.presentation.vois[0]):
            return loaded
        window = windows[0]
        if index != _first_post(dynamic):
            window = replace(window, explanation=f"As {dynamic.phases[_first_post(dynamic)].label}")
        own = loaded.presentation
        return replace(loaded, presentation=replace(own, vois=(window, *own.vois), chosen=0))

    def of_subtraction(self, study: Study, uid: str, sources: Sequence[LoadedStack] = ()) -> Windows:
        """Return the windows of every subtraction of a dynamic series; () where they cannot be worked out.

        Parameters
        ----------
        uid
            Of a subtraction.
        sources
            Images in memory, which need not be read.
        """
        derived = parse(uid)
        place = study.phase_of(derived.reference) if derived is not None else None
        if place is None or place[1] != (place[0].pre_index or 0):
            return ()
        there = {loaded.stack.uid: loaded for loaded in sources}
        return self._of(study, place[0], "subtractions", _subtraction_windows, there)

    def _of(self, study: Study, dynamic: Dynamic, what: str, find: _Find, there: dict[str, LoadedStack]) -> Windows:
        if _first_post(dynamic) >= len(dynamic.phases):
            return ()
        key = (what, *(phase.stack_uid for phase in dynamic.phases[: _first_post(dynamic) + 1]))
        with self._lock:
            if key not in self._known:
                try:
                    self._known[key] = find(study, dynamic, there)
                except StudyError:  # the image says itself why it cannot be read
                    return ()
            return self._known[key]


_Find = Callable[[Study, Dynamic, dict[str, "LoadedStack"]], Windows]


def _first_post(dynamic: Dynamic) -> int:
    return (dynamic.pre_index or 0) + 1


def _same(one: Window, other: object) -> bool:
    if not isinstance(other, Window) or one.function is not other.function:
        return False
    return abs(one.center - other.center) <= _ALIKE and abs(one.width - other.width) <= _ALIKE


# --- phases -------------------------------------------------------------------------------------------------------


def _phase_windows(study: Study, dynamic: Dynamic, there: dict[str, LoadedStack]) -> Windows:
    own = _phase_window(study, dynamic, there)
    partner = partner_of(study, dynamic)
    if own is None or own.origin != "computed" or partner is None or _first_post(partner) >= len(partner.phases):
        return () if own is None else (own,)
    other = _phase_window(study, partner, there)
    return (own if other is None or other.origin != "computed" else _wider(own, other),)


def _phase_window(study: Study, dynamic: Dynamic, there: dict[str, LoadedStack]) -> Window | None:
    from app.studies.load import load_stack, middle_slice

    stack = study.stack(dynamic.phases[_first_post(dynamic)].stack_uid)
    loaded = there.get(stack.uid)
    shown = loaded if loaded is not None else load_stack(middle_slice(study, stack.uid), stack.uid)
    window = shown.presentation.vois[0]
    if not isinstance(window, Window) or window.origin == "file":
        return window if isinstance(window, Window) else None
    array = _values(study, stack, [n for n, frame in enumerate(stack.frames) if frame.index >= 0], loaded)
    low, high = (float(value) for value in np.percentile(array[np.isfinite(array)], _PHASE_PERCENTS))
    return replace(window, center=(low + high) / 2, width=max(high - low, 1.0), function=VoiFunction.LINEAR_EXACT)


def _wider(one: Window, other: Window) -> Window:
    low = min(one.center - one.width / 2, other.center - other.width / 2)
    high = max(one.center + one.width / 2, other.center + other.width / 2)
    return replace(one, center=(low + high) / 2, width=high - low)


# --- subtractions -------------------------------------------------------------------------------------------------


def _subtraction_windows(study: Study, dynamic: Dynamic, there: dict[str, LoadedStack]) -> Windows:
    partner = partner_of(study, dynamic)
    found = [_enhancement(study, one, there) for one in (dynamic, partner) if one is not None]
    return max((windows for windows in found if windows), key=lambda windows: windows[0].width, default=())


def _enhancement(study: Study, dynamic: Dynamic, there: dict[str, LoadedStack]) -> Windows:
    from app.studies.derive import enhancement_windows

    first = _first_post(dynamic)
    if first >= len(dynamic.phases):
        return ()
    post, pre = (study.stack(dynamic.phases[n].stack_uid) for n in (first, dynamic.pre_index or 0))
    pairs = _common(post, pre)
    if not pairs or (post.rows, post.columns) != (pre.rows, pre.columns):
        return ()
    late = _values(study, post, [pair[0] for pair in pairs], there.get(post.uid))
    early = _values(study, pre, [pair[1] for pair in pairs], there.get(pre.uid))
    return enhancement_windows(late - early, late)


def _common(post: Stack, pre: Stack) -> list[tuple[int, int]]:
    """Return the slices that both phases have, counted in each."""
    places = {_place(frame.position_mm): number for number, frame in enumerate(pre.frames) if frame.index >= 0}
    found = ((number, places.get(_place(frame.position_mm))) for number, frame in enumerate(post.frames))
    return [(here, there) for here, there in found if there is not None and post.frames[here].index >= 0]


def _place(position_mm: tuple[float, float, float] | None) -> tuple[float, ...] | None:
    return None if position_mm is None else tuple(round(value, 1) for value in position_mm)


# --- slices -------------------------------------------------------------------------------------------------------


def _values(study: Study, stack: Stack, wanted: Sequence[int], loaded: LoadedStack | None) -> np.ndarray:
    """Return evenly spread ones of the wanted slices, from memory where the image is there: float32, padding NaN."""
    from app.studies.load import load_stack

    picks = np.unique(np.linspace(0, len(wanted) - 1, min(_SLICES, len(wanted))).round().astype(int))
    numbers = [wanted[pick] for pick in picks]
    if loaded is not None and len(loaded.volume.array) == len(stack.frames):
        return _without_padding(loaded, loaded.volume.array[numbers])
    some = replace(stack, frames=tuple(stack.frames[number] for number in numbers), notes=())
    series, _ = study.series_of(stack.uid)
    alone = replace(study, series=(replace(series, stacks=(some,)),), dynamics=())
    made = load_stack(alone, stack.uid)
    return _without_padding(made, made.volume.array)


def _without_padding(loaded: LoadedStack, array: np.ndarray) -> np.ndarray:
    values, padding = np.asarray(array, np.float32), loaded.presentation.padding
    if padding is None:
        return values
    return np.where((values >= padding.low) & (values <= padding.high), np.float32(np.nan), values)
