"""Random textures that can be sampled anywhere: lattice noise in millimetres, power-law noise, Rician noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

# Mean of the squared cubic B-spline weights along one axis: the integral of B3 squared, 151/315.
_SPLINE_POWER = 151.0 / 315.0


@dataclass(frozen=True)
class LatticeNoise:
    """Smooth Gaussian-like noise of unit variance, defined at every point of space.

    Random numbers hashed from the lattice index are interpolated by cubic B-splines, so that one slice costs one
    slice and two neighbouring slices, or an axial and a sagittal one, agree.

    Attributes
    ----------
    seed
        Identity of the field.
    step_mm
        Lattice spacing (x, y, z) in millimetres: the size of the grains.
    """

    seed: int
    step_mm: tuple[float, float, float]

    def sample(self, x_mm: np.ndarray, y_mm: np.ndarray, z_mm: np.ndarray) -> np.ndarray:
        """Return the field on the grid of three axes, shape (len(z), len(y), len(x)), float32."""
        axes = [_spline_weights(axis, step) for axis, step in zip((x_mm, y_mm, z_mm), self.step_mm, strict=True)]
        (x_cells, x_weights), (y_cells, y_weights), (z_cells, z_weights) = axes
        values = _hashed(self.seed, x_cells, y_cells, z_cells)
        # The shortest axis first: a slice contracts to a plane before the large products. Sparse products, because
        # threaded dense ones of this size cost more in waiting than in work.
        operators = ((z_mm, 0, z_weights), (y_mm, 1, y_weights), (x_mm, 2, x_weights))
        for _axis_mm, axis, weights in sorted(operators, key=lambda operator: np.size(operator[0])):
            moved = np.moveaxis(values, axis, 0)
            product = weights @ np.ascontiguousarray(moved).reshape(moved.shape[0], -1)
            values = np.moveaxis(product.reshape(-1, *moved.shape[1:]), 0, axis)
        return values


def _spline_weights(axis_mm: np.ndarray, step_mm: float) -> tuple[np.ndarray, csr_array]:
    """Return the lattice indices and the (points, indices) matrix of cubic B-spline weights, four in a row."""
    position = np.atleast_1d(np.asarray(axis_mm, float)) / step_mm
    cell = np.floor(position).astype(int)
    t = (position - cell).astype(np.float32)
    first = int(cell.min()) - 1
    weights = np.stack([(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1) / 6
    columns = cell[:, None] - 1 - first + np.arange(4)
    starts = 4 * np.arange(position.size + 1)
    cells = first + np.arange(int(cell.max()) + 3 - first)
    return cells, csr_array((weights.ravel(), columns.ravel(), starts), shape=(position.size, cells.size))


def _hashed(seed: int, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return uniform numbers scaled so that the interpolated field has unit variance, shape (z, y, x)."""
    with np.errstate(over="ignore"):
        parts = (
            axis.astype(np.uint32) * np.uint32(prime)
            for axis, prime in ((x, 0x8DA6B343), (y, 0xD8163841), (z, 0xCB1AB31F))
        )
        hx, hy, hz = parts
        h = _mixed(_mixed(hz ^ np.uint32(seed & 0xFFFFFFFF))[:, None] ^ hy[None])
        h = _mixed(h[:, :, None] ^ hx[None, None])
    uniform = h.astype(np.float32) * np.float32(2.0**-32) - np.float32(0.5)
    return uniform * np.float32(np.sqrt(12.0 / _SPLINE_POWER**3))


def _mixed(h: np.ndarray) -> np.ndarray:
    """Scramble 32-bit integers (Wellons' lowbias32 constants)."""
    h = (h ^ (h >> np.uint32(16))) * np.uint32(0x7FEB352D)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x846CA68B)
    return h ^ (h >> np.uint32(16))


def power_law(rng: np.random.Generator, shape: tuple[int, int], exponent: float, outer_scale_px: float) -> np.ndarray:
    """Return isotropic noise whose power spectrum falls as 1/f^exponent, zero mean and unit variance.

    Parameters
    ----------
    shape
        Rows and columns.
    exponent
        β of P(f) ∝ 1/f^β; mammograms measure about 3 (Burgess, Med Phys 2001; Metheany, Med Phys 2008).
    outer_scale_px
        Wavelength in pixels above which the spectrum is flat, so that the variance stays finite.
    """
    rows, columns = (n + n % 2 for n in shape)
    fy = np.fft.fftfreq(rows).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(columns).astype(np.float32)[None]
    amplitude = (fx * fx + fy * fy + np.float32(1.0 / outer_scale_px**2)) ** np.float32(-exponent / 4)
    amplitude[0, 0] = 0
    spectrum = amplitude * np.exp(2j * np.pi * rng.random(amplitude.shape, np.float32)).astype(np.complex64)
    noise = np.fft.irfft2(spectrum, s=(rows, columns))[: shape[0], : shape[1]].astype(np.float32)
    noise -= noise.mean()
    return noise / noise.std()


def rician(rng: np.random.Generator, signal: np.ndarray, sigma: float) -> np.ndarray:
    """Return the magnitude of a complex signal with Gaussian noise of standard deviation ``sigma`` in each channel."""
    real = signal + sigma * rng.standard_normal(signal.shape, np.float32)
    imaginary = sigma * rng.standard_normal(signal.shape, np.float32)
    return np.sqrt(real * real + imaginary * imaginary)
