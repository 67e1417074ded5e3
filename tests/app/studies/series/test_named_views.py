"""Named views: side and view from file names, only where no header of the exam says them and no name is ambiguous."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.studies.hanging import steps
from app.studies.scan import scan
from app.studies.series.named_views import NOTE, named

INBREAST = ("20586908_6c613a14b80a8591_MG_R_CC_ANON", "20586934_6c613a14b80a8591_MG_L_CC_ANON",
            "20586960_6c613a14b80a8591_MG_R_ML_ANON", "20586986_6c613a14b80a8591_MG_L_ML_ANON")  # fmt: skip


def written(dicom, folder: Path, names, **values) -> Path:
    for name in names:
        pixels = dicom.breast_pixels("L", "CC")
        image = dicom.mammogram("", "", name=name, pixels=pixels, PatientOrientation=None, **values)
        dicom.save(image, folder / f"{name}.dcm")
    return folder


@pytest.mark.parametrize("one_series", [False, True])
def test_an_exam_whose_headers_say_nothing_hangs_by_its_file_names(dicom, tmp_path, one_series) -> None:
    values = {"SeriesInstanceUID": dicom.uid("all")} if one_series else {}
    (study,) = scan(written(dicom, tmp_path, INBREAST, **values)).studies
    overview = steps(study)[0]
    assert [slot.title for slot in overview.slots] == ["R CC", "L CC", "R MLO", "L MLO"]
    assert [study.stack(slot.uid).frames[0].path.stem for slot in overview.slots] == list(INBREAST)
    for series in study.series:
        (stack,) = series.stacks
        assert stack.notes[0] == NOTE
        assert not any("does not say" in note for note in stack.notes)
    assert len({series.uid for series in study.series}) == 4


@pytest.mark.parametrize(
    "names",
    [("R_CC", "L_CC", "third"), ("R_CC", "R_CC_2", "L_CC"), ("R_CC_L_CC", "R_MLO"), ("image1", "image2")],
)
def test_names_that_leave_a_doubt_are_not_used(dicom, tmp_path, names) -> None:
    (study,) = scan(written(dicom, tmp_path, names)).studies
    assert {(series.laterality, series.view) for series in study.series} == {("", "")}


def test_one_stated_side_keeps_every_name_out(dicom, tmp_path) -> None:
    folder = written(dicom, tmp_path, ("R_CC", "L_CC"))
    dicom.save(dicom.mammogram("R", "MLO"), folder / "other.dcm")
    (study,) = scan(folder).studies
    assert sorted((series.laterality, series.view) for series in study.series) == [("", ""), ("", ""), ("R", "MLO")]


@pytest.mark.parametrize(
    ("name", "found"),
    [("RCC", ("R", "CC")), ("patient1-left-mlo", ("L", "MLO")), ("MLO_R", ("R", "MLO")), ("x_R_ML", ("R", "ML")),
     ("ACCESS", ("", "")), ("CLMLO", ("", "")), ("IM0001", ("", "")), (INBREAST[2], ("R", "MLO"))],
)  # fmt: skip
def test_the_side_and_view_of_a_name(name: str, found: tuple[str, str]) -> None:
    assert named(Path(f"{name}.dcm")) == found
