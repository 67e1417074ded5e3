"""Scanning: whatever lies in a folder, nothing stops it and everything that is not taken has a reason."""

import json
import os
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pydicom.fileset
import pytest

from app.studies.errors import StudyError
from app.studies.load import load_stack
from app.studies.scan import scan
from inference.progress import Cancelled, Progress


def reasons(library):
    return {skipped.path.name: skipped.reason for skipped in library.skipped}


@pytest.fixture
def exam(dicom, tmp_path):
    folder = tmp_path / "exam"
    for k in range(4):
        dicom.save(dicom.mr_slice(k), folder / "deep" / "er" / f"IM{9 - k}")
    return folder


def test_nested_folders_and_files_without_extension(exam):
    library = scan(exam)
    (study,) = library.studies
    assert (study.patient_name, study.patient_id, study.date) == ("Test^Anna", "T1", "20240102")
    assert library.files == 4
    assert library.skipped == ()
    assert library.root == exam


def test_one_file_is_a_study(exam):
    library = scan(exam / "deep" / "er" / "IM9")
    assert len(library.studies[0].series[0].stacks[0].frames) == 1


def test_what_is_not_an_image_is_skipped_by_name(dicom, exam):
    report = dicom.dataset("1.2.840.10008.5.1.4.1.1.88.22", "SR")
    dicom.save(report, exam / "sr.dcm")
    segmentation = dicom.with_pixels(
        dicom.dataset("1.2.840.10008.5.1.4.1.1.66.4", "SEG"), np.zeros((2, 4, 4), np.uint8)
    )
    dicom.save(segmentation, exam / "seg.dcm")
    dicom.save(dicom.dataset("1.2.840.10008.5.1.4.1.1.11.1", "PR"), exam / "pr.dcm")
    (exam / "notes.txt").write_text("hello")
    (exam / "page.dcm").write_text("<html></html>")
    (exam / "empty.dcm").write_bytes(b"")
    shutil.copy(exam / "deep" / "er" / "IM9", exam / "image.png")
    (exam / "broken").write_bytes((exam / "deep" / "er" / "IM9").read_bytes()[:300])
    library = scan(exam)
    found = reasons(library)
    assert len(library.studies[0].series) == 1
    assert len(library.studies[0].series[0].stacks[0].frames) == 4
    assert found["sr.dcm"].startswith("Enhanced SR")
    assert found["seg.dcm"].startswith("Segmentation")
    assert found["pr.dcm"].startswith("Grayscale Softcopy Presentation State")
    assert set(found) == {"sr.dcm", "seg.dcm", "pr.dcm", "notes.txt", "page.dcm", "empty.dcm", "broken", "image.png"}
    assert "rename it to image.dcm" in found["image.png"]
    assert all(reason.endswith(".") for reason in found.values())


def test_copies_are_skipped_and_named(exam):
    shutil.copy(exam / "deep" / "er" / "IM9", exam / "zz_copy")
    library = scan(exam)
    assert len(library.studies[0].series[0].stacks[0].frames) == 4
    assert "A copy of IM9" in reasons(library)["zz_copy"]


def test_images_that_share_a_uid_but_differ_are_kept(dicom, tmp_path):
    for k in range(3):
        dicom.save(dicom.mr_slice(k, SOPInstanceUID="1.2.3"), tmp_path / f"{k}")
    library = scan(tmp_path)
    (stack,) = library.studies[0].series[0].stacks
    assert len({frame.sop_instance_uid for frame in stack.frames}) == 3
    assert any("SOP Instance UID" in note for note in library.notes)


def test_missing_uids_are_made_up_the_same_way_each_time(dicom, tmp_path):
    for where in ("one", "two"):
        for k in range(3):
            made = dicom.mr_slice(k, StudyInstanceUID=None, SeriesInstanceUID=None, SOPInstanceUID=None)
            dicom.save(made, tmp_path / where / "s" / f"{k}")
    first, second = scan(tmp_path / "one"), scan(tmp_path / "two")
    (study,), (again,) = first.studies, second.studies
    assert study.uid.startswith("2.25.")
    assert study.uid == again.uid
    stack, other = study.series[0].stacks[0], again.series[0].stacks[0]
    assert stack.uid == other.uid
    assert [frame.sop_instance_uid for frame in stack.frames] == [frame.sop_instance_uid for frame in other.frames]
    assert len({frame.sop_instance_uid for frame in stack.frames}) == 3
    assert any("no Series Instance UID" in note for note in study.series[0].notes)


def test_odd_values_stop_nothing(dicom, tmp_path):
    made = dicom.mr_slice(0)
    with pydicom.config.disable_value_validation():
        for tag, vr, value in (
            (0x00200013, "IS", b"abc"),
            (0x00180081, "DS", b"fast"),
            (0x00080032, "TM", b"half past nine"),
            (0x00200032, "DS", b"1\\2"),
            (0x00280030, "DS", b"0\\-1"),
            (0x00080020, "DA", b"yesterday"),
        ):
            at = pydicom.tag.Tag(tag)
            made._dict[at] = pydicom.dataelem.RawDataElement(at, vr, len(value), value, 0, False, True)
    made.SpecificCharacterSet = "ISO_IR 100"
    path = dicom.save(made, tmp_path / "odd")
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 100", b"ISO_IR 999"))
    library = scan(tmp_path)
    assert len(library.studies) == 1, reasons(library)
    assert library.studies[0].series[0].stacks[0].spacing_mm is None


