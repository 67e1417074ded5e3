"""Motion correction of sagittal, one-sided and thick volumes; and the resampling against SimpleITK's own."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from highdicom import Volume

from inference.phantoms.mri import Course, DcePhantom, make_dce
from inference.prepare.correction import RegisterSettings
from inference.prepare.deformation import spline_on, to_image, to_transform, with_geometry
from inference.prepare.register import apply, register
from inference.progress import Cancelled, Progress
from tests.inference.test_register import bending_motion, moved, target_error

COURSE = Course(seconds=(105.0,), motion_mm=0.0, with_t2=False)


@pytest.fixture(scope="module")
def phantom() -> DcePhantom:
    return make_dce(3, size=(22, 96, 96), spacing_mm=(4.5, 3.4, 3.4), lesions=("IDC",), course=COURSE)


def sagittal(volume: Volume) -> Volume:
    """Return the same volume as stored by a sagittal acquisition: slices along x, rows from head to feet."""
    flipped = volume[::-1]  # rows of the new slices begin at the head
    array = np.ascontiguousarray(flipped.array.transpose(2, 0, 1))
    affine = np.asarray(flipped.affine)[:, [2, 0, 1, 3]]
    return Volume(array, affine, "PATIENT", frame_of_reference_uid=volume.frame_of_reference_uid)


def left_half(volume: Volume) -> Volume:
    return volume[:, :, volume.spatial_shape[2] // 2 :]


def thick(volume: Volume) -> Volume:
    """Return slices averaged in threes: 13.5 mm, eight of them, with a breast in each."""
    array = volume.array[:21].astype(float).reshape(7, 3, 96, 96).mean(axis=1)
    affine = np.asarray(volume.affine) @ np.diag([3.0, 1, 1, 1])
    affine[:3, 3] += np.asarray(volume.affine)[:3, 0]
    return Volume(array.astype(np.uint16), affine, "PATIENT", frame_of_reference_uid=volume.frame_of_reference_uid)


@pytest.mark.parametrize(
    ("change", "at_most"),
    [([sagittal], 0.3), ([left_half], 0.35), ([left_half, sagittal], 0.35), ([thick], 0.6)],
    ids=["sagittal", "one breast", "sagittal, one breast", "thick slices"],
)
def test_most_of_a_smooth_deformation_is_taken_out(phantom: DcePhantom, change: list, at_most: float) -> None:
    """What is left of the target registration error, as a part of that before."""
    forth, back = bending_motion(phantom.pre)
    fixed, moving = phantom.pre, moved(phantom.posts[0], back)
    for step in change:
        fixed, moving = step(fixed), step(moving)
    correction = register(fixed, moving)
    nothing = register(fixed, fixed, settings=RegisterSettings(deformable=False))
    error, before = (target_error(one, fixed, forth).mean() for one in (correction, nothing))
    assert correction.improves
    assert error < at_most * before


@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
def test_resampling_in_parts_is_that_of_simpleitk(phantom: DcePhantom, dtype: type) -> None:
    from dataclasses import replace

    pre = Volume(phantom.pre.array.astype(dtype), phantom.pre.affine, "PATIENT")
    nothing = register(pre, pre, settings=RegisterSettings(deformable=False))
    spline = spline_on(np.asarray(pre.affine), pre.spatial_shape, 35.0)
    spline.coefficients[:] = np.random.default_rng(1).normal(0, 2, spline.coefficients.shape)
    correction = replace(nothing, stage="rigid + B-spline", spline=spline, angles_rad=(0.02, 0.01, -0.03))
    correction.residuals["rigid + B-spline"] = correction.before
    result = apply(correction, pre, pre)
    image, low, high = to_image(pre), float(pre.array.min()), float(pre.array.max())
    grid = with_geometry(sitk.Image(image.GetSize(), sitk.sitkUInt8), np.asarray(pre.affine))
    oracle = sitk.GetArrayFromImage(sitk.Resample(image, grid, to_transform(correction), sitk.sitkBSpline, low))
    apart = np.abs(result.array.astype(float) - np.clip(oracle, low, high))
    assert result.array.dtype == dtype
    assert np.percentile(apart, 99) < 0.01 * high
    assert apart.mean() < 0.002 * high


def test_resampling_is_cancelled_between_slices(phantom: DcePhantom) -> None:
    correction = register(
        phantom.pre, moved(phantom.posts[0], lambda x: x + 6.0), settings=RegisterSettings(deformable=False)
    )
    seen: list[float] = []

    def stop(fraction: float, _: str) -> None:
        seen.append(fraction)
        if fraction > 0.4:
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        apply(correction, moved(phantom.posts[0], lambda x: x + 6.0), phantom.pre, progress=progress)
    assert seen[-1] < 1
