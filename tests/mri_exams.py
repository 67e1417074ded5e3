"""Breast MRI exams as scanners and archives write them, made of the phases of one real or synthetic examination.

``python tests/mri_exams.py DUKE_FOLDER OUT`` writes every kind from a real examination, to look at in the window.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from scipy.ndimage import map_coordinates

MR, ENHANCED = "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.4.1"
COSINES = {"axial": (1, 0, 0, 0, 1, 0), "sagittal": (0, 1, 0, 0, 0, -1), "coronal": (1, 0, 0, 0, 0, -1)}


@dataclass(frozen=True)
class Source:
    """Phases on one axial grid, pre first, (array, affine to LPS mm of voxel centres); ``seconds`` of each."""

    phases: tuple[np.ndarray, ...]
    affine: np.ndarray
    seconds: tuple[float, ...]

    @property
    def box(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest x, y, z."""
        last = self.affine[:3, :3] @ (np.array(self.phases[0].shape) - 1) + self.affine[:3, 3]
        return np.minimum(self.affine[:3, 3], last), np.maximum(self.affine[:3, 3], last)


@dataclass(frozen=True)
class Grid:
    """A volume: plane, place of its first voxel, and step and count across, down and along (mm)."""

    plane: str
    origin: np.ndarray
    steps: tuple[float, float, float]  # slice, row, column
    shape: tuple[int, int, int]

    @property
    def affine(self) -> np.ndarray:
        """(k, j, i, 1) to LPS mm."""
        row, column = np.array(COSINES[self.plane][:3], float), np.array(COSINES[self.plane][3:], float)
        made = np.eye(4)
        for n, axis in enumerate((np.cross(row, column), column, row)):
            made[:3, n] = axis * self.steps[n]
        made[:3, 3] = self.origin
        return made


def grid(
    plane: str,
    low: Sequence[float] | np.ndarray,
    high: Sequence[float] | np.ndarray,
    steps: tuple[float, float, float],
    shape: tuple[int, int] | None = None,
) -> Grid:
    """Return the grid of a plane that fills a box."""
    row, column = np.array(COSINES[plane][:3], float), np.array(COSINES[plane][3:], float)
    axes = (np.cross(row, column), column, row)
    size = np.subtract(high, low)
    counts = [max(1, int(np.floor(abs(axis) @ size / step)) + 1) for axis, step in zip(axes, steps, strict=True)]
    backwards = np.any([axis < -0.5 for axis in axes], axis=0)
    return Grid(plane, np.where(backwards, high, low).astype(float), steps, (counts[0], *(shape or counts[1:])))


def resampled(values: np.ndarray, affine: np.ndarray, onto: Grid) -> np.ndarray:
    """Return values on another grid, uint16, 0 outside."""
    k, j, i = np.meshgrid(*(np.arange(count) for count in onto.shape), indexing="ij")
    points = np.stack((k, j, i, np.ones_like(k))).reshape(4, -1).astype(float)
    there = (np.linalg.inv(affine) @ onto.affine @ points)[:3]
    found = map_coordinates(values.astype(np.float32), there, order=1, mode="constant")
    return np.clip(np.round(found), 0, 65535).astype(np.uint16).reshape(onto.shape)


def uid(*parts: object) -> str:
    """The same UID for the same parts."""
    return generate_uid(entropy_srcs=[str(part) for part in parts])


def clock(seconds: float) -> str:
    """Seconds after half past nine as DICOM time."""
    whole = 9.5 * 3600 + seconds
    return f"{int(whole // 3600):02d}{int(whole % 3600 // 60):02d}{whole % 60:09.6f}"


