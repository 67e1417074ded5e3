"""Small DICOM files for tests: data sets with geometry, time and pixels, written the way scanners do."""

from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, generate_uid


@pytest.fixture(scope="session")
def dicom() -> ModuleType:
    """The functions of this file; tests are not importable packages."""
    return sys.modules[__name__]


MR = "1.2.840.10008.5.1.4.1.1.4"
MG = "1.2.840.10008.5.1.4.1.1.1.2"
ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
TOMO = "1.2.840.10008.5.1.4.1.1.13.1.3"
CR = "1.2.840.10008.5.1.4.1.1.1"


def uid(*parts: object) -> str:
    """The same UID for the same parts."""
    return generate_uid(entropy_srcs=[str(part) for part in parts])


def dataset(sop_class: str, modality: str, **values: Any) -> Dataset:
    """A data set with identity; ``values`` override, None removes."""
    made = Dataset()
    made.SOPClassUID = sop_class
    made.Modality = modality
    made.PatientName, made.PatientID = "Test^Anna", "T1"
    made.StudyInstanceUID, made.SeriesInstanceUID = uid("study"), uid("series", values.get("SeriesNumber", 1))
    made.StudyDate, made.StudyTime, made.StudyID = "20240102", "101500", "1"
    made.SeriesNumber = 1
    for keyword, value in values.items():
        if value is None:
            if keyword in made:
                delattr(made, keyword)
        else:
            setattr(made, keyword, value)
    if "SOPInstanceUID" not in values:
        made.SOPInstanceUID = uid("sop", *sorted((key, str(value)) for key, value in values.items()))
    return made


def with_pixels(made: Dataset, pixels: np.ndarray, photometric: str = "MONOCHROME2", bits: int = 0) -> Dataset:
    """Give a data set pixels: (rows, columns), (frames, rows, columns) or (rows, columns, 3) bytes."""
    colour = pixels.ndim == 3 and pixels.shape[-1] == 3 and pixels.dtype == np.uint8
    made.Rows, made.Columns = pixels.shape[:2] if colour else pixels.shape[-2:]
    made.SamplesPerPixel = 3 if colour else 1
    made.PhotometricInterpretation = "RGB" if colour else photometric
    if colour:
        made.PlanarConfiguration = 0
    made.BitsAllocated = pixels.dtype.itemsize * 8
    made.BitsStored = bits or made.BitsAllocated
    made.HighBit = made.BitsStored - 1
    made.PixelRepresentation = int(pixels.dtype.kind == "i")
    if pixels.ndim == 3 and not colour:
        made.NumberOfFrames = pixels.shape[0]
    content = pixels.tobytes()
    made.add_new("PixelData", "OW" if made.BitsAllocated > 8 else "OB", content + b"\0" * (len(content) % 2))
    return made


def save(made: Dataset, path: Path) -> Path:
    """Write a data set as explicit VR little endian."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = made.SOPClassUID
    meta.MediaStorageSOPInstanceUID = made.get("SOPInstanceUID", "1.2.3")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made.file_meta = meta
    path.parent.mkdir(parents=True, exist_ok=True)
    pydicom.dcmwrite(path, made, enforce_file_format=True)
    return path


OBLIQUE = (0.9, 0.3, -0.316227766, -0.1, 0.85, 0.5172)


def axes(orientation: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orthonormal row, column and normal close to six cosines."""
    row = np.asarray(orientation[:3]) / np.linalg.norm(orientation[:3])
    column = np.asarray(orientation[3:]) - row * np.dot(row, orientation[3:])
    column /= np.linalg.norm(column)
    return row, column, np.cross(row, column)


def mr_slice(
    k: int,
    *,
    orientation: tuple[float, ...] = (1, 0, 0, 0, 1, 0),
    origin: tuple[float, float, float] = (-50.0, -40.0, 10.0),
    step: float = 2.5,
    size: tuple[int, int] = (6, 8),
    value: int | None = None,
    **values: Any,
) -> Dataset:
    """One MR slice, the k-th along the normal; its pixels are 100·k + position, or all ``value``."""
    row, column, normal = axes(orientation)
    position = np.asarray(origin) + normal * step * k
    described = {
        "InstanceNumber": k + 1,
        "FrameOfReferenceUID": uid("frame"),
        "ImagePositionPatient": [f"{value:.9g}"[:16] for value in position],
        "ImageOrientationPatient": [f"{value:.9g}"[:16] for value in (*row, *column)],
        "PixelSpacing": [0.7, 1.3],
        "SliceThickness": 9.0,
        "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
        "ScanningSequence": "GR",
        "RepetitionTime": 5.0,
        "EchoTime": 2.0,
        "FlipAngle": 12.0,
        **values,
    }
    pixels = np.arange(size[0] * size[1], dtype=np.uint16).reshape(size) + 100 * k
    if value is not None:
        pixels = np.full(size, value, np.uint16)
    return with_pixels(dataset(MR, "MR", **described), pixels)


