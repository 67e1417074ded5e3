"""Breast region: mask, chest wall and nipple level on phantoms whose truth is known, and on real films."""

from __future__ import annotations

import numpy as np
import pytest

from app.studies.breast_region import CONFIDENT, breast_region_of
from app.studies.load import load_stack
from app.studies.scan import scan
from viewer.presentation import Padding, Presentation, Window

PLAIN = Presentation((Window(2048, 4096),))
INVERTED = Presentation((Window(2048, 4096),), invert=True)
TURNS = {0: "right", 1: "top", 2: "left", 3: "bottom"}  # where numpy's rot90 takes the right edge


@pytest.fixture(scope="module", params=["CC", "MLO"])
def right_breast(request, dicom) -> np.ndarray:
    return dicom.breast_pixels("R", request.param)


@pytest.mark.parametrize("quarters", TURNS)
def test_the_chest_wall_is_found_at_every_edge(right_breast, quarters) -> None:
    region = breast_region_of(np.rot90(right_breast, quarters), PLAIN)
    assert region is not None
    assert region.wall == TURNS[quarters]
    assert region.confidence >= CONFIDENT


def test_box_level_and_nipple_lie_on_the_breast(right_breast) -> None:
    region = breast_region_of(right_breast, PLAIN, (0.5, 0.5))
    assert region is not None
    rows, columns = np.nonzero(right_breast)
    truth = np.array((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)) * 0.5
    assert np.allclose(region.box_mm, truth, atol=3)
    tip = rows[columns == columns.min()].mean() * 0.5
    assert abs(region.level_mm - tip) <= 3
    assert np.hypot(region.nipple_mm[0] - columns.min() * 0.5, region.nipple_mm[1] - tip) <= 4


@pytest.mark.parametrize("presentation", [PLAIN, INVERTED])
def test_inverted_and_wrongly_tagged_images_give_the_same_region(right_breast, presentation) -> None:
    plain = breast_region_of(right_breast, PLAIN)
    inverted = breast_region_of(4095 - right_breast, presentation)
    assert plain is not None
    assert inverted is not None
    assert inverted.wall == "right"
    assert np.allclose(inverted.box_mm, plain.box_mm, atol=4)


@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_for_processing_has_bright_air(dicom, view) -> None:
    plain = breast_region_of(dicom.breast_pixels("R", view), PLAIN)
    raw = breast_region_of(dicom.breast_pixels("R", view, True), PLAIN, raw=True)
    assert plain is not None
    assert raw is not None
    assert (raw.wall, raw.confidence >= CONFIDENT) == ("right", True)
    assert np.allclose(raw.box_mm, plain.box_mm, atol=4)


def test_white_film_borders_and_a_lead_marker_are_left_out(right_breast) -> None:
    film = np.clip(right_breast.astype(int) + 150, 0, 4095).astype(np.uint16)
    film[:, :8] = film[:5] = 4095
    film[20:40, 20:45] = 4000
    plain, region = breast_region_of(right_breast, PLAIN), breast_region_of(film, PLAIN)
    assert plain is not None
    assert region is not None
    assert region.wall == "right"
    assert np.allclose(region.box_mm, plain.box_mm, atol=8)
    assert abs(region.level_mm - plain.level_mm) <= 6


def test_padding_is_air(right_breast) -> None:
    padded = np.where(right_breast > 0, right_breast, 4095).astype(np.uint16)
    presentation = Presentation((Window(2048, 4096),), padding=Padding(4095, 4095))
    region = breast_region_of(padded, presentation)
    assert region is not None
    assert region.wall == "right"


def test_an_implant_is_part_of_the_breast(right_breast) -> None:
    rows, columns = np.mgrid[: right_breast.shape[0], : right_breast.shape[1]]
    implant = right_breast.copy()
    implant[(rows - 110) ** 2 / 2 + (columns - 170) ** 2 < 40**2] = 4095
    plain, region = breast_region_of(right_breast, PLAIN), breast_region_of(implant, PLAIN)
    assert plain is not None
    assert region is not None
    assert region.wall == "right"
    assert np.allclose(region.box_mm, plain.box_mm, atol=4)


def test_colour_pictures_are_read_as_grey(right_breast) -> None:
    colour = np.repeat((right_breast >> 4).astype(np.uint8)[..., None], 3, axis=2)
    region = breast_region_of(colour, Presentation((Window(128, 256),)))
    assert region is not None
    assert region.wall == "right"


