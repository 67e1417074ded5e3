"""Regions of enhancement: what grows, where it ends, what is said when nothing does."""

from __future__ import annotations

import numpy as np
import pytest
from highdicom import Volume

from inference.errors import EngineError
from inference.lesion_region import around, enhancement_per_cent, grow, half_enhancement
from inference.progress import Cancelled, Progress

AFFINE = np.array([[0, 0, 0.8, -20], [0, 0.8, 0, 10], [2.0, 0, 0, 5], [0, 0, 0, 1]])
SHAPE = (20, 60, 60)


def volume(array, affine=AFFINE):
    return Volume(np.asarray(array), affine, "PATIENT", frame_of_reference_uid="1.2.3")


def mm(*index):
    x, y, z = (float(v) for v in AFFINE[:3, :3] @ index + AFFINE[:3, 3])
    return x, y, z


def ball(centre, radius_mm):
    places = np.moveaxis(np.indices(SHAPE), 0, -1) - centre
    return np.linalg.norm(places @ AFFINE[:3, :3].T, axis=-1) <= radius_mm


def placed(region):
    """The region on the whole grid again."""
    whole = np.zeros(SHAPE, bool)
    start = np.rint(np.linalg.inv(AFFINE) @ region.mask.affine[:, 3])[:3].astype(int)
    window = tuple(slice(a, a + n) for a, n in zip(start, region.mask.spatial_shape, strict=True))
    whole[window] = region.mask.array > 0
    return whole


def test_the_connected_part_above_the_threshold_grows_and_nothing_else():
    one, other = ball((8, 30, 20), 6.0), ball((8, 30, 45), 5.0)
    values = np.where(one | other, 120.0, 10.0)
    region = grow(volume(values), mm(8, 30, 20), 80)
    assert np.array_equal(placed(region), one)
    assert not region.cut_off
    assert region.mask.frame_of_reference_uid == "1.2.3"


def test_a_click_beside_the_lesion_finds_its_brightest_neighbour():
    values = np.where(ball((8, 30, 20), 4.0), 120.0, 10.0)
    region = grow(volume(values), mm(8, 30, 20 + 7), 80)  # 5.6 mm from the centre, 1.6 mm beyond the edge
    assert placed(region).sum() == ball((8, 30, 20), 4.0).sum()


def test_a_leak_ends_at_the_reach_and_says_so():
    values = np.where(ball((8, 30, 20), 4.0), 120.0, 10.0)
    values[8, 30, 20:] = 120.0  # a vessel
    region = grow(volume(values), mm(8, 30, 20), 80, reach_mm=15)
    assert region.cut_off
    assert placed(region)[8, 30].nonzero()[0].max() == 20 + int(15 / 0.8)


def test_thin_strands_are_cut_and_the_lesion_stays():
    lesion = ball((8, 30, 20), 6.0)
    values = np.where(lesion, 120.0, 10.0)
    values[8, 30, 20:] = 120.0
    region = placed(grow(volume(values), mm(8, 30, 20), 80, 30, strand_mm=3.0))
    assert not region[8, 30, 30:].any()
    assert region.sum() == pytest.approx(lesion.sum(), rel=0.03)
    thin = np.zeros(SHAPE)
    thin[8, 30, 10:30] = 120  # nothing but a strand: it is what was asked for
    assert placed(grow(volume(thin), mm(8, 30, 20), 80, 30, strand_mm=3.0)).sum() == 20


def test_per_cent_is_of_the_pre_contrast_value_and_background_has_none():
    pre = np.full(SHAPE, 200, np.int16)
    pre[:, :10] = 5
    post = np.where(ball((8, 30, 20), 5.0), 500, 220)
    difference = volume((post - pre).astype(np.int32))
    found = enhancement_per_cent(difference, volume(pre)).array
    assert found[8, 30, 20] == pytest.approx(150)
    assert found[15, 50, 50] == pytest.approx(10)
    assert np.all(found[:, :10] == -100)


def test_pre_contrast_may_begin_elsewhere_but_must_share_the_grid():
    pre = volume(np.full(SHAPE, 100, np.int16))
    part = volume(np.full(SHAPE, 50, np.int32))[3:9, 5:20, 7:30]
    assert np.all(enhancement_per_cent(part, pre).array == 50)
    shorter = enhancement_per_cent(volume(np.full(SHAPE, 50, np.int32)), pre[2:]).array
    assert np.all(shorter[:2] == -100)
    assert np.all(shorter[2:] == 50)
    moved = AFFINE.copy()
    moved[0, 3] += 0.3
    with pytest.raises(EngineError, match="one grid"):
        enhancement_per_cent(part, volume(np.full(SHAPE, 100, np.int16), moved))


def test_what_is_asked_for_in_vain_is_answered_in_a_sentence():
    values = volume(np.full(SHAPE, 20.0))
    with pytest.raises(EngineError, match=r"80 % or more \(highest: 20 %\)"):
        grow(values, mm(8, 30, 20), 80)
    with pytest.raises(EngineError, match="outside"):
        around(values, mm(8, 30, 200), 10)
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        grow(values, mm(8, 30, 20), 10, progress=progress)


def test_half_of_its_own_follows_the_lesion_and_not_a_noisy_voxel():
    values = np.where(ball((8, 30, 20), 6.0), 200.0, 10.0)
    values[8, 30, 21] = 900.0
    threshold, own = half_enhancement(volume(values), mm(8, 30, 20))
    assert own == pytest.approx(200)
    assert threshold == pytest.approx(100)
    small = np.where(ball((8, 30, 20), 1.7), 200.0, 10.0)  # mostly background within 3 mm
    assert half_enhancement(volume(small), mm(8, 30, 20)) == pytest.approx((100, 200))
    with pytest.raises(EngineError, match=r"30 % or more \(highest: 10 %\)"):
        half_enhancement(volume(np.full(SHAPE, 10.0)), mm(8, 30, 20))
