"""Hostile and damaged files: each is built here, and each gives a sentence, never a crash or a hang."""

from __future__ import annotations

import os
import pickle
import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import pixel_array
from pydicom.sequence import Sequence

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files import elements
from app.studies.files.dicom_file import read_header
from app.studies.pixels.reader import read_frames
from app.studies.study import Frame

EXPLICIT, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"


def image(rows: int = 4, columns: int = 6, syntax: str = EXPLICIT) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3.4"
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    dataset.SOPInstanceUID = "1.2.3.4"
    dataset.PatientName = "Test^Hostile"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = rows, columns, 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated = dataset.BitsStored = 16
    dataset.HighBit, dataset.PixelRepresentation = 15, 0
    dataset.PixelData = np.arange(rows * columns, dtype="<u2").tobytes()
    return dataset


def encoded(dataset: Dataset) -> bytes:
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def frame(path: Path) -> list[Frame]:
    return [Frame(path, 0, "")]


def meta(syntax: str) -> bytes:
    """Preamble and group 0002 alone."""
    whole = encoded(image(syntax=syntax))
    length = struct.unpack_from("<L", whole, 140)[0]
    return whole[: 144 + length]


def test_a_good_file_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "good.dcm", encoded(image()))
    header = read_header(path)
    assert header.PatientName == "Test^Hostile"
    assert "PixelData" not in header
    assert read_frames(frame(path))[0].tolist() == np.arange(24).reshape(4, 6).tolist()


