"""Exams: what the engine is given of mammograms and dynamic series, and a sentence for all that is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from highdicom import Volume

from app import analysis
from app.analysis.dynamics import check_one_grid
from app.analysis.sketch import sketched
from app.analysis.subjects import exam_wanted
from app.studies.load import LoadedStack, load_stack
from app.studies.override import reorder, with_dynamic
from app.studies.scan import scan
from app.studies.study import Study
from inference.card import ModelCard
from inference.errors import OutOfScopeError
from inference.exam import DceExam, Mammogram, MriSlice
from inference.progress import Cancelled, Progress
from viewer.windowing import render_grey16

Card = Callable[[str], ModelCard]


def loader(study: Study) -> Callable[[str, Progress], LoadedStack]:
    return lambda uid, progress: load_stack(study, uid, progress)


def exam_of(card: ModelCard, study: Study) -> Any:
    (subject,) = analysis.subjects(card, study)
    return analysis.build_exam(card, subject, loader(study))


# --- mammograms ------------------------------------------------------------------------------------------------------


def test_a_mammogram_is_given_in_the_grey_that_the_panes_show(fake_card: Card, write_mammogram, tmp_path) -> None:
    pixels = (np.arange(96 * 64).reshape(96, 64) % 4096).astype(np.uint16)
    write_mammogram(
        tmp_path,
        "L",
        "MLO",
        pixels=pixels,
        WindowCenter=[2000, 100],
        WindowWidth=[1000, 50],
        PhotometricInterpretation="MONOCHROME1",
        PixelPaddingValue=0,
        BreastImplantPresent="NO",
    )
    (study,) = scan(tmp_path).studies
    exam = exam_of(fake_card("fake-mammo"), study)
    assert isinstance(exam, Mammogram)
    # DICOM PS3.3 C.11.2.1.2.1 (LINEAR) with the first window, inverted once; padding black
    expected = 65535 * (1 - np.clip((pixels - 1999.5) / 999 + 0.5, 0, 1))
    expected[pixels == 0] = 0
    assert exam.image.array.dtype == np.uint16
    assert np.abs(exam.image.array[0] - expected).max() <= 1
    assert np.array_equal(exam.background, pixels == 0)
    assert (exam.laterality, exam.view, exam.has_implant, exam.is_partial) == ("L", "MLO", False, False)
    assert (exam.is_for_processing, exam.is_synthetic, exam.modality, exam.has_spacing) == (False, False, "MG", True)
    assert exam.image.spacing[1:] == pytest.approx((0.1, 0.1))
    loaded = load_stack(study, study.series[0].stacks[0].uid)
    assert np.array_equal(exam.image.array, render_grey16(loaded.volume.array, loaded.presentation))


def test_where_the_file_has_no_window_the_brightest_values_are_told_apart(
    fake_card: Card, write_mammogram, tmp_path
) -> None:
    pixels = np.full((96, 64), 500, np.uint16)
    pixels[:, :20], pixels[0, 0] = 100, 0
    pixels[50, 40:44] = [3000, 3200, 3400, 4095]  # less than half a percent of the image
    none = {"WindowCenter": None, "WindowWidth": None}
    write_mammogram(tmp_path, pixels=pixels, **none)
    (study,) = scan(tmp_path).studies
    exam = exam_of(fake_card("fake-mammo"), study)
    np.testing.assert_allclose(exam.image.array[0] / 65535, pixels / 4095, atol=1e-3)


@pytest.mark.parametrize("bright_air", [True, False])
def test_a_file_that_contradicts_itself_is_given_with_dark_air(
    fake_card: Card, write_mammogram, tmp_path, bright_air: bool
) -> None:
    y, x = np.mgrid[:400, :300]
    depth = 1 - (x / 180) ** 2 - ((y - 200) / 170) ** 2
    texture = np.random.default_rng(3).normal(0, 90, depth.shape)
    grey = np.where(depth > 0, 900 + 1600 * np.sqrt(depth.clip(0)) + texture, 20).clip(0, 3000).astype(np.uint16)
    stored = (3000 - grey) if bright_air else grey
    wrong = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "IDENTITY"}
    write_mammogram(tmp_path, "L", "CC", pixels=stored.astype(np.uint16), **wrong)
    (study,) = scan(tmp_path).studies
    exam = exam_of(fake_card("fake-mammo"), study)
    shown = exam.image.array[0].astype(float)
    assert shown[depth < -0.1].mean() < 0.05 * shown[depth > 0.3].mean()
    assert [("contradicts itself" in note) for note in exam.notes] == [True] * bright_air


def test_a_mammogram_without_padding_has_no_background(fake_card: Card, write_mammogram, tmp_path) -> None:
    write_mammogram(tmp_path)
    (study,) = scan(tmp_path).studies
    exam = exam_of(fake_card("fake-mammo"), study)
    assert exam.background is None
    assert exam.has_implant is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"BreastImplantPresent": "YES"}, "implant"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "FOR PROCESSING"),
        ({"EstimatedRadiographicMagnificationFactor": 1.8}, "partial"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "GENERATED_2D"]}, "tomosynthesis"),
        ({"ImageType": ["DERIVED", "PRIMARY", "", "RECOMBINED"]}, "contrast mammography"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "STEREO"]}, "partial"),
        ({"view": "ML"}, "CC and MLO"),
        ({"Modality": "CR"}, "is CR"),
    ],
)
def test_a_mammogram_out_of_scope_is_answered_from_its_header(
    fake_card: Card, write_mammogram, tmp_path: Path, values: dict[str, Any], said: str
) -> None:
    write_mammogram(tmp_path, "R", values.pop("view", "CC"), **values)
    (study,) = scan(tmp_path).studies
    card = fake_card("fake-mammo")
    assert analysis.subjects(card, study) == ()
    (sentence,) = analysis.refusals(card, study)
    assert said in sentence
    uid = study.series[0].stacks[0].uid
    assert said in analysis.refusal_for(card, study, uid, 0)
    subject = analysis.subject_for(card, study, uid, 0)
    assert subject is not None
    with pytest.raises(OutOfScopeError, match=said):
        analysis.run_subject(card, subject, pytest.fail)  # before anything is loaded


def test_a_displaced_implant_is_an_implant(fake_card: Card, write_mammogram, tmp_path: Path) -> None:
    from pydicom import Dataset

    modifier, view = Dataset(), Dataset()
    modifier.CodeValue, modifier.CodingSchemeDesignator, modifier.CodeMeaning = "399209000", "SCT", "Implant Displaced"
    view.CodeValue, view.CodingSchemeDesignator, view.CodeMeaning = "399162004", "SCT", "cranio-caudal"
    view.ViewModifierCodeSequence = [modifier]
    write_mammogram(tmp_path, ViewCodeSequence=[view])
    (study,) = scan(tmp_path).studies
    (sentence,) = analysis.refusals(fake_card("fake-mammo"), study)
    assert "implant" in sentence


# --- slices ----------------------------------------------------------------------------------------------------------


def test_a_model_of_slices_reads_the_first_phase_after_contrast(fake_card: Card, dce_study) -> None:
    study, card = dce_study("axial"), fake_card("fake-slice")
    found = analysis.subjects(card, study)
    post = study.dynamics[0].phases[1].stack_uid
    assert {one.stack_uid for one in found} == {post}
    assert [one.slice_index for one in found] == list(range(len(study.stack(post).frames)))
    exam = analysis.build_exam(card, found[3], loader(study))
    assert isinstance(exam, MriSlice)
    assert exam.image.spatial_shape[0] == 1
    pre = study.dynamics[0].phases[0].stack_uid
    assert "before" in analysis.refusal_for(card, study, pre, 3)


def test_slices_that_are_missing_are_not_read(fake_card: Card, dce_study) -> None:
    study, card = dce_study("lacking_slice"), fake_card("fake-slice")
    stack = study.stack(study.dynamics[0].phases[1].stack_uid)
    gaps = [k for k, frame in enumerate(stack.frames) if frame.index < 0]
    assert gaps
    assert not {one.slice_index for one in analysis.subjects(card, study)} & set(gaps)


# --- dynamic examinations --------------------------------------------------------------------------------------------


def test_a_dynamic_examination_comes_with_times_t2_and_plane(fake_card: Card, dce_study, dce_source) -> None:
    study, card = dce_study("companions"), fake_card("fake-dce")
    (subject,) = analysis.subjects(card, study)
    assert subject.is_whole
    assert subject.stack_uid == study.dynamics[0].phases[1].stack_uid
    built = analysis.build(card, subject, loader(study))
    exam = built.exam
    assert isinstance(exam, DceExam)
    assert exam.pre_index == 0
    assert exam.seconds == pytest.approx(dce_source.seconds)
    assert exam.post_seconds == pytest.approx((120, 210, 300, 390))
    assert exam.orientation == "axial"
    assert exam.laterality == ""
    assert not exam.motion_corrected
    assert exam.t2 is not None
    assert exam.t2.spatial_shape != exam.image.spatial_shape
    assert exam.t2.frame_of_reference_uid == exam.image.frame_of_reference_uid
    assert len({volume.spatial_shape for volume in exam.phases}) == 1
    assert "STIR" in built.facts[0].text
    without = replace(card, accepts={**card.accepts, "t2": False})
    assert analysis.build_exam(without, subject, loader(study)).t2 is None  # type: ignore[union-attr]


def test_every_phase_leads_to_the_same_examination(fake_card: Card, dce_study) -> None:
    study, card = dce_study("axial"), fake_card("fake-dce")
    found = {analysis.subject_for(card, study, phase.stack_uid, 4) for phase in study.dynamics[0].phases}
    assert len(found) == 1
    (subject,) = found
    assert subject is not None
    assert subject.slice_index == analysis.WHOLE


def test_a_series_of_one_breast_says_which(fake_card: Card, dce_study) -> None:
    study, card = dce_study("sagittal_sides"), fake_card("fake-dce")
    found = analysis.subjects(card, study)
    exams = [analysis.build_exam(card, one, loader(study)) for one in found]
    assert sorted(exam.laterality for exam in exams if isinstance(exam, DceExam)) == ["L", "R"]
    assert sorted(one.title for one in found) == ["DCE-MRI, 5 phases, left breast", "DCE-MRI, 5 phases, right breast"]


@pytest.mark.parametrize(
    ("options", "name", "dark"),
    [
        (["FS", "PFP"], "dyn", True),
        (["PFP"], "dyn", False),
        (["PFP"], "dyn SPAIR", True),
        (["PFP"], "dyn Dixon W", None),
        (None, "dyn", None),
        (None, "t1_fl3d_we", True),
    ],
)
def test_fat_suppression_is_told_by_the_scan_options(
    fake_card: Card, mri_exams, dce_source, tmp_path: Path, options: list[str] | None, name: str, dark: bool | None
) -> None:
    from app.analysis.sketch import sketched_exam

    writer = mri_exams.Writer(tmp_path, "fat")
    onto = mri_exams.grid("axial", *dce_source.box, (4.0, 4.0, 4.0))
    for n in range(3):
        writer.series(dce_source.phases[n], onto, f"{name} {n}", n + 1, at_s=100.0 * n, ScanOptions=options)
    (study,) = scan(tmp_path).studies
    whole = analysis.whole_subjects(study)[0]
    assert sketched_exam(fake_card("fake-dce"), whole).is_fat_suppressed is dark  # type: ignore[union-attr]
    slice_ = analysis.subject_for(fake_card("fake-slice"), study, whole.stack_uid, 3)
    assert slice_ is not None
    assert sketched_exam(fake_card("fake-slice"), slice_).is_fat_suppressed is dark  # type: ignore[union-attr]


def test_unknown_times_stay_unknown(fake_card: Card, dce_study) -> None:
    scanned, card = dce_study("axial"), fake_card("fake-dce")
    dynamic = scanned.dynamics[0]
    order = [phase.stack_uid for phase in dynamic.phases]
    study = with_dynamic(scanned, reorder(dynamic, order, 0, [None] * len(order)))
    exam = exam_of(card, study)
    assert exam.seconds == (None,) * 5
    assert exam.post_seconds == (None,) * 4
    needs = replace(card, accepts={**card.accepts, "needs_times": True})
    (sentence,) = analysis.refusals(needs, study)
    assert "times of all phases" in sentence


@pytest.mark.parametrize(
    ("kind", "extra", "said"),
    [
        ("without_pre", {}, "before the contrast agent"),
        ("two_phases", {"least_posts": 2}, "needs 2 phases after contrast"),
        ("axial", {"needs_t2": True}, "T2"),
        ("sagittal_both", {"orientation": ["axial"]}, "sagittal"),
        ("axial", {"slice_mm": [0.5, 2.0]}, "mm apart"),
        ("axial", {"least_slices": 500}, "at least 500 slices"),
    ],
)
def test_what_an_examination_lacks_is_said_before_pixels_are_read(
    fake_card: Card, dce_study, kind: str, extra: dict[str, Any], said: str
) -> None:
    study, card = dce_study(kind), fake_card("fake-dce")
    card = replace(card, accepts={**card.accepts, **extra})
    assert analysis.subjects(card, study) == ()
    assert said in " ".join(analysis.refusals(card, study))


def test_a_study_without_what_a_model_reads_says_so(fake_card: Card, dce_study, write_mammogram, tmp_path) -> None:
    mri = dce_study("axial")
    write_mammogram(tmp_path / "mg")
    (films,) = scan(tmp_path / "mg").studies
    assert analysis.refusals(fake_card("fake-mammo"), mri) == ("fake-mammo reads mammograms; this study has none.",)
    for model in ("fake-dce", "fake-slice"):
        (sentence,) = analysis.refusals(fake_card(model), films)
        assert sentence.endswith("this study has none.")
        assert analysis.subject_for(fake_card(model), films, films.series[0].stacks[0].uid, 0) is None


def test_phases_before_the_pre_contrast_one_are_left_out_and_said(fake_card: Card, dce_study) -> None:
    study, card = dce_study("axial"), fake_card("fake-dce")
    dynamic = study.dynamics[0]
    order = [phase.stack_uid for phase in dynamic.phases]
    later = with_dynamic(study, reorder(dynamic, order, 1, [phase.seconds for phase in dynamic.phases]))
    (subject,) = analysis.subjects(card, later)
    built = analysis.build(card, subject, loader(later))
    assert isinstance(built.exam, DceExam)
    assert len(built.exam.phases) == 4
    assert built.exam.seconds == pytest.approx((0, 90, 180, 270))
    assert any("left out" in note for note in built.notes)


def test_phases_on_other_grids_are_refused(dce_study) -> None:
    study = dce_study("axial")
    uids = [phase.stack_uid for phase in study.dynamics[0].phases]
    images = [sketched(study, uid) for uid in uids]
    check_one_grid(images)
    volume = images[2].volume
    with pytest.raises(OutOfScopeError, match="number of slices"):
        check_one_grid([*images[:2], replace(images[2], volume=volume[1:])])
    moved = np.asarray(volume.affine).copy()
    moved[0, 3] += 1.5
    shifted = Volume(volume.array, moved, "PATIENT", frame_of_reference_uid=volume.frame_of_reference_uid)
    with pytest.raises(OutOfScopeError, match=r"1\.5 mm apart"):
        check_one_grid([*images[:2], replace(images[2], volume=shifted)])


def test_loading_an_examination_can_be_cancelled(fake_card: Card, dce_study) -> None:
    study, card = dce_study("axial"), fake_card("fake-dce")
    (subject,) = analysis.subjects(card, study)
    progress = Progress()
    loads: list[str] = []

    def load(uid: str, part: Progress) -> LoadedStack:
        loads.append(uid)
        progress.cancel()
        return load_stack(study, uid, part)

    with pytest.raises(Cancelled):
        analysis.build_exam(card, subject, load, progress=progress)
    assert len(loads) == 1


def test_a_card_without_an_exam_reads_slices(fake_card: Card) -> None:
    assert exam_wanted(replace(fake_card("fake-slice"), accepts={})) == "MriSlice"


def test_a_result_says_what_was_read(fake_card: Card, dce_study) -> None:
    study, card = dce_study("lacking_slice"), fake_card("fake-slice")
    subject = analysis.subjects(card, study)[0]
    result = analysis.run_subject(card, subject, loader(study), device="cpu")
    assert result.facts[0].title == "Images read"
    assert "slice 1" in result.facts[0].text
