"""Region of a lesion: the connected voxels that enhance above a threshold around a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import EngineError
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

SEARCH_MM = 3.0  # a click beside the lesion still finds it
HALF = 0.5  # of the lesion's own enhancement: the edge of an image blurred alike on both sides
LEAST = 30.0  # per cent: less is noise and enhancement of normal tissue
BACKGROUND = 0.6  # of the 95th percentile of pre-contrast: air and dark fat below it have no meaningful per cent


@dataclass(frozen=True)
class Region:
    """What grew.

    Attributes
    ----------
    mask
        uint8 on the image's own grid, cropped to the region with a margin of one voxel.
    seed_mm
        LPS mm of the voxel it grew from.
    cut_off
        Whether it reaches the limit: the tissue goes on beyond (vessel, skin, heart, the other breast).
    """

    mask: Volume
    seed_mm: tuple[float, float, float]
    cut_off: bool


def enhancement_per_cent(subtraction: Volume, pre: Volume) -> Volume:
    """Return enhancement in per cent of pre-contrast, float32 on the grid of the subtraction; −100 over background.

    Parameters
    ----------
    subtraction
        Post − pre, or the part of it that matters.
    pre
        The pre-contrast phase on the same grid, which may begin and end elsewhere; beyond its ends is background.

    Notes
    -----
    Background is what lies below 60 % of the 95th percentile of the pre-contrast values in this part, as for functional
    tumour volume (Hylton et al., Radiology 2012;263:663): air and suppressed fat have no meaningful per cent.

    Raises
    ------
    EngineError
        If the two do not share a grid.
    """
    before = on_grid_of(pre, subtraction)
    background = max(BACKGROUND * float(np.percentile(before, 95)), 0.0)
    known = before > background
    per_cent = np.full(before.shape, -100.0, np.float32)
    np.divide(100.0 * np.asarray(subtraction.array, np.float32), before, out=per_cent, where=known)
    return subtraction.with_array(per_cent)


def on_grid_of(pre: Volume, part: Volume) -> np.ndarray:
    """Return the values of a volume (float32) at the voxels of another on the same grid, 0 where there are none.

    Either may begin and end elsewhere; an EngineError says where their voxels do not fall on each other.
    """
    offset = np.linalg.inv(pre.affine) @ np.asarray(part.affine, float)
    shift = np.rint(offset[:3, 3]).astype(int)
    if not np.allclose(offset[:3, :3], np.eye(3), atol=1e-3) or not np.allclose(offset[:3, 3], shift, atol=0.1):
        raise EngineError("The two images do not lie on one grid.", "Load the study anew.")
    found = np.zeros(part.spatial_shape, np.float32)
    low = np.maximum(shift, 0)
    high = np.minimum(shift + part.spatial_shape, pre.spatial_shape)
    if np.all(high > low):
        there = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        here = tuple(slice(int(a), int(b)) for a, b in zip(low - shift, high - shift, strict=True))
        found[here] = pre.array[there]
    return found


def around(volume: Volume, centre_mm: tuple[float, float, float], reach_mm: float) -> Volume:
    """Return the part of a volume that holds every voxel within a distance of a point.

    Raises
    ------
    EngineError
        If the point lies outside the volume.
    """
    affine = np.asarray(volume.affine, float)
    inverse = np.linalg.inv(affine)
    index = inverse[:3, :3] @ np.asarray(centre_mm, float) + inverse[:3, 3]
    shape = np.array(volume.spatial_shape)
    if np.any(index < -0.5) or np.any(index > shape - 0.5):
        raise EngineError("The cursor lies outside this image.", "Click on the lesion first.")
    reach = reach_mm * np.linalg.norm(inverse[:3, :3], axis=1)
    low = np.clip(np.floor(index - reach), 0, shape - 1).astype(int)
    high = np.clip(np.ceil(index + reach) + 1, 1, shape).astype(int)
    return volume[low[0] : high[0], low[1] : high[1], low[2] : high[2]]


def half_enhancement(enhancement: Volume, point_mm: tuple[float, float, float]) -> tuple[float, float]:
    """Return half of a lesion's own enhancement near a point, and that enhancement, in per cent of pre-contrast.

    Its own is the median of the voxels within 3 mm that enhance by 30 % or more: the highest of single voxels would be
    one of noise, and half of it cuts the lesion to pieces.

    Raises
    ------
    EngineError
        If no voxel within 3 mm enhances by 30 %: half of less would be within noise.
    """
    array, distance, nearest = _near(around(enhancement, point_mm, SEARCH_MM), point_mm)
    values = array[_search(distance, nearest)]
    if values.max() < LEAST:
        raise _nothing(LEAST, values.max())
    own = float(np.median(values[values >= LEAST]))
    return HALF * own, own


def grow(
    values: Volume,
    seed_mm: tuple[float, float, float],
    threshold: float,
    reach_mm: float = 40.0,
    strand_mm: float = 0.0,
    progress: Progress | None = None,
) -> Region:
    """Return the connected voxels at or above a threshold around a point.

    Parameters
    ----------
    values
        Any measure of enhancement, array (slices, rows, columns).
    seed_mm
        LPS mm; the brightest voxel within 3 mm is the seed.
    threshold
        Least value inside.
    reach_mm
        Greatest distance from the seed: where a region would leak along a vessel it ends there and says so.
    strand_mm
        Strands thinner than this are cut off (an opening with a ball of that diameter), so that a feeding vessel is
        not taken for tumour; thin spicules go with them. 0 keeps everything.

    Raises
    ------
    EngineError
        If no voxel near the seed reaches the threshold, or the seed lies outside.

    Notes
    -----
    Neighbours share a face (6-connected), so that diagonal noise does not join tissue.
    """
    progress = progress or Progress()
    part = around(values, seed_mm, reach_mm)
    affine = np.asarray(part.affine, float)
    array, distance, nearest = _near(part, seed_mm)
    progress.check()
    seed = _seed(array, distance, nearest)
    if array[seed] < threshold:
        raise _nothing(threshold, array[seed])
    labels = _labelled((array >= threshold) & (distance <= reach_mm))
    progress.check()
    grown = labels == labels[seed]
    if strand_mm > 0:
        grown = _without_strands(grown, np.linalg.norm(affine[:3, :3], axis=0), strand_mm / 2, seed)
        progress.check()
    x, y, z = (float(v) for v in affine[:3, :3] @ seed + affine[:3, 3])
    return Region(_cropped(part, grown), (x, y, z), bool(distance[grown].max() > reach_mm - _diagonal(affine)))


def _near(part: Volume, point_mm: tuple[float, float, float]) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Return the values (−∞ for none), each voxel's distance from a point in mm, and the voxel nearest to it."""
    array = np.nan_to_num(np.asarray(part.array, np.float32), nan=-np.inf)
    affine, point = np.asarray(part.affine, float), np.asarray(point_mm, float)
    centres = np.moveaxis(np.indices(array.shape), 0, -1) @ affine[:3, :3].T + affine[:3, 3]
    inverse = np.linalg.inv(affine)
    nearest = np.clip(np.rint(inverse[:3, :3] @ point + inverse[:3, 3]), 0, np.array(array.shape) - 1)
    return array, np.linalg.norm(centres - point, axis=-1), tuple(int(v) for v in nearest)


