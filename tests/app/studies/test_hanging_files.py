"""Hanging of written files: what headers of real exams say and leave out, from the folder to the panes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.studies.hanging import priors, steps
from app.studies.scan import scan


def overview(folder: Path) -> list[str]:
    (study,) = scan(folder).studies
    hanging = steps(study)[0]
    return [
        f"{slot.title}: {Path(study.stack(slot.uid).frames[0].path).stem}" if slot.uid else f"{slot.title}: -"
        for slot in hanging.slots
    ]


def four(dicom, **values) -> dict[tuple[str, ...], Any]:
    return {
        (side, view): dicom.mammogram(side, view, **values)
        for side, view in (("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO"))
    }


def written(dicom, folder: Path, images: dict) -> Path:
    for (side, view, *rest), image in images.items():
        dicom.save(image, folder / f"{'-'.join((side, view, *rest))}.dcm")
    return folder


def test_views_are_matched_by_code_and_laterality_whatever_the_descriptions_say(dicom, tmp_path) -> None:
    assert overview(written(dicom, tmp_path, four(dicom))) == [
        "R CC: R-CC", "L CC: L-CC", "R MLO: R-MLO", "L MLO: L-MLO",
    ]  # fmt: skip


def test_one_series_for_the_whole_exam_hangs_the_same(dicom, tmp_path) -> None:
    images = four(dicom, SeriesInstanceUID=dicom.uid("all"))
    images["R", "CC", "M"] = dicom.mammogram("R", "CC", "M", SeriesInstanceUID=dicom.uid("all"))
    assert overview(written(dicom, tmp_path, images)) == [
        "R CC: R-CC", "L CC: L-CC", "R MLO: R-MLO", "L MLO: L-MLO", "R CC M: R-CC-M", ": -",
    ]  # fmt: skip


@pytest.mark.parametrize("stated", [{"Laterality": "R"}, {"ViewPosition": "RCC"}])
def test_side_and_view_in_older_attributes_are_read(dicom, tmp_path, stated) -> None:
    images = four(dicom)
    image = images["R", "CC"]
    del image.ImageLaterality, image.ViewCodeSequence
    image.ViewPosition = "CC"
    for keyword, value in stated.items():
        setattr(image, keyword, value)
    assert overview(written(dicom, tmp_path, images))[0] == "R CC: R-CC"


def test_for_presentation_is_preferred_to_for_processing(dicom, tmp_path) -> None:
    images = four(dicom)
    for side in "RL":
        images[side, "CC", "raw"] = dicom.mammogram(side, "CC", raw=True)
    folder = written(dicom, tmp_path, images)
    assert overview(folder)[:2] == ["R CC: R-CC", "L CC: L-CC"]
    (study,) = scan(folder).studies
    last = steps(study)[-1]
    assert (last.name, [slot.title for slot in last.slots]) == (
        "For Processing", ["R CC For Processing", "L CC For Processing"],
    )  # fmt: skip


def test_the_last_of_several_exposures_hangs(dicom, tmp_path) -> None:
    images = four(dicom)
    images["R", "CC", "again"] = dicom.mammogram("R", "CC", name="again", AcquisitionTime="103000")
    folder = written(dicom, tmp_path, images)
    assert overview(folder)[0] == "R CC: R-CC-again"
    (study,) = scan(folder).studies
    further = next(one for one in steps(study) if one.name == "Further images")
    assert [study.stack(str(slot.uid)).frames[0].path.stem for slot in further.slots] == ["R-CC"]


def test_implant_views_without_and_with_displacement(dicom, tmp_path) -> None:
    images = four(dicom)
    for side in "RL":
        images[side, "CC", "ID"] = dicom.mammogram(side, "CC", "ID")
    assert overview(written(dicom, tmp_path, images))[4:] == ["R CC ID: R-CC-ID", "L CC ID: L-CC-ID"]


def test_magnification_is_known_by_its_factor_where_the_code_is_missing(dicom, tmp_path) -> None:
    images = four(dicom)
    images["L", "MLO", "x"] = dicom.mammogram(
        "L", "MLO", name="x", EstimatedRadiographicMagnificationFactor=1.8, AcquisitionTime="120000"
    )
    shown = overview(written(dicom, tmp_path, images))
    assert shown[3] == "L MLO: L-MLO"
    assert shown[5] == "L MLO M: L-MLO-x"


def test_a_synthetic_image_does_not_take_the_place_of_the_acquired_one(dicom, tmp_path) -> None:
    images = four(dicom)
    images["R", "CC", "syn"] = dicom.mammogram(
        "R", "CC", name="syn", AcquisitionTime="120000",
        ImageType=["DERIVED", "PRIMARY", "TOMOSYNTHESIS", "GENERATED_2D"],
    )  # fmt: skip
    images["R", "CC", "tomo"] = dicom.tomosynthesis("R", "CC")
    folder = written(dicom, tmp_path, images)
    assert overview(folder)[0] == "R CC: R-CC"
    (study,) = scan(folder).studies
    beside = next(one for one in steps(study) if one.name == "R CC tomo | 2D")
    assert [slot.title for slot in beside.slots] == ["R CC tomo", "R CC 2D", "R CC synthetic 2D"]


def test_two_exams_in_a_folder_are_current_and_prior(dicom, tmp_path) -> None:
    for year in ("2023", "2025"):
        exam = four(dicom, StudyInstanceUID=dicom.uid(year), StudyDate=f"{year}0301")
        written(dicom, tmp_path / year, exam)
    before, now = scan(tmp_path).studies
    assert priors(now, (before, now)) == (before,)
    assert priors(before, (before, now)) == ()
    hanging = steps(now, before)[0]
    assert hanging.layout == "2x4"
    assert [slot.title for slot in hanging.slots][4:] == [
        f"Prior 2023-03-01 {view}" for view in ("R CC", "L CC", "R MLO", "L MLO")
    ]
    assert all(slot.uid is not None for slot in hanging.slots)


@pytest.mark.real_data
def test_every_real_film_pair_hangs_right_beside_left(shared_data) -> None:
    for study in scan(shared_data / "mini-mias").studies:
        hanging = steps(study)[0]
        sides = [study.series_of(str(slot.uid))[0].laterality for slot in hanging.slots]
        assert (hanging.layout, sides) == ("1x2", ["R", "L"])


@pytest.mark.real_data
def test_a_research_exam_hangs_by_its_file_names(shared_data) -> None:
    assert overview(shared_data / "mammography-png" / "nyu-density-exam") == [
        "R CC: R-CC", "L CC: L-CC", "R MLO: R-MLO", "L MLO: L-MLO",
    ]  # fmt: skip


def test_the_views_of_cbis_ddsm_are_one_exam(dicom, tmp_path) -> None:
    images = {}
    for side, view in four(dicom):
        name = f"Calc-Test_P_00038_{'RIGHT' if side == 'R' else 'LEFT'}_{view}"
        image = dicom.mammogram(
            "", "", pixels=dicom.breast_pixels(side, view), name=name, Laterality=side, PatientOrientation=view,
            PatientID=name, PatientName=name, StudyInstanceUID=dicom.uid(name), SOPClassUID="1.2.840.10008.5.1.4.1.1.7",
            PresentationIntentType=None,
        )  # fmt: skip
        images[side, view] = image
        crop = f"{name}_1"  # a region of interest has a study and a patient of its own
        images[side, view, "crop"] = dicom.mammogram(
            side, view, name=crop, PatientID=crop, StudyInstanceUID=dicom.uid(crop)
        )
    library = scan(written(dicom, tmp_path, images))
    (exam,) = [study for study in library.studies if len(study.series) == 4]
    assert len(library.studies) == 5
    assert exam.patient_id == "Calc-Test_P_00038"
    assert [slot.title for slot in steps(exam)[0].slots] == ["R CC", "L CC", "R MLO", "L MLO"]


@pytest.mark.parametrize(
    "stated",
    [
        {"ViewPosition": "CRANIO-CAUDAL"},
        {"ViewPosition": "L-CC"},
        {"ViewCodeSequence": ("99LOCAL", "cranio-caudal")},
        {"ViewCodeSequence": ("R-10242", "whatever")},
        {"PatientOrientation": "CC"},
    ],
)
@pytest.mark.parametrize("modality", ["MG", "CR"])
def test_the_ways_archives_write_a_view(dicom, tmp_path, stated, modality) -> None:
    image = dicom.mammogram("L", "", pixels=dicom.breast_pixels("L", "CC"), PatientOrientation=None)
    image.Modality, image.BodyPartExamined = modality, "BREAST"
    if modality == "CR":
        image.SOPClassUID = dicom.CR
    for keyword, value in stated.items():
        coded = keyword == "ViewCodeSequence"
        setattr(image, keyword, dicom.code(value[0], value[1], "SNM3") if coded else value)
    dicom.save(image, tmp_path / "a.dcm")
    assert overview(tmp_path) == ["L CC: a"]


def test_the_keyboard_is_at_the_first_image_after_a_mastectomy(dicom, tmp_path) -> None:
    images = {key: image for key, image in four(dicom).items() if key[0] == "L"}
    (study,) = scan(written(dicom, tmp_path, images)).studies
    assert steps(study)[0].active == 1
