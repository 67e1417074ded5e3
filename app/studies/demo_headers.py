"""DICOM headers of the demo studies: MG for presentation (PS3.3 A.26) and MR image (PS3.3 A.4)."""

from __future__ import annotations

from dataclasses import dataclass

import highdicom as hd
import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

from inference.phantoms import GENERATOR_VERSION
from inference.phantoms.mammo import MAXIMUM, MammoPhantom

# Root of UIDs derived from UUIDs, PS3.5 B.2: needs no registration.
_UID_ROOT = "2.25."
_VIEWS = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
_DYNAMIC_START_S = 10 * 3600 + 15 * 60


@dataclass(frozen=True)
class DemoPatient:
    """A fictitious patient and the date of the study."""

    name: str
    identifier: str
    birth_date: str
    study_date: str
    key: str


def uid(*parts: object) -> str:
    """Return a UID that is always the same for the same parts and generator version."""
    return generate_uid(prefix=_UID_ROOT, entropy_srcs=["BreastLens", GENERATOR_VERSION, *map(str, parts)])


def _dataset(patient: DemoPatient, sop_class: str, modality: str) -> Dataset:
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


def _set_pixels(dataset: Dataset, values: np.ndarray) -> None:
    """Attach 12 bits stored in 16, one sample per pixel."""
    dataset.SamplesPerPixel = 1
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = np.ascontiguousarray(values, "<u2").tobytes()
    dataset["PixelData"].VR = "OW"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def mammogram_dataset(phantom: MammoPhantom, patient: DemoPatient, number: int, *, inverted: bool = False) -> Dataset:
    """Return one view as Digital Mammography X-Ray Image, for presentation.

    Parameters
    ----------
    number
        Instance and series number.
    inverted
        Store MONOCHROME1 with PresentationLUTShape INVERSE; the picture is the same.
    """
    dataset = _dataset(patient, DigitalMammographyXRayImageStorageForPresentation, "MG")
    study = f"mammogram-{phantom.seed}"
    dataset.StudyInstanceUID = uid(study)
    dataset.SeriesInstanceUID = uid(study, phantom.laterality, phantom.view)
    dataset.SOPInstanceUID = uid(study, phantom.laterality, phantom.view, "image", phantom.image.shape)
    dataset.SeriesNumber = dataset.InstanceNumber = number
    dataset.SeriesDescription = f"BREASTLENS PHANTOM {phantom.laterality} {phantom.view}"
    dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = patient.study_date
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = f"10{number:02d}00"
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.ImageType = ["DERIVED", "PRIMARY"]
    dataset.DerivationDescription = "Synthetic image of a numerical phantom"
    _set_mammogram_acquisition(dataset, phantom)
    _set_mammogram_display(dataset, phantom, inverted=inverted)
    values = phantom.image.array[0]
    _set_pixels(dataset, MAXIMUM - values if inverted else values)
    return dataset


def _set_mammogram_acquisition(dataset: Dataset, phantom: MammoPhantom) -> None:
    """View, anatomy, positioning and exposure of a mammogram."""
    code, meaning = _VIEWS[phantom.view]
    view = _code(code, "SCT", meaning)
    view.ViewModifierCodeSequence = DicomSequence([])
    dataset.ViewCodeSequence = DicomSequence([view])
    dataset.ImageLaterality = phantom.laterality
    dataset.PatientOrientation = list(phantom.patient_orientation)
    dataset.AnatomicRegionSequence = DicomSequence([_code("76752008", "SCT", "Breast")])
    dataset.BodyPartExamined = "BREAST"
    dataset.OrganExposed = "BREAST"
    dataset.PositionerType = "MAMMOGRAPHIC"
    if phantom.view == "MLO":
        dataset.PositionerPrimaryAngle = "45" if phantom.laterality == "L" else "-45"
    else:
        dataset.PositionerPrimaryAngle = "0"
    dataset.BodyPartThickness = f"{phantom.thickness_mm:.0f}"
    dataset.KVP, dataset.ExposureInuAs = "28", 80000
    dataset.AnodeTargetMaterial, dataset.FilterMaterial = "TUNGSTEN", "RHODIUM"
    dataset.ImagerPixelSpacing = [f"{phantom.pixel_mm:.6g}"] * 2
    dataset.DetectorType = "DIRECT"
    dataset.DetectorElementSpacing = dataset.ImagerPixelSpacing
    dataset.FieldOfViewOrigin = ["0", "0"]
    dataset.FieldOfViewRotation, dataset.FieldOfViewHorizontalFlip = "0", "NO"
    dataset.EstimatedRadiographicMagnificationFactor = "1"
    dataset.BreastImplantPresent = "NO"
    dataset.AcquisitionContextSequence = DicomSequence([])


def _set_mammogram_display(dataset: Dataset, phantom: MammoPhantom, *, inverted: bool) -> None:
    """Photometric interpretation, modality LUT and the choice of windows."""
    dataset.PhotometricInterpretation = "MONOCHROME1" if inverted else "MONOCHROME2"
    dataset.PresentationLUTShape = "INVERSE" if inverted else "IDENTITY"
    dataset.PixelIntensityRelationship, dataset.PixelIntensityRelationshipSign = "LOG", -1 if inverted else 1
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    centre, width = phantom.window
    if inverted:
        centre = MAXIMUM - centre
    dataset.WindowCenter = [str(centre)] * 2
    dataset.WindowWidth = [str(width), str(int(width * 0.75))]
    dataset.WindowCenterWidthExplanation = ["Normal", "Harder"]
    dataset.VOILUTFunction = "SIGMOID" if phantom.laterality == "L" else "LINEAR"
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"


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
    dataset = _dataset(patient, MRImageStorage, "MR")
    geometry = volume.get_geometry()
    dataset.ImagePositionPatient = [f"{v:.6g}" for v in geometry.map_indices_to_reference(np.array([[index, 0, 0]]))[0]]
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    thickness, row_mm, column_mm = volume.spacing
    dataset.PixelSpacing = [f"{row_mm:.6g}", f"{column_mm:.6g}"]
    dataset.SliceThickness = dataset.SpacingBetweenSlices = f"{thickness:.6g}"
    dataset.SliceLocation = dataset.ImagePositionPatient[2]
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
    _set_pixels(dataset, values)
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
        dataset.SeriesDescription = "BREASTLENS PHANTOM ax T2 FS"


def _clock(seconds: float) -> str:
    """Return DICOM TM of a time of day in seconds."""
    whole = int(seconds)
    return f"{whole // 3600:02d}{whole // 60 % 60:02d}{whole % 60:02d}.{round(seconds % 1 * 1e6):06d}"
