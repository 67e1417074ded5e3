"""Tumour regions of system 004: planted bodies whose number, volume, diameters, surface and place are known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from highdicom import Volume

from inference.progress import Progress
from inference.tumour_regions import (
    components,
    finding_of,
    least_voxels,
    mask_of,
    opened_maximum,
    quantities_of,
    surface_mm2,
    voxel_ml,
)

FRAME = "1.2.3"
SAGITTAL = np.array(
    [[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]
).T  # slices to the left, rows to the head, columns forwards
SPACINGS = {"even": (0.5, 0.5, 0.5), "sagittal slices of 3 mm": (3.0, 0.4, 0.4)}


def volume_of(array: np.ndarray, spacing: tuple[float, ...], *, turn_degrees: float = 0.0) -> Volume:
    """Return sagittal slices, turned about the head axis, somewhere in the patient."""
    turn = math.radians(turn_degrees)
    about = np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1.0]])
    affine = np.eye(4)
    affine[:3, :3] = about @ SAGITTAL * np.array(spacing)
    affine[:3, 3] = (-60.0, 12.5, 33.0)
    return Volume(array, affine, "PATIENT", frame_of_reference_uid=FRAME)


def ball(diameter: float, spacing: tuple[float, ...], off: tuple[float, ...] = (0.1, 0.07, -0.11)) -> np.ndarray:
    """Return which voxels have their centre in a ball (mm) whose own centre lies ``off`` the middle voxel's."""
    reach = [math.ceil((diameter / 2 + 2) / step) for step in spacing]
    axes = (np.arange(-n, n + 1) * step + d for n, step, d in zip(reach, spacing, off, strict=True))
    return np.linalg.norm(np.stack(np.meshgrid(*axes, indexing="ij")), axis=0) <= diameter / 2


# -- which regions there are -------------------------------------------------------------------------------------------


def test_regions_are_counted_from_the_floor_upwards_and_the_highest_comes_first() -> None:
    probability = np.full((6, 20, 20), 0.1, np.float32)
    probability[1:3, 2:6, 2:6] = 0.5  # the floor itself: inside
    probability[2:5, 10:14, 10:14] = 0.8
    probability[3, 12, 11] = 0.95
    probability[0:2, 15:19, 2:6] = 0.49  # just below
    found = components(probability, 0.5, 1)
    assert [(one.voxels, round(one.peak, 2)) for one in found] == [(48, 0.95), (32, 0.5)]
    assert found[0].spot == (3, 12, 11)
    assert found[0].where == (slice(2, 5), slice(10, 14), slice(10, 14))
    assert len(components(probability, 0.45, 1)) == 3
    assert [one.voxels for one in components(probability, 0.9, 1)] == [1]
    assert components(probability, 0.96, 1) == ()


def test_voxels_are_joined_over_corners_and_parted_by_what_was_not_read() -> None:
    probability = np.zeros((3, 3, 5), np.float32)
    probability[0, 0, 0] = probability[1, 1, 1] = probability[2, 2, 2] = 0.9
    assert [one.voxels for one in components(probability, 0.5, 1)] == [3]
    line = np.full((1, 1, 5), 0.9, np.float32)
    line[..., 2] = np.nan
    assert [one.voxels for one in components(line, 0.5, 1)] == [2, 2]


def test_of_equal_maxima_the_one_in_their_middle_is_the_spot() -> None:
    (found,) = components(np.full((3, 5, 7), 0.7, np.float32), 0.5, 1)
    assert found.spot == (1, 2, 3)


@pytest.mark.parametrize(
    ("spacing", "ml", "voxels"),
    [
        ((1.0, 1.0, 1.0), 0.03, 30),
        ((3.0, 0.4, 0.4), 0.03, 63),  # 30 mm³ of 0.48 mm³ each: 62.5
        ((5.0, 5.0, 5.0), 0.03, 1),
        ((1.0, 1.0, 1.0), 0.0, 1),
    ],
)
def test_the_least_volume_in_voxels(spacing: tuple[float, ...], ml: float, voxels: int) -> None:
    volume = volume_of(np.zeros((2, 2, 2)), spacing, turn_degrees=20)
    assert voxel_ml(volume) == pytest.approx(math.prod(spacing) / 1000)
    assert least_voxels(volume, ml) == voxels


