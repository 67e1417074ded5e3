"""DICOM files of the phantoms: what all of them hold, and the MR image (PS3.3 A.4)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import highdicom as hd
import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from inference.phantoms import GENERATOR_VERSION

# Root of UIDs derived from UUIDs, PS3.5 B.2: needs no registration.
_UID_ROOT = "2.25."
_DYNAMIC_START_S = 10 * 3600 + 15 * 60


@dataclass(frozen=True)
class DemoPatient:
    """A fictitious patient and the date of the study."""

    name: str
    identifier: str
    birth_date: str
    study_date: str
    key: str


MAMMOGRAM_PATIENT = DemoPatient("Demo^Mammogram", "BREASTLENS-DEMO-MG", "19700101", "20240105", "mammogram")
MRI_PATIENT = DemoPatient("Demo^MRI", "BREASTLENS-DEMO-MR", "19720202", "20240106", "mri")


def uid(*parts: object) -> str:
    """Return a UID that is always the same for the same parts and generator version."""
    return generate_uid(prefix=_UID_ROOT, entropy_srcs=["BreastLens", GENERATOR_VERSION, *map(str, parts)])


def base_dataset(patient: DemoPatient, sop_class: str, modality: str) -> Dataset:
    """Return what every demo image has: patient, study, equipment, SOP."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.SOPClassUID = sop_class
    dataset.Modality = modality
    dataset.PatientName, dataset.PatientID = patient.name, patient.identifier
    dataset.PatientBirthDate, dataset.PatientSex = patient.birth_date, "F"
    dataset.PatientComments = "BREASTLENS PHANTOM, not a real person"
    dataset.StudyDate, dataset.StudyTime = patient.study_date, "100000"
    dataset.StudyID, dataset.AccessionNumber = "1", ""
    dataset.ReferringPhysicianName = ""
    dataset.StudyDescription = f"BREASTLENS PHANTOM {patient.key}"
    dataset.Manufacturer = "BreastLens"
    dataset.ManufacturerModelName = "BreastLens phantom generator"
    dataset.DeviceSerialNumber = "PHANTOM"
    dataset.SoftwareVersions = f"phantom generator {GENERATOR_VERSION}"
    return dataset


def set_pixels(dataset: Dataset, values: np.ndarray, bits: int = 12) -> None:
    """Attach pixels of up to 16 bits stored in 16, one sample per pixel, unsigned."""
    dataset.SamplesPerPixel = 1
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, bits, bits - 1, 0
    dataset.PixelData = np.ascontiguousarray(values, "<u2").tobytes()
    dataset["PixelData"].VR = "OW"


def code_item(value: str, scheme: str, meaning: str) -> Dataset:
    """Return an item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def mr_dataset(volume: hd.Volume, index: int, patient: DemoPatient, seconds: float | None, bright: int) -> Dataset:
    """Return one slice as a classic MR image; UIDs of study and series and phase tags are the caller's.

    Parameters
    ----------
    index
        Slice of the volume, shape (slices, rows, columns).
    seconds
        Time after the pre-contrast phase; None for the T2-weighted series.
    bright
        Stored value to be shown white.
    """
    dataset = base_dataset(patient, MRImageStorage, "MR")
    geometry = volume.get_geometry()
    dataset.ImagePositionPatient = [f"{v:.6g}" for v in geometry.map_indices_to_reference(np.array([[index, 0, 0]]))[0]]
    directions = np.round(volume.direction, 6) + 0.0  # columns: along slices, rows and columns of the array; no -0
    dataset.ImageOrientationPatient = [f"{v:.6g}" for v in (*directions[:, 2], *directions[:, 1])]
    thickness, row_mm, column_mm = volume.spacing
    dataset.PixelSpacing = [f"{row_mm:.6g}", f"{column_mm:.6g}"]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = f"{thickness:.6g}"
    along = np.dot([float(v) for v in dataset.ImagePositionPatient], directions[:, 0])
    dataset.SliceLocation = f"{float(along):.6g}"
    dataset.PositionReferenceIndicator = ""
    dataset.PatientPosition = "FFP"
    dataset.BodyPartExamined = "BREAST"
    dataset.ImageLaterality = "B"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    clock = _clock(_DYNAMIC_START_S + seconds) if seconds is not None else _clock(_DYNAMIC_START_S - 420)
    dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = patient.study_date
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = clock
    _set_mr_sequence(dataset, dynamic=seconds is not None)
    dataset.PhotometricInterpretation = "MONOCHROME2"
    values = np.asarray(volume.array[index])
    dataset.WindowCenter, dataset.WindowWidth = str(bright // 2), str(bright)
    set_pixels(dataset, values)
    return dataset


def _set_mr_sequence(dataset: Dataset, *, dynamic: bool) -> None:
    """Pulse sequence of the dynamic T1 or of the T2-weighted series."""
    dataset.MagneticFieldStrength = "1.5"
    dataset.ScanOptions = "FS"
    dataset.ImagedNucleus = "1H"
    dataset.NumberOfAverages = "1"
    if dynamic:
        dataset.ScanningSequence, dataset.SequenceVariant = "GR", "SP"
        dataset.MRAcquisitionType = "3D"
        dataset.RepetitionTime, dataset.EchoTime, dataset.FlipAngle = "5.5", "2.0", "12"
        dataset.EchoTrainLength = 1
    else:
        dataset.ScanningSequence, dataset.SequenceVariant = "SE", "SK"
        dataset.MRAcquisitionType = "2D"
        dataset.RepetitionTime, dataset.EchoTime, dataset.FlipAngle = "5000", "90", "90"
        dataset.EchoTrainLength = 15
        dataset.SeriesDescription = "BREASTLENS PHANTOM T2 FS"


def _clock(seconds: float) -> str:
    """Return DICOM TM of a time of day in seconds."""
    whole = int(seconds)
    return f"{whole // 3600:02d}{whole // 60 % 60:02d}{whole % 60:02d}.{round(seconds % 1 * 1e6):06d}"


def save(dataset: Dataset, path: Path) -> Path:
    """Write a data set to a temporary name, then move it into place."""
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    temporary = path.with_suffix(".part")
    dataset.save_as(temporary, enforce_file_format=True)
    os.replace(temporary, path)  # noqa: PTH105 - atomic on the same file system
    return path
