"""Mammogram phantoms as DICOM (MG, PS3.3 A.26), for presentation or for processing, in the ways vendors store them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalMammographyXRayImageStorageForProcessing,
)

from app.studies.demo_headers import DemoPatient, base_dataset, code_item, set_pixels, uid
from inference.phantoms.mammo import MAXIMUM, Detector, MammoPhantom

_VIEWS = {"CC": ("399162004", "cranio-caudal"), "MLO": ("399368009", "medio-lateral oblique")}
_ACROSS = {"A": "P", "P": "A"}
_PADDED_BITS, _PADDING = 14, 16383
# Matrices of the large detectors of SYSTEMS.md §4.2, by columns and rows; 216 mm high and 266 mm high at 65 µm.
DETECTORS = {
    "1914x2294": Detector(),
    "2560x3328": Detector((3328, 2560), 0.065),
    "3328x4096": Detector((4096, 3328), 0.065),
}


@dataclass(frozen=True)
class MammogramVariant:
    """How one picture is stored; all variants but raw and sigmoid ones look the same once loaded.

    Attributes
    ----------
    inverted
        Stored values are the maximum minus the presented ones.
    photometric, shape
        Photometric Interpretation and Presentation LUT Shape, "" for none.
    voi
        ``"linear"``, ``"sigmoid"`` (both windows) or ``"lut"`` (VOI LUT Sequence).
    padded
        Air is stored as 16383 of 14 bits, brighter than anything, and named by Pixel Padding Value.
    mirrored
        Stored left to right, as Patient Orientation then says.
    tags_follow
        False: mirrored, but Patient Orientation still names the directions of the picture before.
    raw
        For Processing: detector counts; the phantom must be drawn ``for_processing``.
    marked
        The phantom must be drawn with a burnt-in marker of side and view, and dust.
    """

    inverted: bool = False
    photometric: str = "MONOCHROME2"
    shape: str = "IDENTITY"
    voi: str = "linear"
    padded: bool = False
    mirrored: bool = False
    tags_follow: bool = True
    raw: bool = False
    marked: bool = False


MAMMOGRAM_VARIANTS = {
    "plain": MammogramVariant(),
    "monochrome1": MammogramVariant(inverted=True, photometric="MONOCHROME1", shape=""),
    "monochrome1 inverse": MammogramVariant(inverted=True, photometric="MONOCHROME1", shape="INVERSE"),
    "monochrome2 inverse": MammogramVariant(inverted=True, shape="INVERSE"),
    "voi lut": MammogramVariant(voi="lut"),
    "monochrome1 voi lut": MammogramVariant(inverted=True, photometric="MONOCHROME1", shape="INVERSE", voi="lut"),
    "sigmoid": MammogramVariant(voi="sigmoid"),
    "monochrome1 sigmoid": MammogramVariant(inverted=True, photometric="MONOCHROME1", shape="INVERSE", voi="sigmoid"),
    "padding": MammogramVariant(padded=True),
    "mirrored": MammogramVariant(mirrored=True),
    "mirrored, wrong tags": MammogramVariant(mirrored=True, tags_follow=False),
    "marker and dust": MammogramVariant(marked=True),
    "for processing": MammogramVariant(raw=True),
    "monochrome1 for processing": MammogramVariant(inverted=True, photometric="MONOCHROME1", shape="", raw=True),
}


def mammogram_dataset(
    phantom: MammoPhantom, patient: DemoPatient, number: int, variant: MammogramVariant | None = None
) -> Dataset:
    """Return one view as Digital Mammography X-Ray Image.

    Parameters
    ----------
    patient
        Its ``key`` tells studies of one seed apart.
    number
        Instance and series number.
    variant
        How it is stored; MONOCHROME2 with a linear window when None.
    """
    variant = variant or MammogramVariant()
    purpose = "PROCESSING" if variant.raw else "PRESENTATION"
    storage = {
        "PROCESSING": DigitalMammographyXRayImageStorageForProcessing,
        "PRESENTATION": DigitalMammographyXRayImageStorageForPresentation,
    }
    dataset = base_dataset(patient, storage[purpose], "MG")
    study = f"{patient.key}-{phantom.seed}-{phantom.image.shape}"
    dataset.StudyInstanceUID = uid(study)
    dataset.SeriesInstanceUID = uid(study, phantom.laterality, phantom.view)
    dataset.SOPInstanceUID = uid(study, phantom.laterality, phantom.view, variant)
    dataset.SeriesNumber = dataset.InstanceNumber = number
    dataset.SeriesDescription = f"BREASTLENS PHANTOM {phantom.laterality} {phantom.view}"
    dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = patient.study_date
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = f"10{number:02d}00"
    dataset.PresentationIntentType = f"FOR {purpose}"
    dataset.ImageType = ["ORIGINAL" if variant.raw else "DERIVED", "PRIMARY"]
    dataset.DerivationDescription = "Synthetic image of a numerical phantom"
    _set_acquisition(dataset, phantom, variant)
    _set_grey(dataset, phantom, variant)
    set_pixels(dataset, stored_values(phantom, variant), _PADDED_BITS if variant.padded else 12)
    return dataset


def stored_values(phantom: MammoPhantom, variant: MammogramVariant) -> np.ndarray:
    """Return the pixels of the file, uint16, shape (rows, columns)."""
    values = phantom.image.array[0]
    if variant.inverted:
        values = MAXIMUM - values
    if variant.padded:
        values = np.where(phantom.image.array[0] == 0, np.uint16(_PADDING), values)
    return values[:, ::-1] if variant.mirrored else values


def _set_acquisition(dataset: Dataset, phantom: MammoPhantom, variant: MammogramVariant) -> None:
    """View, anatomy, positioning and exposure of a mammogram."""
    code, meaning = _VIEWS[phantom.view]
    view = code_item(code, "SCT", meaning)
    view.ViewModifierCodeSequence = DicomSequence([])
    dataset.ViewCodeSequence = DicomSequence([view])
    dataset.ImageLaterality = phantom.laterality
    along, down = phantom.patient_orientation
    turned = variant.mirrored and variant.tags_follow
    dataset.PatientOrientation = [_ACROSS[along] if turned else along, down]
    dataset.AnatomicRegionSequence = DicomSequence([code_item("76752008", "SCT", "Breast")])
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
    dataset.FieldOfViewRotation = "0"
    dataset.FieldOfViewHorizontalFlip = "YES" if variant.mirrored else "NO"
    dataset.EstimatedRadiographicMagnificationFactor = "1"
    dataset.BreastImplantPresent = "NO"
    dataset.AcquisitionContextSequence = DicomSequence([])


def _set_grey(dataset: Dataset, phantom: MammoPhantom, variant: MammogramVariant) -> None:
    """Photometric interpretation, modality LUT, padding and the choice of windows."""
    dataset.PhotometricInterpretation = variant.photometric
    if variant.shape:
        dataset.PresentationLUTShape = variant.shape
    relation, sign = ("LIN", 1) if variant.raw else ("LOG", 1)
    dataset.PixelIntensityRelationship = relation
    dataset.PixelIntensityRelationshipSign = -sign if variant.inverted else sign
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "0", "1", "US"
    if variant.padded:
        dataset.PixelPaddingValue = _PADDING
    dataset.BurnedInAnnotation = "NO"
    dataset.LossyImageCompression = "00"
    if variant.raw:  # PS3.3 C.8.11.7: windows are for presentation only
        return
    if variant.voi == "lut":
        dataset.VOILUTSequence = DicomSequence([_voi_lut(phantom, inverted=variant.inverted)])
        return
    centre, width = phantom.window
    if variant.inverted:
        centre = inverted_centre(centre, variant.voi)
    dataset.WindowCenter = [str(centre)] * 2
    dataset.WindowWidth = [str(width), str(int(width * 0.75))]
    dataset.WindowCenterWidthExplanation = ["Normal", "Harder"]
    dataset.VOILUTFunction = variant.voi.upper()


def inverted_centre(centre: int, voi: str) -> int:
    """Return the centre that shows inverted values as the same picture.

    A linear window runs from centre - 0.5 - (width - 1)/2 to centre - 0.5 + (width - 1)/2 (PS3.3 C.11.2.1.2.1): its
    mirror image has its centre one higher. The sigmoid is symmetric about the centre itself.
    """
    return MAXIMUM - centre + (1 if voi == "linear" else 0)


def _voi_lut(phantom: MammoPhantom, *, inverted: bool) -> Dataset:
    """Return the linear window as a table of 16 bits for every stored value."""
    centre, width = phantom.window
    values = np.arange(MAXIMUM + 1)
    grey = np.clip((values - (centre - 0.5)) / (width - 1) + 0.5, 0, 1)
    if inverted:  # what is stored as the maximum is black before the inversion makes it white
        grey = 1 - grey[::-1]
    item = Dataset()
    item.LUTDescriptor = [MAXIMUM + 1, 0, 16]
    item.LUTExplanation = "Normal"
    item.add_new("LUTData", "OW", np.floor(grey * 65535 + 0.5).astype("<u2").tobytes())
    return item
