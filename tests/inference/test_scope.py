"""Scope: every key of a card's ``accepts`` refuses what it should with a sentence, and doubts what is not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pytest

from inference.card import ModelCard
from inference.errors import OutOfScopeError
from inference.exam import DceExam, Exam, LesionInput, Mammogram, MriSlice
from inference.scope import check_scope, doubts


def card(**accepts: Any) -> ModelCard:
    return ModelCard("m-1", "f", "1", "Model", "p", "n", accepts, {}, (), {}, {}, (), "l", Path())


def volume(shape: tuple[int, ...] = (6, 20, 20), spacing: tuple[float, float, float] = (3, 1, 1)) -> hd.Volume:
    return hd.Volume(np.ones(shape, np.uint16), np.diag([*spacing, 1.0]), "PATIENT", frame_of_reference_uid="1.2")


MAMMOGRAM = Mammogram(volume((1, 20, 20), (1, 0.1, 0.1)), laterality="L", view="CC", has_implant=False)
DCE = DceExam((volume(),) * 3, 0, (0.0, 90.0, 180.0), orientation="axial")
SLICE = MriSlice(volume((1, 20, 20)), True, "axial")
LESION = LesionInput("b", "Box 1", "box", volume())


@pytest.mark.parametrize(
    ("accepts", "exam", "sentence"),
    [
        ({"exam": "Mammogram"}, DCE, "reads a mammogram; this is a dynamic breast MRI"),
        ({"modality": ["MG"]}, DCE, "reads MG images; this one is MR"),
        ({"in_plane_mm": [0.3, 0.9]}, DCE, "pixels lie 0.3 to 0.9 mm apart; here they lie 1.00 mm apart"),
        ({"slice_mm": [4, 5]}, DCE, "slices lie 4 to 5 mm apart; here they lie 3.00 mm apart"),
        ({"orientation": ["sagittal"]}, DCE, "reads sagittal series; this one is axial"),
        ({"least_slices": 8}, DCE, "at least 8 slices; this series has 6"),
        ({"needs_pre": True}, replace(DCE, pre_index=None), "which phase was taken before the contrast agent"),
        ({"least_posts": 4}, DCE, "needs 4 phases after contrast; this series has 2"),
        ({"needs_times": True}, replace(DCE, seconds=(0.0, None, 180.0)), "needs the times of all phases"),
        ({"needs_t2": True}, DCE, "needs a T2-weighted volume"),
        ({"needs_lesions": True}, DCE, "none is marked"),
        ({"views": ["CC", "MLO"]}, replace(MAMMOGRAM, view="ML"), "reads CC and MLO views; this one is ML"),
        ({"partial": False}, replace(MAMMOGRAM, is_partial=True), "spot, magnification"),
        ({"implants": False}, replace(MAMMOGRAM, has_implant=True), "implant"),
        ({"for_processing": False}, replace(MAMMOGRAM, is_for_processing=True), "raw detector values"),
        ({"synthetic": False}, replace(MAMMOGRAM, is_synthetic=True), "tomosynthesis"),
        ({"fat_suppressed": True}, replace(SLICE, is_fat_suppressed=False), "fat is not suppressed"),
        ({"contrast": "post"}, replace(SLICE, is_post_contrast=False), "taken before it"),
    ],
)
def test_out_of_scope(accepts: dict[str, Any], exam: Exam, sentence: str) -> None:
    with pytest.raises(OutOfScopeError, match=sentence):
        check_scope(card(**accepts), exam)


@pytest.mark.parametrize("exam", [MAMMOGRAM, replace(DCE, t2=volume(), lesions=(LESION,)), SLICE])
def test_in_scope_without_doubt(exam: Exam) -> None:
    wants = {
        "MriSlice": {"contrast": "post"},
        "Mammogram": {"views": ["CC"], "implants": False, "partial": False, "for_processing": False},
        "DceExam": {"least_posts": 2, "needs_times": True, "needs_t2": True, "needs_lesions": True, "slice_mm": [1, 4]},
    }
    name = type(exam).__name__
    accepting = card(exam=name, in_plane_mm=[0.05, 2], **wants[name])
    check_scope(accepting, exam)
    assert doubts(accepting, exam) == ()


def test_what_is_not_known_is_a_doubt() -> None:
    unknown = replace(MAMMOGRAM, view="", has_implant=None, has_spacing=False, modality="")
    said = " ".join(doubts(card(views=["CC"], implants=False, modality=["MG"], in_plane_mm=[5, 6]), unknown))
    for word in ("which view", "implant", "spacing is unknown", "which modality"):
        assert word in said
    check_scope(card(in_plane_mm=[5, 6]), unknown)  # an unknown spacing is not measured against a range


def test_times_count_from_the_pre_contrast_phase() -> None:
    exam = DceExam((volume(),) * 4, 1, (0.0, 60.0, 150.0, None))
    assert exam.post_seconds == (90.0, None)
    assert exam.image is exam.phases[2]
    assert replace(exam, pre_index=None).posts == ()
