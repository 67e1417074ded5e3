"""Report: volume and share of each class in a region, the worst and the most common curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.kinetics.classes import TYPES, KineticClass, KineticSettings
from inference.kinetics.maps import KineticMaps
from inference.kinetics.region import AnyRegion

WHOLE = "Whole image"


@dataclass(frozen=True)
class ClassReport:
    """What a region consists of.

    Attributes
    ----------
    voxels
        Voxels of each class, ``KineticClass.NONE`` (below the threshold, or noise) included.
    voxel_ml
        Volume of one voxel, ml.
    worst
        Most suspicious class (washout, plateau, persistent) with a connected cluster of at least ``cluster`` voxels.
    common
        Class with most voxels; of equal ones the more suspicious. ``NONE`` where nothing is classified.
    peak_percent
        Highest initial enhancement of a classified voxel, NaN where there is none.
    """

    title: str
    voxels: dict[KineticClass, int]
    voxel_ml: float
    worst: KineticClass
    common: KineticClass
    peak_percent: float

    @property
    def enhancing(self) -> int:
        """Voxels that have a class."""
        return sum(self.voxels[kind] for kind in TYPES)

    @property
    def total_ml(self) -> float:
        """Volume of the region, ml."""
        return sum(self.voxels.values()) * self.voxel_ml

    def ml(self, kind: KineticClass) -> float:
        """Return the volume of a class, ml."""
        return self.voxels[kind] * self.voxel_ml

    def percent(self, kind: KineticClass) -> float:
        """Return the share of a class among the classified voxels, per cent; 0 where there are none."""
        return 100 * self.voxels[kind] / self.enhancing if self.enhancing else 0.0


def report_of(
    maps: KineticMaps, classes: np.ndarray, settings: KineticSettings, region: AnyRegion | None = None
) -> ClassReport:
    """Return the report of a region, or of the whole image.

    Parameters
    ----------
    classes
        From :func:`~inference.kinetics.classes.classify` with the same settings.
    """
    window, inside, title = _cut(classes, region)
    peaks = maps.initial[window]
    counts = {kind: int(np.count_nonzero(inside == kind)) for kind in TYPES}
    total = classes.size if region is None else len(region)
    clustered = (kind for kind in reversed(TYPES) if _has_cluster(inside == kind, settings.cluster))
    most = max(TYPES, key=lambda kind: (counts[kind], kind))
    found = sum(counts.values())
    return ClassReport(
        title=title,
        voxels={KineticClass.NONE: total - found, **counts},
        voxel_ml=maps.voxel_ml,
        worst=next(clustered, KineticClass.NONE),
        common=most if found else KineticClass.NONE,
        peak_percent=float(peaks.max(where=inside > 0, initial=-np.inf)) if found else float("nan"),
    )


def _cut(classes: np.ndarray, region: AnyRegion | None) -> tuple[tuple[slice, ...], np.ndarray, str]:
    """Return the box around a region, and the classes in it with 0 outside the region."""
    if region is None:
        return (slice(None),) * 3, classes, WHOLE
    return (*region.cut(classes), region.title)


def _has_cluster(mask: np.ndarray, least: int) -> bool:
    """Whether voxels joined by faces make a cluster of at least that size."""
    if int(np.count_nonzero(mask)) < least:
        return False
    if least == 1:
        return True
    from scipy import ndimage

    labels = np.empty(mask.shape, np.int32)
    ndimage.label(mask, output=labels)
    return int(np.bincount(labels[mask]).max()) >= least
