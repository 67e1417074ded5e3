"""Framing: every way a mammogram may be stored hangs chest wall to the midline and head or lateral side up."""

from __future__ import annotations

from itertools import product
from types import ModuleType

import numpy as np
import pytest

from app.studies.exam_walls import ExamWalls
from app.studies.framing import framing_of, letters_of
from app.studies.hanging.types import Slot
from app.studies.load import load_stack
from app.studies.scan import scan
from app.studies.study import SeriesKind
from viewer.camera import UPRIGHT, Camera
from viewer.layers.types import Framing

WALL = {"R": "right", "L": "left"}
OPPOSITE = {"A": "P", "P": "A", "R": "L", "L": "R", "H": "F", "F": "H"}
#: The eight ways of storing a picture: how often turned by a quarter, and mirrored first or not.
STORED = list(product(range(4), (False, True)))


def framed(path, slot=None):
    (study,) = scan(path).studies
    (series,) = study.series
    loaded = load_stack(study, series.stacks[0].uid)
    side = series.laterality
    slot = slot or Slot(series.stacks[0].uid, chest_wall=WALL.get(side, ""), group="views")
    framing, notes = framing_of(loaded, series, slot)
    assert framing is not None
    return loaded, framing, notes, letters_of(loaded, series, slot)


def stored(pixels: np.ndarray, quarters: int, mirrored: bool) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, quarters))


def letters_after(orientation: list[str], quarters: int, mirrored: bool) -> list[str]:
    """Directions of row and column after numpy's rot90 (counter-clockwise) of a picture, mirrored first or not."""
    row, column = orientation
    if mirrored:
        row = "".join(OPPOSITE[letter] for letter in row)
    for _ in range(quarters):  # what ran down the columns runs along the rows, what ran along the rows runs up
        row, column = column, "".join(OPPOSITE[letter] for letter in row)
    return [row, column]


def on_screen(loaded, framing: Framing) -> np.ndarray:
    """The picture as the glass would show it, pixel by pixel through the turn."""
    values = np.asarray(loaded.volume.array[0])
    rows, columns = values.shape
    turn = np.array(framing.turn)
    width, height = np.abs(turn) @ (columns, rows)
    camera = Camera((columns / 2, rows / 2), 1.0, framing.turn, (int(width), int(height)))
    shown = np.zeros((int(height), int(width)), values.dtype)
    for y, x in np.ndindex(shown.shape):
        i, j = camera.to_plane(x + 0.5, y + 0.5)
        shown[y, x] = values[int(j), int(i)]
    return shown


