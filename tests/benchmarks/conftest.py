"""Images the benchmarks read: written once per run, random enough that no codec finds them easy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    DigitalMammographyXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    generate_uid,
)

MAMMOGRAM_SHAPE = (4096, 3328)


def mammogram_pixels() -> np.ndarray:
    """Return a breast-like field, 12 of 16 bits, with noise in its lowest four bits (compresses about 2:1)."""
    random = np.random.default_rng(7)
    rows, columns = MAMMOGRAM_SHAPE
    y, x = np.mgrid[-1 : 1 : rows * 1j, 0 : 1.3 : columns * 1j]
    tissue = np.clip(1 - (x**2 + y**2), 0, None) * 3200
    noise = random.integers(0, 16, MAMMOGRAM_SHAPE)
    return np.where(tissue > 0, tissue + noise, 0).astype(np.uint16)


@pytest.fixture
def mammogram() -> np.ndarray:
    """The mammogram as a stack of one slice."""
    return mammogram_pixels()[None]


def write_image(path: Path, pixels: np.ndarray, sop_class: str, **tags: object) -> Path:
    """Write one grey DICOM image of 16 bits."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    image = pydicom.Dataset()
    image.file_meta = meta
    image.SOPClassUID, image.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    image.PatientID, image.PatientName, image.StudyDate = "BENCH", "Bench^Mark", "20260101"
    image.Rows, image.Columns = pixels.shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.WindowCenter, image.WindowWidth = 1600, 3200
    for name, value in tags.items():
        setattr(image, name, value)
    image.PixelData = pixels.tobytes()
    image.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture(scope="session")
def mammogram_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same 4096×3328 mammogram, uncompressed and JPEG 2000 lossless."""
    folder = tmp_path_factory.mktemp("mammogram")
    tags = {
        "Modality": "MG", "StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(),
        "ImageLaterality": "R", "ViewPosition": "MLO", "ImagerPixelSpacing": [0.07, 0.07],
    }  # fmt: skip
    plain = write_image(
        folder / "plain.dcm", mammogram_pixels(), DigitalMammographyXRayImageStorageForPresentation, **tags
    )
    image = pydicom.dcmread(plain)
    image.compress(JPEG2000Lossless, generate_instance_uid=True)
    image.SeriesInstanceUID = generate_uid()
    image.save_as(folder / "j2k.dcm")
    return {"uncompressed": plain, "JPEG 2000 lossless": folder / "j2k.dcm"}


@pytest.fixture(scope="session")
def thousand_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of 1,000 MR slices of 256×256 in four series."""
    folder = tmp_path_factory.mktemp("thousand")
    study, frame = generate_uid(), generate_uid()
    pixels = np.random.default_rng(3).integers(0, 4096, (256, 256)).astype(np.uint16)
    for number in range(4):
        series = generate_uid()
        for k in range(250):
            write_image(
                folder / f"{number}-{k:03d}.dcm", pixels, MRImageStorage,
                Modality="MR", StudyInstanceUID=study, SeriesInstanceUID=series, FrameOfReferenceUID=frame,
                SeriesNumber=number, InstanceNumber=k + 1, ImagePositionPatient=[0, 0, float(k)],
                ImageOrientationPatient=[1, 0, 0, 0, 1, 0], PixelSpacing=[1, 1], ImageType=["ORIGINAL", "PRIMARY"],
                AcquisitionTime=f"10{number:02d}00",
            )  # fmt: skip
    return folder
