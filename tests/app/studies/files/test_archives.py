"""Zip archives and DICOMDIRs, good ones and hostile ones built here."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence

from app.studies.errors import StudyError, UnsafeFileError
from app.studies.files import archives
from app.studies.files.archives import dicomdir_files, unpack
from inference.progress import Cancelled, Progress


def archive(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in entries.items():
            out.writestr(name, content)
    return path


def test_a_good_archive(tmp_path: Path) -> None:
    path = archive(tmp_path / "study.zip", {"a/1.dcm": b"one", "a/b/2.dcm": b"two", "v.nii.gz": b"three"})
    folder, skipped = unpack(path, tmp_path / "out")
    assert skipped == ()
    assert (folder / "a" / "b" / "2.dcm").read_bytes() == b"two"
    assert (folder / "v.nii.gz").exists()


def test_paths_that_lead_out_links_and_archives_are_left_out(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.dcm")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    names = ("../evil.dcm", "/tmp/evil.dcm", "a/../../evil.dcm", "..\\evil.dcm", "C:\\evil.dcm", "inner.zip")
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as out:
        for name in names:
            out.writestr(name, b"x")
        out.writestr(link, "/etc/passwd")
        out.writestr("good.dcm", b"good")
    folder, skipped = unpack(path, tmp_path / "out" / "deep")
    assert len(skipped) == len(names) + 1
    assert [item.name for item in folder.rglob("*")] == ["good.dcm"]
    assert not list(tmp_path.rglob("evil*"))


def test_zip_bomb(tmp_path: Path) -> None:
    path = archive(tmp_path / "bomb.zip", {"zeros.dcm": bytes(64 << 20)})
    assert path.stat().st_size < 100_000
    with pytest.raises(UnsafeFileError, match="zip bomb"):
        unpack(path, tmp_path / "out")


def test_an_entry_that_holds_more_than_it_declares(tmp_path: Path) -> None:
    path = archive(tmp_path / "liar.zip", {"a.dcm": os.urandom(5000)})
    raw = path.read_bytes().replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    path.write_bytes(raw)
    try:
        folder, skipped = unpack(path, tmp_path / "out")
    except UnsafeFileError:
        return
    assert skipped
    assert not list(folder.rglob("*.dcm"))


def test_too_many_entries_and_too_many_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = archive(tmp_path / "many.zip", {f"{number}.dcm": b"12345678" for number in range(20)})
    monkeypatch.setattr(archives, "MAX_ENTRIES", 10)
    with pytest.raises(UnsafeFileError, match="20 files"):
        unpack(path, tmp_path / "out")
    monkeypatch.setattr(archives, "MAX_ENTRIES", 100)
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 100)
    with pytest.raises(UnsafeFileError, match="unpack to"):
        unpack(path, tmp_path / "out")


def test_encrypted_damaged_and_duplicate_entries(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.dcm": b"content of the first", "b.dcm": b"second"})
    raw = bytearray(path.read_bytes())
    place = raw.rfind(b"PK\x01\x02", 0, raw.rfind(b"PK\x01\x02"))
    raw[place + 8] |= 1
    path.write_bytes(raw)
    folder, skipped = unpack(path, tmp_path / "out")
    assert "encrypted" in skipped[0].reason
    assert (folder / "b.dcm").read_bytes() == b"second"
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as out:
        out.writestr("same.dcm", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            out.writestr("same.dcm", b"2")
    _folder, skipped = unpack(tmp_path / "twice.zip", tmp_path / "second")
    assert len(skipped) == 1


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"text", os.urandom(300)])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    with pytest.raises(StudyError):
        unpack(path, tmp_path / "out")


def test_cancel(tmp_path: Path) -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        unpack(archive(tmp_path / "a.zip", {"a": b"1"}), tmp_path / "out", progress)


def dicomdir(path: Path, references: list[list[str]]) -> Path:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.1.3.10"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.FileSetID = "TEST"
    records = []
    for parts in references:
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.add_new(0x00041500, "CS", parts)
        records.append(record)
    dataset.DirectoryRecordSequence = Sequence(records)
    dataset.save_as(path, enforce_file_format=True)
    return path


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
def test_dicomdir(tmp_path: Path) -> None:
    folder = tmp_path / "cd"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "im1.dcm").write_bytes(b"1")
    (tmp_path / "SECRET").write_bytes(b"2")
    (folder / "LINK").symlink_to(tmp_path / "SECRET")
    references = [["IMAGES", "IM1"], ["IMAGES", "IM9"], ["..", "SECRET"], ["LINK"]]
    files, skipped = dicomdir_files(dicomdir(folder / "DICOMDIR", references))
    assert files == (folder / "images" / "im1.dcm",)
    assert ["not there" in item.reason for item in skipped] == [True, False, False]


def test_a_file_that_is_no_dicomdir(tmp_path: Path) -> None:
    path = tmp_path / "DICOMDIR"
    path.write_bytes(b"hello, not dicom")
    with pytest.raises(StudyError):
        dicomdir_files(path)
