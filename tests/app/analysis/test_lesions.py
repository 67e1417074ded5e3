"""Lesions: boxes, masks, findings and a clicked point become masks at their place, each lesion once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from highdicom import Volume

from app.analysis import LesionSources, lesions_from
from app.analysis.lesion_masks import box_mask, overlaps, parts_of
from app.analysis.lesions import MOST, found_lesions
from app.workspace.box import Box
from inference.errors import EngineError
from inference.exam import DceExam
from inference.result import Finding, Provenance, Result, Segmentation, Status

FRAME = "1.2.3"
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
CENTRE = (66.0, 0.0, 2.0)  # of the lesion: voxel (10, 20, 48)


def volume(array: np.ndarray, affine: np.ndarray, frame: str = FRAME) -> Volume:
    return Volume(array, affine, "PATIENT", frame_of_reference_uid=frame)


@pytest.fixture
def exam(dce_source: Any) -> DceExam:
    phases = tuple(volume(values, dce_source.affine) for values in dce_source.phases)
    return DceExam(phases, 0, dce_source.seconds, orientation="axial")


def box(corner: tuple[float, float, float], opposite: tuple[float, float, float], frame: str = FRAME) -> Box:
    return Box("s", "t", "i", frame, corner, opposite, AXIAL)


def result(model_id: str = "004", masks: tuple = (), findings: tuple = ()) -> Result:
    made = Provenance(model_id, "1", "T", "n", "ab", "0", "cpu", "2026")
    return Result(Status.FINDINGS, (), (), findings, (), made, masks=masks)


def voxels(mask: Volume, like: Volume) -> set[tuple[int, ...]]:
    """Voxels of an image's grid that a mask on a part of it takes in."""
    offset = np.linalg.inv(np.asarray(like.affine)) @ np.asarray(mask.affine)[:, 3]
    return {tuple(int(v) for v in np.rint(offset[:3] + index)) for index in np.argwhere(mask.array)}


def test_a_box_is_one_slice_of_just_its_voxels(exam: DceExam) -> None:
    # outer edges of voxels: columns 46 to 50, rows 18 to 21, slice 10
    drawn = box((56.0, -10.0, 2.0), (76.0, 6.0, 2.0))
    (lesion,) = lesions_from(exam, LesionSources((drawn,)))
    expected = {(10, j, i) for j in range(18, 22) for i in range(46, 51)}
    assert voxels(lesion.mask, exam.image) == expected
    assert (lesion.uid, lesion.title, lesion.origin) == (drawn.uid, "Box 1", "box")
    assert lesion.mask.array.dtype == np.uint8
    assert lesion.mask.frame_of_reference_uid == FRAME


def test_boxes_keep_their_numbers_and_those_elsewhere_are_left_out(exam: DceExam) -> None:
    of_a_mammogram = box((0, 0, 0), (5, 5, 0), "another")
    outside = box((500.0, 0, 2), (510.0, 5, 2))
    inside = box((60.0, 0, 2), (70.0, 8, 2))
    lesions, notes = found_lesions(exam, LesionSources((of_a_mammogram, outside, inside)))
    assert [lesion.title for lesion in lesions] == ["Box 3"]
    assert notes == ("Box 2 lies outside the dynamic series and was not read.",)


def test_a_tiny_box_is_the_nearest_voxel(exam: DceExam) -> None:
    (lesion,) = lesions_from(exam, LesionSources((box((67.0, 0.5, 2.5), (67.1, 0.6, 2.5)),)))
    assert voxels(lesion.mask, exam.image) == {(10, 20, 48)}


def test_a_box_drawn_across_the_slices_is_one_voxel_thick(exam: DceExam) -> None:
    sagittal = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    mask = box_mask(exam.image, (66.0, -6.0, 8.0), (66.0, 6.0, -4.0), sagittal)
    assert mask is not None
    assert voxels(mask, exam.image) == {(k, j, 48) for k in range(9, 12) for j in range(19, 22)}


def test_a_box_on_an_oblique_grid_takes_the_voxels_whose_centres_are_inside() -> None:
    turn = np.deg2rad(30)
    axes = np.array([[0, 0, 1], [-np.sin(turn), np.cos(turn), 0], [np.cos(turn), np.sin(turn), 0]], float)
    affine = np.eye(4)
    affine[:3, :3] = (axes * np.array([[3.0], [0.8], [0.8]])).T
    image = volume(np.zeros((5, 40, 40), np.uint8), affine)
    corner, opposite = (affine @ (2, 9.5, 4.5, 1))[:3], (affine @ (2, 14.5, 12.5, 1))[:3]
    mask = box_mask(image, corner.tolist(), opposite.tolist(), (*axes[2], *axes[1]))
    assert mask is not None
    assert voxels(mask, image) == {(2, j, i) for j in range(10, 15) for i in range(5, 13)}


