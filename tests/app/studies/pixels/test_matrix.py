"""Every transfer syntax with every kind of pixel, encoded by pydicom or imagecodecs and read back exactly."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.uid import UID

from app.studies.files.dicom_file import open_dicom
from app.studies.pixels.reader import read_frames
from app.studies.study import Frame

#: (type, bits stored, photometric interpretation, frames, rows, columns)
KINDS = {
    "8 bit": ("u1", 8, "MONOCHROME2", 1, 33, 47),
    "10 of 16 bit": ("u2", 10, "MONOCHROME2", 1, 32, 48),
    "12 of 16 bit, black on white": ("u2", 12, "MONOCHROME1", 1, 41, 45),
    "16 bit": ("u2", 16, "MONOCHROME2", 1, 64, 40),
    "12 of 16 bit, signed": ("i2", 12, "MONOCHROME2", 1, 32, 48),
    "16 bit, signed": ("i2", 16, "MONOCHROME2", 1, 33, 35),
    "12 of 16 bit, frames": ("u2", 12, "MONOCHROME2", 5, 37, 33),
    "8 bit, frames of odd length": ("u1", 8, "MONOCHROME2", 3, 35, 33),
}
UNCOMPRESSED = {
    "implicit": pydicom.uid.ImplicitVRLittleEndian,
    "explicit": pydicom.uid.ExplicitVRLittleEndian,
    "big endian": pydicom.uid.ExplicitVRBigEndian,
    "deflated": pydicom.uid.DeflatedExplicitVRLittleEndian,
}
IMAGECODECS = {
    "JPEG lossless": (
        "1.2.840.10008.1.2.4.57",
        lambda frame, bits: imagecodecs.ljpeg_encode(frame, bitspersample=bits),
    ),
    "HTJ2K": ("1.2.840.10008.1.2.4.201", lambda frame, _bits: imagecodecs.htj2k_encode(frame, reversible=True)),
}
PYDICOM = {  # with the plugin that encodes; python-gdcm aborts the process over RLE
    "RLE": (UID("1.2.840.10008.1.2.5"), "pydicom"),
    "JPEG-LS": (UID("1.2.840.10008.1.2.4.80"), "pyjpegls"),
    "JPEG 2000": (UID("1.2.840.10008.1.2.4.90"), "pylibjpeg"),
}


def pixels(kind: str) -> np.ndarray:
    """Values over the whole range of the kind, smooth with a few jumps, (frames, rows, columns)."""
    dtype, bits, _, frames, rows, columns = KINDS[kind]
    low = -(1 << (bits - 1)) if dtype.startswith("i") else 0
    ramp = np.linspace(low, low + (1 << bits) - 1, frames * rows * columns)
    values = ramp.round().astype(dtype).reshape(frames, rows, columns)
    values[:, ::5, ::3] = values[:, ::-1, ::-1][:, ::5, ::3]
    return values


def dataset(dicom, kind: str) -> pydicom.Dataset:
    _, bits, photometric, frames, _, _ = KINDS[kind]
    values = pixels(kind)
    return dicom.with_pixels(
        dicom.dataset(dicom.MR, "MR", SOPInstanceUID="1.2.3.4"), values if frames > 1 else values[0], photometric, bits
    )


def read(path: Path) -> np.ndarray:
    with open_dicom(path) as opened:
        assert opened.pixels is not None
        frames = opened.pixels.frames
    return read_frames([Frame(path, index, "") for index in range(frames)])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("syntax", UNCOMPRESSED)
def test_uncompressed(dicom, tmp_path: Path, syntax: str, kind: str) -> None:
    made, path = dataset(dicom, kind), tmp_path / "a.dcm"
    uid = UNCOMPRESSED[syntax]
    if syntax == "big endian" and made.BitsAllocated == 16:
        made.PixelData = pixels(kind).astype(pixels(kind).dtype.newbyteorder(">")).tobytes()
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.MediaStorageSOPClassUID, made.file_meta.MediaStorageSOPInstanceUID = dicom.MR, "1.2.3.4"
    made.file_meta.TransferSyntaxUID = uid
    pydicom.dcmwrite(path, made, enforce_file_format=True)
    np.testing.assert_array_equal(read(path), pixels(kind))


@pytest.mark.parametrize("kind", [kind for kind, (dtype, *_) in KINDS.items() if dtype.startswith("u")])
@pytest.mark.parametrize("syntax", IMAGECODECS)
def test_syntaxes_that_pydicom_does_not_write(dicom, tmp_path: Path, syntax: str, kind: str) -> None:
    uid, encode = IMAGECODECS[syntax]
    made = dataset(dicom, kind)
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = uid
    made.PixelData = pydicom.encaps.encapsulate([encode(frame, KINDS[kind][1]) for frame in pixels(kind)])
    made["PixelData"].is_undefined_length = True
    path = tmp_path / "a.dcm"
    pydicom.dcmwrite(path, made)
    np.testing.assert_array_equal(read(path), pixels(kind))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", ["basic", "extended", "none"])
@pytest.mark.parametrize("syntax", PYDICOM)
def test_encoded_by_pydicom_with_each_offset_table(dicom, tmp_path: Path, syntax: str, table: str, kind: str) -> None:
    made = dataset(dicom, kind)
    made.file_meta = pydicom.dataset.FileMetaDataset()
    made.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    uid, plugin = PYDICOM[syntax]
    made.compress(uid, encoding_plugin=plugin, encapsulate_ext=table == "extended", generate_instance_uid=False)
    if table == "none":
        parts = list(pydicom.encaps.generate_frames(made.PixelData, number_of_frames=KINDS[kind][3]))
        made.PixelData = pydicom.encaps.encapsulate(parts, fragments_per_frame=1, has_bot=False)
    path = tmp_path / "a.dcm"
    pydicom.dcmwrite(path, made)
    np.testing.assert_array_equal(read(path), pixels(kind))
