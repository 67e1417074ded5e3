"""Breast mask against the anatomy of the MRI phantom, however it is stored, and on a real examination."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from highdicom import Volume

from app.studies.load import load_stack
from app.studies.scan import scan
from inference.phantoms.anatomy import draw_anatomy
from inference.phantoms.mri import Course, make_dce
from inference.prepare.breast_mask import LEFT, RIGHT, breast_mask
from inference.progress import Cancelled, Progress

SIZE, SPACING = (24, 160, 160), (5.0, 2.1, 2.1)


@cache
def phantom(seed: int, size: tuple[int, int, int] = SIZE) -> tuple[Volume, np.ndarray, np.ndarray]:
    """Return pre-contrast, the breasts (1 right, 2 left) and what lies behind the front of the chest muscle."""
    course = Course((100.0,), motion_mm=0, with_t2=False)
    pre = make_dce(seed, size=size, spacing_mm=SPACING, lesions=(), course=course).pre
    anatomy = draw_anatomy(np.random.default_rng((seed, 2)))
    affine = np.asarray(pre.affine)
    k, j, i = np.ogrid[: size[0], : size[1], : size[2]]
    x, y, z = affine[0, 2] * i + affine[0, 3], affine[1, 1] * j + affine[1, 3], affine[2, 0] * k + affine[2, 3]
    behind = np.broadcast_to(anatomy.chest_wall_mm(x, y, z) > 0, size)
    truth = np.zeros(size, np.uint8)
    for side, half in ((RIGHT, x < 0), (LEFT, x > 0)):
        within = anatomy.breast_norm(x, y, z, side - 1) < 1
        truth[(anatomy.depth_mm(x, y, z) > 0) & ~behind & within & half] = side
    return pre, truth, behind


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def volume(array: np.ndarray, affine: np.ndarray) -> Volume:
    return Volume(np.ascontiguousarray(array), affine, coordinate_system="PATIENT", frame_of_reference_uid="1.2.3")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_both_breasts_of_an_axial_volume(seed: int) -> None:
    pre, truth, behind = phantom(seed)
    mask = breast_mask(pre)
    found = mask.volume.array
    assert mask.problem == ""
    assert np.array_equal(mask.volume.affine, pre.affine)
    for side in (RIGHT, LEFT):
        assert dice(found == side, truth == side) > 0.8
        assert np.count_nonzero(found[truth == 3 - side] == side) == 0  # right is never called left
    assert np.count_nonzero(behind[found > 0]) < 0.02 * np.count_nonzero(found)  # muscle, heart, liver
    assert mask.ml(RIGHT) == pytest.approx(np.count_nonzero(found == RIGHT) * float(np.prod(SPACING)) / 1000)


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("order", [(2, 0, 1), (1, 0, 2)])
def test_storage_does_not_matter(order: tuple[int, int, int], flip: bool) -> None:
    """Sagittal and coronal slices, forwards and backwards, give the breasts of the axial volume."""
    pre, _, _ = phantom(2)
    affine = np.asarray(pre.affine, float)[:, [*order, 3]].copy()
    array = np.asarray(pre.array).transpose(order)
    expected = np.asarray(breast_mask(pre).volume.array).transpose(order)
    if flip:
        affine[:3, 3] += affine[:3, 0] * (array.shape[0] - 1)
        affine[:3, 0] *= -1
        array, expected = array[::-1], expected[::-1]
    assert np.array_equal(breast_mask(volume(array, affine)).volume.array, expected)


@pytest.mark.parametrize("side", [RIGHT, LEFT])
def test_one_breast_of_a_sagittal_volume(side: int) -> None:
    pre, truth, behind = phantom(2, (40, *SIZE[1:]))  # skin is seen above and below, as in sagittal fields of view
    window = (slice(None), slice(0, 110), slice(8, 78) if side == RIGHT else slice(82, 152))
    part = pre[window]
    affine = np.asarray(part.affine, float)[:, [2, 0, 1, 3]]
    mask = breast_mask(volume(np.asarray(part.array).transpose(2, 0, 1), affine))
    found = np.asarray(mask.volume.array).transpose(1, 2, 0)
    assert mask.problem == ""
    assert set(np.unique(found).tolist()) == {0, side}
    assert dice(found == side, truth[window] == side) > 0.75
    assert np.count_nonzero(behind[window][found > 0]) < 0.05 * np.count_nonzero(found)


@cache
def mastectomy(side: int, half_width: float, radius: float) -> tuple[Volume, np.ndarray]:
    """Return a chest of elliptical section with one hemispherical breast, and where that breast is."""
    shape, spacing = (32, 130, 180), np.array([3.0, 2.0, 2.0])
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2], affine[3, 3] = *spacing, 1
    affine[:3, 3] = (-179, -120, -46.5)
    k, j, i = np.ogrid[: shape[0], : shape[1], : shape[2]]
    x, y, z = 2.0 * i - 179, 2.0 * j - 120, 3.0 * k - 46.5
    chest = (x / half_width) ** 2 + ((y - 124) / 104) ** 2 + 0 * z < 1
    out = -80 if side == RIGHT else 80
    breast = ((x - out) ** 2 + (y - 30) ** 2 + z**2 < radius**2) & ~chest
    noise = np.random.default_rng(0).normal(0, 5, shape)
    return volume((np.where(chest | breast, 400, 5) + noise).astype(np.float32), affine), breast


@pytest.mark.parametrize("half_width", [140.0, 165.0])
@pytest.mark.parametrize("radius", [45.0, 70.0])
@pytest.mark.parametrize("side", [RIGHT, LEFT])
def test_one_breast_of_a_field_that_shows_both_sides(side: int, radius: float, half_width: float) -> None:
    """After mastectomy the flank is further back than the sternum; the midline must not follow it."""
    image, breast = mastectomy(side, half_width, radius)
    mask = breast_mask(image)
    found = np.asarray(mask.volume.array)
    assert mask.problem == ""
    assert set(np.unique(found).tolist()) == {0, side}  # none is made up on the flat side
    assert np.count_nonzero(found[breast] == side) > 0.97 * np.count_nonzero(breast)


def test_no_breast_is_said() -> None:
    affine = np.diag([2.0, 2.0, 2.0, 1.0])[:, [2, 1, 0, 3]]
    flat = np.zeros((20, 60, 60), np.int16)
    flat[:, 20:] = 300
    for array in (flat, np.zeros((20, 60, 60), np.int16)):
        mask = breast_mask(volume(array, affine))
        assert mask.problem
        assert mask.volume.array.shape == array.shape


def test_cancelling() -> None:
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        breast_mask(phantom(2)[0], progress)


def test_duke_153_has_two_breasts_without_the_heart(shared_data: Path) -> None:
    study = scan(shared_data / "mri" / "duke-153").studies[0]
    mask = breast_mask(load_stack(study, study.dynamics[0].phases[0].stack_uid).volume)
    assert mask.problem == ""
    assert 900 < mask.ml(RIGHT) < 1500
    assert 900 < mask.ml(LEFT) < 1500
    assert not mask.volume.array[:, 255:, 180:300].any()  # the heart begins there, behind the sternum
