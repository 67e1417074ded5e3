"""The demo studies: fictitious patients from the phantom generator, written as real DICOM."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom import Dataset

from app.studies.demo_headers import DemoPatient, mammogram_dataset, mr_dataset, uid
from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.mammo import Detector, make_mammogram
from inference.phantoms.mri import DcePhantom, make_dce
from inference.progress import Progress

MAMMOGRAM_PATIENT = DemoPatient("Demo^Mammogram", "BREASTLENS-DEMO-MG", "19700101", "20240105", "mammogram")
MRI_PATIENT = DemoPatient("Demo^MRI", "BREASTLENS-DEMO-MR", "19720202", "20240106", "mri")
_MAMMOGRAM_SEED, _MRI_SEED = 14, 406
_MRI_LESIONS = ("invasive ductal", "fibroadenoma")
_PREFIX = "phantoms-"
# What the left breast shows in both its views; the right one is normal.
_MAMMOGRAM_LESIONS = {"L": ("spiculated mass", "malignant calcifications"), "R": ()}


def write_demo(folder: Path, progress: Progress | None = None) -> Path:
    """Write a four-view mammogram and a dynamic breast MRI, unless they are there already.

    Parameters
    ----------
    folder
        Where the studies go; made when absent. They lie in one of its folders, named by the generator version, which
        appears complete in one step; those of other versions are removed.
    progress
        Reported per image; cancelling leaves ``folder`` as it was.

    Returns
    -------
    Path
        ``folder``.
    """
    folder, progress = Path(folder), progress or Progress()
    target = folder / f"{_PREFIX}{GENERATOR_VERSION}"
    if not target.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".demo-", dir=folder.parent) as temporary:
            fresh = Path(temporary) / "studies"
            write_mammograms(fresh / "mammogram", progress.part(0.0, 0.45))
            phantom = make_dce(_MRI_SEED, lesions=_MRI_LESIONS, progress=progress.part(0.45, 0.85))
            write_dce(fresh / "mri", phantom, progress=progress.part(0.85, 0.99))
            progress.check()
            _publish(fresh, target)
    progress.report(1.0, "Demo studies are ready")
    return folder


def _publish(fresh: Path, target: Path) -> None:
    """Move the new studies into place and remove those of other versions."""
    target.parent.mkdir(exist_ok=True)
    for old in target.parent.glob(f"{_PREFIX}*"):
        shutil.rmtree(old, ignore_errors=True)
    fresh.replace(target)


def write_mammograms(folder: Path, progress: Progress | None = None, *, reduction: int = 1) -> tuple[Path, ...]:
    """Write R/L CC and MLO for presentation; the right MLO is MONOCHROME1, as some vendors store it.

    Parameters
    ----------
    reduction
        Divides the matrix and multiplies the pixel size (tests use 4).
    """
    progress = progress or Progress()
    folder.mkdir(parents=True, exist_ok=True)
    detector = Detector((2294 // reduction, 1914 // reduction), 0.0941 * reduction)
    paths = []
    views = [(side, view) for view in ("CC", "MLO") for side in ("R", "L")]
    for number, (side, view) in enumerate(views, start=1):
        progress.report((number - 1) / 4, f"Demo mammogram {side} {view}")
        phantom = make_mammogram(_MAMMOGRAM_SEED, side, view, detector=detector, lesions=_MAMMOGRAM_LESIONS[side])
        inverted = (side, view) == ("R", "MLO")
        dataset = mammogram_dataset(phantom, MAMMOGRAM_PATIENT, number, inverted=inverted)
        paths.append(save(dataset, folder / f"{side}_{view}.dcm"))
    progress.report(1.0, "Demo mammograms written")
    return tuple(paths)


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

    Parameters
    ----------
    layout
        One of ``DCE_LAYOUTS`` or any other combination.

    Returns
    -------
    tuple of Path
        The files; unless shuffled, pre-contrast first, slices from feet to head.
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
        name = f"{image.instance:05d}.dcm" if layout.shuffled else f"{image.folder}/{image.instance:04d}.dcm"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        paths.append(save(_mr_image(phantom, image, layout), folder / name))
    progress.report(1.0, "Demo MRI written")
    return tuple(paths)


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
    bright = _bright(phantom.posts[0])
    for phase, volume in enumerate((phantom.pre, *phantom.posts)):
        slices = volume.spatial_shape[0]
        for index in range(slices):
            instance = phase * slices + index + 1 if layout.one_series else index + 1
            series = 300 if layout.one_series else 301 + phase
            name = "dynamic" if layout.one_series else f"phase_{phase}"
            planned.append(_Image(volume, index, phase, instance, name, series, bright))
    if phantom.t2 is not None:
        count, bright = phantom.t2.spatial_shape[0], _bright(phantom.t2)
        planned += [_Image(phantom.t2, index, -1, index + 1, "t2", 200, bright) for index in range(count)]
    return planned


def _bright(volume: hd.Volume) -> int:
    """Return the stored value to be shown white: one window for all phases, so that uptake can be seen."""
    return max(2, round(float(np.percentile(volume.array[::4], 99.7))))


def _mr_image(phantom: DcePhantom, image: _Image, layout: DceLayout) -> Dataset:
    """Return the data set of one file."""
    seconds = (0.0, *phantom.seconds)[image.phase] if image.phase >= 0 else None
    dataset = mr_dataset(image.volume, image.index, MRI_PATIENT, seconds, image.bright)
    dataset.SeriesNumber, dataset.InstanceNumber = image.series, image.instance
    study = f"mri-{phantom.seed}-{layout}"
    dataset.StudyInstanceUID = uid(study)
    dataset.SeriesInstanceUID = uid(study, image.series)
    dataset.FrameOfReferenceUID = uid(study, "frame")
    dataset.SOPInstanceUID = uid(study, image.phase, image.index)
    if seconds is None:
        return dataset
    phases = len(phantom.posts) + 1
    dataset.AcquisitionNumber = image.phase + 1
    title = "pre" if image.phase == 0 else f"post {image.phase}"
    dataset.SeriesDescription = f"BREASTLENS PHANTOM ax T1 dyn {'' if layout.one_series else title}".strip()
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


def save(dataset: Dataset, path: Path) -> Path:
    """Write a data set to a temporary name, then move it into place."""
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    temporary = path.with_suffix(".part")
    dataset.save_as(temporary, enforce_file_format=True)
    os.replace(temporary, path)  # noqa: PTH105 - atomic on the same file system
    return path


__all__ = [
    "DCE_LAYOUTS",
    "DceLayout",
    "save",
    "write_dce",
    "write_demo",
    "write_mammograms",
]
