"""Maps: what every voxel did, worked out slice by slice; classes and parameter maps follow from these few arrays."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.kinetics.phases import Phases
from inference.kinetics.timing import TimeBase
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume, VolumeGeometry

_THREADS = 4  # memory, not arithmetic, sets the pace beyond
_ROSE = 5.0  # least signal-to-noise ratio of something to be told from noise (Rose, J Opt Soc Am 1948;38:196)
_LEAST, _MOST = 0.02, 0.2  # floor in parts of the 99th percentile: zeroed air; images without air
_SAMPLE = 1_000_000
_SURE = 3.0 * np.sqrt(
    2.0
)  # a difference of two signals has sqrt(2) times their noise; 3 sigma leaves 1 in 700 to chance


@dataclass(frozen=True)
class Noise:
    """Noise of a dynamic series.

    Attributes
    ----------
    sigma
        Standard deviation, units of the signal.
    floor
        Pre-contrast signal up to which a voxel has no per cent enhancement.
    """

    sigma: float
    floor: float


@dataclass(frozen=True)
class KineticMaps:
    """Arrays (slice k, row j, column i) on the grid of the pre-contrast phase.

    Attributes
    ----------
    geometry
        Grid, affine and frame of reference.
    initial
        Enhancement of the initial peak, per cent of pre-contrast, float32; NaN where undefined.
    highest
        Highest enhancement of all phases, float32.
    change
        Signal of the delayed phase against that of the initial peak, per cent, float32.
    initial_index, highest_index
        Phase of the initial peak and of the highest signal, uint8.
    significant
        Whether the highest signal exceeds pre-contrast by more than noise can (3 sigma of the difference).
    """

    geometry: VolumeGeometry
    timing: TimeBase
    initial: np.ndarray
    highest: np.ndarray
    change: np.ndarray
    initial_index: np.ndarray
    highest_index: np.ndarray
    significant: np.ndarray
    noise: Noise

    @property
    def voxel_ml(self) -> float:
        """Volume of a voxel in millilitres, from the determinant of the affine."""
        return abs(float(np.linalg.det(np.asarray(self.geometry.affine, float)[:3, :3]))) / 1000

    def volume(self, array: np.ndarray) -> Volume:
        """Return an array of this grid as a volume."""
        return self.geometry.with_array(array)


def noise_of(phases: Phases) -> Noise:
    """Return the noise of a dynamic series, the larger of two estimates.

    Air: magnitude noise is Rayleigh distributed there (Gudbjartsson and Patz, Magn Reson Med 1995;34:910), and its mode
    is sigma. Tissue: the scatter (1.4826 × median absolute deviation / sqrt 2) of the difference of the last two
    phases, where signals hardly change any more; it holds with parallel imaging too, where noise is larger inside.

    The floor is five sigma of air, within 2 and 20 % of the 99th percentile: for images whose air was set to zero, or
    that hold none.
    """
    pre = np.asarray(phases.pre.array).reshape(-1)
    step = max(1, pre.size // _SAMPLE)
    pre = pre[::step].astype(np.float32)
    values = pre[np.isfinite(pre) & (pre > 0)]
    if not values.size:
        return Noise(0.0, 0.0)
    bright = float(np.percentile(values, 99))
    counts, edges = np.histogram(values, bins=256, range=(0.0, float(np.median(values)) * 2))
    smooth = np.convolve(counts, np.ones(5), "same")
    mode = float(edges[int(np.argmax(smooth))] + edges[1] / 2)
    floor = float(np.clip(_ROSE * mode, _LEAST * bright, _MOST * bright))
    return Noise(max(min(mode, floor / _ROSE), _tissue_noise(phases, pre > floor, step)), floor)


def _tissue_noise(phases: Phases, tissue: np.ndarray, step: int) -> float:
    if len(phases.timing.posts) < 3:
        return 0.0
    last, before = (
        np.asarray(phases.volumes[n].array).reshape(-1)[::step][tissue].astype(np.float32)
        for n in (phases.timing.posts[-1], phases.timing.posts[-2])
    )
    difference = last - before
    difference = difference[np.isfinite(difference)]
    if not difference.size:
        return 0.0
    return float(1.4826 * np.median(np.abs(difference - np.median(difference))) / np.sqrt(2))


def compute(phases: Phases, noise: Noise | None = None, progress: Progress | None = None) -> KineticMaps:
    """Return the maps of a dynamic series.

    A voxel is undefined (NaN) where pre-contrast does not exceed the noise floor, or where any phase is not finite or
    not above 0 (padding, a slice that is missing).

    Parameters
    ----------
    noise
        Noise of the series; None takes :func:`noise_of`.
    progress
        Reports slices and cancels between them.
    """
    progress = progress or Progress()
    pre = phases.pre
    shape = tuple(pre.spatial_shape)
    maps = KineticMaps(
        geometry=pre.get_geometry(),
        timing=phases.timing,
        initial=np.empty(shape, np.float32),
        highest=np.empty(shape, np.float32),
        change=np.empty(shape, np.float32),
        initial_index=np.empty(shape, np.uint8),
        highest_index=np.empty(shape, np.uint8),
        significant=np.empty(shape, bool),
        noise=noise_of(phases) if noise is None else noise,
    )
    with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
        pending = pool.map(lambda k: _slice(phases, maps, k, progress), range(shape[0]))
        for done, _ in enumerate(pending, 1):
            progress.report(done / shape[0], f"Kinetics, slice {done} of {shape[0]}")
    return maps


def _slice(phases: Phases, maps: KineticMaps, k: int, progress: Progress) -> None:
    """Fill one slice of the maps."""
    progress.check()
    timing = phases.timing
    pre = phases.pre.array[k].astype(np.float32)
    initial_index, highest_index = maps.initial_index[k], maps.highest_index[k]
    initial = _signal(phases, timing.initial[0], k)
    initial_index.fill(timing.initial[0])
    highest_index.fill(timing.posts[0])
    highest: np.ndarray | None = None
    lowest = last = initial
    for index in timing.posts:
        last = _signal(phases, index, k)
        if index in timing.initial[1:]:
            initial = _larger(initial, last, initial_index, index)
        lowest = last if highest is None else np.minimum(lowest, last)
        highest = last if highest is None else _larger(highest, last, highest_index, index)
    assert highest is not None
    undefined = ~((pre > maps.noise.floor) & (pre > 0) & (lowest > 0) & (highest < np.inf) & (pre < np.inf))
    with np.errstate(all="ignore"):
        np.greater(highest - pre, np.float32(_SURE * maps.noise.sigma), out=maps.significant[k])
        _per_cent(initial, pre, undefined, maps.initial[k])
        _per_cent(highest, pre, undefined, maps.highest[k])
        _per_cent(last, initial, undefined, maps.change[k])
    if timing.delayed is None:
        maps.change[k] = np.nan


def _signal(phases: Phases, index: int, k: int) -> np.ndarray:
    return phases.volumes[index].array[k].astype(np.float32)


def _larger(best: np.ndarray, other: np.ndarray, place: np.ndarray, index: int) -> np.ndarray:
    """Return the larger of both and note the phase; of equal ones the earlier counts."""
    np.putmask(place, other > best, index)
    return np.maximum(best, other)


def _per_cent(signal: np.ndarray, base: np.ndarray, undefined: np.ndarray, out: np.ndarray) -> None:
    """Write the change in per cent: 100 before the division, so that 110 against 100 is exactly 10."""
    np.subtract(signal, base, out=out)
    out *= np.float32(100)
    out /= base
    np.putmask(out, undefined, np.nan)