@dataclass
class Writer:
    """Writes the series of one study into a folder."""

    folder: Path
    name: str
    count: int = 0
    first: int = 1

    def series(self, values: np.ndarray, onto: Grid, description: str, number: int, **tags: Any) -> None:
        """Write a volume, one file per slice; None leaves an attribute out, ``lacking`` slices are not written.

        ``at_s``: seconds after the start, as acquisition and content time; ``part_s``: also as trigger time.
        """
        lacking, at = tags.pop("lacking", ()), tags.pop("at_s", None)
        affine = onto.affine
        for k in range(onto.shape[0]):
            self.count += 1
            if k in lacking:
                continue
            made = self._header(description, number)
            made.ImagePositionPatient = [f"{v:.10g}" for v in affine[:3, :3] @ (k, 0, 0) + affine[:3, 3]]
            made.ImageOrientationPatient = list(COSINES[onto.plane])
            made.PixelSpacing, made.SliceThickness = [onto.steps[1], onto.steps[2]], onto.steps[0]
            made.InstanceNumber = tags.get("InstanceNumber", self.first) + k
            if at is not None:
                made.AcquisitionTime = made.ContentTime = clock(at)
            for keyword, value in tags.items():
                if keyword == "InstanceNumber":
                    continue
                if value is None:
                    made.pop(pydicom.datadict.tag_for_keyword(keyword) or 0, None)
                else:
                    setattr(made, keyword, value)
            _with_pixels(made, values[k])
            self.save(made)

    def _header(self, description: str, number: int) -> Dataset:
        made = Dataset()
        made.SOPClassUID, made.Modality = MR, "MR"
        made.PatientName, made.PatientID = f"Phantom^{self.name}", self.name
        made.StudyInstanceUID, made.SeriesInstanceUID = uid(self.name), uid(self.name, number)
        made.StudyDate, made.StudyTime, made.StudyDescription = "20240102", "093000", "MRI breast"
        made.FrameOfReferenceUID = uid(self.name, "frame")
        made.SOPInstanceUID = uid(self.name, "sop", self.count)
        made.SeriesNumber, made.SeriesDescription = number, description
        made.ImageType, made.ScanningSequence = ["ORIGINAL", "PRIMARY", "OTHER"], "GR"
        made.ScanOptions, made.RepetitionTime, made.EchoTime, made.FlipAngle = "FS", 5.3, 2.1, 10.0
        return made

    def save(self, made: Dataset) -> None:
        """Write a file under a name that says nothing."""
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = made.SOPClassUID, made.SOPInstanceUID
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.file_meta = meta
        self.folder.mkdir(parents=True, exist_ok=True)
        pydicom.dcmwrite(self.folder / f"{str(made.SOPInstanceUID)[-20:]}.dcm", made, enforce_file_format=True)


def _with_pixels(made: Dataset, pixels: np.ndarray) -> None:
    made.Rows, made.Columns = pixels.shape[-2:]
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated, made.BitsStored, made.HighBit = 16, 16, 15
    made.add_new("PixelData", "OW", np.ascontiguousarray(pixels, np.uint16).tobytes())


# --- the kinds ------------------------------------------------------------------------------------------------------


def _sampled(source: Source, onto: Grid) -> list[np.ndarray]:
    return [resampled(values, source.affine, onto) for values in source.phases]


def _coarse(source: Source, plane: str, *, step: float = 3.0, low: Any = None, high: Any = None) -> Grid:
    """A grid over the source's box; in-plane as fine as the source."""
    box = source.box
    pixel = float(np.linalg.norm(source.affine[:3, 1])) * 1.3
    return grid(plane, box[0] if low is None else low, box[1] if high is None else high, (step, pixel, pixel))


def axial(out: Writer, source: Source, **tags: Any) -> None:
    """Axial bilateral, one series per phase, in order of time."""
    onto = _coarse(source, "axial")
    for n, (values, at) in enumerate(zip(_sampled(source, onto), source.seconds, strict=True)):
        out.series(values, onto, "dyn pre" if n == 0 else f"dyn {n}", 3 + n, at_s=at, **tags)


def sagittal_both(out: Writer, source: Source) -> None:
    """One sagittal volume of both breasts per phase, series of their own (GE VIBRANT)."""
    onto = _coarse(source, "sagittal")
    for n, (values, at) in enumerate(zip(_sampled(source, onto), source.seconds, strict=True)):
        out.series(values, onto, "Sag VIBRANT pre" if n == 0 else f"Ph{n}/Sag VIBRANT", 600 + n, at_s=at)


def _sides(source: Source) -> dict[str, Grid]:
    low, high = source.box
    return {
        "R": _coarse(source, "sagittal", low=(low[0] + 15, *low[1:]), high=(-15, *high[1:])),
        "L": _coarse(source, "sagittal", low=(15, *low[1:]), high=(high[0] - 15, *high[1:])),
    }


def sagittal_sides(out: Writer, source: Source) -> None:
    """Sagittal, a series for each breast with all its phases, told apart by Temporal Position Identifier."""
    for number, (side, onto) in enumerate(_sides(source).items(), start=4):
        for n, (values, at) in enumerate(zip(_sampled(source, onto), source.seconds, strict=True)):
            tags = {"TemporalPositionIdentifier": n + 1, "Laterality": side, "NumberOfTemporalPositions": 3}
            out.series(values, onto, "SAG 3D FSPGR DYN", number, at_s=at, InstanceNumber=1 + n * onto.shape[0], **tags)


