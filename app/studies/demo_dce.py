"""Dynamic examinations of the MRI phantom as DICOM, laid out as scanners and archives do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom import Dataset

from app.studies.demo_headers import MRI_PATIENT, mr_dataset, save, uid
from inference.phantoms.mri import DcePhantom
from inference.progress import Progress


@dataclass(frozen=True)
class DceLayout:
    """How a dynamic examination is spread over files; the defaults are the demo's, the rest are what archives hold.

    Attributes
    ----------
    one_series
        All phases in one series instead of one series each.
    trigger_times, temporal_positions
        Whether TriggerTime (0018,1060) and TemporalPositionIdentifier (0020,0100) are there. Scanners write the first
        although PS3.3 C.8.3.1 reserves it for gated series, which is why the demo does not.
    acquisition_times
        Whether AcquisitionTime (0008,0032) is there.
    shuffled
        File names and InstanceNumber in random order.
    """

    one_series: bool = False
    trigger_times: bool = False
    temporal_positions: bool = True
    acquisition_times: bool = True
    shuffled: bool = False


DCE_LAYOUTS = {
    "one series per phase": DceLayout(),
    "all phases in one series": DceLayout(one_series=True),
    "trigger times": DceLayout(trigger_times=True, temporal_positions=False),
    "missing trigger times": DceLayout(temporal_positions=False),
    "no times at all": DceLayout(temporal_positions=False, acquisition_times=False),
    "shuffled": DceLayout(one_series=True, shuffled=True),
}


def write_dce(
    folder: Path, phantom: DcePhantom, layout: DceLayout | None = None, progress: Progress | None = None
) -> tuple[Path, ...]:
    """Write a dynamic examination (and its T2 volume) as classic MR images, one file per slice.

    Sagittal examinations of both breasts of one seed, written into one folder one after the other, are one study.

    Parameters
    ----------
    layout
        One of ``DCE_LAYOUTS`` or any other combination.

    Returns
    -------
    tuple of Path
        The files; unless shuffled, pre-contrast first, slices in the order of the phantom's volume.
    """
    layout, progress = layout or DceLayout(), progress or Progress()
    folder.mkdir(parents=True, exist_ok=True)
    planned = _plan(phantom, layout)
    if layout.shuffled:
        order = np.random.default_rng((phantom.seed, 6)).permutation(len(planned))
        numbers = {int(old): new for new, old in enumerate(order, start=1)}
        planned = [replace(image, instance=numbers[i]) for i, image in enumerate(planned)]
    paths = []
    for number, image in enumerate(planned):
        if number % 20 == 0:
            progress.report(number / len(planned), f"Demo MRI, file {number + 1} of {len(planned)}")
        shuffled = f"{phantom.laterality}{image.instance:05d}.dcm"
        name = shuffled if layout.shuffled else f"{image.folder}/{image.instance:04d}.dcm"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        paths.append(save(_mr_image(phantom, image, layout), folder / name))
    progress.report(1.0, "Demo MRI written")
    return tuple(paths)


# Number of the first series of an examination of both breasts, of the right and of the left one.
_SERIES_OF_SIDE = {"": 300, "R": 340, "L": 370}


@dataclass(frozen=True)
class _Image:
    """One file to be written: which volume, slice and phase; ``phase`` is -1 for T2."""

    volume: hd.Volume
    index: int
    phase: int
    instance: int
    folder: str
    series: int
    bright: int


def _plan(phantom: DcePhantom, layout: DceLayout) -> list[_Image]:
    """List the files in order: phases, then T2."""
    planned = []
    side = f"_{phantom.laterality}" if phantom.laterality else ""
    first = _SERIES_OF_SIDE[phantom.laterality]
    bright = _bright(phantom.posts[0])
    for phase, volume in enumerate((phantom.pre, *phantom.posts)):
        slices = volume.spatial_shape[0]
        for index in range(slices):
            instance = phase * slices + index + 1 if layout.one_series else index + 1
            series = first + (0 if layout.one_series else 1 + phase)
            name = f"dynamic{side}" if layout.one_series else f"phase_{phase}{side}"
            planned.append(_Image(volume, index, phase, instance, name, series, bright))
    if phantom.t2 is not None:
        count, bright = phantom.t2.spatial_shape[0], _bright(phantom.t2)
        planned += [
            _Image(phantom.t2, index, -1, index + 1, f"t2{side}", first - 100, bright) for index in range(count)
        ]
    return planned


def _bright(volume: hd.Volume) -> int:
    """Return the stored value to be shown white: one window for all phases, so that uptake can be seen."""
    return max(2, round(float(np.percentile(volume.array[::4], 99.7))))


def _mr_image(phantom: DcePhantom, image: _Image, layout: DceLayout) -> Dataset:
    """Return the data set of one file."""
    seconds = (0.0, *phantom.seconds)[image.phase] if image.phase >= 0 else None
    dataset = mr_dataset(image.volume, image.index, MRI_PATIENT, seconds, image.bright)
    dataset.ImageLaterality = phantom.laterality or "B"
    dataset.SeriesNumber, dataset.InstanceNumber = image.series, image.instance
    study = f"mri-{phantom.seed}-{layout}"
    dataset.StudyInstanceUID = uid(study)
    dataset.SeriesInstanceUID = uid(study, image.series)
    dataset.FrameOfReferenceUID = uid(study, "frame")
    dataset.SOPInstanceUID = uid(study, phantom.laterality, image.phase, image.index)
    if seconds is None:
        return dataset
    phases = len(phantom.posts) + 1
    dataset.AcquisitionNumber = image.phase + 1
    title = "pre" if image.phase == 0 else f"post {image.phase}"
    plane = f"sag {phantom.laterality}" if phantom.laterality else "ax"
    dataset.SeriesDescription = f"BREASTLENS PHANTOM {plane} T1 dyn {'' if layout.one_series else title}".strip()
    if layout.temporal_positions:
        dataset.TemporalPositionIdentifier, dataset.NumberOfTemporalPositions = image.phase + 1, phases
    if layout.trigger_times:
        dataset.TriggerTime = f"{seconds * 1000:.0f}"
    if not layout.acquisition_times:
        for keyword in ("AcquisitionTime", "AcquisitionDate", "ContentTime", "ContentDate", "SeriesTime", "SeriesDate"):
            if keyword in dataset:
                delattr(dataset, keyword)
    contrast = seconds > phantom.arrival_s - 15
    if contrast:
        dataset.ContrastBolusAgent = "GADOBUTROL (PHANTOM)"
        dataset.ContrastBolusRoute = "IV"
    return dataset
