"""The challenge score of system 000, and what each of its three checkpoints is chosen by."""

from __future__ import annotations

import warnings

import numpy as np

from inference.families.mri_attention import OUTPUT_NAMES
from inference.training.attention.features import FeatureSet
from inference.training.statistics.localisation import pointing_hits
from inference.training.statistics.roc import area


def challenge_score(malignancy: float, types: tuple[float, float, float, float]) -> float:
    """Return the score of paper 000, eq. 3: 0.6 · AUC of malignancy + 0.4 · mean AUC of MG, OB, IDC and OM.

    The equation is garbled in the text; this reading reproduces the printed 0.817 from the printed areas.
    """
    return 0.6 * malignancy + 0.4 * sum(types) / len(types)


def areas(truth: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """Return the AUC of each output, NaN where a class is missing: truth and scores (n, 5)."""
    return {name: area(truth[:, k], scores[:, k]) for k, name in enumerate(OUTPUT_NAMES)}


def score_of(by_name: dict[str, float]) -> float:
    """Return the challenge score of the areas of the outputs; NaN where one is missing."""
    malignancy, *types = (by_name[name] for name in OUTPUT_NAMES)
    return challenge_score(malignancy, (types[0], types[1], types[2], types[3]))


def criteria(
    features: FeatureSet, rows: np.ndarray, scores: np.ndarray, maps: np.ndarray, *, strict: bool = False
) -> dict[str, float]:
    """Return what each checkpoint is chosen by.

    Detection: mean of the AUC of lesion against normal and of the pointing-game hit rate, since its map is the one
    shown (the paper, ``strict``, uses the AUC alone). Malignancy: its AUC. Characterisation: mean AUC of OB, IDC, OM.
    """
    by_name = areas(features.targets[rows], scores)
    cells = features.cells[rows]
    placed = has_known_lesion(cells)
    detection = by_name["normal"]
    if not strict and placed.any():
        detection = 0.5 * (detection + float(pointing_hits(maps[placed], cells[placed]).mean()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # no type known: NaN
        types = float(np.nanmean([by_name[name] for name in ("OB", "IDC", "OM")]))
    return {"detection": detection, "malignancy": by_name["malignant"], "characterisation": types}


def has_known_lesion(cells: np.ndarray) -> np.ndarray:
    """Return which slices have a lesion whose place is known: cells (n, rows, columns)."""
    return np.nan_to_num(cells).max(axis=(1, 2)) > 0