@pytest.mark.parametrize("way", STORED)
@pytest.mark.parametrize(("side", "view"), [("R", "CC"), ("L", "MLO")])
def test_every_way_of_storing_hangs_alike_by_patient_orientation(dicom: ModuleType, tmp_path, side, view, way) -> None:
    pixels = dicom.breast_pixels(side, view)
    orientation = letters_after(dicom.ORIENTATIONS[side, view], *way)
    image = dicom.mammogram(side, view, pixels=stored(pixels, *way), PatientOrientation=orientation)
    loaded, framing, notes, letters = framed(dicom.save(image, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(on_screen(loaded, framing), pixels)
    assert framing.chest_wall == WALL[side]
    assert letters == loaded.edge_letters
    assert bool(notes) == (way[1] or (view == "CC" and way[0] == 2))  # mirrored, or upside down, is told


@pytest.mark.parametrize(("side", "view"), [("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")])
def test_the_anchor_is_the_chest_wall_at_nipple_level(dicom: ModuleType, tmp_path, side, view) -> None:
    loaded, framing, _, _ = framed(dicom.save(dicom.mammogram(side, view), tmp_path / "a.dcm"))
    values = np.asarray(loaded.volume.array[0])
    rows, columns = values.shape
    wall = columns if side == "R" else 0
    assert framing.anchor_mm[0] == wall
    inside = values > 0
    widest = int(inside.sum(axis=1).argmax())  # of a phantom without film: the row that reaches farthest
    # An oblique view's nipple is sought across the tilted muscle, thus lower, but not by more than an eighth.
    assert -6 <= framing.anchor_mm[1] - widest <= (rows / 8 if view == "MLO" else 6)
    left, top, right, bottom = framing.region_mm
    assert 0 <= left < right <= columns
    assert 0 <= top < bottom <= rows
    assert inside[int(top) : int(np.ceil(bottom)), int(left) : int(np.ceil(right))].sum() > 0.98 * inside.sum()
    assert framing.group == "views"


def test_letters_against_the_picture_are_not_used(dicom: ModuleType, tmp_path) -> None:
    # A converter wrote the letters of the right breast into every file.
    image = dicom.mammogram("L", "CC", PatientOrientation=["P", "L"])
    _, framing, (note,), letters = framed(dicom.save(image, tmp_path / "a.dcm"))
    assert (framing.turn, framing.chest_wall) == (UPRIGHT, "left")
    assert note == "Orientation tag: chest wall right; picture: left. Hung by the picture. Check the marker."
    assert letters == ("", "", "", "")


@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_a_mirrored_copy_is_mirrored_back_and_told(dicom: ModuleType, tmp_path, view) -> None:
    pixels = dicom.breast_pixels("R", view)
    image = dicom.mammogram("R", view, pixels=np.ascontiguousarray(pixels[:, ::-1]))
    loaded, framing, (note,), letters = framed(dicom.save(image, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(on_screen(loaded, framing), pixels)
    assert "Hung mirrored" in note
    assert letters == ("", "", "", "")


def test_an_oblique_view_turned_by_a_half_is_turned_not_mirrored(dicom: ModuleType, tmp_path) -> None:
    pixels = dicom.breast_pixels("R", "MLO")
    image = dicom.mammogram("R", "MLO", pixels=stored(pixels, 2, False))
    loaded, framing, (note,), _ = framed(dicom.save(image, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(on_screen(loaded, framing), pixels)
    assert "upside down" in note


@pytest.mark.parametrize("quarters", [1, 3])
@pytest.mark.parametrize("orientation", [None, ["P", "L"]])
def test_a_picture_turned_by_a_quarter_is_turned_back(dicom: ModuleType, tmp_path, quarters, orientation) -> None:
    pixels = dicom.breast_pixels("R", "CC")
    image = dicom.mammogram("R", "CC", pixels=stored(pixels, quarters, False), PatientOrientation=orientation)
    loaded, framing, (note,), _ = framed(dicom.save(image, tmp_path / "a.dcm"))
    np.testing.assert_array_equal(on_screen(loaded, framing), pixels)
    assert "turned by a quarter" in note


def test_without_orientation_the_usual_storage_hangs_without_a_word(dicom: ModuleType, tmp_path) -> None:
    _, framing, notes, _ = framed(dicom.save(dicom.mammogram("L", "MLO", PatientOrientation=None), tmp_path / "a.dcm"))
    assert (framing.turn, framing.chest_wall, notes) == (UPRIGHT, "left", ())


@pytest.mark.parametrize("view", ["CC", "MLO"])
def test_when_only_the_side_is_doubtful_nothing_is_mirrored(dicom: ModuleType, tmp_path, view) -> None:
    pixels = dicom.breast_pixels("L", view)
    image = dicom.mammogram("R", view, pixels=pixels, PatientOrientation=None)
    _, framing, (note,), _ = framed(dicom.save(image, tmp_path / "a.dcm"))
    assert (framing.turn, framing.chest_wall) == (UPRIGHT, "left")
    assert "hung as stored, not mirrored" in note


def exam(dicom, folder, edges: dict[tuple[str, str], str], **values):
    """The framings of an exam without Patient Orientation, each view with its chest wall at the edge given."""
    for (side, view), edge in edges.items():
        pixels = dicom.breast_pixels("L" if edge == "left" else "R", view)
        dicom.save(
            dicom.mammogram(side, view, pixels=pixels, PatientOrientation=None, **values), folder / f"{side}{view}"
        )
    (study,) = scan(folder).studies
    walls = ExamWalls()
    images = {key: load_stack(study, series.stacks[0].uid) for series in study.series for key in [series.label]}
    taken = [walls.take(image) for image in images.values()]
    assert all(taken)
    assert not any(walls.take(image) for image in images.values())  # nothing new
    flipped = walls.flipped(study)
    return {
        key: framing_of(image, study.series_of(image.stack.uid)[0], Slot("", chest_wall=WALL[key[0]]), flipped)
        for key, image in images.items()
    }


MIRROR = ((-1, 0), (0, 1))
VIEWS = [("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")]


@pytest.mark.parametrize(("edge", "copied"), [("left", "R"), ("right", "L")])
def test_an_exam_flipped_to_one_side_is_mirrored_back(dicom: ModuleType, tmp_path, edge, copied) -> None:
    found = exam(dicom, tmp_path, dict.fromkeys(VIEWS, edge))
    assert {key for key, (framing, _) in found.items() if framing.turn == MIRROR} == {f"{copied} CC", f"{copied} MLO"}
    assert [framing.chest_wall == WALL[key[0]] for key, (framing, _) in found.items()] == [True] * 4
    assert all(("mirrored back" in " ".join(notes)) == (key[0] == copied) for key, (_, notes) in found.items())


def test_one_pair_facing_one_way_is_not_enough_to_mirror(dicom: ModuleType, tmp_path) -> None:
    found = exam(dicom, tmp_path, dict.fromkeys(VIEWS[:2], "left"))
    assert all(framing.turn == UPRIGHT for framing, _ in found.values())
    assert "not mirrored" in found["R CC"][1][0]


def test_an_exam_facing_both_ways_or_of_one_side_mirrors_nothing(dicom: ModuleType, tmp_path) -> None:
    usual = {key: WALL[key[0]] for key in VIEWS}
    for name, edges in {
        "one wrong": {**usual, ("R", "CC"): "left"},
        "one side": {(side, view): "left" for side in "R" for view in ("CC", "MLO", "ML")},
        "swapped": {key: {"left": "right", "right": "left"}[edge] for key, edge in usual.items()},
    }.items():
        found = exam(dicom, tmp_path / name, edges)
        assert all(framing.turn == UPRIGHT for framing, _ in found.values())


def test_an_oblique_view_whose_letters_name_the_other_breast_is_not_mirrored(dicom: ModuleType, tmp_path) -> None:
    image = dicom.mammogram("R", "MLO", pixels=dicom.breast_pixels("L", "MLO"), PatientOrientation=["A", "FR"])
    _, framing, (note,), _ = framed(dicom.save(image, tmp_path / "a.dcm"))
    assert (framing.turn, framing.chest_wall) == (UPRIGHT, "left")
    assert "the other one" in note


def test_a_side_that_is_not_stated_hangs_as_stored(dicom: ModuleType, tmp_path) -> None:
    image = dicom.mammogram("", "CC", pixels=dicom.breast_pixels("L", "CC"), PatientOrientation=None)
    _, framing, notes, _ = framed(dicom.save(image, tmp_path / "a.dcm"))
    assert (framing.turn, framing.chest_wall, notes) == (UPRIGHT, "left", ())


def test_a_spot_view_without_chest_wall_is_centred(dicom: ModuleType, tmp_path) -> None:
    rows, columns = np.mgrid[:220, :180]
    circle = (rows - 110) ** 2 + (columns - 90) ** 2 < 50**2
    texture = np.random.default_rng(1).integers(1000, 3000, circle.shape).astype(np.uint16)
    image = dicom.mammogram("R", "CC", "S", "M", pixels=np.where(circle, texture, 0).astype(np.uint16))
    _, framing, notes, _ = framed(dicom.save(image, tmp_path / "a.dcm"))
    assert (framing.turn, framing.chest_wall, notes) == (UPRIGHT, "", ())
    assert np.allclose(framing.region_mm, (37, 57, 143, 163), atol=5)


def test_an_empty_picture_is_framed_whole(dicom: ModuleType, tmp_path) -> None:
    image = dicom.mammogram("R", "CC", pixels=np.zeros((220, 180), np.uint16))
    loaded, framing, _, _ = framed(dicom.save(image, tmp_path / "a.dcm"))
    assert loaded.breast is None
    assert framing.region_mm == (0, 0, 180, 220)
    assert framing.anchor_mm == (180, 110)


def test_a_research_picture_is_hung_by_its_name(dicom: ModuleType, tmp_path) -> None:
    import cv2

    pixels = (dicom.breast_pixels("R", "CC") >> 4).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "R-CC.png"), pixels[:, ::-1])
    loaded, framing, (note,), _ = framed(tmp_path, Slot("x", chest_wall="right"))
    np.testing.assert_array_equal(on_screen(loaded, framing), pixels)
    assert note == "Name: right breast; picture: wall left. Hung mirrored. Check the marker."


def test_other_images_are_not_framed(dicom: ModuleType, tmp_path) -> None:
    for k in range(3):
        dicom.save(dicom.mr_slice(k), tmp_path / str(k))
    (study,) = scan(tmp_path).studies
    (series,) = study.series
    assert series.kind is SeriesKind.MR
    loaded = load_stack(study, series.stacks[0].uid)
    assert loaded.breast is None
    assert framing_of(loaded, series, Slot(series.stacks[0].uid)) == (None, ())


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["mdb001", "mdb002", "mdb033", "mdb135", "mdb165", "mdb268"])
def test_real_films_hang_as_their_headers_say(shared_data, name) -> None:
    _, framing, notes, _ = framed(shared_data / "mini-mias" / f"{name}.dcm")
    side = "R" if int(name[3:]) % 2 else "L"
    assert (framing.turn, framing.chest_wall, notes) == (UPRIGHT, WALL[side], ())
