"""Mammograms: recognised whatever their modality tag, side and view from codes, spacing with its meaning, letters."""

import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes

from app.studies.load import load_stack
from app.studies.scan import scan
from app.studies.series import mammography
from app.studies.study import SeriesKind


def image(dicom, sop_class=None, modality="MG", **values):
    return dicom.with_pixels(dicom.dataset(sop_class or dicom.MG, modality, **values), np.eye(8, dtype=np.uint16) * 99)


@pytest.mark.parametrize(
    ("concept", "view"),
    [
        ("CranioCaudal", "CC"),
        ("MedioLateralObliqueProjection", "MLO"),
        ("MedioLateralProjection", "ML"),
        ("LateroMedial", "LM"),
        ("LateroMedialOblique", "LMO"),
        ("CranioCaudalExaggeratedLaterally", "XCCL"),
        ("CranioCaudalExaggeratedMedially", "XCCM"),
        ("CaudoCranial", "FB"),
        ("SuperolateralToInferomedialOblique", "SIO"),
        ("InferomedialToSuperolateralOblique", "ISO"),
    ],
)
def test_views_by_the_codes_of_cid_4014(dicom, concept, view):
    concept = getattr(codes.cid4014, concept)
    made = image(dicom, ViewPosition="ML")
    made.ViewCodeSequence = dicom.code(concept.value, concept.meaning)
    assert mammography.view_of(made) == view


@pytest.mark.parametrize(
    ("code", "scheme", "view"), [("R-10242", "SNM3", "CC"), ("R-10226", "SRT", "MLO"), ("Y-X1770", "SNM3", "XCCL")]
)
def test_old_codes(dicom, code, scheme, view):
    made = image(dicom)
    made.ViewCodeSequence = dicom.code(code, scheme=scheme)
    assert mammography.view_of(made) == view


def test_view_position_is_the_fallback(dicom):
    assert mammography.view_of(image(dicom, ViewPosition="MLO")) == "MLO"
    made = image(dicom, ViewPosition="CC")
    made.ViewCodeSequence = dicom.code("unheard-of")
    assert mammography.view_of(made) == "CC"
    assert mammography.view_of(image(dicom, ViewPosition="AP")) == ""
    assert mammography.view_of(image(dicom, ViewPosition="LM")) == "LM"
    assert mammography.laterality_of(image(dicom, ViewPosition="LM")) == ""
    assert mammography.view_of(image(dicom, ViewPosition="R-MLO")) == "MLO"
    assert mammography.laterality_of(image(dicom, ViewPosition="R-MLO")) == "R"
    assert mammography.laterality_of(image(dicom, ViewPosition="LCC")) == "L"
    assert mammography.view_of(image(dicom, PatientOrientation="MLO")) == "MLO"


def test_modifiers(dicom):
    made = image(dicom)
    made.ViewCodeSequence = dicom.code("399162004")
    made.ViewCodeSequence[0].ViewModifierCodeSequence = Sequence(
        [dicom.code("399163009")[0], dicom.code("R-102D7", scheme="SRT")[0], dicom.code("123", "odd one")[0]]
    )
    assert mammography.modifiers_of(made) == ("M", "S", "odd one")


def test_laterality(dicom):
    assert mammography.laterality_of(image(dicom, ImageLaterality="L", Laterality="R")) == "L"
    assert mammography.laterality_of(image(dicom, Laterality="R")) == "R"
    assert mammography.laterality_of(image(dicom)) == ""
    assert mammography.laterality_of(image(dicom, ImageLaterality="U")) == ""
    tomo = image(dicom, dicom.TOMO)
    shared = pydicom.Dataset()
    shared.FrameAnatomySequence = dicom.sequence(FrameLaterality="R")
    tomo.SharedFunctionalGroupsSequence = Sequence([shared])
    assert mammography.laterality_of(tomo) == "R"


@pytest.mark.parametrize(
    ("modality", "values", "kind"),
    [
        ("RG", {"ViewPosition": "MLO"}, SeriesKind.MAMMOGRAM),
        ("CR", {"ViewPosition": "CC"}, SeriesKind.MAMMOGRAM),
        ("CR", {"ViewPosition": "ML", "BodyPartExamined": "BREAST"}, SeriesKind.MAMMOGRAM),
        ("CR", {"ViewPosition": "ML", "BodyPartExamined": "KNEE"}, SeriesKind.OTHER),
        ("CR", {"ViewPosition": "AP"}, SeriesKind.OTHER),
        ("US", {"BodyPartExamined": "BREAST"}, SeriesKind.OTHER),
        ("MR", {"BodyPartExamined": "BREAST"}, SeriesKind.MR),
    ],
)
def test_what_is_a_mammogram(dicom, modality, values, kind):
    assert mammography.kind_of(image(dicom, dicom.CR, modality, **values)) is kind


