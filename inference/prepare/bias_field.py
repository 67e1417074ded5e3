"""Bias field of an MR volume: N4 (Tustison et al., IEEE TMI 2010) over tissue, on a coarser grid, in bounded time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.errors import EngineError
from inference.prepare.deformation import to_image
from inference.progress import Progress

if TYPE_CHECKING:
    from highdicom import Volume

MOST_VOXELS = 120_000  # of the coarse grid; more give the same smooth field (r = 0.99 on duke-153) and take longer
FEWEST_SLICES = 4  # of the coarse grid, where the volume has them: a cubic spline along fewer would be invention
_ITERATIONS = (50, 50, 50, 50)  # at most, on four levels of the spline: the defaults of N4
_THREADS = 2  # fixed, so that the sums, and with them the field, are the same on every machine


def bias_field(image: Volume, shrink: int = 4, progress: Progress | None = None) -> np.ndarray:
    """Return the field that the coils multiplied a volume with; the corrected volume is ``image / field``.

    Parameters
    ----------
    image
        MR volume, shape (slices, rows, columns); NaN and infinity are padding.
    shrink
        Every so manieth voxel is looked at along each axis (4: as the authors of MAMA-MIA do; SYSTEMS.md §1.3); more in
        the plane where the grid would have more than 120,000 voxels, fewer slices are left out where there are few.
    progress
        Reported after each iteration; a cancellation ends it there.

    Returns
    -------
    ndarray
        float32, shape of ``image``, positive. Outside the tissue (Otsu's threshold), where nothing is known, it keeps
        within the values it has inside.

    Raises
    ------
    EngineError
        Where the volume has no two different values, or N4 finds no field.
    """
    import SimpleITK as sitk  # noqa: N813

    progress = progress or Progress()
    values = np.asarray(image.array, np.float32)
    finite = np.isfinite(values)
    if not finite.any() or np.ptp(values[finite]) <= 0:
        raise EngineError("The volume has the same value everywhere, so it shows nothing.", "Choose another series.")
    values = np.where(finite, np.maximum(values, 0), 0)
    full = _squeezed(to_image(image.with_array(values)))
    mask = sitk.OtsuThreshold(full, 0, 1, 200)
    factors = shrink_factors(image.spatial_shape, shrink)[::-1][: full.GetDimension()]
    log_field = _n4(full, sitk.Shrink(full, factors), sitk.Shrink(mask, factors), progress)
    inside = (sitk.GetArrayViewFromImage(mask) > 0).reshape(values.shape) & finite
    log_field = log_field.reshape(values.shape)
    bounds = log_field[inside].min(), log_field[inside].max()
    return np.exp(np.clip(log_field, *bounds), dtype=np.float32)


def shrink_factors(shape: tuple[int, ...], shrink: int) -> list[int]:
    """Return the factors along slices, rows and columns for a grid of at most 120,000 voxels."""
    slices, rows, columns = shape
    along = max(1, min(shrink, slices // FEWEST_SLICES))
    across = shrink
    while math.ceil(slices / along) * math.ceil(rows / across) * math.ceil(columns / across) > MOST_VOXELS:
        across += 1
    return [along, *(max(1, min(across, size // 8)) for size in (rows, columns))]


def _squeezed(image: Any) -> Any:
    """Return a single slice as an image of two dimensions: N4 has no spline along one slice."""
    return image[:, :, 0] if image.GetSize()[2] == 1 else image


def _n4(full: Any, small: Any, mask: Any, progress: Progress) -> np.ndarray:
    import SimpleITK as sitk  # noqa: N813

    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(_ITERATIONS)
    n4.SetNumberOfThreads(_THREADS)
    done = [0]

    def after_iteration() -> None:  # an exception must not leave ITK's callback
        done[0] += 1
        if progress.cancelled:
            n4.Abort()
        else:
            progress.report(min(0.95, done[0] / 120), "bias field")

    n4.AddCommand(sitk.sitkIterationEvent, after_iteration)
    try:
        n4.Execute(small, mask)
        progress.check()
        return sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(full))
    except RuntimeError as error:
        progress.check()
        raise EngineError(
            "The bias field of the volume could not be estimated (N4).", "Choose another series."
        ) from error
