"""What readings of system 003 are worth: areas, pointing game, calibration, and curriculum against naive training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inference.training.curriculum.reading import NEAR_MM, BreastRead
from inference.training.statistics.calibration import Calibration, calibration
from inference.training.statistics.compare import Difference, difference_bootstrap
from inference.training.statistics.localisation import hit_rate
from inference.training.statistics.points import point_at
from inference.training.statistics.proportion import Proportion
from inference.training.statistics.roc import Area, area_with_interval
from inference.training.statistics.temperature import fit_temperature, logit, scaled

Reads = Sequence[BreastRead]


def truth_of(reads: Reads) -> np.ndarray:
    """Return 1 for malignant breasts and 0 for the others, (n,)."""
    return np.array([one.label for one in reads], float)


def scores_of(reads: Reads) -> np.ndarray:
    """Return the probabilities, (n,)."""
    return np.array([one.probability for one in reads])


def patients_of(reads: Reads) -> np.ndarray:
    """Return whose breasts they are, (n,)."""
    return np.array([one.seed for one in reads])


def area_of_breasts(reads: Reads) -> Area | None:
    """Return the area per breast with its interval over patients."""
    return area_with_interval(truth_of(reads), scores_of(reads), patients_of(reads))


def area_of_patients(reads: Reads) -> Area | None:
    """Return the area per patient, whose score is that of her more suspicious breast (SYSTEMS.md §1.4)."""
    names, which = np.unique(patients_of(reads), return_inverse=True)
    truth, score = np.zeros(len(names)), np.zeros(len(names))
    np.maximum.at(truth, which, truth_of(reads))
    np.maximum.at(score, which, scores_of(reads))
    return area_with_interval(truth, score, names)


def pointing(reads: Reads) -> Proportion:
    """Return in how many malignant breasts the map's maximum lies within 11 mm of a malignant lesion."""
    return hit_rate(np.array([one.hit for one in reads if one.hit is not None], bool))


def figures(reads: Reads, point: float) -> dict[str, Any]:
    """Return what a card holds about the readings of one set of breasts."""
    by_breast, by_patient = area_of_breasts(reads), area_of_patients(reads)
    table, pointed = point_at(truth_of(reads), scores_of(reads), point), pointing(reads)
    return {
        "auc_breast": None if by_breast is None else by_breast.as_dict(),
        "auc_exam_by_maximum": None if by_patient is None else round(by_patient.value, 3),
        "auc_exam": None if by_patient is None else by_patient.as_dict(),
        "sensitivity_breast": round(table.sensitivity.value, 3),
        "specificity_breast": round(table.specificity.value, 3),
        "pointing_game": {
            "hits": pointed.hits,
            "breasts": pointed.total,
            "interval_95": pointed.as_dict()["interval_95"],
            "tolerance_mm": NEAR_MM,
        },
    }


def measured(reads: Reads) -> dict[str, Any]:
    """Return the cells of a report's row: areas with intervals, and the pointing game."""
    found: dict[str, Any] = {}
    for name, one in (("breast", area_of_breasts(reads)), ("patient", area_of_patients(reads))):
        found[f"AUC {name}"] = "–" if one is None else one.value
        found[f"95 % ({name})"] = "–" if one is None else f"{one.low:.3f} to {one.high:.3f}"
    pointed = pointing(reads)
    return {**found, "map within 11 mm": f"{pointed.hits} of {pointed.total}"}


def advantage(curriculum: Reads, naive: Reads) -> Difference | None:
    """Return the area of the curriculum minus that of naive training on the same breasts, paired, over patients."""
    pairs = [{(one.seed, one.side): one for one in reads} for reads in (curriculum, naive)]
    if pairs[0].keys() != pairs[1].keys():
        raise ValueError("the two networks read different breasts")
    first = list(curriculum)
    second = [pairs[1][one.seed, one.side] for one in first]
    return difference_bootstrap(truth_of(first), scores_of(first), scores_of(second), patients_of(first))


def temperature_of(reads: Reads) -> float | None:
    """Return the temperature fitted to a validation side; None where a class is missing there."""
    truth = truth_of(reads)
    return fit_temperature(truth, logit(scores_of(reads))) if 0 < truth.sum() < len(truth) else None


def with_temperature(reads: Reads, temperature: float | None) -> np.ndarray:
    """Return probabilities after temperature scaling, (n,); as they are for None."""
    return scores_of(reads) if temperature is None else scaled(logit(scores_of(reads)), temperature)


def calibrated(reads: Reads, after: np.ndarray) -> tuple[dict[str, Any], Calibration, Calibration]:
    """Return for a card calibration as read and after temperatures fitted to other patients; and both themselves.

    Parameters
    ----------
    after
        (n,) probabilities after temperature scaling.
    """
    truth = truth_of(reads)
    plain, scaled_ = calibration(truth, scores_of(reads)), calibration(truth, after)
    content = {"temperature_fitted_on": "validation side", "before": plain.as_dict(), "after": scaled_.as_dict()}
    return content, plain, scaled_