def test_the_parts_of_a_mask_are_lesions_largest_first(exam: DceExam) -> None:
    array = np.zeros(exam.image.spatial_shape, np.uint8)
    array[2, 3, 4] = array[3, 4, 5] = 1  # touch by a corner
    array[10:13, 20:22, 40] = 1
    mask = Segmentation("tumour", "Tumour", volume(array, exam.image.affine))
    lesions = lesions_from(exam, LesionSources(results=(result(masks=(mask,)),)))
    assert [lesion.title for lesion in lesions] == ["Tumour 1 (004)", "Tumour 2 (004)"]
    assert voxels(lesions[0].mask, exam.image) == {(k, j, 40) for k in (10, 11, 12) for j in (20, 21)}
    assert voxels(lesions[1].mask, exam.image) == {(2, 3, 4), (3, 4, 5)}
    assert parts_of(volume(np.zeros((2, 2, 2), np.uint8), np.eye(4)), 5) == ()


def test_findings_are_lesions_where_a_model_draws_no_mask(exam: DceExam) -> None:
    found = Finding("cam", 0.9, FRAME, (56.0, -10.0, 2.0), (76.0, 6.0, 2.0), AXIAL, "Left breast")
    other = Finding("cam", 0.9, "another", (56.0, -10.0, 2.0), (76.0, 6.0, 2.0), AXIAL)
    (lesion,) = lesions_from(exam, LesionSources(results=(result("003", findings=(found, other)),)))
    assert (lesion.title, lesion.origin) == ("Left breast (003)", "finding of 003")
    assert len(voxels(lesion.mask, exam.image)) == 20


def test_what_a_reader_marked_and_a_model_found_is_one_lesion(exam: DceExam) -> None:
    drawn = box((56.0, -10.0, 2.0), (76.0, 6.0, 2.0))
    found = Finding("cam", 0.9, FRAME, (60.0, -4.0, 2.0), (90.0, 6.0, 2.0), AXIAL)
    apart = Finding("cam", 0.9, FRAME, (-70.0, -4.0, 2.0), (-60.0, 6.0, 2.0), AXIAL)
    lesions = lesions_from(exam, LesionSources((drawn,), (result("003", findings=(found, apart)),)))
    assert [lesion.origin for lesion in lesions] == ["box", "finding of 003"]
    assert lesions[1].uid.endswith(":2")


def test_a_model_is_not_asked_about_its_own_findings(exam: DceExam) -> None:
    found = Finding("cam", 0.9, FRAME, (60.0, -4.0, 2.0), (90.0, 6.0, 2.0), AXIAL)
    sources = LesionSources(results=(result("002", findings=(found,)),))
    assert sources
    assert not sources.without("002")
    assert lesions_from(exam, sources.without("002")) == ()


def test_a_clicked_point_is_the_lesion_around_it(exam: DceExam, dce_source: Any) -> None:
    (lesion,) = lesions_from(exam, LesionSources(point_mm=CENTRE))
    gain = dce_source.phases[1].astype(float) - dce_source.phases[0]
    expected = {tuple(int(v) for v in index) for index in np.argwhere(gain > 400)}
    assert voxels(lesion.mask, exam.image) == expected
    assert lesion.title == "Lesion at the cross"
    with pytest.raises(EngineError, match="enhances"):
        lesions_from(exam, LesionSources(point_mm=(-66.0, 0.0, 2.0)))
    with pytest.raises(EngineError, match="outside"):
        lesions_from(exam, LesionSources(point_mm=(500.0, 0.0, 2.0)))


def test_too_many_lesions_are_cut_and_said(exam: DceExam) -> None:
    boxes = tuple(box((-110.0 + 8 * n, 0, 2), (-106.0 + 8 * n, 4, 2)) for n in range(MOST + 3))
    lesions, notes = found_lesions(exam, LesionSources(boxes))
    assert len(lesions) == MOST
    assert notes == (f"3 more lesions were left out: at most {MOST} are read at once.",)


def test_masks_overlap_across_grids() -> None:
    coarse = volume(np.ones((1, 1, 1), np.uint8), np.diag([10.0, 10, 10, 1]))
    fine = volume(np.ones((2, 2, 2), np.uint8), np.diag([1.0, 1, 1, 1]))
    moved = np.diag([1.0, 1, 1, 1])
    moved[:3, 3] = 8
    assert overlaps(coarse, fine)
    assert overlaps(fine, coarse)
    assert not overlaps(coarse, volume(np.ones((2, 2, 2), np.uint8), moved))
