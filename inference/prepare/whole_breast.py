"""A dynamic examination to the network inputs of system 003: six channels on one grid per breast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import OutOfScopeError
from inference.prepare.breast_crop import CANONICAL, NAMES, BreastGrid, BreastPreprocessing, breast_grids
from inference.prepare.breast_mask import LEFT, RIGHT, BreastMask, breast_mask
from inference.prepare.joint_intensity import Scale, joint_scale
from inference.prepare.separable import axis_weights, resample_axes

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.exam import DceExam
    from inference.progress import Progress

T1_PHASES = 5  # before contrast and four times after it, paper 003, section 2
POSTS = T1_PHASES - 1
PARALLEL = 0.5  # voxels that the axes of T2 may drift from those of T1 across a breast and still count as parallel
# Share of a breast's voxels that T2 must show. The phantoms that the bundled weights were trained with show 94 % and
# more (T2 ends within a slice of T1); the network never saw a breast that T2 cuts off.
LEAST_T2_COVERAGE = 0.9
DARKEST_PERCENT = 0.1  # percentile taken as air: about 2,000 voxels of a breast's grid, so a few bad ones do not count
_PLACES = 50_000  # of a breast's voxels that are looked up in T2: the share is known to a tenth of a percent
_HINT = "Check the orientation of the series and which phase was taken before contrast."


@dataclass(frozen=True)
class PreparedBreast:
    """One breast ready for the network.

    Attributes
    ----------
    channels
        Five T1 phases and T2, scaled, float32 (6, x, y, z); T2 is 0 throughout where the exam has none.
    inside
        Where the breast lies, bool (x, y, z).
    """

    grid: BreastGrid
    channels: np.ndarray
    inside: np.ndarray


@dataclass(frozen=True)
class PreparedExam:
    """What :func:`prepare_breasts` returns.

    Attributes
    ----------
    breasts
        One or two, the right one first.
    posts
        Which post-contrast phases were read, 0 for the first.
    has_t2
        Whether the T2 channels of all breasts hold anything.
    warnings
        What the user should know, one sentence each.
    t2_problem
        Why the T2-weighted volume was not read, a sentence; "" where it was read or there is none.
    """

    breasts: tuple[PreparedBreast, ...]
    posts: tuple[int, ...]
    has_t2: bool
    warnings: tuple[str, ...]
    t2_problem: str = ""


def chosen_posts(count: int, posts: str) -> tuple[int, ...]:
    """Return which four of ``count`` post-contrast phases are read, see :class:`BreastPreprocessing`."""
    if count <= POSTS or posts == "first":
        return tuple(range(min(count, POSTS)))
    return tuple(int(i) for i in np.rint(np.linspace(0, count - 1, POSTS)))


def prepare_breasts(exam: DceExam, keys: BreastPreprocessing, progress: Progress) -> PreparedExam:
    """Find the breasts, resample every phase onto their grids, and scale.

    Raises
    ------
    OutOfScopeError
        Where phases are missing, no breast is found or the image is empty.
    """
    pre = exam.pre
    if pre is None or len(exam.posts) < POSTS:
        raise OutOfScopeError(f"The model reads a phase before contrast and {POSTS} phases after it.")
    posts = chosen_posts(len(exam.posts), keys.posts)
    progress.report(0.0, "breasts")
    mask = breast_mask(_finite(pre), progress.part(0.0, 0.2))
    grids = breast_grids(mask, keys)
    if not grids:
        raise OutOfScopeError("No breast was found in front of a chest wall in this series.", _HINT)
    phases = [pre, *(exam.posts[i] for i in posts)]
    breasts: list[PreparedBreast] = []
    for number, grid in enumerate(grids):
        part = progress.part(0.2 + 0.5 * number / len(grids), 0.2 + 0.5 * (number + 1) / len(grids))
        breasts.append(_sampled(grid, phases, mask, part))
    problem = _add_t2(exam, breasts, progress)
    _scale(breasts, keys, progress.part(0.8, 1.0))
    if keys.thorax == "blank" and not mask.problem:
        breasts = [_blanked(breast, keys, progress) for breast in breasts]
    has_t2 = all(breast.channels[T1_PHASES].any() for breast in breasts)
    return PreparedExam(tuple(breasts), posts, has_t2, _warnings(exam, mask, breasts, problem), problem)


def _finite(volume: Volume) -> Volume:
    """Return the volume with NaN (padding) as its least value."""
    array = volume.array
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return volume
    known = array[np.isfinite(array)]
    if not known.size:
        raise OutOfScopeError("The pre-contrast phase holds no values.", "Choose another series.")
    return volume.with_array(np.where(np.isfinite(array), array, known.min()))


def _sampled(grid: BreastGrid, phases: Sequence[Volume], mask: BreastMask, progress: Progress) -> PreparedBreast:
    """Return the T1 phases on a breast's grid; T2 is still 0."""
    channels = np.zeros((T1_PHASES + 1, *grid.size), np.float32)
    for index, phase in enumerate(phases):
        progress.report(index / (len(phases) + 1), f"{NAMES[grid.side]}, phase {index + 1} of {len(phases)}")
        channels[index] = grid.sample(phase)
    progress.check()
    label = RIGHT if grid.side == "R" else LEFT
    inside = grid.sample(mask.volume.with_array((mask.volume.array == label).astype(np.uint8))) >= 0.5
    return PreparedBreast(grid, channels, inside)


