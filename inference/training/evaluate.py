"""The challenge score of system 000; areas and operating points are in :mod:`inference.training.statistics`."""

from __future__ import annotations


def challenge_score(malignancy: float, types: tuple[float, float, float, float]) -> float:
    """Return the score of paper 000, eq. 3: 0.6 · AUC of malignancy + 0.4 · mean AUC of MG, OB, IDC and OM.

    The equation is garbled in the text; this reading reproduces the printed 0.817 from the printed areas.
    """
    return 0.6 * malignancy + 0.4 * sum(types) / len(types)