@pytest.mark.parametrize("tag", [struct.pack("<HH2sHL", 0x0009, 0x0010, b"OB", 0, 1 << 30), b""])
def test_deflate_bomb(tmp_path: Path, tag: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """1 MB that inflates to 1 GB: refused while little of it is inflated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    start = packer.compress(tag) + packer.flush(zlib.Z_FULL_FLUSH)
    megabyte = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = start + 1024 * megabyte + packer.flush()
    assert len(bomb) < 1_100_000
    path = write(tmp_path / "bomb.dcm", meta(DEFLATED) + bomb)
    lengths = []
    grow = elements.Head.grow

    def counted(head: elements.Head, length: int) -> bool:
        there = grow(head, length)
        lengths.append(len(head.data))
        return there

    monkeypatch.setattr(elements.Head, "grow", counted)
    with pytest.raises(UnsafeFileError):
        read_header(path)
    assert max(lengths) <= elements.MAX_HEADER_BYTES


def test_deflated_file_that_declares_more_than_it_holds(tmp_path: Path) -> None:
    dataset = image(syntax=DEFLATED)
    dataset.Rows = 4000
    path = write(tmp_path / "short.dcm", encoded(dataset))
    with pytest.raises(StudyError, match="truncated"):
        read_frames(frame(path))


def test_good_deflated_file(tmp_path: Path) -> None:
    path = write(tmp_path / "deflated.dcm", encoded(image(syntax=DEFLATED)))
    assert read_frames(frame(path))[0, 3].tolist() == [18, 19, 20, 21, 22, 23]


def nested(levels: int, *, defined: bool, implicit: bool = False) -> bytes:
    """Sequences within sequences, of defined or undefined length."""
    content = b""
    for _ in range(levels):
        if defined:
            item = struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content
            tail, length = b"", len(item)
        else:
            item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF) + content + struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
            tail, length = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0), 0xFFFFFFFF
        head = (
            struct.pack("<HHL", 0x0040, 0xA730, length)
            if implicit
            else struct.pack("<HH2sHL", 0x0040, 0xA730, b"SQ", 0, length)
        )
        content = head + item + tail
    return content


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("defined", [False, True])
def test_deep_nesting(tmp_path: Path, defined: bool, implicit: bool) -> None:
    start = meta("1.2.840.10008.1.2" if implicit else EXPLICIT)
    path = write(tmp_path / "deep.dcm", start + nested(1500, defined=defined, implicit=implicit))
    with pytest.raises(UnsafeFileError, match="nested"):
        read_header(path)
    shallow = write(tmp_path / "shallow.dcm", start + nested(12, defined=defined, implicit=implicit))
    assert len(read_header(shallow).ContentSequence) == 1


def test_too_many_elements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elements, "MAX_ELEMENTS", 50)
    dataset = image()
    dataset.ContentSequence = Sequence([Dataset() for _ in range(60)])
    with pytest.raises(UnsafeFileError, match="elements"):
        read_header(write(tmp_path / "many.dcm", encoded(dataset)))


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.90", EXPLICIT])
def test_dimensions_beyond_the_file(tmp_path: Path, syntax: str) -> None:
    dataset = image()
    dataset.Rows = dataset.Columns = 65535
    dataset.NumberOfFrames = 2_000_000
    path = write(tmp_path / "huge.dcm", encoded(dataset))
    with pytest.raises(UnsafeFileError, match="65535"):
        read_header(path)


def test_more_frames_than_the_file_holds(tmp_path: Path) -> None:
    dataset = image()
    dataset.NumberOfFrames = 50
    with pytest.raises(StudyError, match="truncated"):
        read_header(write(tmp_path / "frames.dcm", encoded(dataset)))


@pytest.mark.parametrize("cut", [1, 20, 48, 60, 300, 500])
def test_truncated_file(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "cut.dcm", encoded(image())[:-cut])
    with pytest.raises(StudyError):
        read_frames(frame(path))


def test_wrong_vr_of_a_needed_element(tmp_path: Path) -> None:
    raw = encoded(image()).replace(b"\x28\x00\x10\x00US\x02\x00\x04\x00", b"\x28\x00\x10\x00LO\x02\x00xy")
    with pytest.raises(StudyError, match=r"Rows \(0028,0010\)"):
        read_header(write(tmp_path / "rows.dcm", raw))


def test_malformed_value_that_is_not_needed_is_left_out_and_named(tmp_path: Path) -> None:
    dataset = image()
    dataset.SliceThickness = "1.5"
    raw = encoded(dataset).replace(b"DS\x04\x001.5 ", b"DS\x04\x00x,y ")
    header = read_header(write(tmp_path / "thick.dcm", raw))
    assert header.unreadable == ("Slice Thickness (0018,0050)",)
    assert "SliceThickness" not in header


def test_unknown_vr(tmp_path: Path) -> None:
    raw = encoded(image()).replace(b"\x10\x00\x10\x00PN", b"\x10\x00\x10\x00QQ")
    header = read_header(write(tmp_path / "vr.dcm", raw))
    assert header.Rows == 4


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (pickle.dumps({"PixelData": [1, 2, 3]}), "pickle"),
        (b"<!DOCTYPE html><html><body>Session expired</body></html>", "HTML"),
        (b"\n <HTML><head>", "HTML"),
        (b"PK\x03\x04" + bytes(60), "zip"),
        (b"patient,side\n1,L\n", "text"),
        (b"%PDF-1.7 " + bytes(40), "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "PNG"),
        (bytes(400), "unknown"),
        (b"DICM", "not a DICOM|truncated"),
        (b"\x08\x00\x05\x00", "not a DICOM"),
        (bytes(128) + b"DICM", "truncated|no data set"),
    ],
)
def test_what_is_not_dicom_is_named(tmp_path: Path, content: bytes, name: str) -> None:
    with pytest.raises(StudyError, match=name):
        read_header(write(tmp_path / "file.dcm", content))


def test_empty_folder_fifo_device_and_missing(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="empty"):
        read_header(write(tmp_path / "empty.dcm", b""))
    with pytest.raises(UnsafeFileError, match="folder"):
        read_header(tmp_path)
    os.mkfifo(tmp_path / "fifo.dcm")
    with pytest.raises(UnsafeFileError, match="pipe"):
        read_header(tmp_path / "fifo.dcm")
    with pytest.raises(UnsafeFileError, match="device"):
        read_header(Path("/dev/zero"))
    with pytest.raises(StudyError, match="cannot be opened"):
        read_header(tmp_path / "none.dcm")
    with pytest.raises(StudyError, match="cannot be opened"):
        read_header("bad\0name.dcm")


def test_duplicate_tags_and_bogus_length(tmp_path: Path) -> None:
    raw = encoded(image())
    rows = b"\x28\x00\x10\x00US\x02\x00\x04\x00"
    assert read_header(write(tmp_path / "twice.dcm", raw.replace(rows, rows + rows))).Rows == 4
    with pytest.raises(StudyError):
        read_header(write(tmp_path / "long.dcm", raw.replace(rows, b"\x28\x00\x10\x00OB\x00\x00\xf0\xff\xff\x7f")))


def test_without_preamble(tmp_path: Path) -> None:
    whole = encoded(image())
    for name, content in (("meta", whole[132:]), ("explicit", whole[len(meta(EXPLICIT)) :])):
        path = write(tmp_path / name, content)
        assert read_header(path).Rows == 4
        assert read_frames(frame(path))[0, 0, 5] == 5
    dataset = image(syntax="1.2.840.10008.1.2")
    path = write(tmp_path / "implicit", encoded(dataset)[len(meta("1.2.840.10008.1.2")) :])
    assert read_frames(frame(path))[0, 0, 5] == 5


def test_specific_tags(tmp_path: Path) -> None:
    header = read_header(write(tmp_path / "a.dcm", encoded(image())), ["PatientName", 0x00080018])
    assert (str(header.PatientName), header.SOPInstanceUID, header.Rows) == ("Test^Hostile", "1.2.3.4", 4)
    assert "SOPClassUID" not in header


@pytest.mark.real_data
def test_segmentation_with_items_of_undefined_length(shared_data: Path) -> None:
    path = shared_data / "mri" / "ispy1_SEG_UnspecifiedLength_27fr.dcm"
    header = read_header(path)
    assert header.NumberOfFrames == 27
    frames = [Frame(path, index, "") for index in range(27)]
    values = read_frames(frames)
    assert values.shape == (27, header.Rows, header.Columns)
    np.testing.assert_array_equal(values, pixel_array(path))


_GOOD = encoded(image())
_WITH_SEQUENCE = image()
_WITH_SEQUENCE.ReferencedStudySequence = Sequence([image()])
_SEEDS = [
    _GOOD,
    encoded(image(syntax="1.2.840.10008.1.2")),
    encoded(image(syntax=DEFLATED)),
    meta(EXPLICIT) + nested(6, defined=False) + _GOOD[len(meta(EXPLICIT)) :],
    meta(EXPLICIT) + nested(6, defined=True),
]


@settings(max_examples=300, deadline=2000, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    seed=st.sampled_from(_SEEDS),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.binary(min_size=1, max_size=6)), max_size=8),
    keep=st.floats(0.1, 1),
)
def test_any_damage_gives_an_image_or_a_study_error(
    tmp_path_factory: pytest.TempPathFactory, seed: bytes, changes: list[tuple[float, bytes]], keep: float
) -> None:
    raw = bytearray(seed)
    for place, content in changes:
        start = int(place * len(raw))
        raw[start : start + len(content)] = content
    path = tmp_path_factory.getbasetemp() / "fuzz.dcm"
    path.write_bytes(raw[: max(1, int(keep * len(raw)))])
    try:
        header = read_header(path)
        str(header)
        values: np.ndarray | None = read_frames(frame(path))
    except StudyError:
        values = None
    finally:
        path.unlink()
    assert values is None or values.shape[0] == 1
