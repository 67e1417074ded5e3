"""Results as layers: maps, masks and boxes in a pane, in whose colour; the mask of one slice by the paper's rule."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from highdicom import Volume

from app.ui.findings.map_quality import measure, quality_text
from app.ui.findings.slice_rule import Choice, choice_of, mask_of_slice
from app.ui.layers import (
    MODEL_COLOURS,
    finding_of,
    map_entries,
    mask_layers,
    model_colour,
    proposals,
)
from app.workspace.box import Box
from inference.card import ModelCard
from inference.progress import Progress
from tests.app.ui import results
from tests.app.ui.test_theme import contrast, least_difference
from viewer.colours import BACKGROUND
from viewer.layers.types import ClassMapLayer, MapClass, MaskLayer
from viewer.map_keys import with_masks


def test_every_model_has_its_colour_and_they_are_told_apart() -> None:
    ids = ("mri-attention-000", "mammo-patches-001", "mri-contrasts-002", "mri-curriculum-003", "mri-segmentation-004")
    assert [model_colour(one) for one in ids] == list(MODEL_COLOURS)
    assert model_colour("fake") in MODEL_COLOURS
    assert least_difference(list(MODEL_COLOURS))[0] > 15
    assert min(contrast(colour, BACKGROUND) for colour in MODEL_COLOURS) >= 4.5


def test_the_map_of_the_model_that_answered_last_is_drawn_and_both_breasts_of_it() -> None:
    first, second = results.stored(results.segmentation_result()), results.stored(results.curriculum_result())
    shown = {entry.key for entry in map_entries((first, second), results.FRAME) if entry.position == 0}
    assert shown == {"mri-curriculum-003/cam-R", "mri-curriculum-003/cam-L"}
    shown = {entry.key for entry in map_entries((second, first), results.FRAME) if entry.position == 0}
    assert shown == {"mri-segmentation-004/tumour"}
    assert map_entries((first, second), "another frame") == ()


def test_of_two_kinds_of_map_the_first_is_drawn() -> None:
    entries = map_entries((results.stored(results.mammogram_result()),), results.FRAME)
    assert [entry.position for entry in entries] == [0, 1]


def test_a_map_and_a_mask_of_one_name_are_set_apart() -> None:
    one = results.stored(results.segmentation_result())
    (hidden,) = mask_layers([one], results.FRAME, {"mri-segmentation-004/mask:tumour": {"visible": False}})
    (shown,) = mask_layers([one], results.FRAME, {"mri-segmentation-004/tumour": {"visible": False}})
    assert (hidden.visible, shown.visible) == (False, True)
    assert list(mask_layers([one], "another frame", {})) == []


def test_boxes_say_title_score_and_model() -> None:
    every = [results.stored(results.segmentation_result()), results.stored(results.contrasts_result())]
    shapes = list(proposals(every, results.FRAME))
    assert [shape.text for shape in shapes] == ["Tumour 0.95 · 004", "Box 1 0.84 · 002"]
    assert shapes[0].colour == MODEL_COLOURS[4]
    found = finding_of(shapes[1], every)
    assert found is not None
    assert found[1].score == 0.84
    assert finding_of(replace(shapes[1], uid="gone#0"), every) is None


def test_masks_stand_in_the_legend_under_the_classes() -> None:
    volume = results.volume(np.zeros((1, 2, 2), np.uint8))
    mask = MaskLayer("m", "Tumour", volume, "#ff0000")
    classes = ClassMapLayer("c", "Kinetics", volume, (MapClass(3, "Washout", "#00ff00"),))
    assert with_masks(None, ()) is None
    alone, both = with_masks(None, (mask,)), with_masks(classes, (mask,))
    assert alone is not None
    assert both is not None
    assert [(one.title, one.colour) for one in alone.classes] == [("Tumour", "#ff0000")]
    assert [one.title for one in both.classes] == ["Washout", "Tumour"]


# -- one slice by the paper's rule ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("per_cent", "pixels"), [(60, 9), (97, 1)])
def test_the_mask_of_a_slice_is_joined_to_its_maximum(per_cent: int, pixels: int) -> None:
    heatmap = results.segmentation_result().heatmaps[0]
    found = mask_of_slice(
        heatmap, np.array([0.0, 0.0, 6.4]), np.array([0.0, 0.0, 1.0]), Choice("paper", per_cent), "#ffffff"
    )
    assert found is not None
    assert found.maximum == pytest.approx(0.95)
    assert int(found.layer.volume.array.sum()) == pixels  # 0.7 at (8, 8) passes 60 % but is not joined
    assert found.area_mm2 == pytest.approx(pixels * 1.0)
    assert found.layer.volume.affine[2, 3] == 6.0
    assert found.layer.volume.frame_of_reference_uid == results.FRAME


def test_a_sagittal_plane_cuts_the_map_along_its_columns() -> None:
    heatmap = results.segmentation_result().heatmaps[0]
    found = mask_of_slice(heatmap, np.array([4.0, 50.0, 50.0]), np.array([-1.0, 0.0, 0.0]), Choice(), "#ffffff")
    assert found is not None
    assert found.layer.volume.array.shape == (4, 10, 1)
    assert int(found.layer.volume.array.sum()) == 3
    assert found.area_mm2 == pytest.approx(3 * 3.0)  # rows of 1 mm, slices of 3 mm


def test_outside_the_map_there_is_no_mask() -> None:
    heatmap = results.segmentation_result().heatmaps[0]
    assert mask_of_slice(heatmap, np.array([0.0, 0.0, 30.0]), np.array([0.0, 0.0, 1.0]), Choice(), "#ffffff") is None


def test_the_card_of_the_model_chooses_the_rule() -> None:
    keys = {"slice_rule": "code"}
    card = ModelCard("mri-segmentation-004", "f", "1", "T", "p", "n", {}, {}, (), {}, {}, (), "l", Path(), keys)
    assert choice_of((card,), "mri-segmentation-004") == Choice("code", 50)
    assert choice_of((card,), "another") == Choice("paper", 60)
    broken = replace(card, interpretation={"slice_rule": "third"})
    assert choice_of((broken,), card.id) == Choice()


def test_the_rule_of_the_code_keeps_what_lies_near_the_maximum() -> None:
    array = np.zeros((1, 40, 40), np.float32)
    array[0, 20, 20], array[0, 20, 26], array[0, 20, 35] = 0.9, 0.5, 0.5
    heatmap = replace(results.segmentation_result().heatmaps[0], volume=results.volume(array))
    plane = np.array([0.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    paper, code = (mask_of_slice(heatmap, *plane, Choice(rule, 50), "#ffffff") for rule in ("paper", "code"))
    assert paper is not None
    assert code is not None
    assert [(one.area_mm2, one.layer.volume.array.sum()) for one in (paper, code)] == [(1.0, 1), (2.0, 2)]


# -- maps against boxes -----------------------------------------------------------------------------------------------


def box(middle: tuple[float, float, float], half: float) -> Box:
    x, y, z = middle
    return Box(
        study_uid="study", stack_uid="stack", sop_instance_uid="sop", frame_of_reference_uid=results.FRAME,
        corner_mm=(x - half, y - half, z), opposite_mm=(x + half, y + half, z), orientation=results.AXIAL,
        label="", taxonomy="", source="reader", method="drag", author="",
    )  # fmt: skip


def test_a_map_is_compared_with_the_boxes_and_says_hit_energy_and_chance() -> None:
    entries = map_entries((results.stored(results.segmentation_result()),), results.FRAME)
    (hit,) = measure(entries, (box((4.0, 4.0, 6.0), 2.5),), Progress())
    (missed,) = measure(entries, (box((8.0, 8.0, 6.0), 1.0),), Progress())
    assert hit.quality is not None
    assert missed.quality is not None
    assert quality_text(hit.quality).startswith("hit · energy ")
    assert hit.quality.energy > 0.8 > 0.3 > hit.quality.uniform
    assert quality_text(missed.quality).startswith("missed by ")


def test_the_map_of_the_other_breast_is_not_said_to_have_missed() -> None:
    right, left = results.curriculum_result().heatmaps
    away = left.volume.affine.copy()
    away[0, 3] += 100.0
    moved = replace(left, volume=Volume(left.volume.array, away, "PATIENT", frame_of_reference_uid=results.FRAME))
    stored = results.stored(replace(results.curriculum_result(), heatmaps=(right, moved)))
    on_right, on_left = measure(map_entries((stored,), results.FRAME), (box((1.0, 1.0, 0.0), 1.0),), Progress())
    assert on_right.quality is not None
    assert on_right.quality.hit
    assert on_left.quality is None
    assert on_left.problem == "No box lies on the part of the image that the map covers."


def test_a_map_that_cannot_be_compared_says_why() -> None:
    entries = map_entries((results.stored(results.segmentation_result()),), results.FRAME)
    (one,) = measure(entries, (box((4.0, 4.0, 900.0), 2.0),), Progress())
    assert one.quality is None
    assert "box" in one.problem
