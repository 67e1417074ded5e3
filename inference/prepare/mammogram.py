"""One mammogram to the image that system 001 sweeps: equalised, without markers, 4,096 rows, with its own affine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from inference.errors import EngineError
from inference.prepare.grid import on_grid, resized_affine
from inference.prepare.mammogram_clahe import equalise
from inference.prepare.mammogram_keys import MammogramPreprocessing
from inference.prepare.mammogram_mask import breast_mask, metal

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.exam import Mammogram
    from inference.progress import Progress

__all__ = ["MammogramPreprocessing", "PreparedMammogram", "prepare_mammogram"]

_HINT = "Choose another image."
_LARGEST = 65535


@dataclass(frozen=True)
class PreparedMammogram:
    """A mammogram ready to be swept.

    Attributes
    ----------
    grid
        Grey, uint16 over the full range, shape (1, 4096, columns), with the affine of its pixels.
    mask
        Breast without markers, labels, borders and padding, shape (4096, columns).
    mm_per_pixel
        Of the swept image, down the rows; what the source's spacing says, true only where that is known.
    resize_factor
        Swept pixels per source pixel; above 1 the image was enlarged.
    warnings
        One sentence each, for the result.
    tissue
        The mask without metal that lies within the breast: where the maximum brightness is looked for; None for the
        mask itself.
    """

    grid: Volume
    mask: np.ndarray
    mm_per_pixel: float
    resize_factor: float
    preprocessing: MammogramPreprocessing
    warnings: tuple[str, ...] = ()
    tissue: np.ndarray | None = None

    @property
    def grey(self) -> np.ndarray:
        """The swept image, uint16, shape (4096, columns)."""
        return self.grid.array[0]


def prepare_mammogram(exam: Mammogram, keys: MammogramPreprocessing, progress: Progress) -> PreparedMammogram:
    """Mask, equalise and resize a mammogram, in the paper's order: CLAHE before the resize.

    Raises
    ------
    EngineError
        Where the image is empty, constant or too small.
    """
    source = _grey_of(exam, keys)
    progress.report(0.1, "breast mask")
    mask = breast_mask(source, exam.background)
    found = mask is not None
    if mask is None:  # filled from edge to edge, or no picture of a breast: all of it is read, and the result says so
        mask = np.ones(source.shape, bool) if exam.background is None else ~exam.background
    progress.report(0.3, "contrast")
    grey = equalise(source, keys.clahe_clip, keys.clahe_tiles, keys.clahe_bins) if keys.clahe_clip else source.copy()
    if keys.remask:
        grey[~mask] = 0
    progress.report(0.7, "resize")
    factor = keys.height / source.shape[0]
    size = (keys.height, max(1, round(source.shape[1] * factor)))
    # Area averages when shrinking, linear when enlarging: SYSTEMS.md §1.2 [R].
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    grey = cv2.resize(grey, size[::-1], interpolation=how)
    swept, tissue = (_enlarged(part, size) for part in (mask, mask & ~metal(source)))
    _check_width(size[1], keys)
    progress.check()
    affine = resized_affine(exam.image.affine, exam.image.spatial_shape[1:], size)
    return PreparedMammogram(
        grid=on_grid(np.ascontiguousarray(grey)[None], affine, exam.image),
        mask=swept,
        mm_per_pixel=float(np.linalg.norm(affine[:3, 1])),
        resize_factor=factor,
        preprocessing=keys,
        warnings=_warnings(factor, keys, found=found),
        tissue=tissue if tissue.any() else None,
    )


def _enlarged(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST_EXACT) > 0


def _grey_of(exam: Mammogram, keys: MammogramPreprocessing) -> np.ndarray:
    """Return the presented grey (rows, columns) as uint16; NaN is padding and black."""
    values = exam.image.array[0]
    rows, columns = values.shape
    if rows < keys.smallest_height:
        raise EngineError(
            f"The image has only {rows} × {columns} pixels; at least {keys.smallest_height} rows are needed to read "
            "windows of it.",
            "Choose the full image instead of a thumbnail.",
        )
    factor = keys.height / rows
    if keys.upscaling == "refuse" and factor > keys.largest_upscaling:
        raise EngineError(
            f"The image has only {rows} rows and would have to be enlarged {factor:.1f} times; the model allows "
            f"{keys.largest_upscaling:g} times.",
            "Choose an image of full resolution.",
        )
    if values.dtype != np.uint16:
        values = np.clip(np.nan_to_num(values, nan=0.0, posinf=_LARGEST, neginf=0.0), 0, _LARGEST).astype(np.uint16)
    inside = values if exam.background is None else values[~exam.background]
    if inside.size == 0:
        raise EngineError("The image has no valid pixel: all are padding.", _HINT)
    if inside.min() == inside.max():
        raise EngineError("All pixels of the image have the same value.", _HINT)
    return np.ascontiguousarray(values)


def _check_width(columns: int, keys: MammogramPreprocessing) -> None:
    if columns < max(keys.nodule_side, keys.calcification_side):
        raise EngineError(
            f"The image is too narrow: at {keys.height} rows it has {columns} columns, less than one window.",
            "Choose an image of the whole breast.",
        )


def _warnings(factor: float, keys: MammogramPreprocessing, *, found: bool) -> tuple[str, ...]:
    said: list[str] = []
    if not found and (keys.remask or keys.least_breast or keys.maximum == "breast"):
        said.append("No breast can be told from the background of this image, so all of it was read.")
    if factor > keys.largest_upscaling:
        said.append(
            f"The image was enlarged {factor:.1f} times to {keys.height} rows; the model was meant for images of full "
            "resolution, and small calcifications may not be visible at all."
        )
    return tuple(said)