@pytest.mark.parametrize(
    ("values", "spacing", "basis"),
    [
        ({"ImagerPixelSpacing": [0.085, 0.1]}, (0.085, 0.1), "detector plane"),
        (
            {"ImagerPixelSpacing": [0.1, 0.1], "EstimatedRadiographicMagnificationFactor": 1},
            (0.1, 0.1),
            "detector plane",
        ),
        (
            {"ImagerPixelSpacing": [0.09, 0.18], "EstimatedRadiographicMagnificationFactor": 1.8},
            (0.05, 0.1),
            "magnification-corrected",
        ),
        (
            {"ImagerPixelSpacing": [0.1, 0.1], "EstimatedRadiographicMagnificationFactor": 0},
            (0.1, 0.1),
            "detector plane",
        ),
        (
            {"ImagerPixelSpacing": [0.5, 0.5], "PixelSpacing": [0.25, 0.25], "PixelSpacingCalibrationType": "FIDUCIAL"},
            (0.25, 0.25),
            "calibrated",
        ),
        (
            {"ImagerPixelSpacing": [0.5, 0.5], "PixelSpacing": [0.4, 0.4], "PixelSpacingCalibrationType": "GEOMETRY"},
            (0.4, 0.4),
            "magnification-corrected",
        ),
        ({"ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.2, 0.2]}, (0.2, 0.2), "detector plane"),
        ({"PixelSpacing": [0.2, 0.3]}, (0.2, 0.3), "detector plane"),
        ({"NominalScannedPixelSpacing": [0.05, 0.05]}, (0.05, 0.05), "detector plane"),
        ({"ImagerPixelSpacing": [0.0, 0.0]}, None, "unknown"),
        ({}, None, "unknown"),
    ],
)
def test_pixel_spacing_and_its_meaning(dicom, values, spacing, basis):
    found, meaning, _ = mammography.spacing_of(image(dicom, **values))
    assert found == (None if spacing is None else pytest.approx(spacing))
    assert meaning == basis


@pytest.mark.parametrize(
    ("orientation", "letters"),
    [
        (["P", "FL"], ("A", "P", "HR", "FL")),
        (["A", "R"], ("P", "A", "L", "R")),
        (["P"], None),
        (["X", "F"], None),
        (None, None),
    ],
)
def test_edge_letters(dicom, orientation, letters):
    assert mammography.edge_letters_of(image(dicom, PatientOrientation=orientation)) == letters


def test_four_views_under_one_series_uid_become_four_entries(dicom, tmp_path):
    for number, (side, view) in enumerate((s, v) for s in "RL" for v in ("CC", "MLO")):
        dicom.save(image(dicom, ImageLaterality=side, ViewPosition=view, InstanceNumber=number), tmp_path / f"{number}")
    (study,) = scan(tmp_path).studies
    assert sorted(series.label for series in study.series) == ["L CC", "L MLO", "R CC", "R MLO"]
    assert len({series.uid for series in study.series}) == 4
    assert len({stack.uid for series in study.series for stack in series.stacks}) == 4


def test_a_mammogram_lies_in_detector_millimetres(dicom, tmp_path):
    path = dicom.save(
        image(dicom, ImagerPixelSpacing=[0.1, 0.2], PatientOrientation=["P", "L"], FrameOfReferenceUID="1.2.3"),
        tmp_path / "a",
    )
    (study,) = scan(path).studies
    (stack,) = study.series[0].stacks
    loaded = load_stack(study, stack.uid)
    assert loaded.volume.affine @ (0, 5, 3, 1) == pytest.approx((0.6, 0.5, 0, 1))
    assert loaded.volume.frame_of_reference_uid == stack.frames[0].sop_instance_uid == stack.frame_of_reference_uid
    assert loaded.edge_letters == ("A", "P", "R", "L")
    assert not loaded.has_patient_axes


@pytest.mark.parametrize(
    ("name", "label", "basis", "row_mm"),
    [
        ("fodicom_GH133_GE_RMLO_jpegll.dcm", "R MLO", "detector plane", 0.09409090909),
        ("fodicom_OutOfBoundsOverlay_LCC_spot.dcm", "L CC", "magnification-corrected", 0.085 / 1.0433386837881),
        ("nema_wg04_MG1_film_LMLO_j2k_lossy.dcm", "L MLO", "unknown", None),
        ("clunie_MG_pixelspacing_testpattern.dcm", "R CC", "calibrated", 0.25),
        ("medcognetics_DBT_4frame_j2k_noise.dcm", "L CC", "unknown", None),
    ],
)
def test_real_mammograms(shared_data, name, label, basis, row_mm):
    (study,) = scan(shared_data / "mammography-dicom" / name).studies
    (series,) = study.series
    (stack,) = series.stacks
    assert series.label == label
    assert stack.spacing_basis == basis
    assert (stack.spacing_mm is None) == (row_mm is None)
    if row_mm is not None:
        assert stack.spacing_mm[1] == pytest.approx(row_mm)


RAW = "1.2.840.10008.5.1.4.1.1.1.2.1"


@pytest.mark.parametrize(
    ("values", "raw"),
    [
        ({"PresentationIntentType": "FOR PROCESSING"}, True),
        ({"SOPClassUID": RAW}, True),
        ({"SOPClassUID": RAW, "PresentationIntentType": "FOR PRESENTATION"}, False),
        ({}, False),
    ],
)
def test_raw_images_are_named_and_come_after_the_processed(dicom, tmp_path, values, raw):
    dicom.save(image(dicom, ImageLaterality="R", ViewPosition="CC", InstanceNumber=1, **values), tmp_path / "1")
    dicom.save(image(dicom, ImageLaterality="R", ViewPosition="CC", InstanceNumber=2), tmp_path / "2")
    (series,) = scan(tmp_path).studies[0].series
    assert [stack.raw for stack in series.stacks] == ([False, True] if raw else [False, False])
    assert any("For Processing" in note for stack in series.stacks for note in stack.notes) == raw


def test_an_image_without_side_and_view_says_so(dicom, tmp_path):
    dicom.save(image(dicom), tmp_path / "1")
    (stack,) = scan(tmp_path).studies[0].series[0].stacks
    assert {"which breast", "which view"} <= {" ".join(note.rstrip(".").split()[5:7]) for note in stack.notes}
