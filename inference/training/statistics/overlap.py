"""Agreement of masks: Dice, 95th percentile of the surface distance, and Dice against the readers' intersections."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def dice(found: np.ndarray, true: np.ndarray) -> float:
    """Return 2 |A ∩ B| / (|A| + |B|) of two bool arrays; 1 where both are empty."""
    total = np.count_nonzero(found) + np.count_nonzero(true)
    return 1.0 if total == 0 else 2 * np.count_nonzero(found & true) / total


def hd95(found: np.ndarray, true: np.ndarray, spacing: Sequence[float]) -> float:
    """Return the 95 % Hausdorff distance in millimetres: the larger of the two directed 95th percentiles.

    Parameters
    ----------
    found, true
        Bool, of one shape. A surface is the voxels of a mask with a face on its outside or on the edge of the array;
        distances are between their centres.
    spacing
        Of the voxels along each axis, mm.

    Returns
    -------
    float
        0 where both masks are empty, infinite where one is.

    Notes
    -----
    Some programs take one percentile over the distances of both directions together (medpy), which is never larger.
    """
    from scipy.ndimage import distance_transform_edt

    found, true = np.asarray(found, bool), np.asarray(true, bool)
    if not found.any() or not true.any():
        return 0.0 if found.any() == true.any() else float("inf")
    box = _box(found | true)
    surfaces = _surface(found[box]), _surface(true[box])
    directed = [
        np.percentile(np.asarray(distance_transform_edt(~there, sampling=spacing))[here], 95)
        for here, there in (surfaces, surfaces[::-1])
    ]
    return float(max(directed))


def _box(mask: np.ndarray) -> tuple[slice, ...]:
    axes = range(mask.ndim)
    spans = [np.flatnonzero(mask.any(axis=tuple(other for other in axes if other != axis))) for axis in axes]
    return tuple(slice(int(span[0]), int(span[-1]) + 1) for span in spans)


def _surface(mask: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_erosion

    return mask & ~np.asarray(binary_erosion(mask), bool)


def against_others(readers: np.ndarray, network: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Dice of each reader, and of the network, against the intersection of the other readers' masks.

    SYSTEMS.md §1.5, Evaluation (paper 004): reader and network are compared with the same reference.

    Parameters
    ----------
    readers
        Bool, (readers, ...), at least two.
    network
        Bool, (...).

    Returns
    -------
    of_readers, of_network
        (readers,) each.
    """
    if len(readers) < 2:
        raise ValueError("a reader is compared with others; there is one only")
    references = [np.logical_and.reduce(np.delete(readers, reader, axis=0)) for reader in range(len(readers))]
    of_readers = [dice(mask, reference) for mask, reference in zip(readers, references, strict=True)]
    return np.array(of_readers), np.array([dice(network, reference) for reference in references])
