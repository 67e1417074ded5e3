"""Prepared: the values of a volume as the renderer takes them, worked out once, in any thread. Qt- and VTK-free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import ref

import numpy as np

from viewer.volume3d.scene import VolumeViewError

if TYPE_CHECKING:
    from highdicom import Volume

TOP = 32767  # values are rendered as whole numbers 0–32767 between the smallest and the greatest of the volume


@dataclass(frozen=True, eq=False)
class Prepared:
    """Values and place of a volume.

    Attributes
    ----------
    low, high
        Smallest and greatest finite value: 0 and :data:`TOP` of ``scaled``.
    scaled
        uint16 (slices, rows, columns), right-handed.
    affine
        Of ``scaled``: (k, j, i, 1) → LPS mm.
    """

    low: float
    high: float
    scaled: np.ndarray
    affine: np.ndarray


_kept: list[tuple[ref[Volume], Prepared]] = []  # the volume prepared last: 24 MB for 60 slices of 448 × 448


def prepared(volume: Volume) -> Prepared:
    """Return the prepared values of a volume, those of the last one at once.

    Raises
    ------
    VolumeViewError
        For colour images and for volumes without any value.
    """
    known = ready(volume)
    if known is None:
        array, affine = right_handed(volume.array, np.asarray(volume.affine, float))
        known = Prepared(*quantised(array), affine)
        _kept[:] = [(ref(volume), known)]
    return known


def ready(volume: Volume) -> Prepared | None:
    """Return the prepared values of a volume if they are at hand."""
    return next((known for whose, known in tuple(_kept) if whose() is volume), None)


def right_handed(array: np.ndarray, affine: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same volume with columns, rows and slices right-handed: VTK's lighting takes no mirrored volume."""
    if np.linalg.det(affine[:3, 2::-1]) > 0:
        return array, affine
    turned = affine.copy()
    turned[:3, 3] += affine[:3, 0] * (array.shape[0] - 1)
    turned[:3, 0] = -affine[:3, 0]
    return array[::-1], turned


def quantised(array: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Return the smallest and greatest finite value, and the values as uint16 from 0 to 32767 between them.

    Raises
    ------
    VolumeViewError
        For colour images and for volumes without any value.
    """
    if array.ndim != 3:
        raise VolumeViewError("A colour image cannot be shown as a volume. Choose a grey stack of slices.")
    finite = np.isfinite(array) if array.dtype.kind == "f" else None
    known = array if finite is None or finite.all() else array[finite]
    if known.size == 0:
        raise VolumeViewError("The image holds no values that could be shown.")
    low, high = float(known.min()), float(known.max())
    high = high if high > low else low + 1.0
    values = array if known is array else np.nan_to_num(array, nan=low, posinf=high, neginf=low)
    scaled = np.subtract(values, low, dtype=np.float32, casting="unsafe")
    scaled *= TOP / (high - low)
    scaled += 0.5
    return low, high, scaled.astype(np.uint16)
