"""Temperature scaling: logits divided by one number, so that probabilities are calibrated and their order stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.training.statistics.calibration import BINS, Calibration, calibration

TEMPERATURES = (0.01, 100.0)  # the fit stays within; a separable set would want 0
_FOLDS = 5
_NEAREST = 1e-6  # to 0 and 1, of probabilities turned into logits: float32 saturates there


def logit(probability: np.ndarray) -> np.ndarray:
    """Return log(p / (1 − p)); probabilities nearer than 1e-6 to 0 or 1 count as that near."""
    p = np.clip(np.asarray(probability, np.float64), _NEAREST, 1 - _NEAREST)
    return np.log(p) - np.log1p(-p)


def scaled(logits: np.ndarray, temperature: float) -> np.ndarray:
    """Return probabilities of logits divided by a temperature; above 1 draws them towards ½, order stays."""
    from scipy.special import expit

    return expit(np.asarray(logits, np.float64) / temperature)


def fit_temperature(truth: np.ndarray, logits: np.ndarray) -> float:
    """Return the temperature of the least log loss (Guo et al., ICML 2017, §4.2), from 0.01 to 100.

    Parameters
    ----------
    truth
        (n,) of cases.
    logits
        (n,) of disease; of two softmax outputs the difference, diseased − healthy.
    """
    from scipy.optimize import minimize_scalar

    known = ~np.isnan(truth)
    sick, values = truth[known] > 0, np.asarray(logits, np.float64)[known]
    bounds = tuple(np.log(TEMPERATURES))
    found: Any = minimize_scalar(
        lambda log_t: _loss(sick, values / np.exp(log_t)), bounds=bounds, method="bounded", options={"xatol": 1e-6}
    )
    return float(np.exp(found.x))


def _loss(sick: np.ndarray, logits: np.ndarray) -> float:
    return float(np.mean(np.logaddexp(0.0, logits) - sick * logits))


@dataclass(frozen=True)
class TemperatureScaling:
    """Calibration before and after.

    Attributes
    ----------
    temperature
        Fitted to all cases: the one to bundle.
    after
        Of cases whose temperature was fitted to other patients.
    """

    temperature: float
    before: Calibration
    after: Calibration

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds."""
        return {
            "temperature": round(self.temperature, 4),
            "before": self.before.as_dict(),
            "after": self.after.as_dict(),
        }


def temperature_scaling(
    truth: np.ndarray, logits: np.ndarray, patient: np.ndarray, folds: int = _FOLDS, bins: int = BINS
) -> TemperatureScaling:
    """Return the temperature of all cases, and calibration with temperatures of other folds of patients.

    Parameters
    ----------
    truth, logits, patient
        (n,) of cases; see :func:`fit_temperature`.
    folds
        By patient, stratified, seeded; each class needs as many cases.

    Raises
    ------
    ValueError
        Where a class has fewer cases than there are folds.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    known = ~np.isnan(truth)
    truth, logits, patient = truth[known], np.asarray(logits, np.float64)[known], patient[known]
    after = np.empty(len(truth))
    parts = StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(logits[:, None], truth > 0, patient)
    for others, held_out in parts:
        after[held_out] = scaled(logits[held_out], fit_temperature(truth[others], logits[others]))
    before = calibration(truth, scaled(logits, 1.0), bins)
    return TemperatureScaling(fit_temperature(truth, logits), before, calibration(truth, after, bins))
