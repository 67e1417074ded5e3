"""Research formats, written here by other libraries and read back."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import cv2
import imageio.v3
import nibabel
import numpy as np
import pytest
import SimpleITK
from PIL import Image

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.pixels import research
from app.studies.pixels.reader import read_frames
from app.studies.study import Frame

RNG = np.random.default_rng(3)
VOLUME = RNG.integers(-500, 3000, (4, 6, 5), dtype=np.int16)
GREY16 = RNG.integers(0, 65536, (20, 30), dtype=np.uint16)
GREY8 = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
RGB = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
def test_nifti_is_turned_from_ras_to_lps(tmp_path: Path, suffix: str) -> None:
    tilt = np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]) * [0.7, 0.8, 2.0]
    affine = np.block([[tilt, np.array([[-10], [20], [30]])], [np.array([0, 0, 0, 1.0])]])
    path = tmp_path / f"a{suffix}"
    nibabel.save(nibabel.Nifti1Image(VOLUME.transpose(2, 1, 0), affine), path)
    image = research.describe(path)
    assert image.shape == (4, 6, 5)
    assert image.affine is not None
    want = np.diag([-1, -1, 1, 1]) @ affine @ np.array([4, 5, 3, 1])
    np.testing.assert_allclose(image.affine @ np.array([3, 5, 4, 1]), want, atol=1e-5)
    np.testing.assert_array_equal(research.read(path), VOLUME)
    np.testing.assert_array_equal(read_frames([Frame(path, 2, "")])[0], VOLUME[2])
    itk = SimpleITK.ReadImage(str(path))
    np.testing.assert_allclose(itk.TransformIndexToPhysicalPoint((4, 5, 3)), want[:3], atol=1e-4)


def test_nifti_scaled_and_bombs(tmp_path: Path) -> None:
    header = nibabel.Nifti1Header()
    header.set_data_shape((5, 6, 4))
    header.set_data_dtype(np.int16)
    header["vox_offset"] = 352
    header["scl_slope"], header["scl_inter"] = 2.0, 5.0
    raw = header.binaryblock + bytes(4) + VOLUME.tobytes()
    path = tmp_path / "scaled.nii"
    path.write_bytes(raw)
    np.testing.assert_allclose(research.read(path), VOLUME * 2.0 + 5)
    assert research.describe(path).affine is None
    path.write_bytes(raw[:-7])
    with pytest.raises(StudyError, match="truncated"):
        research.read(path)
    header.set_data_shape((30000, 30000, 30000))
    bomb = tmp_path / "bomb.nii.gz"
    bomb.write_bytes(gzip.compress(header.binaryblock + bytes(1 << 20)))
    with pytest.raises(UnsafeFileError):
        research.read(bomb)
    bomb.write_bytes(b"\x1f\x8b not gzip at all")
    with pytest.raises(StudyError):
        research.read(bomb)


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mhd"])
def test_itk_formats_against_simpleitk(tmp_path: Path, suffix: str) -> None:
    image = SimpleITK.GetImageFromArray(VOLUME)
    image.SetSpacing((0.5, 0.6, 2.5))
    image.SetOrigin((1, 2, 3))
    image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    path = tmp_path / f"a{suffix}"
    SimpleITK.WriteImage(image, str(path), useCompression=True)
    described = research.describe(path)
    assert described.spacing_mm == (2.5, 0.6, 0.5)
    assert described.affine is not None
    point = image.TransformIndexToPhysicalPoint((4, 3, 2))
    np.testing.assert_allclose((described.affine @ np.array([2, 3, 4, 1]))[:3], point)
    values = research.read(path)
    assert values.dtype == described.dtype
    np.testing.assert_array_equal(values, VOLUME)


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret.raw"])
def test_detached_header_that_leads_out_of_its_folder(tmp_path: Path, target: str) -> None:
    path = tmp_path / "a.mhd"
    path.write_text(
        f"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementType = MET_UCHAR\nElementDataFile = {target}\n"
    )
    with pytest.raises(UnsafeFileError, match="outside"):
        research.describe(path)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("a.png", GREY8),
        ("b.png", GREY16),
        ("c.png", RGB),
        ("d.tif", GREY8),
        ("e.tif", GREY16),
        ("f.tif", RGB),
        ("g.pgm", GREY8),
        ("h.pgm", GREY16),
        ("i.ppm", RGB),
    ],
)
def test_lossless_pictures(tmp_path: Path, name: str, values: np.ndarray) -> None:
    path = tmp_path / name
    cv2.imwrite(str(path), values if values.ndim == 2 else values[..., ::-1])
    image = research.describe(path)
    assert (image.shape, image.dtype) == ((1, *values.shape), values.dtype)
    assert image.colour == (values.ndim == 3)
    assert image.spacing_mm is None
    np.testing.assert_array_equal(research.read(path)[0], values)
    np.testing.assert_array_equal(read_frames([Frame(path, 0, "")])[0], values)


def test_alpha_is_dropped_and_jpeg_is_close(tmp_path: Path) -> None:
    Image.fromarray(np.dstack([RGB, GREY8])).save(tmp_path / "a.png")
    np.testing.assert_array_equal(research.read(tmp_path / "a.png")[0], RGB)
    smooth = np.tile(np.arange(0, 240, 8, dtype=np.uint8), (20, 1))
    for name, values in (("g.jpg", smooth), ("c.jpg", np.dstack([smooth, smooth[:, ::-1], smooth]))):
        Image.fromarray(values).save(tmp_path / name, quality=98, subsampling=0)
        assert np.abs(research.read(tmp_path / name)[0].astype(int) - values).max() <= 6


def test_tiff_of_several_pages_and_white_as_zero(tmp_path: Path) -> None:
    pages = [Image.fromarray(GREY16 // (index + 1)) for index in range(3)]
    pages[0].save(tmp_path / "a.tiff", save_all=True, append_images=pages[1:], compression="tiff_lzw")
    np.testing.assert_array_equal(research.read(tmp_path / "a.tiff"), [np.asarray(page) for page in pages])
    Image.fromarray(GREY8).save(tmp_path / "w.tif", tiffinfo={262: 0})
    np.testing.assert_array_equal(research.read(tmp_path / "w.tif")[0], np.asarray(Image.open(tmp_path / "w.tif")))


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">L", len(body)) + name + body + struct.pack(">L", zlib.crc32(name + body))


def test_hostile_pictures(tmp_path: Path) -> None:
    head = struct.pack(">LLBBBBB", 60000, 60000, 16, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(1 << 20)))
    loop = b"II*\x00" + struct.pack("<L", 8) + struct.pack("<H", 0) + struct.pack("<L", 8)
    for name, content in {
        "bomb.png": bomb,
        "loop.tif": loop,
        "cut.png": bomb[:20],
        "text.png": b"hello",
        "empty.tif": b"",
        "html.jpg": b"<html>",
        "a.pgm": b"P5 999999999 999999999 255\n",
        "b.pgm": b"P5 10 10 255\nshort",
        "c.nrrd": b"NRRD0004\ntype: short\ndimension: 3\nsizes: 5 5\n\n",
        "d.nii": b"\0" * 400,
        "float of 8 bit.tif": _tiff({256: 4, 257: 4, 258: 8, 262: 1, 277: 1, 339: 3}),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(StudyError):
            research.read(tmp_path / name)


def _tiff(entries: dict[int, int]) -> bytes:
    body = b"".join(struct.pack("<HHLL", tag, 3, 1, value) for tag, value in entries.items())
    return b"II*\x00" + struct.pack("<LH", 8, len(entries)) + body + bytes(4)


@pytest.mark.real_data
def test_real_pictures_and_volumes(shared_data: Path) -> None:
    png = next((shared_data / "mammography-png" / "nyu-density-exam").glob("*.png"))
    np.testing.assert_array_equal(research.read(png)[0], imageio.v3.imread(png))
    nrrd = next((shared_data / "mri" / "pyradiomics_breast1").glob("*.nrrd"))
    np.testing.assert_array_equal(research.read(nrrd), SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(nrrd))))