def test_smaller_regions_are_left_out() -> None:
    probability = np.zeros((2, 12, 12), np.float32)
    probability[0, 0:3, 0:3], probability[1, 6:8, 6:10] = 0.9, 0.8  # 9 and 8 voxels
    assert [[one.voxels for one in components(probability, 0.5, least)] for least in (8, 9, 10)] == [[9, 8], [9], []]


def test_the_mask_holds_every_region_and_nothing_else() -> None:
    probability = np.zeros((4, 12, 12), np.float32)
    probability[0:2, 0:3, 0:3], probability[2:4, 2:8, 5:9], probability[0, 11, 11] = 0.9, 0.8, 0.99
    like = volume_of(probability, (3.0, 0.4, 0.4))
    mask = mask_of(components(probability, 0.5, 2), like)
    np.testing.assert_array_equal(mask.array, (probability == np.float32(0.9)) | (probability == np.float32(0.8)))
    np.testing.assert_array_equal(mask.affine, like.affine)


# -- the score where nothing reaches the floor -------------------------------------------------------------------------


def scattered(block: float) -> np.ndarray:
    """Return 20 lone voxels of 0.9 and a block of 27 voxels."""
    probability = np.zeros((9, 20, 20), np.float32)
    probability[0, ::2, ::4][:5, :4] = 0.9
    probability[4:7, 10:13, 10:13] = block
    return probability


@pytest.mark.parametrize("block", [0.7, 0.5, 0.4, 0.07])
def test_lone_voxels_do_not_raise_the_score(block: float) -> None:
    score = opened_maximum(scattered(block), 0.5, 10, Progress())
    assert score == pytest.approx(block, abs=0.5 / 256)
    assert (score >= 0.5) == bool(components(scattered(block), 0.5, 10))


def test_a_region_of_just_enough_voxels_gives_its_own_level() -> None:
    assert opened_maximum(scattered(0.95), 0.5, 27, Progress()) == np.float32(0.95)
    assert opened_maximum(scattered(0.95), 0.5, 1, Progress()) == np.float32(0.95)
    assert opened_maximum(scattered(0.8), 0.5, 28, Progress()) < 0.01  # with its neighbours of 0 only
    assert opened_maximum(np.full((2, 2, 2), np.nan), 0.5, 1, Progress()) == 0


# -- measures ----------------------------------------------------------------------------------------------------------


def measured(mask: np.ndarray, spacing: tuple[float, ...], turn_degrees: float = 0.0) -> dict[str, float]:
    probability = volume_of(np.where(mask, 0.9, 0.0).astype(np.float32), spacing, turn_degrees=turn_degrees)
    (found,) = components(probability.array, 0.5, 1)
    quantities = quantities_of(found, probability, 3, "Tumour 3")
    assert {one.subject for one in quantities} == {"Tumour 3"}
    assert all(one.name.endswith("-3") for one in quantities)
    assert {one.name[:-2]: one.unit for one in quantities} == {
        "volume": "ml", "longest": "mm", "plane-longest": "mm", "plane-perpendicular": "mm", "surface": "cm²"
    }  # fmt: skip
    return {one.name[:-2]: one.value for one in quantities}


@pytest.mark.parametrize("turn_degrees", [0.0, 25.0])
@pytest.mark.parametrize("diameter", [12.0, 24.0])
@pytest.mark.parametrize("spacing", SPACINGS.values(), ids=SPACINGS)
def test_a_ball(spacing: tuple[float, ...], diameter: float, turn_degrees: float) -> None:
    found = measured(ball(diameter, spacing), spacing, turn_degrees)
    slices = np.arange(-40, 41) * spacing[0] + 0.1  # where ball() has them
    sections = math.pi * np.clip((diameter / 2) ** 2 - slices**2, 0, None)
    assert found["volume"] == pytest.approx(sections.sum() * spacing[0] / 1000, rel=0.01)
    assert found["volume"] == pytest.approx(math.pi / 6 * diameter**3 / 1000, rel=0.06)
    for name in ("longest", "plane-longest", "plane-perpendicular"):
        assert found[name] == pytest.approx(diameter, abs=max(spacing))  # half a voxel at each end
    assert found["surface"] == pytest.approx(math.pi * diameter**2 / 100, rel=0.05)


