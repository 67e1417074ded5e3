"""Parameters: maps of single numbers: enhancement, wash-in, wash-out, time to peak, signal enhancement ratio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.kinetics.classes import KineticSettings
from inference.kinetics.maps import KineticMaps
from inference.kinetics.timing import KineticsError

if TYPE_CHECKING:
    from highdicom import Volume

_Slice = Callable[[KineticMaps, int], np.ndarray]


@dataclass(frozen=True)
class Parameter:
    """One parameter map.

    Attributes
    ----------
    name
        In file names and on the command line.
    needs_times, needs_delayed
        Whether it is undefined where times are not known, or where only one phase comes after contrast.
    help
        How it is defined, for the user.
    """

    name: str
    title: str
    unit: str
    help: str
    at: _Slice
    needs_times: bool = False
    needs_delayed: bool = False


def _times(maps: KineticMaps, index: np.ndarray) -> np.ndarray:
    return np.asarray(maps.timing.times, np.float32)[index]


def _last(maps: KineticMaps, k: int) -> np.ndarray:
    """Return the enhancement of the delayed phase, per cent."""
    return (maps.initial[k] + 100) * (1 + maps.change[k] / 100) - 100


def _wash_in(maps: KineticMaps, k: int) -> np.ndarray:
    return maps.initial[k] / _times(maps, maps.initial_index[k])


def _wash_out(maps: KineticMaps, k: int) -> np.ndarray:
    assert maps.timing.delayed is not None
    minutes = (maps.timing.times[maps.timing.delayed] - _times(maps, maps.initial_index[k])) / 60
    return (maps.initial[k] - _last(maps, k)) / minutes


def _time_to_peak(maps: KineticMaps, k: int) -> np.ndarray:
    return np.where(np.isnan(maps.highest[k]), np.float32(np.nan), _times(maps, maps.highest_index[k]))


def _ser(maps: KineticMaps, k: int) -> np.ndarray:
    last = _last(maps, k)
    return np.where(last > 0, maps.initial[k] / last, np.float32(np.nan))


PARAMETERS: dict[str, Parameter] = {
    one.name: one
    for one in (
        Parameter(
            "initial_enhancement",
            "Initial enhancement",
            "%",
            "Largest signal of the initial phase (first two minutes) against pre-contrast.",
            lambda maps, k: maps.initial[k].copy(),
        ),
        Parameter(
            "peak_enhancement",
            "Peak enhancement",
            "%",
            "Largest signal of all phases against pre-contrast.",
            lambda maps, k: maps.highest[k].copy(),
        ),
        Parameter(
            "wash_in",
            "Wash-in",
            "%/s",
            "Initial enhancement divided by the time from time zero to the initial peak.",
            _wash_in,
            needs_times=True,
        ),
        Parameter(
            "wash_out",
            "Wash-out",
            "%/min",
            "Fall of enhancement from the initial peak to the last phase per minute; below 0 where it still rises.",
            _wash_out,
            needs_times=True,
            needs_delayed=True,
        ),
        Parameter(
            "time_to_peak",
            "Time to peak",
            "s",
            "Time of the phase with the largest signal; of equal ones the first.",
            _time_to_peak,
            needs_times=True,
        ),
        Parameter(
            "ser",
            "Signal enhancement ratio",
            "",
            "Initial over delayed enhancement (S1 − S0)/(S2 − S0): below 0.9 persistent, above 1.3 washout "
            "(Hylton et al., Radiology 2012;263:663; Li et al., J Magn Reson Imaging 2011;33:1426).",
            _ser,
            needs_delayed=True,
        ),
    )
}


def parameter_map(maps: KineticMaps, name: str, settings: KineticSettings | None = None) -> Volume:
    """Return one parameter map on the image's own grid, float32, NaN where it is not defined.

    Parameters
    ----------
    name
        A key of :data:`PARAMETERS`.
    settings
        Leaves voxels undefined whose enhancement does not reach the threshold: the time to peak of noise means nothing.

    Raises
    ------
    KineticsError
        For a name that is not known, or where times or a delayed phase are missing.
    """
    parameter = PARAMETERS.get(name)
    if parameter is None:
        raise KineticsError(f"There is no kinetic map {name!r}.", f"Choose one of {', '.join(PARAMETERS)}.")
    if parameter.needs_times and (not maps.timing.known or not _initial_after_zero(maps)):
        raise KineticsError(
            f"{parameter.title} needs the times of the phases, which are not known.", "Enter them under “Phases…”."
        )
    if parameter.needs_delayed and maps.timing.delayed is None:
        raise KineticsError(f"{parameter.title} needs at least two phases after contrast.", "This series has one.")
    array = np.empty(maps.initial.shape, np.float32)
    with np.errstate(all="ignore"):
        for k in range(len(array)):
            array[k] = parameter.at(maps, k)
            if settings is not None:
                gate = maps.initial[k] if settings.gate == "initial" else maps.highest[k]
                shown = (gate >= np.float32(settings.peak_percent)) & maps.significant[k]
                np.putmask(array[k], ~shown, np.nan)
    return maps.volume(array)


def _initial_after_zero(maps: KineticMaps) -> bool:
    return min(maps.timing.times[index] for index in maps.timing.posts) > 0
