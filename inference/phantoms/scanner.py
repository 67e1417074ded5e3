"""The scanner of the MRI phantom: signal of each phase, coil fall-off, failed fat suppression, ghosts and noise."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from inference.phantoms.kinetics import SPGR_3D, Protocol, Tofts
from inference.phantoms.noise import rician
from inference.phantoms.plane import Plane
from inference.phantoms.tissue import TissueMaps


@dataclass(frozen=True)
class Scanner:
    """How one examination is acquired.

    Attributes
    ----------
    fat_residue
        Share of the fat signal that fat suppression leaves.
    coil_mm
        Depth over which the surface coil loses sensitivity, from the front backwards.
    snr
        Signal of enhancing gland over the noise of one channel.
    """

    protocol: Protocol = SPGR_3D
    fat_residue: float = 0.08
    coil_mm: float = 160.0
    coil_front_mm: float = -90.0
    bias: float = 0.15
    fat_failure: float = 0.0
    ghost: float = 0.0
    snr: float = 35.0
    gain: float = 1000.0
    blur_px: float = 0.6
    noise_blur_px: float = 0.0
    seed: int = 0

    def t1_signal(self, maps: TissueMaps, tofts: Tofts | None = None, index: int = 0) -> np.ndarray:
        """Return the noiseless T1-weighted signal, pre-contrast without ``tofts``; shape (rows, columns)."""
        m0, t1, ktrans, kep, vp, _t2, fat = list(maps.maps)
        concentration = 0.0 if tofts is None else tofts.concentration(index, ktrans, kep, vp)
        signal = m0 * self.protocol.signal(t1, concentration)
        if self.protocol.fat_suppressed:
            signal = signal * (1 - fat * (1 - self.fat_left(maps.plane)))
        return signal * self.shading(maps.plane)

    def t2_signal(self, maps: TissueMaps, te_ms: float = 90.0) -> np.ndarray:
        """Return the noiseless signal of a fat-suppressed T2-weighted spin echo; shape (rows, columns)."""
        m0, _t1, _ktrans, _kep, _vp, t2, fat = list(maps.maps)
        signal = m0 * np.exp(-te_ms / np.maximum(t2, 1))
        return signal * (1 - fat * (1 - 0.8 * self.fat_left(maps.plane))) * self.shading(maps.plane) * 0.35

    def fat_left(self, plane: Plane) -> np.ndarray:
        """Return the share of fat signal left; suppression fails in patches where the field is off."""
        failure = np.clip(plane.noise(self.seed + 1, (60, 45, 50)) - 1.9 + self.fat_failure, 0, 1)
        return self.fat_residue + 0.6 * failure

    def shading(self, plane: Plane) -> np.ndarray:
        """Return the sensitivity of the coil times a smooth field."""
        y = plane.points[1]
        coil = 0.2 + 1.1 / (1 + np.exp((y - self.coil_front_mm - self.coil_mm) / (0.42 * self.coil_mm)))
        return coil * np.exp(self.bias * plane.noise(self.seed + 2, (110, 110, 110)))

    def record(self, rng: np.random.Generator, signal: np.ndarray, heart: np.ndarray | None = None) -> np.ndarray:
        """Return the stored image: blur, ghost of the beating heart, Rician noise, gain; float32, not negative."""
        scaled = cv2.GaussianBlur(signal.astype(np.float32), (0, 0), self.blur_px) * np.float32(self.gain * 10)
        if heart is not None and self.ghost > 0:
            for shift in (0.21, 0.43):
                step = int(shift * signal.shape[1])
                scaled = scaled + self.ghost * (np.roll(scaled * heart, step, 1) + np.roll(scaled * heart, -step, 1))
        noisy = rician(rng, scaled.astype(np.float32), self.reference / self.snr)
        # Scanners interpolate to a finer matrix, which correlates the noise.
        return cv2.GaussianBlur(noisy, (0, 0), self.noise_blur_px) if self.noise_blur_px > 0 else noisy

    @property
    def reference(self) -> float:
        """Signal of moderately enhancing gland in the stored image."""
        return float(self.protocol.signal(np.array(1.35), 0.25)) * 0.8 * self.gain * 10


def draw_scanner(rng: np.random.Generator) -> Scanner:
    """Draw the setting of one fat-suppressed examination."""
    protocol = Protocol("3D SPGR, fat-suppressed", rng.uniform(4.0, 7.5), rng.uniform(9, 14), True)
    return Scanner(
        protocol=protocol,
        fat_residue=float(rng.uniform(0.03, 0.14)),
        coil_mm=float(rng.uniform(75, 165)),
        coil_front_mm=float(rng.uniform(-110, -70)),
        bias=float(rng.uniform(0.05, 0.22)),
        fat_failure=float(rng.uniform(-0.6, 0.7)),
        ghost=float(rng.uniform(0.0, 0.04)),
        snr=float(np.exp(rng.uniform(np.log(14), np.log(60)))),
        gain=float(rng.uniform(500, 1600)),
        blur_px=float(rng.uniform(0.45, 0.95)),
        noise_blur_px=float(rng.choice((0.0, rng.uniform(0.3, 0.8)))),
        seed=int(rng.integers(2**30)),
    )
