"""Motion correction against known motion: phantoms moved by an analytic transform, sampled with scipy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from highdicom import Volume
from scipy import ndimage

from inference.errors import EngineError
from inference.phantoms.mri import Course, DcePhantom, make_dce
from inference.prepare.correction import Correction, RegisterSettings, content_hash
from inference.prepare.correction_file import pack, unpack
from inference.prepare.deformation import (
    displacement,
    jacobian,
    points,
    spline_displacement,
    spline_on,
    to_transform,
    with_geometry,
)
from inference.prepare.register import apply, register
from inference.prepare.residual import edge_distance, mutual_information
from inference.prepare.tissue_mask import tissue_mask
from inference.progress import Cancelled, Progress

SHAPE = (18, 96, 96)
SPACING = (5.5, 3.4, 3.4)
Motion = Callable[[np.ndarray], np.ndarray]


@pytest.fixture(scope="module")
def phantom() -> DcePhantom:
    course = Course(seconds=(105.0,), motion_mm=0.0, with_t2=False)
    return make_dce(3, size=SHAPE, spacing_mm=SPACING, lesions=("IDC",), course=course)


def oblique(volume: Volume, degrees: float = 20.0) -> Volume:
    """Return the same array in a gantry turned about two axes."""
    turn = np.eye(4)
    gantry = sitk.Euler3DTransform((0, 0, 0), np.radians(degrees), np.radians(-8), 0)
    turn[:3, :3] = np.array(gantry.GetMatrix()).reshape(3, 3)
    return on(volume.array, turn @ volume.affine, volume)


def on(array: np.ndarray, affine: np.ndarray, like: Volume) -> Volume:
    return Volume(array, affine, "PATIENT", frame_of_reference_uid=like.frame_of_reference_uid)


def moved(volume: Volume, where: Motion, order: int = 3) -> Volume:
    """Return the volume that shows at x what lay at ``where(x)``: an oracle of scipy."""
    affine = np.asarray(volume.affine)
    at = where(points(affine, volume.spatial_shape))
    index = np.einsum("ab,b...->a...", np.linalg.inv(affine)[:3, :3], at - affine[:3, 3][:, None, None, None])
    values = ndimage.map_coordinates(volume.array.astype(float), index, order=order, mode="nearest")
    return on(np.clip(np.rint(values), 0, 65535).astype(volume.array.dtype), affine, volume)


def middle(volume: Volume) -> np.ndarray:
    return (volume.affine @ [*(n / 2 for n in volume.spatial_shape), 1])[:3][:, None, None, None]


def rigid_motion(volume: Volume) -> tuple[Motion, Motion]:
    """Return a rigid motion and its inverse: 3 degrees and 6 mm."""
    turn = np.array(sitk.Euler3DTransform((0, 0, 0), 0.02, -0.015, 0.045).GetMatrix()).reshape(3, 3)
    shift, centre = np.array((4.0, -3.5, 2.5))[:, None, None, None], middle(volume)
    forth = lambda x: np.einsum("ab,b...->a...", turn, x - centre) + centre + shift  # noqa: E731
    back = lambda x: np.einsum("ba,b...->a...", turn, x - centre - shift) + centre  # noqa: E731
    return forth, back


def bending_motion(volume: Volume) -> tuple[Motion, Motion]:
    """Return a smooth deformation of up to 7 mm and its inverse by fixed-point iteration."""
    centre = middle(volume)

    def by(x: np.ndarray) -> np.ndarray:
        u = (x - centre) / 60
        return np.stack([5 * np.sin(u[1] + 0.4), 6 * np.cos(0.9 * u[0]) * np.sin(0.8 * u[2] + 1), 3 * np.sin(u[0])])

    def back(x: np.ndarray) -> np.ndarray:
        y = x
        for _ in range(30):
            y = x - by(y)
        return y

    return lambda x: x + by(x), back


def target_error(correction: Correction, fixed: Volume, truth: Motion) -> np.ndarray:
    """Return the distance in mm between where the correction and the truth find each voxel of breast tissue."""
    at = points(fixed.affine, fixed.spatial_shape)
    found = at + displacement(correction, fixed.affine, fixed.spatial_shape)
    # Breast and chest wall; not the outer slices, part of which left the field of view.
    tissue = tissue_mask(fixed.array.astype(np.float32), fixed.affine)
    tissue[:3], tissue[-3:] = False, False
    return np.linalg.norm(found - truth(at), axis=0)[tissue]


@pytest.mark.parametrize("turned", [False, True], ids=["axial", "oblique"])
def test_rigid_motion_is_found_within_half_a_voxel(phantom: DcePhantom, turned: bool) -> None:
    pre, post = (oblique(v) if turned else v for v in (phantom.pre, phantom.posts[0]))
    forth, back = rigid_motion(pre)
    moving = moved(post, back)
    correction = register(pre, moving, settings=RegisterSettings(deformable=False))
    error = target_error(correction, pre, forth)
    assert correction.stage == "rigid"
    assert error.mean() < 0.5 * min(SPACING)
    assert correction.after.edges < correction.before.edges
    assert correction.after.nmi > correction.before.nmi


@pytest.fixture(scope="module")
def bent(phantom: DcePhantom) -> tuple[Volume, Motion, Correction]:
    forth, back = bending_motion(phantom.pre)
    moving = moved(phantom.posts[0], back)
    return moving, forth, register(phantom.pre, moving)


def test_a_smooth_deformation_is_found_better_than_by_the_rigid_step(
    phantom: DcePhantom, bent: tuple[Volume, Motion, Correction]
) -> None:
    moving, forth, correction = bent
    before = np.linalg.norm(forth(points(phantom.pre.affine, SHAPE)) - points(phantom.pre.affine, SHAPE), axis=0)
    stiff = register(phantom.pre, moving, settings=RegisterSettings(deformable=False))
    error = target_error(correction, phantom.pre, forth)
    assert correction.stage == "rigid + B-spline"
    assert error.mean() < 0.5 * target_error(stiff, phantom.pre, forth).mean()
    assert error.mean() < 0.25 * before.mean()
    low, high = correction.jacobian
    assert 0.7 <= low < 1 < high <= 1.4


def test_a_lesion_keeps_its_volume_and_enhancement() -> None:
    """The correction undoes the change of volume of the deformation; at 5 mm voxels it is up to 4 % off."""
    course = Course(seconds=(105.0,), motion_mm=0.0, with_t2=False)
    phantom = make_dce(3, size=(30, 120, 120), spacing_mm=(3.5, 2.7, 2.7), lesions=("IDC",), course=course)
    moving = moved(phantom.posts[0], bending_motion(phantom.pre)[1])
    correction = register(phantom.pre, moving)
    mask = phantom.lesions[0].mask
    assert correction.spline is not None
    change = jacobian(correction.spline, phantom.pre.affine, mask.shape)
    true = true_jacobian(phantom.pre, bending_motion(phantom.pre)[0])
    assert change[mask].mean() == pytest.approx(true[mask].mean(), rel=0.02)
    result = apply(correction, moving, phantom.pre)
    wanted, found = (
        float((v.array.astype(float) - phantom.pre.array)[mask].mean()) for v in (phantom.posts[0], result)
    )
    assert found == pytest.approx(wanted, rel=0.05)


def true_jacobian(volume: Volume, motion: Motion) -> np.ndarray:
    at, step = points(volume.affine, volume.spatial_shape), 0.01
    sides = []
    for axis in range(3):
        shift = np.zeros((3, 1, 1, 1))
        shift[axis] = step
        sides.append((motion(at + shift) - motion(at - shift)) / (2 * step))
    return np.linalg.det(np.moveaxis(np.stack(sides), (0, 1), (-1, -2)))


def test_contrast_alone_squeezes_nothing(phantom: DcePhantom) -> None:
    """Pre and post without motion: nothing moves by more than a fifth of a voxel, the lesion keeps its size."""
    correction = register(phantom.pre, phantom.posts[0])
    moved_by = np.linalg.norm(displacement(correction, phantom.pre.affine, SHAPE), axis=0)
    tissue = tissue_mask(phantom.pre.array.astype(np.float32), phantom.pre.affine)
    assert moved_by[tissue].mean() < 0.2 * min(SPACING)
    if correction.spline is not None:
        inside = jacobian(correction.spline, phantom.pre.affine, SHAPE)[phantom.lesions[0].mask]
        assert inside.mean() == pytest.approx(1, abs=0.02)


def test_images_that_agree_are_left_as_they_are(phantom: DcePhantom) -> None:
    correction = register(phantom.pre, phantom.pre)
    assert correction.verdict == "no better"
    assert correction.after == correction.before
    result = apply(correction, phantom.pre, phantom.pre)
    np.testing.assert_array_equal(result.array, phantom.pre.array)


def test_it_is_the_same_every_time_and_survives_storage(
    phantom: DcePhantom, bent: tuple[Volume, Motion, Correction]
) -> None:
    moving, _, correction = bent
    again = register(phantom.pre, moving)
    assert again.angles_rad == correction.angles_rad
    assert again.translation_mm == correction.translation_mm
    np.testing.assert_array_equal(again.spline.coefficients, correction.spline.coefficients)  # type: ignore[union-attr]
    stored = unpack(pack(correction))
    np.testing.assert_array_equal(stored.spline.coefficients, correction.spline.coefficients)  # type: ignore[union-attr]
    assert stored.residuals == correction.residuals
    assert stored.settings == correction.settings
    assert stored.displacement == correction.displacement
    assert stored.fits(phantom.pre, moving)
    first, second = (apply(c, moving, phantom.pre) for c in (correction, stored))
    np.testing.assert_array_equal(first.array, second.array)
    assert first.array.dtype == moving.array.dtype


def test_another_grid_is_registered_through_its_affine(phantom: DcePhantom) -> None:
    """The post-contrast phase on a cropped grid, two voxels aside: the result lies on the grid of the fixed one."""
    cropped = phantom.posts[0][2:, 4:-4, 8:]
    shifted = np.array(cropped.affine)
    shifted[:3, 3] += (6.0, -4.0, 0.0)
    moving = on(cropped.array, shifted, cropped)
    correction = register(phantom.pre, moving)
    result = apply(correction, moving, phantom.pre)
    assert result.spatial_shape == phantom.pre.spatial_shape
    np.testing.assert_allclose(result.affine, phantom.pre.affine)
    mask = phantom.lesions[0].mask
    wanted = float(phantom.posts[0].array[mask].mean())
    assert float(result.array[mask].mean()) == pytest.approx(wanted, rel=0.06)
    assert (result.array[0] == moving.array.min()).mean() > 0.5  # slices the moving volume does not have


def test_our_displacements_are_those_of_simpleitk() -> None:
    affine = np.array([[0.2, 0, 1.9, -30], [0, 2.1, 0, 12], [4, 0, -0.0950, 5], [0, 0, 0, 1.0]])
    shape = (9, 14, 17)
    spline = spline_on(affine, shape, 15.0)
    spline.coefficients[:] = np.random.default_rng(1).normal(0, 2, spline.coefficients.shape)
    settings = RegisterSettings()
    correction = Correction(
        "rigid + B-spline", (0.03, -0.02, 0.05), (2.0, 1.0, -3.0), (1.0, 5.0, 9.0), spline, "", "", settings, 0.0, {}
    )
    image = with_geometry(sitk.Image(shape[::-1], sitk.sitkUInt8), affine)
    field = sitk.TransformToDisplacementField(
        to_transform(correction), sitk.sitkVectorFloat64, *(image.GetSize(), image.GetOrigin(), image.GetSpacing()),
        image.GetDirection(),
    )  # fmt: skip
    oracle = np.moveaxis(sitk.GetArrayFromImage(field), -1, 0)
    np.testing.assert_allclose(displacement(correction, affine, shape), oracle, atol=1e-9)
    assert np.abs(spline_displacement(spline, affine, shape)).max() > 1


def test_the_residual_does_not_see_contrast() -> None:
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.normal(size=(16, 40, 40)), 2) * 100 + 50
    mask = np.ones(image.shape, bool)
    other = 300 - 2 * image
    shifted = ndimage.shift(image, (0, 2, 1), mode="nearest")
    assert edge_distance(image, other, mask, (1, 1, 1)) == pytest.approx(0, abs=1e-6)
    assert edge_distance(image, shifted, mask, (1, 1, 1)) > 0.2
    assert mutual_information(image[mask], image[mask]) == pytest.approx(2)
    assert mutual_information(image[mask], other[mask]) > 1.5 > mutual_information(image[mask], shifted[mask])


def bad_volumes() -> list[tuple[str, np.ndarray]]:
    noise = np.random.default_rng(0).integers(0, 900, (8, 16, 16)).astype(np.uint16)
    nan = noise.astype(np.float32)
    nan[3, 3, 3] = np.nan
    return [
        ("same value", np.full((8, 16, 16), 7, np.uint16)),
        ("four of each", noise[:1]),
        ("no voxels", noise[:0]),
        ("no numbers", nan),
    ]


@pytest.mark.parametrize(("sentence", "array"), bad_volumes(), ids=lambda v: v if isinstance(v, str) else "")
def test_bad_input_is_answered_by_a_sentence(phantom: DcePhantom, sentence: str, array: np.ndarray) -> None:
    bad = on(array, phantom.pre.affine, phantom.pre)
    for pair in ((phantom.pre, bad), (bad, phantom.pre)):
        with pytest.raises(EngineError, match=sentence) as caught:
            register(*pair)
        assert caught.value.hint


def test_other_frames_other_places_and_other_images_are_refused(phantom: DcePhantom) -> None:
    elsewhere = Volume(phantom.pre.array, phantom.pre.affine, "PATIENT", frame_of_reference_uid="1.2.3")
    with pytest.raises(EngineError, match="frames of reference"):
        register(phantom.pre, elsewhere)
    far = np.array(phantom.pre.affine)
    far[:3, 3] += 2000
    with pytest.raises(EngineError, match="different places"):
        register(phantom.pre, on(phantom.pre.array, far, phantom.pre))
    correction = register(phantom.pre, phantom.pre, settings=RegisterSettings(deformable=False))
    with pytest.raises(EngineError, match="other images"):
        apply(correction, phantom.posts[0], phantom.pre)
    with pytest.raises(EngineError, match="cannot be read"):
        unpack(b"not an npz file")


def test_a_hash_follows_values_and_place(phantom: DcePhantom) -> None:
    changed = phantom.pre.array.copy()
    changed[0, 0, 0] += 1
    affine = np.array(phantom.pre.affine)
    affine[0, 3] += 1
    hashes = {content_hash(v) for v in (phantom.pre, on(changed, phantom.pre.affine, phantom.pre))}
    hashes.add(content_hash(on(phantom.pre.array, affine, phantom.pre)))
    assert len(hashes) == 3


@pytest.mark.parametrize("word", ["rigid", "B-spline"])
def test_cancelling_stops_within_an_iteration(phantom: DcePhantom, word: str) -> None:
    reports = []

    def stop(_: float, text: str) -> None:
        reports.append(text)
        if text == word:
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        register(phantom.pre, moved(phantom.posts[0], rigid_motion(phantom.pre)[1], 1), progress)
    assert reports.count(word) == 1
