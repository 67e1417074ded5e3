"""Residual: how far two images still disagree, measured so that contrast agent does not count."""

from __future__ import annotations

import numpy as np

from inference.prepare.correction import Residual

_BINS = 48
_NOISE = 0.5  # of the median gradient over tissue: weaker edges are noise


def residual(fixed: np.ndarray, moving: np.ndarray, mask: np.ndarray, spacing_mm: tuple[float, ...]) -> Residual:
    """Return the residual of two images on one grid.

    Parameters
    ----------
    fixed, moving
        Shape (slices, rows, columns), smoothed alike.
    mask
        Tissue.
    spacing_mm
        Of slices, rows, columns.
    """
    return Residual(edge_distance(fixed, moving, mask, spacing_mm), mutual_information(fixed[mask], moving[mask]))


def edge_distance(fixed: np.ndarray, moving: np.ndarray, mask: np.ndarray, spacing_mm: tuple[float, ...]) -> float:
    """Return 1 - mean cos² between the gradients over the mask, weighted by the edges of the fixed image."""
    first, second = _gradient(fixed, spacing_mm), _gradient(moving, spacing_mm)
    eps = [noise_level(gradient, mask) for gradient in (first, second)]
    lengths = [np.sqrt((g**2).sum(0) + e**2) for g, e in zip((first, second), eps, strict=True)]
    weight = ((lengths[0] ** 2 - eps[0] ** 2) / lengths[0] ** 2)[mask]
    product = (((first * second).sum(0)) / (lengths[0] * lengths[1]))[mask] ** 2
    # Of equal images the squared product is weight², so this is 0 for them and for any linear change of contrast.
    aligned = float((weight * product).sum() / max(float((weight**3).sum()), 1e-12))
    return float(np.clip(1 - aligned, 0.0, 1.0))


def noise_level(gradient: np.ndarray, mask: np.ndarray) -> float:
    """Return the length below which a gradient (3, slices, rows, columns) counts as noise."""
    lengths = np.sqrt((gradient**2).sum(0))[mask]
    return max(_NOISE * float(np.median(lengths)), 1e-6 * float(lengths.max(initial=0.0)), 1e-12)


def _gradient(image: np.ndarray, spacing_mm: tuple[float, ...]) -> np.ndarray:
    return np.stack(
        [np.gradient(image, mm, axis=n) if image.shape[n] > 1 else 0 * image for n, mm in enumerate(spacing_mm)]
    )


def mutual_information(fixed: np.ndarray, moving: np.ndarray) -> float:
    """Return (H(fixed) + H(moving)) / H(both), from histograms between the first and the 99.5th percentile."""
    places = []
    for values in (fixed, moving):
        low, high = np.percentile(values, (1, 99.5))
        places.append(np.clip((values - low) / max(high - low, 1e-12) * _BINS, 0, _BINS - 1).astype(np.int64))
    joint = np.bincount(places[0] * _BINS + places[1], minlength=_BINS**2).reshape(_BINS, _BINS) / max(fixed.size, 1)
    both = _entropy(joint)
    return float((_entropy(joint.sum(0)) + _entropy(joint.sum(1))) / both) if both > 0 else 1.0


def _entropy(share: np.ndarray) -> float:
    share = share[share > 0]
    return float(-(share * np.log(share)).sum())