@pytest.mark.parametrize("values", [np.zeros((300, 200), np.uint16), np.full((300, 200), 7.5), np.zeros((8, 8))])
def test_an_image_without_contrast_has_no_region(values) -> None:
    assert breast_region_of(values, PLAIN) is None


def test_values_that_are_no_numbers_do_no_harm(right_breast) -> None:
    values = right_breast.astype(np.float32)
    values[:4] = np.nan
    values[4] = np.inf
    region = breast_region_of(values, PLAIN)
    assert region is not None
    assert region.wall == "right"


@pytest.mark.parametrize("case", ["noise", "a marker alone", "breast from edge to edge", "circle"])
def test_where_the_picture_does_not_tell_no_side_is_claimed(right_breast, case) -> None:
    rng = np.random.default_rng(2)
    rows, columns = np.mgrid[:300, :300]
    values = {
        "noise": rng.normal(100, 20, (300, 200)),
        "a marker alone": np.where((rows > 20) & (rows < 32) & (columns > 40) & (columns < 60), 4000, 0),
        "breast from edge to edge": right_breast[90:130, 130:170].astype(float),
        "circle": np.where((rows - 150) ** 2 + (columns - 150) ** 2 < 60**2, rng.normal(2000, 300, (300, 300)), 0),
    }[case]
    region = breast_region_of(values, PLAIN)
    assert region is not None
    assert region.confidence < CONFIDENT
    if case != "circle":
        assert region.found is False or region.box_mm[2] > 0


def test_the_muscle_marks_the_heads_end(dicom) -> None:
    oblique = dicom.breast_pixels("R", "MLO")
    upright, turned = breast_region_of(oblique, PLAIN), breast_region_of(oblique[::-1], PLAIN)
    assert upright is not None
    assert turned is not None
    assert (upright.muscle, turned.muscle) == ("low", "high")


@pytest.mark.real_data
def test_chest_wall_of_real_films(shared_data) -> None:
    """Every fourth pair of mini-MIAS: no side is wrong; mdb151 fills its film, and its side may stay open."""
    library = scan(shared_data / "mini-mias")
    wrong, unsure, total = [], [], 0
    for study in library.studies[::4]:
        for series in study.series:
            region = load_stack(study, series.stacks[0].uid).breast
            total += 1
            name = series.stacks[0].frames[0].path.stem
            if region is None or region.confidence < CONFIDENT:
                unsure.append(name)
            elif region.wall != {"R": "right", "L": "left"}[series.laterality]:
                wrong.append(name)
    assert total > 60
    assert wrong == []
    assert len(unsure) <= 3


@pytest.mark.real_data
@pytest.mark.parametrize("tagged", ["MONOCHROME1", "bright air, not tagged", "dark air, tagged bright"])
@pytest.mark.parametrize("number", [1, 9, 27, 67, 83, 95, 116, 195, 280])
def test_real_films_of_either_polarity_show_the_same_wall(shared_data, number, tagged) -> None:
    path = shared_data / "mini-mias" / f"mdb{number:03d}.dcm"
    (study,) = scan(path).studies
    loaded = load_stack(study, study.series[0].stacks[0].uid)
    values = np.asarray(loaded.volume.array[0])
    inverted, bright = tagged != "dark air, tagged bright", tagged != "bright air, not tagged"
    plain = breast_region_of(values, PLAIN, (0.2, 0.2))
    other = breast_region_of(255 - values if inverted else values, INVERTED if bright else PLAIN, (0.2, 0.2))
    assert plain is not None
    assert other is not None
    assert other.wall == plain.wall
    assert abs(other.level_mm - plain.level_mm) < 10


def test_in_an_oblique_view_the_nipple_is_farthest_from_the_muscle(dicom) -> None:
    pixels = dicom.breast_pixels("R", "MLO")
    for quarters, sign in ((0, 1), (2, -1)):  # head up, and upside down
        stored = np.rot90(pixels, quarters)
        across, oblique = breast_region_of(stored, PLAIN), breast_region_of(stored, PLAIN, oblique=True)
        assert across is not None
        assert oblique is not None
        assert sign * (oblique.level_mm - across.level_mm) > 5
