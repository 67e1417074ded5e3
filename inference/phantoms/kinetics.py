"""Contrast kinetics of the breast: arterial input, extended Tofts model, gradient-echo signal, curve types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import interp1d

# Parker et al., Magn Reson Med 2006;56:993, table 1: two Gaussians and a sigmoid-cut exponential (mM, minutes).
_AREAS_MM_MIN = (0.809, 0.330)
_CENTRES_MIN = (0.17046, 0.365)
_WIDTHS_MIN = (0.0563, 0.132)
_ALPHA_MM, _BETA_PER_MIN, _S_PER_MIN, _TAU_MIN = 1.050, 0.1685, 38.078, 0.483
HEMATOCRIT = 0.42
# Gadobutrol in blood at 1.5 T, Rohrer et al., Invest Radiol 2005;40:715.
RELAXIVITY_PER_S_MM = 4.9
# Delayed change that separates persistent, plateau and washout: BI-RADS MRI lexicon, ±10 %.
CURVE_MARGIN = 0.10
EARLY_S = 120.0


def parker_blood(minutes: np.ndarray) -> np.ndarray:
    """Return the population-averaged contrast concentration in arterial blood, mM, ``minutes`` after arrival."""
    t = np.asarray(minutes, float)
    gaussians = sum(
        area / (width * np.sqrt(2 * np.pi)) * np.exp(-((t - centre) ** 2) / (2 * width**2))
        for area, centre, width in zip(_AREAS_MM_MIN, _CENTRES_MIN, _WIDTHS_MIN, strict=True)
    )
    tail = _ALPHA_MM * np.exp(-_BETA_PER_MIN * t) / (1 + np.exp(-_S_PER_MIN * (t - _TAU_MIN)))
    return np.where(t < 0, 0.0, gaussians + tail)


class Tofts:
    """Extended Tofts model tabulated over the rate constant, so that maps of any size cost one interpolation.

    C(t) = Ktrans · (Cp ⊗ exp(−kep t)) + vp · Cp(t)

    Parameters
    ----------
    seconds
        Times after arrival of the contrast agent at which concentrations are wanted; below 0 means none has arrived.
    bolus
        Factor on the arterial input (dose, cardiac output).
    """

    _HIGHEST_KEP = 6.0  # per minute

    def __init__(self, seconds: Sequence[float], bolus: float = 1.0) -> None:
        self.seconds = tuple(seconds)
        wanted = np.clip(np.asarray(seconds, float), 0, None)
        step_min = 1.0 / 60
        fine = np.arange(0.0, wanted.max() / 60 + 2 * step_min, step_min)
        plasma = bolus * parker_blood(fine) / (1 - HEMATOCRIT)
        # Square-root spacing: the curve changes fastest at small rate constants.
        rates = np.linspace(0, np.sqrt(self._HIGHEST_KEP), 96) ** 2
        decay = np.exp(-rates * step_min)
        uptake = np.zeros((fine.size, rates.size))
        for i in range(1, fine.size):  # trapezium rule: what was there decays, half of each end is added
            uptake[i] = uptake[i - 1] * decay + 0.5 * step_min * (plasma[i] + plasma[i - 1] * decay)
        self._table = interp1d(fine * 60, uptake, axis=0)(wanted).astype(np.float32)
        self._plasma = np.interp(wanted, fine * 60, plasma).astype(np.float32)

    def concentration(self, index: int, ktrans: np.ndarray, kep: np.ndarray, vp: np.ndarray) -> np.ndarray:
        """Return concentration in mM at ``seconds[index]``; Ktrans and kep per minute, vp a fraction; any one shape."""
        table = self._table[index]
        position = np.sqrt(np.clip(kep, 0, self._HIGHEST_KEP * 0.99) / self._HIGHEST_KEP) * (table.size - 1)
        low = position.astype(np.int32)
        uptake = table[low] + (table[low + 1] - table[low]) * (position - low)
        return ktrans * uptake + vp * self._plasma[index]


@dataclass(frozen=True)
class Protocol:
    """A T1-weighted gradient-echo protocol: repetition time, flip angle, fat suppression."""

    name: str
    tr_ms: float
    flip_deg: float
    fat_suppressed: bool
    te_ms: float = 2.0

    def signal(self, t1_s: np.ndarray, concentration: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the spoiled steady-state signal relative to M0 (Ernst formula, T2* neglected); concentration in mM."""
        r1 = 1.0 / t1_s + RELAXIVITY_PER_S_MM * concentration
        recovery = np.exp(-self.tr_ms * 1e-3 * r1)
        alpha = np.deg2rad(self.flip_deg)
        return np.sin(alpha) * (1 - recovery) / (1 - np.cos(alpha) * recovery)


GRE_2D = Protocol("2D GRE TR 250 ms, 90°", 250.0, 90.0, False, 4.6)
SPGR_3D = Protocol("3D SPGR TR 7.4 ms, 10°, fat-suppressed", 7.4, 10.0, True, 4.2)


def delayed_change(signals: Sequence[float], seconds: Sequence[float]) -> float:
    """Return last signal over early peak, minus one.

    Parameters
    ----------
    signals
        Post-contrast signals.
    seconds
        Their times after arrival of the contrast agent; the early peak is the largest of the first two minutes (BI-RADS
        MRI lexicon), at least the first.
    """
    early = max(signal for i, (signal, t) in enumerate(zip(signals, seconds, strict=True)) if i == 0 or t <= EARLY_S)
    return signals[-1] / early - 1


def curve_type(pre: float, posts: Sequence[float], seconds: Sequence[float], margin: float = CURVE_MARGIN) -> str:
    """Return persistent, plateau or washout for noiseless signals, ``"none"`` below 15 % enhancement."""
    if max(posts) < 1.15 * pre:
        return "none"
    change = delayed_change(posts, seconds)
    if change > margin:
        return "persistent"
    return "washout" if change < -margin else "plateau"
