"""Covariance of areas under ROC curves of the same cases: DeLong's by midranks, Obuchowski's where patients repeat.

scikit-learn and scipy have neither, and what PyPI offers besides is one-person packages; hence these few lines.
"""

from __future__ import annotations

import numpy as np


def areas_and_covariance(
    truth: np.ndarray, scores: np.ndarray, patient: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return areas and their covariance for several scores of the same cases.

    Parameters
    ----------
    truth
        (n,) 1 and 0, both present, nothing unknown.
    scores
        (models, n).
    patient
        (n,) whose case it is: cases of a patient are correlated (Obuchowski, Biometrics 1997;53:567). Without it each
        case is a patient of its own, which is DeLong's estimate (DeLong et al., Biometrics 1988;44:837).

    Returns
    -------
    areas
        (models,); ties count ½.
    covariance
        (models, models); NaN where fewer than two patients have diseased cases, or fewer than two others.

    Notes
    -----
    Placements come from midranks, in n log n (Sun and Xu, IEEE Signal Process Lett 2014;21:1389).
    """
    sick = truth > 0
    m, n = np.count_nonzero(sick), np.count_nonzero(~sick)
    placed = _placements(sick, scores)
    areas = placed[:, sick].mean(axis=1)
    names, which = np.unique(np.arange(len(truth)) if patient is None else patient, return_inverse=True)
    deviation = placed - areas[:, None]
    of_sick = _sums(np.where(sick, deviation, 0.0), which, len(names)) / m
    of_well = _sums(np.where(sick, 0.0, deviation), which, len(names)) / n
    with_sick, with_well = len(np.unique(which[sick])), len(np.unique(which[~sick]))
    if min(with_sick, with_well) < 2:
        return areas, np.full((len(scores), len(scores)), np.nan)
    cross = of_sick @ of_well.T
    covariance = _unbiased(with_sick) * of_sick @ of_sick.T + _unbiased(with_well) * of_well @ of_well.T
    return areas, covariance + _unbiased(len(names)) * (cross + cross.T)


def _placements(sick: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return for each case the share of the other class that it is rightly above (diseased) or below (others)."""
    from scipy.stats import rankdata

    m, n = np.count_nonzero(sick), np.count_nonzero(~sick)
    ranks = rankdata(scores, axis=1)
    placed = np.empty(scores.shape)
    placed[:, sick] = (ranks[:, sick] - rankdata(scores[:, sick], axis=1)) / n
    placed[:, ~sick] = 1 - (ranks[:, ~sick] - rankdata(scores[:, ~sick], axis=1)) / m
    return placed


def _sums(values: np.ndarray, which: np.ndarray, patients: int) -> np.ndarray:
    """Return sums by patient, (models, patients)."""
    return np.stack([np.bincount(which, row, patients) for row in values])


def _unbiased(count: int) -> float:
    return count / (count - 1)