def _add_t2(exam: DceExam, breasts: Sequence[PreparedBreast], progress: Progress) -> str:
    """Sample T2 into the breasts, into all or into none; return why it was not, a sentence, or ""."""
    if exam.t2 is None:
        return ""
    problem = _t2_problem(exam, exam.t2, breasts)
    if problem:
        return problem
    for number, breast in enumerate(breasts):
        progress.report(0.7 + 0.1 * number / len(breasts), f"{NAMES[breast.grid.side]}, T2")
        breast.channels[T1_PHASES] = sample_through(exam.t2, breast.grid)
    if not any(_is_flat(breast.channels[T1_PHASES][breast.inside]) for breast in breasts):
        return ""
    for breast in breasts:
        breast.channels[T1_PHASES] = 0
    return "The T2-weighted volume is empty where the breasts are."


def _t2_problem(exam: DceExam, t2: Volume, breasts: Sequence[PreparedBreast]) -> str:
    """Return why T2 does not show the breasts where the T1 phases show them, a sentence; "" where it does."""
    frames = {str(volume.frame_of_reference_uid or "") for volume in (exam.image, t2)} - {""}
    if len(frames) > 1:
        return "The T2-weighted volume has another frame of reference than the T1 phases: its place is not known."
    for breast in breasts:
        share = covered(t2, breast)
        if share < LEAST_T2_COVERAGE:
            side = _word(breast.grid.side)
            return f"The T2-weighted volume shows only {np.floor(100 * share):.0f} % of the {side} breast."
    return ""


def _is_flat(values: np.ndarray) -> bool:
    """Return whether values are equal but for what resampling rounds."""
    return not values.size or float(np.ptp(values)) <= 1e-4 * float(np.abs(values).max())