def sagittal_slabs(out: Writer, source: Source) -> None:
    """TCGA: one series with all phases of both breasts, two groups of slices with a gap between."""
    for n, at in enumerate(source.seconds):
        for side, onto in _sides(source).items():
            values = resampled(source.phases[n], source.affine, onto)
            first = 1 + (2 * n + (side == "L")) * 200
            out.series(values, onto, "Sag Vibrant MULTIPHASE", 5, at_s=at, InstanceNumber=first,
                       TemporalPositionIdentifier=n + 1)  # fmt: skip


def sagittal_one(out: Writer, source: Source) -> None:
    """I-SPY 1: the left breast, three phases, one series each, no contrast agent stated."""
    onto = _sides(source)["L"]
    for n, (values, at) in enumerate(zip(_sampled(source, onto), source.seconds[:3], strict=False)):
        out.series(values, onto, "3D DCE SAG", 30 + n, at_s=at, Laterality="L")


def one_series(out: Writer, source: Source) -> None:
    """All phases in one series, by Temporal Position Identifier and Trigger Time; one acquisition time."""
    onto = _coarse(source, "axial")
    for n, (values, at) in enumerate(zip(_sampled(source, onto), source.seconds, strict=True)):
        out.series(values, onto, "Ax VIBRANT", 7, at_s=0.0, InstanceNumber=1 + n * onto.shape[0],
                   TemporalPositionIdentifier=n + 1, TriggerTime=at * 1000)  # fmt: skip


def trigger_only(out: Writer, source: Source) -> None:
    """All phases in one series, told apart by Trigger Time alone; slices interleaved in number."""
    onto = _coarse(source, "sagittal", low=(15.0, *source.box[0][1:]))
    for n, (values, at) in enumerate(zip(_sampled(source, onto), source.seconds, strict=True)):
        out.series(values, onto, "SAG DCE", 7, InstanceNumber=1 + n * onto.shape[0], TriggerTime=at * 1000)