def test_a_cuboid_to_the_outline_half_way_between_voxels() -> None:
    """The outline's corners lie on the outermost faces along one axis and on voxel centres along the others."""
    spacing, count = (3.0, 0.5, 0.4), (4, 10, 20)  # along left, head, front
    mask = np.zeros((8, 16, 26), bool)
    mask[2:6, 3:13, 3:23] = True
    found = measured(mask, spacing, turn_degrees=11.0)
    full = np.multiply(count, spacing)
    inner = full - spacing
    assert found["volume"] == pytest.approx(4 * 10 * 20 * 3.0 * 0.5 * 0.4 / 1000)
    assert found["longest"] == pytest.approx(
        max(math.hypot(*np.where(np.arange(3) == a, full, inner)) for a in range(3))
    )
    # in axial planes: 12 mm to the left, 8 mm forwards
    assert found["plane-longest"] == pytest.approx(math.hypot(12.0, 8.0 - 0.4))


@pytest.mark.parametrize(
    ("diameter", "spacing", "share"),
    [
        (5.0, (0.5, 0.5, 0.5), (0.82, 0.86)),
        (10.0, (0.5, 0.5, 0.5), (0.95, 0.97)),
        (20.0, (0.5, 0.5, 0.5), (0.985, 0.995)),
        (20.0, (3.0, 0.4, 0.4), (1.01, 1.045)),
        (30.0, (3.0, 0.4, 0.4), (1.025, 1.045)),
    ],
)
def test_how_far_the_surface_of_a_ball_is_off(
    diameter: float, spacing: tuple[float, ...], share: tuple[float, float]
) -> None:
    found = surface_mm2(volume_of(ball(diameter, spacing).astype(np.uint8), spacing)) / (math.pi * diameter**2)
    assert share[0] <= found <= share[1]


# -- the rectangle -----------------------------------------------------------------------------------------------------


def test_the_rectangle_lies_in_the_image_and_holds_the_region_to_its_outer_edges() -> None:
    """Grid of 1 mm, image of 4 × 2 × 2 mm in the same place: edges of the first are edges of the second."""
    probability = volume_of(np.zeros((16, 20, 20), np.float32), (1.0, 1.0, 1.0))
    probability.array[5:9, 4:10, 6:16] = 0.7
    probability.array[7, 8, 8] = 0.9
    affine = np.array(probability.affine)
    affine[:3, :3] *= (4.0, 2.0, 2.0)
    affine[:3, 3] = (probability.affine @ (1.5, 0.5, 0.5, 1.0))[:3]
    image = Volume(np.zeros((4, 10, 10)), affine, "PATIENT", frame_of_reference_uid=FRAME)
    (region,) = components(probability.array, 0.5, 1)
    box = finding_of(region, probability, image, "tumour", "Tumour 1")
    back = np.linalg.inv(affine)
    corner, opposite = ((back @ (*point, 1.0))[:3] for point in (box.corner_mm, box.opposite_mm))
    np.testing.assert_allclose(corner, (1, 1.5, 2.5), atol=1e-9)  # slice 7 of the grid lies in slice 1 of the image
    np.testing.assert_allclose(opposite, (1, 4.5, 7.5), atol=1e-9)
    assert box.spot_mm is not None
    np.testing.assert_allclose(box.spot_mm, (probability.affine @ (7, 8, 8, 1.0))[:3], atol=1e-9)
    assert (box.score, box.name, box.title) == (pytest.approx(0.9), "tumour", "Tumour 1")
    np.testing.assert_allclose(box.orientation, (*SAGITTAL[:, 2], *SAGITTAL[:, 1]), atol=1e-12)


def test_the_rectangle_is_cut_to_the_image() -> None:
    probability = volume_of(np.full((4, 20, 20), 0.8, np.float32), (1.0, 1.0, 1.0))
    image = Volume(np.zeros((2, 5, 6)), probability.affine, "PATIENT", frame_of_reference_uid=FRAME)
    (region,) = components(probability.array, 0.5, 1)
    box = finding_of(region, probability, image, "tumour", "")
    index = np.linalg.inv(image.affine)[:3] @ np.array([(*box.corner_mm, 1), (*box.opposite_mm, 1)]).T
    np.testing.assert_allclose(index[1:], ((-0.5, 4.5), (-0.5, 5.5)), atol=1e-9)
    np.testing.assert_allclose(index[0], 1, atol=1e-9)  # the spot lies between slices 1 and 2; the image ends at 1
