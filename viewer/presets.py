"""Presets: windows worked out from the pixels on show, each with a key; the file's own choices are not touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from viewer.presentation import Padding, Presentation, Voi, VoiFunction, VoiLut, Window
from viewer.windowing import window_of

STEP = 0.7  # a step of brightness narrows the window to this share of itself


@dataclass(frozen=True)
class Preset:
    """A named window: made from the values of the slice on show and the presentation in force."""

    name: str
    title: str
    key: str
    make: Callable[[np.ndarray, Presentation], Window]


def between(low: float, high: float, title: str) -> Callable[[np.ndarray, Presentation], Window]:
    """Return a preset's rule: a window between two percentiles of the slice."""
    return lambda values, _: window_of(values, low=low, high=high, explanation=title)


def brighter(_: np.ndarray, presentation: Presentation) -> Window:
    """Narrow the window from its bright end: what was bright is lost first, what was dark stays dark."""
    return _stretched(presentation, STEP, "Brighter")


def darker(_: np.ndarray, presentation: Presentation) -> Window:
    """Widen the window at its bright end."""
    return _stretched(presentation, 1 / STEP, "Darker")


def _stretched(presentation: Presentation, share: float, title: str) -> Window:
    window = as_window(presentation.voi)
    width = max(window.width * share, 1e-6)
    fixed = 1 if presentation.invert else -1  # which edge of the window is black on the screen
    center = window.center + fixed * (window.width - width) / 2
    return replace(window, center=center, width=width, explanation=title, origin="preset")


def as_window(voi: Voi) -> Window:
    """Return a window to start from; a VOI LUT gives the range of its table."""
    if isinstance(voi, VoiLut):
        return Window(voi.first + len(voi.table) / 2, float(len(voi.table)), VoiFunction.LINEAR_EXACT)
    return voi


PRESETS = (
    Preset("full", "Full range", "2", between(0.0, 100.0, "Full range")),
    Preset("wide", "0.5–99.5 %", "3", between(0.5, 99.5, "0.5–99.5 %")),
    Preset("tight", "1–99 %", "4", between(1.0, 99.0, "1–99 %")),
    Preset("brighter", "Brighter", "5", brighter),
    Preset("darker", "Darker", "6", darker),
)
BY_NAME = {preset.name: preset for preset in PRESETS}


def with_preset(presentation: Presentation, name: str, values: np.ndarray) -> Presentation:
    """Return the presentation with a preset in force; an earlier preset makes room for it.

    Parameters
    ----------
    values
        Modality values of the slice on show; padding is left out.
    """
    window = BY_NAME[name].make(without_padding(values, presentation.padding), presentation)
    return with_window(presentation, window)


def with_window(presentation: Presentation, window: Window) -> Presentation:
    """Return the presentation with a preset window in place of an earlier one."""
    kept = tuple(voi for voi in presentation.vois if voi.origin != "preset")
    return Presentation(kept or (window,), 0, presentation.invert, presentation.padding).with_voi(window)


def without_padding(values: np.ndarray, padding: Padding | None) -> np.ndarray:
    """Return the values that are not padding, as a flat array; all of them where every one is."""
    array = np.asarray(values).reshape(-1)
    if padding is None:
        return array
    kept = array[(array < padding.low) | (array > padding.high)]
    return kept if kept.size else array
