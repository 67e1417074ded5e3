"""What a header says of each of its frames: place, size, time and kind, in classic and enhanced DICOM."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset

from app.studies.files import tags
from app.studies.study import Frame

_CONTRAST_TYPES = frozenset(
    " ".join(
        (
            "W WATER F FAT FF IP IN_PHASE OP OPP_PHASE OUT_PHASE",  # Dixon
            "P PHASE R REAL I IMAGINARY T1 T2 T2* ADC FA",
        )
    ).split()
)


@dataclass(frozen=True, slots=True)
class FrameFacts:
    """One frame and everything that decides which stack and which phase it belongs to.

    Attributes
    ----------
    size
        Rows, columns and samples per pixel.
    spacing_mm
        Row and column spacing in the patient, as stored; None where absent.
    kind
        What the pixels are: contrast types of Image Type (water, fat, phase …), echo time and b-value.
    trigger_s, acquired_s, content_s
        Trigger delay, and acquisition and content time of day, in seconds.
    day
        Day number of the acquisition, None where unknown.
    """

    frame: Frame
    size: tuple[int, int, int]
    header: Dataset
    series_uid: str
    frame_of_reference_uid: str = ""
    spacing_mm: tuple[float, float] | None = None
    image_type: tuple[str, ...] = ()
    kind: tuple[object, ...] = ()
    temporal_position: int | None = None
    trigger_s: float | None = None
    acquired_s: float | None = None
    content_s: float | None = None
    acquisition_number: int | None = None
    day: int | None = None
    laterality: str = ""


def synthetic_uid(*parts: object) -> str:
    """Return a UID (root 2.25, PS3.5 B.2) that is the same for the same parts, for files that carry none."""
    content = "\x1f".join(str(part) for part in parts).encode("utf-8", "surrogateescape")  # names need not be UTF-8
    digest = hashlib.sha1(content, usedforsecurity=False).digest()
    return f"2.25.{int.from_bytes(digest[:15], 'big')}"


def frames_of(path: Path, header: Dataset) -> tuple[FrameFacts, ...]:
    """Return one :class:`FrameFacts` per frame of a file, in stored order."""
    count = max(tags.integer(header, "NumberOfFrames") or 1, 1)
    is_multi_frame = count > 1 or tags.raw(header, "SharedFunctionalGroupsSequence") is not None
    if is_multi_frame:
        return tuple(_enhanced_frame(path, header, index) for index in range(count))
    return (_classic_frame(path, header),)


def _classic_frame(path: Path, header: Dataset) -> FrameFacts:
    position, orientation = _geometry(header, header)
    trigger_ms = tags.number(header, "TriggerTime")
    image_type = tuple(part.upper() for part in tags.texts(header, "ImageType"))
    return FrameFacts(
        frame=Frame(
            path=path,
            index=0,
            sop_instance_uid=tags.text(header, "SOPInstanceUID"),
            instance_number=tags.integer(header, "InstanceNumber"),
            position_mm=position,
            orientation=orientation,
        ),
        size=_size(header),
        header=header,
        series_uid=tags.text(header, "SeriesInstanceUID"),
        frame_of_reference_uid=tags.text(header, "FrameOfReferenceUID"),
        spacing_mm=_pair(header, "PixelSpacing"),
        image_type=image_type,
        kind=_kind(image_type, tags.number(header, "EchoTime"), tags.number(header, "DiffusionBValue")),
        temporal_position=tags.integer(header, "TemporalPositionIdentifier"),
        trigger_s=None if trigger_ms is None else trigger_ms / 1000.0,
        acquired_s=_acquired(header)[1],
        content_s=tags.time_of_day_s(header, "ContentTime"),
        acquisition_number=tags.integer(header, "AcquisitionNumber"),
        day=_acquired(header)[0],
    )


def _acquired(header: Dataset) -> tuple[int | None, float | None]:
    day = tags.day_of(tags.text(header, "AcquisitionDate")) or tags.day_of(tags.text(header, "ContentDate"))
    seconds = tags.time_of_day_s(header, "AcquisitionTime")
    if seconds is None:
        day_of_both, seconds = tags.date_time(header, "AcquisitionDateTime")
        day = day_of_both or day
    return day, seconds


def _enhanced_frame(path: Path, header: Dataset, index: int) -> FrameFacts:
    content = _group(header, index, "FrameContentSequence")
    position, orientation = _geometry(
        _group(header, index, "PlanePositionSequence"), _group(header, index, "PlaneOrientationSequence")
    )
    measures = _group(header, index, "PixelMeasuresSequence")
    day, acquired = tags.date_time(content, "FrameAcquisitionDateTime")
    if acquired is None:
        day, acquired = tags.date_time(content, "FrameReferenceDateTime")
    image_type = _frame_type(header, index)
    echo = tags.number(_group(header, index, "MREchoSequence"), "EffectiveEchoTime")
    b_value = tags.number(_group(header, index, "MRDiffusionSequence"), "DiffusionBValue")
    anatomy = _group(header, index, "FrameAnatomySequence")
    return FrameFacts(
        frame=Frame(
            path=path,
            index=index,
            sop_instance_uid=tags.text(header, "SOPInstanceUID"),
            instance_number=tags.integer(header, "InstanceNumber"),
            position_mm=position,
            orientation=orientation,
        ),
        size=_size(header),
        header=header,
        series_uid=tags.text(header, "SeriesInstanceUID"),
        frame_of_reference_uid=tags.text(header, "FrameOfReferenceUID"),
        spacing_mm=_pair(measures, "PixelSpacing"),
        image_type=image_type,
        kind=(*_kind(image_type, echo, b_value), tags.text(content, "StackID")),
        temporal_position=tags.integer(content, "TemporalPositionIndex"),
        trigger_s=_trigger_s(header, index),
        acquired_s=acquired,
        content_s=None,
        acquisition_number=tags.integer(content, "FrameAcquisitionNumber"),
        day=day or tags.day_of(tags.text(header, "AcquisitionDateTime")[:8]),
        laterality=tags.text(anatomy, "FrameLaterality"),
    )


def _trigger_s(header: Dataset, index: int) -> float | None:
    """Temporal Position Time Offset (0020,930D) in s, else Nominal Cardiac Trigger Delay Time (0020,9153) in ms."""
    offset = tags.number(_group(header, index, "TemporalPositionSequence"), "TemporalPositionTimeOffset")
    if offset is not None:
        return offset
    cardiac = _group(header, index, "CardiacSynchronizationSequence")
    delay_ms = tags.number(cardiac, "NominalCardiacTriggerDelayTime")
    return None if delay_ms is None else delay_ms / 1000.0


def _group(header: Dataset, index: int, keyword: str) -> Dataset:
    """Functional group of a frame; for multi-frame files without groups the data set itself."""
    found = next(tags.functional_groups(header, index, keyword), None)
    if found is not None:
        return found
    return Dataset() if tags.raw(header, "SharedFunctionalGroupsSequence") is not None else header


def _frame_type(header: Dataset, index: int) -> tuple[str, ...]:
    for keyword in ("MRImageFrameTypeSequence", "XRay3DFrameTypeSequence", "CTImageFrameTypeSequence"):
        for group in tags.functional_groups(header, index, keyword):
            return tuple(part.upper() for part in tags.texts(group, "FrameType"))
    return tuple(part.upper() for part in tags.texts(header, "ImageType"))


def _geometry(
    where: Dataset, how: Dataset
) -> tuple[tuple[float, float, float] | None, tuple[float, float, float, float, float, float] | None]:
    position = tags.vector(where, "ImagePositionPatient", 3)
    orientation = tags.vector(how, "ImageOrientationPatient", 6)
    if orientation is not None and not _is_orthonormal(orientation):
        orientation = None
    if position is None or orientation is None:
        return None, None
    return (position[0], position[1], position[2]), (
        orientation[0],
        orientation[1],
        orientation[2],
        orientation[3],
        orientation[4],
        orientation[5],
    )


def _is_orthonormal(cosines: tuple[float, ...]) -> bool:
    """Whether the row and column cosines are unit vectors at a right angle, to the precision of 16-character DS."""
    row, column = cosines[:3], cosines[3:]
    lengths = [sum(value * value for value in part) ** 0.5 for part in (row, column)]
    dot = sum(a * b for a, b in zip(row, column, strict=True))
    return all(abs(length - 1) < 0.01 for length in lengths) and abs(dot) < 0.01


def _size(header: Dataset) -> tuple[int, int, int]:
    return (
        tags.integer(header, "Rows") or 0,
        tags.integer(header, "Columns") or 0,
        tags.integer(header, "SamplesPerPixel") or 1,
    )


def _pair(dataset: Dataset, keyword: str) -> tuple[float, float] | None:
    values = tags.vector(dataset, keyword, 2)
    if values is None or min(values) <= 0:
        return None
    return values[0], values[1]


def _kind(image_type: tuple[str, ...], echo_ms: float | None, b_value: float | None) -> tuple[object, ...]:
    contrast = tuple(sorted({part for part in image_type[2:] if part in _CONTRAST_TYPES}))
    return contrast, None if echo_ms is None else round(echo_ms, 1), b_value
