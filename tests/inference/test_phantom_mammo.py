"""The mammogram phantom: outline, both views of one lesion, spectrum of the parenchyma, presentation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from inference.phantoms.mammo import MAXIMUM, Detector, make_mammogram
from inference.phantoms.mammo_breast import CompressedBreast, Field, skin_distance_mm, thickness_map_mm
from inference.phantoms.mammo_lesions import KINDS, plan_lesion

SMALL = Detector((574, 478), 0.3764)


def test_same_seed_same_image():
    first, second = (make_mammogram(4, "L", "CC", detector=SMALL) for _ in range(2))
    assert np.array_equal(first.image.array, second.image.array)


@pytest.mark.parametrize("laterality", ["L", "R"])
@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_breast_lies_at_the_chest_wall_side(laterality: str, view: str):
    phantom = make_mammogram(2, laterality, view, detector=SMALL, lesions=())
    image = phantom.image.array[0]
    wall, far = (image[:, :8], image[:, -8:]) if laterality == "L" else (image[:, -8:], image[:, :8])
    assert (wall > 0).mean() > 0.6
    assert far.max() == 0  # air
    assert image.max() <= MAXIMUM
    assert phantom.patient_orientation[0] == ("A" if laterality == "L" else "P")


def test_muscle_is_in_the_oblique_view_only():
    cc, mlo = (make_mammogram(2, "L", view, detector=SMALL, lesions=()).image.array[0] for view in ("CC", "MLO"))
    corner = (slice(5, 60), slice(5, 40))
    assert np.median(mlo[corner]) > 2000
    assert np.median(cc[corner]) < 500


def test_one_lesion_is_seen_in_both_views_at_the_same_distance_from_the_nipple():
    for laterality in ("L", "R"):
        columns = []
        for view in ("CC", "MLO"):
            phantom = make_mammogram(6, laterality, view, detector=SMALL, lesions=("spiculated mass",))
            lesion = phantom.lesions[0]
            assert lesion.malignant
            assert phantom.image.array[0, round(lesion.centre[0]), round(lesion.centre[1])] > 0
            columns.append(lesion.centre[1])
        assert columns[0] == pytest.approx(columns[1], abs=1e-6)


def test_views_of_both_sides_mirror_the_outline():
    left, right = (make_mammogram(3, side, "CC", detector=SMALL, lesions=()).image.array[0] > 0 for side in "LR")
    assert (left != right[:, ::-1]).mean() < 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_lesion_adds_density_within_its_outline(kind: str):
    detector = Detector((1147, 957), 0.1882)
    without = make_mammogram(9, "L", "CC", detector=detector, lesions=()).image.array[0].astype(int)
    phantom = make_mammogram(9, "L", "CC", detector=detector, lesions=(kind,))
    change = phantom.image.array[0].astype(int) - without
    top, left, bottom, right = (round(v) for v in phantom.lesions[0].box)
    assert change[top:bottom, left:right].max() > 150
    assert change[top:bottom, left:right].mean() > 0
    assert np.median(change[:100]) == 0


@pytest.mark.parametrize("laterality", ["L", "R"])
@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_the_marker_is_burnt_into_the_air_away_from_the_chest_wall(laterality: str, view: str):
    plain = make_mammogram(2, laterality, view, detector=SMALL, lesions=()).image.array[0]
    marked = make_mammogram(2, laterality, view, detector=replace(SMALL, marker=True), lesions=()).image.array[0]
    changed = plain != marked
    assert changed.sum() > 200
    assert plain[changed].max() == 0
    assert np.all(marked[changed] == MAXIMUM)
    columns = np.nonzero(changed)[1]
    assert (columns.mean() > plain.shape[1] / 2) == (laterality == "L")


def test_dust_lies_anywhere_and_differs_between_views():
    places = set()
    for view in ("CC", "MLO"):
        plain = make_mammogram(2, "L", view, detector=SMALL, lesions=()).image.array[0]
        dusty = make_mammogram(2, "L", view, detector=replace(SMALL, dust=30), lesions=()).image.array[0]
        found = np.argwhere((plain != dusty) & (dusty == MAXIMUM))
        assert 15 <= len(found) <= 120
        places |= {tuple(point) for point in found.tolist()}
    assert len(places) > 40


def test_processing_image_is_bright_where_little_is_absorbed():
    raw = make_mammogram(2, "L", "CC", detector=SMALL, lesions=(), for_processing=True).image.array[0]
    assert raw[:, -8:].mean() > 3500  # air
    assert raw[280:300, 60:80].mean() < 1200  # breast


def test_thickness_is_flat_inside_and_falls_to_nothing_at_the_skin():
    breast = CompressedBreast(100, 90, "C", 3.0, 40, 120, 1)
    field = Field(SMALL, "CC", breast)
    skin = skin_distance_mm(field.inside(), field.pixel_mm)
    thickness = thickness_map_mm(field, skin)
    assert thickness.max() == pytest.approx(45)
    assert thickness[skin == 0].max() == 0
    assert thickness[(skin > 0) & (skin < 1)].max() < 25


def test_wrong_words_are_refused():
    with pytest.raises(ValueError, match="'X'"):
        make_mammogram(1, "X", "CC")
    with pytest.raises(ValueError, match="'wart'"):
        plan_lesion(np.random.default_rng(0), CompressedBreast(100, 90, "C", 3.0, 40, 120, 1), "wart")
