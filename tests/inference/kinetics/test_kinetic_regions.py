"""Regions and curves against brute force over every voxel centre."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from highdicom import Volume

from inference.kinetics import KineticsError, Phases, Region, curve_of, time_base
from inference.kinetics import region as regions

ROTATION = np.array([[0.6, -0.48, 0.64], [0.8, 0.36, -0.48], [0.0, 0.8, 0.6]])


def grid(oblique: bool = True) -> Volume:
    affine = np.eye(4)
    affine[:3, :3] = (ROTATION if oblique else np.eye(3)) @ np.diag([2.0, 0.7, 0.9])
    affine[:3, 3] = (-30.0, 12.0, 5.0)
    rng = np.random.default_rng(0)
    values = rng.uniform(50, 100, (9, 21, 23)).astype(np.float32)
    return Volume(values, affine, coordinate_system="PATIENT", frame_of_reference_uid="1.2.3")


def centres(volume: Volume) -> np.ndarray:
    index = np.moveaxis(np.indices(volume.spatial_shape), 0, -1)
    return index @ volume.affine[:3, :3].T + volume.affine[:3, 3]


def voxels(mask: np.ndarray) -> set[tuple[int, ...]]:
    return {tuple(v) for v in np.argwhere(mask).tolist()}


def as_set(region: Region) -> set[tuple[int, ...]]:
    found = [tuple(v) for v in region.voxels.tolist()]
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize("oblique", [False, True])
def test_sphere_and_cuboid(oblique: bool) -> None:
    volume = grid(oblique)
    place = centres(volume)
    middle = place[4, 10, 11]
    inside = np.linalg.norm(place - middle, axis=-1) <= 4.0
    assert as_set(regions.sphere(volume, tuple(middle), 4.0)) == voxels(inside)
    low, high = middle - np.array([3, 2, 4]), middle + np.array([2, 5, 1])
    box = ((place >= low) & (place <= high)).all(axis=-1)
    assert as_set(regions.cuboid(volume, low, high)) == voxels(box)
    assert as_set(regions.cuboid(volume, high, low)) == voxels(box)


@pytest.mark.parametrize("oblique", [False, True])
def test_flat_figures_take_their_own_slice(oblique: bool) -> None:
    volume = grid(oblique)
    place, affine = centres(volume), volume.affine
    row = affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    column = affine[:3, 1] / np.linalg.norm(affine[:3, 1])
    orientation = (*row, *column)
    corner = place[4, 5, 6] - row * 0.45 - column * 0.35
    opposite = place[4, 11, 15] + row * 0.45 + column * 0.35  # outer edges of the pixels
    box = regions.rectangle(volume, tuple(corner), tuple(opposite), orientation, "box")
    expected = np.zeros(volume.spatial_shape, bool)
    expected[4, 5:12, 6:16] = True
    assert as_set(box) == voxels(expected)
    points = [place[4, 4, 4], place[4, 4, 17], place[4, 15, 12], place[4, 9, 9], place[4, 17, 3]]
    drawn = regions.outline(volume, [tuple(p + 0.01 * row) for p in points], orientation, "freehand")
    polygon = np.array([(4, 4), (17, 4), (12, 15), (9, 9), (3, 17)], np.float32)
    shape = volume.spatial_shape[1:]
    sides = np.array([[cv2.pointPolygonTest(polygon, (i, j), True) for i in range(shape[1])] for j in range(shape[0])])
    found = np.zeros(shape, bool)
    assert {k for k, _, _ in as_set(drawn)} == {4}
    found[tuple(drawn.voxels[:, 1:].T)] = True
    sure = np.abs(sides) > 0.3  # centres on the line itself may fall either way
    np.testing.assert_array_equal(found[sure], (sides > 0)[sure])
    middle = place[4, 10, 11]
    ends = [tuple(middle + a) for a in (-4 * row, 4 * row, -3 * column, 3 * column)]
    offset = place[4] - middle
    round_one = (offset @ row / 4) ** 2 + (offset @ column / 3) ** 2 <= 1
    ellipse = regions.ellipse(volume, ends, "ellipse")
    assert as_set(ellipse) == {(4, j, i) for j, i in np.argwhere(round_one).tolist()}


def test_mask_of_another_grid_is_sampled_through_its_affine() -> None:
    volume = grid()
    fine = np.array(volume.affine)
    fine[:3, :3] /= 2
    fine[:3, 3] = (np.array(volume.affine) @ (2, 3, 4, 1))[:3]
    mask = Volume(np.ones((6, 8, 10), np.uint8), fine, coordinate_system="PATIENT", frame_of_reference_uid="1.2.3")
    expected = {(k, j, i) for k in (2, 3, 4) for j in (3, 4, 5, 6) for i in (4, 5, 6, 7, 8)}
    assert as_set(regions.mask_region(volume, mask, "mask")) == expected


def test_neighbourhood_is_cut_off_at_the_edge() -> None:
    volume = grid()
    corner = tuple(volume.affine[:3, 3])
    assert as_set(regions.neighbourhood(volume, corner)) == {(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)}
    assert len(regions.neighbourhood(volume, tuple(centres(volume)[4, 9, 9]), 3, 3).voxels) == 27


def test_places_outside_are_refused() -> None:
    volume = grid()
    with pytest.raises(KineticsError, match="outside"):
        regions.neighbourhood(volume, (900.0, 0.0, 0.0))
    with pytest.raises(KineticsError, match="no voxel"):
        regions.sphere(volume, (900.0, 0.0, 0.0), 3.0)
    with pytest.raises(KineticsError, match="flat"):
        regions.ellipse(volume, [(0, 0, 0)] * 4, "ellipse")
    with pytest.raises(KineticsError, match="empty"):
        regions.mask_region(volume, volume.with_array(np.zeros(volume.spatial_shape, np.uint8)), "mask")


def test_curve_is_the_mean_of_the_region() -> None:
    volume = grid()
    rng = np.random.default_rng(1)
    factors = (1.0, 2.5, 2.4, 2.0)
    arrays = [volume.array * f + rng.normal(0, 1, volume.array.shape) for f in factors]
    made = Phases(tuple(volume.with_array(a) for a in arrays), time_base((0.0, 600.0, 690.0, 780.0), 0))
    region = regions.sphere(volume, tuple(centres(volume)[4, 10, 11]), 5.0)
    curve = curve_of(made, region, 10.0)
    picked = np.array([a[region.index] for a in arrays])
    np.testing.assert_allclose(curve.signal, picked.mean(axis=1))
    np.testing.assert_allclose(curve.sd, picked.std(axis=1))
    np.testing.assert_allclose(curve.enhancement, 100 * (picked.mean(axis=1) / picked[0].mean() - 1), atol=1e-9)
    assert curve.kind.title == "Washout"
    assert curve.times == (0.0, 45.0, 135.0, 225.0)
    assert not curve_of(made, region, 200.0).defined  # below the noise floor