def item(**values: Any) -> Dataset:
    """A sequence item."""
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


def sequence(**values: Any) -> Sequence:
    """A sequence of one item."""
    return Sequence([item(**values)])


def code(value: str, meaning: str = "x", scheme: str = "SCT") -> Sequence:
    """A coded concept."""
    return sequence(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


# --- mammograms ----------------------------------------------------------------------------------------------------

VIEW_CODES = {"CC": "399162004", "MLO": "399368009", "ML": "399260004", "LM": "399352003", "XCCL": "399192008"}
MODIFIER_CODES = {"M": "399163009", "S": "399055006", "ID": "399209000"}
ORIENTATIONS = {
    ("R", "CC"): ["P", "L"],
    ("L", "CC"): ["A", "R"],
    ("R", "MLO"): ["P", "FL"],
    ("L", "MLO"): ["A", "FR"],
}


@functools.cache
def breast_pixels(side: str, view: str, raw: bool = False) -> np.ndarray:
    """A phantom's view of 220 x 180 pixels, chest wall at the left for the left breast and right for the right one."""
    from inference.phantoms.mammo import Detector, make_mammogram

    shape = view if view in ("CC", "MLO") else "MLO" if view in ("ML", "LM") else "CC"
    detector = Detector(shape=(220, 180), pixel_mm=1.0)
    return make_mammogram(5, side or "R", shape, detector=detector, lesions=(), for_processing=raw).image.array[0]


def mammogram(side: str, view: str, *modifiers: str, name: str = "", raw: bool = False, **values: Any) -> Dataset:
    """One mammogram with a coded view; its series description lies on purpose."""
    pixels = values.pop("pixels", None)
    label = name or " ".join((side, view, *modifiers, "raw" if raw else ""))
    described = {
        "SOPClassUID": f"{MG}.1" if raw else MG,
        "SeriesInstanceUID": uid("series", label, values.get("StudyInstanceUID", "")),
        "SOPInstanceUID": uid("sop", label, values.get("StudyInstanceUID", "")),
        "SeriesDescription": "L MLO",
        "ImageLaterality": side or None,
        "PatientOrientation": ORIENTATIONS.get((side, view), ["P", "F"] if side == "R" else ["A", "F"]),
        "PresentationIntentType": "FOR PROCESSING" if raw else "FOR PRESENTATION",
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "AcquisitionTime": "101500",
        "ImagerPixelSpacing": [1.0, 1.0],
        **values,
    }
    made = dataset(described.pop("SOPClassUID"), "MG", **described)
    if view:
        made.ViewCodeSequence = code(VIEW_CODES[view])
        made.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence(
            code(MODIFIER_CODES[modifier])[0] for modifier in modifiers
        )
    return with_pixels(made, breast_pixels(side, view, raw) if pixels is None else pixels, bits=12)


def tomosynthesis(side: str, view: str, frames: int = 5, **values: Any) -> Dataset:
    """A volume whose frames are stored from the top down; Frame Laterality only."""
    made = mammogram(side, view, name=f"{side} {view} tomo", SOPClassUID=TOMO, **values)
    del made.ImageLaterality
    groups = []
    for k in range(frames):
        group = item(PlanePositionSequence=sequence(ImagePositionPatient=[0.0, 0.0, float(frames - k)]))
        groups.append(group)
    shared = item(
        FrameAnatomySequence=sequence(FrameLaterality=side),
        PlaneOrientationSequence=sequence(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
        PixelMeasuresSequence=sequence(PixelSpacing=[1.0, 1.0], SliceThickness=1.0),
    )
    made.SharedFunctionalGroupsSequence = Sequence([shared])
    made.PerFrameFunctionalGroupsSequence = Sequence(groups)
    single = breast_pixels(side, view)
    return with_pixels(made, np.stack([single] * frames), bits=12)


def exam(folder: Path, *images: Dataset) -> Path:
    """Write images in an order that says nothing."""
    for number, image in enumerate(sorted(images, key=lambda one: str(one.SOPInstanceUID)[-4:])):
        save(image, folder / f"{number}.dcm")
    return folder
