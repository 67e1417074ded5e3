"""Textures: unit variance, the wanted spectrum, agreement between planes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from inference.phantoms.mammo import Detector, make_mammogram
from inference.phantoms.noise import LatticeNoise, power_law, rician


def radial_exponent(image: np.ndarray, lowest: float, highest: float) -> float:
    """Fit the slope of the radially averaged power spectrum between two frequencies (cycles per pixel)."""
    window = np.hanning(image.shape[0])[:, None] * np.hanning(image.shape[1])[None]
    power = np.abs(np.fft.fft2((image - image.mean()) * window)) ** 2
    f = np.hypot(np.fft.fftfreq(image.shape[0])[:, None], np.fft.fftfreq(image.shape[1])[None])
    edges = np.geomspace(lowest, highest, 16)
    pairs = list(pairwise(edges))
    means = [power[(f >= low) & (f < high)].mean() for low, high in pairs]
    slope, _ = np.polyfit(np.log([np.sqrt(low * high) for low, high in pairs]), np.log(means), 1)
    return -slope


@pytest.mark.parametrize("exponent", [2.8, 3.2])
def test_power_law_has_its_exponent(exponent: float):
    noise = power_law(np.random.default_rng(1), (512, 512), exponent, 1e6)
    assert noise.mean() == pytest.approx(0, abs=1e-4)
    assert noise.std() == pytest.approx(1, abs=1e-4)
    assert radial_exponent(noise, 0.02, 0.3) == pytest.approx(exponent, abs=0.15)


def test_power_law_keeps_odd_shapes():
    assert power_law(np.random.default_rng(1), (33, 20), 3, 10).shape == (33, 20)


def test_lattice_noise_has_unit_variance_and_no_mean():
    axis = np.arange(0, 200, 1.7)
    noise = LatticeNoise(5, (4, 4, 4)).sample(axis, axis, axis[:40])
    assert noise.std() == pytest.approx(1, abs=0.05)
    assert noise.mean() == pytest.approx(0, abs=0.05)


def test_axial_and_sagittal_planes_agree_where_they_cross():
    field = LatticeNoise(9, (5, 7, 4))
    x, y, z = np.linspace(-50, 50, 21), np.linspace(-80, 10, 31), np.linspace(-30, 30, 13)
    axial, sagittal = field.sample(x, y, z[4:5]), field.sample(x[7:8], y, z)
    np.testing.assert_allclose(axial[0, :, 7], sagittal[4, :, 0], atol=1e-4)


def test_rician_noise_of_air_is_rayleigh_and_of_tissue_gaussian():
    rng = np.random.default_rng(0)
    air = rician(rng, np.zeros((300, 300), np.float32), 10)
    assert air.mean() == pytest.approx(10 * np.sqrt(np.pi / 2), rel=0.02)
    tissue = rician(rng, np.full((300, 300), 500, np.float32), 10)
    assert tissue.std() == pytest.approx(10, rel=0.03)


def test_parenchyma_falls_as_a_power_of_frequency():
    """Burgess (SPIE 2003) measured 1.5 to 3.5 with mean 2.8, Metheany (Med Phys 2008) 3.2, on the raw image."""
    slopes = []
    for seed in (0, 2):
        detector = Detector((1147, 957), 0.1882)
        counts = make_mammogram(seed, "L", "CC", detector=detector, lesions=(), for_processing=True).image.array[0]
        slopes.append(radial_exponent(-np.log(counts[440:696, 80:336] + 1.0), 0.02, 0.12))
    assert 2.3 < np.mean(slopes) < 3.6