def companions(out: Writer, source: Source) -> None:
    """Axial dynamic with a T2 on another grid, diffusion at two b-values in one series, and its ADC map."""
    axial(out, source)
    low, high = source.box
    t2 = grid("axial", low + 4, high - 4, (4.0, 1.7, 1.7))
    pre = resampled(source.phases[0], source.affine, t2)
    values = np.where(pre > 0.1 * pre.max(), 900 - np.minimum(pre, 900), pre)  # fat dark, fluid bright, air black
    out.series(values.astype(np.uint16), t2, "Ax STIR", 2, at_s=-400.0, RepetitionTime=5000.0, EchoTime=80.0,
               ScanningSequence=["SE", "IR"])  # fmt: skip
    dwi = grid("axial", low + 6, high - 6, (5.0, 2.6, 2.6))
    post = resampled(source.phases[1], source.affine, dwi)
    planar = {"ScanningSequence": "EP", "RepetitionTime": 7000.0, "EchoTime": 70.0, "at_s": 900.0}
    for n, b in enumerate((0.0, 800.0)):
        out.series(post // (1 + n), dwi, "DWI b0 b800", 20, InstanceNumber=1 + n * 100, DiffusionBValue=b, **planar)
    adc = (post * 3).astype(np.uint16)
    out.series(adc, dwi, "ADC (10^-6 mm²/s)", 21, ImageType=["DERIVED", "PRIMARY", "ADC"], **planar)


def vendor_subtractions(out: Writer, source: Source) -> None:
    """The scanner's own subtractions and projections beside the phases."""
    axial(out, source)
    onto = _coarse(source, "axial")
    phases = _sampled(source, onto)
    values = phases[0]
    for n in range(1, len(phases)):
        values = np.clip(phases[n].astype(int) - phases[0], 0, None).astype(np.uint16)
        out.series(values, onto, f"SUB Ph{n}-pre", 100 + n, at_s=source.seconds[n],
                   ImageType=["DERIVED", "SECONDARY", "SUBTRACT"])  # fmt: skip
    low, high = source.box
    one = replace(onto, shape=(1, *onto.shape[1:]), origin=np.array((*onto.origin[:2], (low[2] + high[2]) / 2)))
    out.series(values.max(axis=0, keepdims=True), one, "MIP SUB", 200, at_s=1000.0,
               ImageType=["DERIVED", "SECONDARY", "PROJECTION IMAGE"])  # fmt: skip
    out.series(values, onto, "PE1", 300, at_s=1001.0, ImageType=["DERIVED", "SECONDARY", "OTHER"])
    out.series(values, onto, "SER", 301, at_s=1002.0, ImageType=["DERIVED", "SECONDARY", "OTHER"])


def no_times(out: Writer, source: Source) -> None:
    """No time, no temporal position, no contrast agent, no frame of reference: only series numbers."""
    onto = _coarse(source, "axial")
    for n, values in enumerate(_sampled(source, onto)):
        out.series(values, onto, "T1 3D", 3 + n, FrameOfReferenceUID=None)


def two_phases(out: Writer, source: Source) -> None:
    """Pre and one post."""
    axial(out, replace(source, phases=source.phases[:2], seconds=source.seconds[:2]))


def without_pre(out: Writer, source: Source) -> None:
    """Posts only, the contrast agent in each."""
    later = replace(source, phases=source.phases[1:], seconds=source.seconds[1:])
    onto = _coarse(later, "axial")
    for n, (values, at) in enumerate(zip(_sampled(later, onto), later.seconds, strict=True)):
        out.series(values, onto, f"dyn pass {n + 1}", 3 + n, at_s=at, ContrastBolusAgent="Gadovist")


def coronal(out: Writer, source: Source) -> None:
    """Coronal bilateral."""
    onto = _coarse(source, "coronal")
    for n, (values, at) in enumerate(zip(_sampled(source, onto), source.seconds, strict=True)):
        out.series(values, onto, "Cor FLASH", 3 + n, at_s=at, ContrastBolusAgent="Gd" if n else None)


def lacking_slice(out: Writer, source: Source) -> None:
    """The first post lacks its last slice and one in the middle."""
    onto = _coarse(source, "axial")
    for n, (values, at) in enumerate(zip(_sampled(source, onto), source.seconds, strict=True)):
        gone = (onto.shape[0] // 2, onto.shape[0] - 1) if n == 1 else ()
        out.series(values, onto, "dyn", 3 + n, at_s=at, lacking=gone)


def mixed_matrix(out: Writer, source: Source) -> None:
    """The pre-contrast phase has a coarser matrix than the posts."""
    fine, coarse = _coarse(source, "axial"), _coarse(source, "axial")
    coarse = replace(coarse, steps=(3.0, fine.steps[1] * 1.5, fine.steps[2] * 1.5),
                     shape=(fine.shape[0], int(fine.shape[1] / 1.5), int(fine.shape[2] / 1.5)))  # fmt: skip
    for n, at in enumerate(source.seconds):
        onto = coarse if n == 0 else fine
        values = resampled(source.phases[n], source.affine, onto)
        out.series(values, onto, "pre" if n == 0 else f"post {n}", 3 + n, at_s=at)


def clutter(out: Writer, source: Source) -> None:
    """A localizer in three planes, a T1 without fat suppression and a screen capture around the dynamic."""
    low, high = source.box
    middle = (low + high) / 2
    for plane in COSINES:
        step = (20.0, 3.0, 3.0)
        across = np.abs(np.cross(COSINES[plane][:3], COSINES[plane][3:])) > 0.5
        around = grid(plane, np.where(across, middle - 20, low), np.where(across, middle + 20, high), step)
        values = resampled(source.phases[0], source.affine, around)
        out.series(values, around, "3-plane loc", 1, at_s=-900.0, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"],
                   InstanceNumber=100 * len(plane), ScanOptions=None)  # fmt: skip
    onto = _coarse(source, "axial")
    out.series(resampled(source.phases[0], source.affine, onto), onto, "Ax T1 non fat sat", 2, at_s=-600.0,
               ScanOptions=None)  # fmt: skip
    axial(out, source)
    made = out._header("Screen Save", 999)
    for keyword in ("FrameOfReferenceUID", "ScanningSequence", "RepetitionTime", "EchoTime"):
        delattr(made, keyword)
    made.SOPClassUID, made.ImageType = "1.2.840.10008.5.1.4.1.1.7", ["DERIVED", "SECONDARY", "SCREEN SAVE"]
    made.SOPInstanceUID, made.InstanceNumber = uid(out.name, "screen"), 1
    _with_pixels(made, np.tile(np.arange(256, dtype=np.uint16), (200, 1)))
    out.save(made)


def enhanced(out: Writer, source: Source) -> None:
    """Enhanced MR: one file with every phase, Temporal Position Index and Time Offset in the frames."""
    onto = _coarse(source, "axial")
    made = out._header("eTHRIVE dyn", 501)
    for keyword in ("ScanningSequence", "ScanOptions", "RepetitionTime", "EchoTime", "FlipAngle"):
        delattr(made, keyword)
    made.SOPClassUID, made.SOPInstanceUID = ENHANCED, uid(out.name, "file")
    made.InstanceNumber = 1
    shared = Dataset()
    shared.PlaneOrientationSequence = Items([_item(ImageOrientationPatient=list(COSINES["axial"]))])
    measures = {"PixelSpacing": [onto.steps[1], onto.steps[2]], "SliceThickness": onto.steps[0]}
    shared.PixelMeasuresSequence = Items([_item(**measures)])
    shared.MRTimingAndRelatedParametersSequence = Items([_item(RepetitionTime=5.3, FlipAngle=10.0)])
    shared.MREchoSequence = Items([_item(EffectiveEchoTime=2.1)])
    frames, pixels = [], []
    for n, (values, at) in enumerate(zip(_sampled(source, onto), source.seconds, strict=True)):
        for k in range(onto.shape[0]):
            place = [f"{v:.10g}" for v in onto.affine[:3, :3] @ (k, 0, 0) + onto.affine[:3, 3]]
            frame = Dataset()
            frame.PlanePositionSequence = Items([_item(ImagePositionPatient=place)])
            content = {"TemporalPositionIndex": n + 1, "StackID": "1", "InStackPositionNumber": k + 1}
            frame.FrameContentSequence = Items([_item(**content)])
            frame.TemporalPositionSequence = Items([_item(TemporalPositionTimeOffset=float(at))])
            frames.append(frame)
            pixels.append(values[k])
    made.SharedFunctionalGroupsSequence, made.PerFrameFunctionalGroupsSequence = Items([shared]), Items(frames)
    made.NumberOfFrames = len(frames)
    _with_pixels(made, np.stack(pixels))
    out.save(made)


def _item(**values: Any) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


KINDS: dict[str, Callable[[Writer, Source], None]] = {
    made.__name__: made
    for made in (
        axial, sagittal_both, sagittal_sides, sagittal_slabs, sagittal_one, one_series, trigger_only, companions,
        vendor_subtractions, no_times, two_phases, without_pre, coronal, lacking_slice, mixed_matrix, clutter, enhanced,
    )
}  # fmt: skip


def write(kind: str, source: Source, folder: Path) -> Path:
    """Write an exam of a kind into a folder."""
    KINDS[kind](Writer(folder, kind), source)
    return folder


def phantom(size: tuple[int, int, int] = (8, 40, 56), spacing: tuple[float, float, float] = (12.0, 6.0, 6.0)) -> Source:
    """Return a small synthetic examination with a carcinoma."""
    from inference.phantoms.mri import Course, make_dce

    made = make_dce(3, size=size, spacing_mm=spacing, lesions=("IDC",), course=Course(motion_mm=0.0, with_t2=False))
    volumes: tuple[hd.Volume, ...] = (made.pre, *made.posts)
    arrays = tuple(np.asarray(one.array) for one in volumes)
    return Source(arrays, np.asarray(made.pre.affine, float), (0.0, *made.seconds))


def real(folder: Path, slice_mm: float = 2.4) -> Source:
    """Return a real axial examination; slices are set further apart so that it fills a sagittal field of view."""
    from app.studies.load import load_stack
    from app.studies.scan import scan

    study = next(one for one in scan(folder).studies if one.dynamics)
    phases = study.dynamics[0].phases
    volumes = [load_stack(study, phase.stack_uid).volume for phase in phases]
    affine = np.array(volumes[0].affine, float)
    affine[2, 0], affine[2, 3] = slice_mm, -slice_mm * volumes[0].array.shape[0] / 2
    arrays = tuple(np.asarray(one.array).astype(np.uint16) for one in volumes)
    return Source(arrays, affine, tuple(90.0 * n for n in range(len(arrays))))


if __name__ == "__main__":
    examination, to = real(Path(sys.argv[1])), Path(sys.argv[2])
    for kind in sys.argv[3:] or KINDS:
        write(kind, examination, to / kind)
