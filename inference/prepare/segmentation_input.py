"""From a dynamic breast MRI to what system 004's network reads: three channels on a sagittal grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inference.errors import EngineError
from inference.nets.unet_v4 import DEPTH_LOST, PLANE_LOST
from inference.prepare import slopes
from inference.prepare.breast_mask import breast_mask
from inference.prepare.motion import Moved, aligned
from inference.prepare.sagittal import Ranges, SagittalGrid, sagittal_grid, turned
from inference.prepare.segmentation_keys import SegmentationPreprocessing
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.exam import DceExam

Index = tuple[int, int, int]


@dataclass(frozen=True)
class NetworkInput:
    """A dynamic MRI as the network reads it.

    Attributes
    ----------
    source
        T1c, DCE-in and DCE-out on the acquired voxels in orientation ``LFP`` that the network sees: float32, shape (3,
        slices, rows, columns).
    source_start
        Index of its first voxel in the acquired volume.
    grid
        The network's grid over it.
    wanted
        bool: voxels of the grid that are read, cut to the box around them.
    origin
        Index of the first voxel of ``wanted`` in the grid.
    scale
        The percentile everything was divided by.
    moved
        What was found of motion between the phases, and done about it.
    problem
        Why the breasts could not be told from the rest, so that everything is read; "" where they could.
    """

    source: np.ndarray
    source_start: Index
    grid: SagittalGrid
    wanted: np.ndarray
    origin: Index
    times: slopes.Times
    scale: float
    moved: Moved
    problem: str = ""

    def values(self, ranges: Ranges) -> np.ndarray:
        """Return the three channels of a part of the grid, float32."""
        return self.grid.sample(self.source, ranges, self.source_start)

    def affine(self) -> np.ndarray:
        """Return (slice, row, column) of ``wanted`` to LPS mm."""
        affine = self.grid.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ np.asarray(self.origin, float)
        return affine


def network_input(exam: DceExam, keys: SegmentationPreprocessing, progress: Progress | None = None) -> NetworkInput:
    """Align, scale and turn an exam, and find the breasts.

    Raises
    ------
    OutOfScopeError
        Where the slopes do not exist: times unknown, or only one phase after contrast.
    EngineError
        Where the exam has no pre-contrast phase, or nothing can be computed from it.
    """
    progress = progress or Progress()
    if exam.pre is None:
        raise EngineError(
            "Which phase was taken before the contrast agent is not known.", "Choose it in the phases dialog."
        )
    times = slopes.times_of(exam.post_seconds, pause_aware=keys.wash_in_time == "pause-aware")
    scale = slopes.scale_of(exam.pre.array, keys.percentile)
    pre, posts, moved = aligned(exam, keys.motion, keys.motion_threshold_mm, progress.part(0.0, 0.6))
    progress.report(0.6, "looking for the breasts")
    turned_pre = turned(pre)
    grid = sagittal_grid(
        turned_pre,
        exam.orientation,
        coarsest_mm=keys.coarsest_mm,
        plane_mm=keys.plane_mm,
        lateral_mm=keys.lateral_mm,
    )
    wanted, origin, problem = _wanted(turned_pre, grid, keys, progress)
    progress.report(0.8, "slopes")
    seen = grid.source_box(*_context(wanted, origin, keys.tile))
    box = tuple(slice(low, high) for low, high in seen)
    source = slopes.channels(
        turned_pre.array[box],
        [turned(post).array[box] for post in posts],
        times,
        scale,
        slopes.Rule(keys.constants, keys.wash_in, keys.units == "min"),
    )
    start = (seen[0][0], seen[1][0], seen[2][0])
    progress.report(1.0, "prepared")
    return NetworkInput(source, start, grid, wanted, origin, times, scale, moved, problem)


def _wanted(
    pre: Volume, grid: SagittalGrid, keys: SegmentationPreprocessing, progress: Progress
) -> tuple[np.ndarray, Index, str]:
    """Return which voxels of the grid are read, where they begin, and why it is all of them."""
    if keys.region == "volume":
        return np.ones(grid.shape, bool), (0, 0, 0), ""
    found = breast_mask(pre, progress.part(0.6, 0.7))
    if found.problem:
        return np.ones(grid.shape, bool), (0, 0, 0), found.problem
    near = _grown(np.asarray(found.volume.array) > 0, [float(mm) for mm in pre.spacing], keys.margin_mm)
    # The breast mask is rough by millimetres; the nearest voxel is good enough here.
    nearest = [np.minimum(((np.arange(axis.new) + 0.5) * axis.step).astype(int), axis.old - 1) for axis in grid.axes]
    across = [np.asarray(near.any(axis=tuple(a for a in range(3) if a != n))) for n in range(3)]
    ranges = [_range(across[n][nearest[n]]) for n in range(3)]
    z, y, x = (index[low:high] for index, (low, high) in zip(nearest, ranges, strict=True))
    return near[z][:, y][:, :, x], (ranges[0][0], ranges[1][0], ranges[2][0]), ""


def _context(wanted: np.ndarray, origin: Index, tile: int) -> Ranges:
    """Return the part of the grid that the network may look at, tiles that stand out included."""
    lost = (DEPTH_LOST // 2, PLANE_LOST // 2 + tile, PLANE_LOST // 2 + tile)
    a, b, c = (
        (start - more, start + count + more) for start, count, more in zip(origin, wanted.shape, lost, strict=True)
    )
    return a, b, c


def _range(there: np.ndarray) -> tuple[int, int]:
    found = np.flatnonzero(there)
    return int(found[0]), int(found[-1]) + 1


def _grown(inside: np.ndarray, spacing: list[float], margin_mm: float) -> np.ndarray:
    """Return the mask grown by a margin along each axis."""
    from scipy import ndimage

    size = [2 * int(np.ceil(margin_mm / mm)) + 1 for mm in spacing]
    return np.asarray(ndimage.maximum_filter(inside.astype(np.uint8), size, mode="constant")) > 0
