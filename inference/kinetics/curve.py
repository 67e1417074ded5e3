"""Curve: mean signal of a region in every phase, per cent enhancement, and the type of the curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.kinetics.classes import KineticClass, KineticSettings, kind_of
from inference.kinetics.phases import Phases
from inference.kinetics.region import AnyRegion


@dataclass(frozen=True)
class Curve:
    """A time–intensity curve; one value per phase shown, the pre-contrast phase first.

    Attributes
    ----------
    times
        Seconds after time zero, or phase numbers; see :class:`~inference.kinetics.timing.TimeBase`.
    signal, sd
        Mean and standard deviation of the signal over the region.
    enhancement, enhancement_sd
        Per cent of the mean pre-contrast signal; NaN where that is noise.
    initial_peak
        Enhancement of the initial peak, per cent, and ``initial_time`` its time.
    change
        Mean signal of the last phase against that of the initial peak, per cent; NaN with one phase after contrast.
    """

    title: str
    voxels: int
    times: tuple[float, ...]
    signal: tuple[float, ...]
    sd: tuple[float, ...]
    enhancement: tuple[float, ...]
    enhancement_sd: tuple[float, ...]
    initial_peak: float
    initial_time: float
    change: float
    kind: KineticClass

    @property
    def defined(self) -> bool:
        """Whether pre-contrast exceeds the noise, so that per cent mean something."""
        return not np.isnan(self.initial_peak)


def curve_of(phases: Phases, region: AnyRegion, floor: float, settings: KineticSettings | None = None) -> Curve:
    """Return the curve of the mean of a region.

    Parameters
    ----------
    floor
        Pre-contrast signal that the mean must exceed; see :func:`~inference.kinetics.maps.noise_of`.
    """
    timing, settings = phases.timing, settings or KineticSettings()
    samples = np.stack([phases.volumes[n].array[region.index].astype(np.float64) for n in timing.shown])
    mean, sd = samples.mean(axis=1), samples.std(axis=1)
    base = float(mean[0])
    usable = base > max(floor, 0.0) and bool(np.isfinite(mean).all())
    percent = (mean - base) * 100 / base if usable else np.full(mean.shape, np.nan)
    spread = sd * 100 / base if usable else np.full(mean.shape, np.nan)
    places = [timing.shown.index(n) for n in timing.initial]
    first = max(places, key=lambda n: (mean[n], -n)) if usable else places[0]
    change = np.nan
    if usable and timing.delayed is not None and mean[first] > 0:
        change = float((mean[-1] - mean[first]) * 100 / mean[first])
    gate = float(percent[first] if settings.gate == "initial" else percent[1:].max())
    return Curve(
        title=region.title,
        voxels=len(region),
        times=tuple(timing.times[n] for n in timing.shown),
        signal=tuple(mean.tolist()),
        sd=tuple(sd.tolist()),
        enhancement=tuple(percent.tolist()),
        enhancement_sd=tuple(spread.tolist()),
        initial_peak=float(percent[first]),
        initial_time=timing.times[timing.shown[first]],
        change=float(change),
        kind=kind_of(gate, float(change), settings),
    )