def test_zip_and_dicomdir(dicom, exam, tmp_path):
    archive = tmp_path / "exam.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in sorted(exam.rglob("IM*")):
            zipped.write(file, file.relative_to(exam))
    library = scan(archive, unpack_into=tmp_path / "unpacked")
    assert len(library.studies[0].series[0].stacks[0].frames) == 4
    assert library.root == archive
    directory = pydicom.fileset.FileSet()
    for file in sorted(exam.rglob("IM*")):
        directory.add(file)
    staged = [directory._stage["t"]]
    directory.write(tmp_path / "medium")
    for folder in (*staged, directory._stage["t"]):
        folder.cleanup()  # pydicom leaves this to the garbage collector, which warns
    from_index = scan(tmp_path / "medium" / "DICOMDIR")
    assert len(from_index.studies[0].series[0].stacks[0].frames) == 4
    from_folder = scan(tmp_path / "medium")
    assert "index" in reasons(from_folder)["DICOMDIR"]
    assert from_folder.studies[0].series[0].stacks[0].uid == library.studies[0].series[0].stacks[0].uid


def test_nothing_there(tmp_path):
    with pytest.raises(StudyError, match="nothing at"):
        scan(tmp_path / "absent")
    assert scan(tmp_path).studies == ()


def test_cancel_stops_between_files(exam):
    progress = Progress(lambda fraction, text: progress.cancel())
    with pytest.raises(Cancelled):
        scan(exam, progress)


def test_progress_is_throttled(dicom, tmp_path):
    for k in range(60):
        dicom.save(dicom.mr_slice(k), tmp_path / f"{k}")
    said = []
    library = scan(tmp_path, Progress(lambda fraction, text: said.append(fraction)))
    assert len(said) <= 3 + library.seconds / 0.1
    assert said[-1] == 1.0
    assert said == sorted(said)


def test_studies_are_sorted_by_patient_and_date(dicom, tmp_path):
    for number, (name, date) in enumerate((("B", "20240101"), ("A", "20240501"), ("A", "20230501"))):
        made = dicom.mr_slice(
            0,
            PatientName=name,
            StudyDate=date,
            StudyInstanceUID=dicom.uid(number),
            SeriesInstanceUID=dicom.uid("s", number),
        )
        dicom.save(made, tmp_path / f"{number}")
    assert [(study.patient_name, study.date) for study in scan(tmp_path).studies] == [
        ("A", "20230501"), ("A", "20240501"), ("B", "20240101")
    ]  # fmt: skip


def test_every_real_file_is_listed_or_has_a_reason(shared_data):
    library = scan(shared_data / "transfer-syntaxes")
    frames = sum(len(k.frames) for study in library.studies for series in study.series for k in series.stacks)
    assert frames == 9
    assert list(reasons(library)) == ["LICENSE.txt"]
    segmentation = scan(shared_data / "mri" / "ispy1_SEG_UnspecifiedLength_27fr.dcm")
    assert segmentation.studies == ()
    assert segmentation.skipped[0].reason.startswith("Segmentation")


def test_loops_of_links_pipes_and_names_that_are_not_utf8(dicom, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "up").symlink_to("..")
    os.mkfifo(tmp_path / "pipe.png")
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff dir"))
    dicom.save(dicom.mr_slice(0), odd / os.fsdecode(b"\xe9.dcm"))
    cv2.imwrite(str(tmp_path / "picture.png"), np.zeros((4, 5), np.uint8))
    (tmp_path / "picture.png").rename(odd / os.fsdecode(b"\xe9.png"))
    library = scan(tmp_path)
    assert {item.path.name for item in library.skipped} == {"loop", "up", "pipe.png"}
    assert sorted(study.patient_name for study in library.studies) == ["? dir", "Test^Anna"]
    for study in library.studies:
        json.dumps(study.patient_name + study.series[0].description, ensure_ascii=False).encode()
        load_stack(study, study.series[0].stacks[0].uid)


def test_a_link_to_itself_is_said(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(StudyError, match="nothing at"):
        scan(tmp_path / "loop")


def test_overlays_are_not_dropped_silently(dicom, tmp_path):
    made = dicom.mr_slice(0)
    made.add_new(0x60020010, "US", 6)
    dicom.save(made, tmp_path / "a.dcm")
    (stack,) = scan(tmp_path).studies[0].series[0].stacks
    assert "overlay" in " ".join(stack.notes)


def test_a_header_without_pixel_data_is_not_listed_as_an_image(dicom, tmp_path):
    made = dicom.mr_slice(0)
    del made.PixelData
    dicom.save(made, tmp_path / "a.dcm")
    library = scan(tmp_path)
    assert not library.studies
    assert "no pixel data" in reasons(library)["a.dcm"]