def covered(image: Volume, breast: PreparedBreast) -> float:
    """Return the share of a breast's voxels that an image of any grid in the same frame of reference holds a value for.

    Padding (NaN) is no value.
    """
    places = np.argwhere(breast.inside)
    places = places[:: max(1, len(places) // _PLACES)]
    if not len(places):
        return 1.0
    there = np.linalg.inv(np.asarray(image.affine, float)) @ breast.grid.affine
    index = np.rint(places @ there[:3, :3].T + there[:3, 3]).astype(int)
    within = ((index >= 0) & (index < image.spatial_shape)).all(axis=1)
    return float(np.isfinite(image.array[tuple(index[within].T)]).sum() / len(places))


def sample_through(image: Volume, grid: BreastGrid) -> np.ndarray:
    """Return an image of any grid in the same frame of reference on a breast's grid, float32 (x, y, z), 0 outside.

    Linear; averaged where the breast's voxels are larger than the image's.
    """
    from scipy import ndimage

    turned = image.to_patient_orientation(CANONICAL)
    there = np.linalg.inv(np.asarray(turned.affine, float)) @ grid.affine
    steps = np.diag(there)[:3]
    askew = np.abs(there[:3, :3] - np.diag(steps)) @ np.array(grid.size)
    if float(askew.max()) < PARALLEL:
        centres = there[:3, 3] + there[:3, :3] @ (np.array(grid.size) - 1) / 2  # what little skew there is, halved
        first = centres - steps * (np.array(grid.size) - 1) / 2
        places = [a + d * np.arange(n) for a, d, n in zip(first, steps, grid.size, strict=True)]
        x, y, z = (axis_weights(n, place) for n, place in zip(turned.spatial_shape, places, strict=True))
        return resample_axes(turned.array, (x, y, z))
    array = np.nan_to_num(np.asarray(turned.array, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    factor = np.abs(there[:3, :3]).sum(axis=1)  # image voxels between two network voxels, along each image axis
    array = ndimage.gaussian_filter(array, 0.5 * np.sqrt(np.clip(factor**2 - 1, 0, None)), mode="nearest")
    return ndimage.affine_transform(
        array, there[:3, :3], there[:3, 3], grid.size, order=1, mode="grid-constant", cval=0.0
    )


def _scale(breasts: list[PreparedBreast], keys: BreastPreprocessing, progress: Progress) -> None:
    """Scale in place: T1 phases together, T2 apart; over both breasts or each alone."""
    groups = [breasts] if keys.statistics == "exam" else [[breast] for breast in breasts]
    for group in groups:
        inside = [breast.inside for breast in group]
        for first, last in ((0, T1_PHASES), (T1_PHASES, T1_PHASES + 1)):
            progress.check()
            volumes = [breast.channels[first:last] for breast in group]
            scale = joint_scale(volumes, inside)
            if scale is None:
                if first == 0:
                    raise OutOfScopeError("The breasts are empty in this series.", "Choose another series.")
                continue  # no T2: the channel stays 0
            for volume in volumes:
                _apply(scale, volume)


def _apply(scale: Scale, channels: np.ndarray) -> None:
    for channel in channels:
        scale.apply(channel)


def _blanked(breast: PreparedBreast, keys: BreastPreprocessing, progress: Progress) -> PreparedBreast:
    """Set what lies more than the margin outside the breast to air: thorax, heart, the other breast.

    A percentile, since the least value of a breast's grid may be that of a single bad voxel. Where a thousandth of the
    grid lies beyond the image or in air of value 0, as in nearly every examination, both are the same.
    """
    kept = _grown(breast.inside, breast.grid.spacing, keys.wall_margin_mm)
    for channel in breast.channels:
        progress.check()
        if channel.any():
            channel[~kept] = float(np.percentile(channel, DARKEST_PERCENT))
    return breast


def _grown(inside: np.ndarray, spacing: tuple[float, float, float], margin_mm: float) -> np.ndarray:
    """Return a mask grown by a margin in the plane, and by one slice where a slice is no thicker than the margin."""
    import cv2

    reach = [max(1, round(margin_mm / step)) for step in spacing[:2]]
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach[1] + 1, 2 * reach[0] + 1))
    planes = np.ascontiguousarray(inside.transpose(2, 0, 1)).astype(np.uint8)
    grown = np.stack([cv2.dilate(plane, kernel) for plane in planes], axis=2).astype(bool)
    if spacing[2] <= margin_mm:
        grown[:, :, 1:] |= inside[:, :, :-1]
        grown[:, :, :-1] |= inside[:, :, 1:]
    return grown


def _warnings(exam: DceExam, mask: BreastMask, breasts: Sequence[PreparedBreast], t2_problem: str) -> tuple[str, ...]:
    found = []
    if mask.problem:
        found.append(f"The breast region may be wrong. {mask.problem}")
    if len(breasts) == 1:
        side = breasts[0].grid.side
        other = "L" if side == "R" else "R"
        found.append(f"No {_word(other)} breast was found; the result is for the {_word(side)} one.")
        if exam.laterality and exam.laterality != side:
            found.append(
                f"The study says it shows the {_word(exam.laterality)} breast; by its position it is the {_word(side)}."
            )
    if exam.t2 is None:
        found.append("There is no T2-weighted volume; the model read the T1 phases alone.")
    elif t2_problem:
        found.append(f"{t2_problem} It was left out; the model read the T1 phases alone.")
    if len(exam.posts) > POSTS:
        found.append(f"Of {len(exam.posts)} phases after contrast the model read four; it was trained with four.")
    return tuple(found)


def _word(side: str) -> str:
    return "left" if side == "L" else "right"
