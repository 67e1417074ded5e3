"""Scanning: from a folder, file, zip or DICOMDIR to patients, studies and series, reading headers only."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import UID

from app.studies.errors import StudyError
from app.studies.files import tags
from app.studies.files.dicom_file import read_header
from app.studies.files.sop_classes import NOT_IMAGES
from app.studies.files.sources import is_dicomdir, source_of
from app.studies.pixels.research import is_research_file
from app.studies.series import grouping, research_study
from app.studies.series.frames import FrameFacts, frames_of
from app.studies.study import Library, Skipped
from inference.progress import Progress

REPORT_EVERY_S = 0.1
_TAGS = tuple(
    " ".join(
        (
            # identity
            "SpecificCharacterSet SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID PatientID PatientName",
            "PatientBirthDate PatientSex StudyDate StudyTime StudyDescription AccessionNumber Modality SeriesNumber",
            "SeriesDescription InstanceNumber BodyPartExamined Manufacturer FrameOfReferenceUID ProtocolName",
            # place
            "ImagePositionPatient ImageOrientationPatient PixelSpacing SliceThickness ImagerPixelSpacing",
            "NominalScannedPixelSpacing EstimatedRadiographicMagnificationFactor PixelSpacingCalibrationType",
            "SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence Rows Columns SamplesPerPixel",
            "NumberOfFrames",
            # time
            "TemporalPositionIdentifier TriggerTime AcquisitionDate AcquisitionTime AcquisitionDateTime ContentDate",
            "ContentTime AcquisitionNumber",
            # kind
            "ImageType EchoTime RepetitionTime FlipAngle DiffusionBValue ScanningSequence ScanOptions",
            "ContrastBolusAgentSequence Laterality ImageLaterality ViewPosition ViewCodeSequence PatientOrientation",
            "BreastImplantPresent PresentationIntentType SpacingBetweenSlices ContrastBolusAgent",
        )
    ).split()
) + tuple(tags.OVERLAY_ROWS)


def scan(path: str | Path, progress: Progress | None = None, *, unpack_into: Path | None = None) -> Library:
    """List the studies at a path.

    Parameters
    ----------
    path
        Folder, file, zip or DICOMDIR.
    progress
        Reports about ten times a second; cancels between two files.
    unpack_into
        Folder that a zip is unpacked into; a temporary one, removed at exit, where None.

    Returns
    -------
    Library
        Studies by patient and date, and every file that was not taken with its reason.

    Raises
    ------
    StudyError
        If there is nothing at the path or the archive as a whole is refused. One bad file never raises.
    Cancelled
        Once the progress was cancelled.
    """
    started = time.perf_counter()
    progress = progress or Progress()
    source = source_of(Path(path), progress, unpack_into)
    facts: list[FrameFacts] = []
    research: list[Path] = []
    skipped = list(source.skipped)
    for file in _reported(source.files, progress.part(source.done, 0.98)):
        try:
            if is_research_file(file):
                research.append(_checked_name(file))
            else:
                facts.extend(_taken(file))
        except StudyError as error:
            skipped.append(Skipped(file, str(error)))
        except OSError as error:
            skipped.append(Skipped(file, f"The file cannot be read: {error.strerror or error}."))
    kept, duplicates, notes = grouping.without_duplicates(facts)
    studies = (*grouping.studies_of(kept, source.folder), *research_study.studies_of(research, skipped, progress))
    progress.report(1.0, f"{len(studies)} {'study' if len(studies) == 1 else 'studies'}")
    return Library(
        root=Path(path),
        studies=tuple(sorted(studies, key=_patient_and_date)),
        skipped=(*skipped, *duplicates),
        files=len(source.files),
        seconds=time.perf_counter() - started,
        notes=(*source.notes, *notes),
    )


def _patient_and_date(study: object) -> tuple[str, ...]:
    return tuple(str(getattr(study, name)) for name in ("patient_name", "patient_id", "date", "time", "uid"))


def _reported(files: tuple[Path, ...], progress: Progress) -> Iterable[Path]:
    """Yield the files, reporting at most ten times a second and checking for cancellation at each."""
    last = 0.0
    for number, file in enumerate(files):
        now = time.perf_counter()
        if now - last >= REPORT_EVERY_S:
            last = now
            progress.report(number / len(files), f"Reading file {number + 1} of {len(files)}")
        progress.check()
        yield file


def _checked_name(path: Path) -> Path:
    """Return a file named like a picture; StudyError where it is DICOM all the same (PS3.10 7.1)."""
    with path.open("rb") as file:
        if file.read(132)[128:] == b"DICM":
            raise StudyError(f"The file is DICOM but named like a picture; rename it to {path.stem}.dcm to open it.")
    return path


def _taken(path: Path) -> tuple[FrameFacts, ...]:
    """Return the frames of a file; StudyError says why it is not taken."""
    if is_dicomdir(path):
        raise StudyError("A DICOMDIR, the index of a medium; the files beside it are read themselves.")
    header = read_header(path, _TAGS)
    reason = _not_an_image(header)
    if reason:
        raise StudyError(reason)
    return frames_of(path, header)


def _not_an_image(header: Dataset) -> str:
    sop_class = tags.text(header, "SOPClassUID") or tags.text(header.file_meta, "MediaStorageSOPClassUID")
    name = (
        UID(sop_class).name if sop_class else f"A DICOM object of modality {tags.text(header, 'Modality') or 'unknown'}"
    )
    name = name.removesuffix(" Storage")
    if sop_class.startswith(NOT_IMAGES):
        return f"{name}: not an image; this version shows images only."
    if not tags.integer(header, "Rows") or not tags.integer(header, "Columns"):
        return f"{name}: without rows and columns, not an image."
    if not getattr(header, "has_pixels", True):
        return f"{name}: the file has no pixel data; it may have been left out on export."
    return ""