def _seed(array: np.ndarray, distance: np.ndarray, nearest: tuple[int, ...]) -> tuple[int, ...]:
    near = np.where(_search(distance, nearest), array, -np.inf)
    return tuple(int(v) for v in np.unravel_index(int(np.argmax(near)), array.shape))


def _search(distance: np.ndarray, nearest: tuple[int, ...]) -> np.ndarray:
    """Return the voxels near enough, or the nearest alone where they are larger than that."""
    near = distance <= SEARCH_MM
    near[nearest] = True
    return near


def _nothing(threshold: float, highest: float) -> EngineError:
    return EngineError(
        f"Nothing within {SEARCH_MM:.0f} mm of the cursor enhances by {threshold:.0f} % or more "
        f"(highest: {highest:.0f} %).",
        "Click on the lesion first, or choose a lower threshold.",
    )


def _labelled(inside: np.ndarray) -> np.ndarray:
    """Return the number of the connected part each voxel belongs to, 0 outside."""
    from scipy import ndimage

    labels = np.zeros(inside.shape, np.int32)
    ndimage.label(inside, output=labels)
    return labels


def _without_strands(grown: np.ndarray, spacing: np.ndarray, radius_mm: float, seed: tuple) -> np.ndarray:
    """Return what a ball reaches that stays inside, of the part nearest the seed; all of it where no ball fits in."""
    from scipy import ndimage

    depth = np.asarray(ndimage.distance_transform_edt(np.pad(grown, 1), sampling=spacing))[1:-1, 1:-1, 1:-1]
    core = _labelled(depth > radius_mm)
    if not core.any():
        return grown
    places = np.argwhere(core)
    nearest = places[np.argmin(np.linalg.norm((places - np.array(seed)) * spacing, axis=1))]
    apart = core != core[tuple(nearest)]
    return grown & (np.asarray(ndimage.distance_transform_edt(apart, sampling=spacing)) <= radius_mm)


def _diagonal(affine: np.ndarray) -> float:
    return float(np.linalg.norm(np.linalg.norm(affine[:3, :3], axis=0)))


def _cropped(part: Volume, grown: np.ndarray) -> Volume:
    inside = np.argwhere(grown)
    low = np.maximum(inside.min(axis=0) - 1, 0)
    high = np.minimum(inside.max(axis=0) + 2, grown.shape)
    window = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    return part[window].with_array(grown[window].astype(np.uint8))
