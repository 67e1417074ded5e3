"""Patients held out: which epoch each checkpoint is taken from, and how good the model is on patients it never saw."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from inference.families.mri_attention import CHECKPOINT_OF, CHECKPOINTS, OUTPUT_NAMES
from inference.nets.attention_resnet import Tail
from inference.training.evaluate import challenge_score
from inference.training.features import FeatureSet
from inference.training.loop import Recipe, epochs, predict
from inference.training.statistics.localisation import pointing_hits
from inference.training.statistics.points import youden_point
from inference.training.statistics.roc import area, area_with_interval

_log = logging.getLogger(__name__)
# Of BreastDM's six groups two malignant ones of four slices: with another, or with the only benign one, too little of
# the largest real source would be left to learn from.
_BREASTDM_HELD_OUT = ("breastdm-4223", "breastdm-4289")
_ISPY1_HELD_OUT = 5  # of 20 patients


@dataclass(frozen=True)
class Validation:
    """What the held-out patients say.

    Attributes
    ----------
    tails
        For each checkpoint the tail at its best epoch.
    epochs
        That epoch, counted from 0 (before the tails part).
    scores
        Probabilities (n, 5) of the plain slices of held-out patients, each output from its own checkpoint.
    maps
        Attention (n, 8, 11) of the detection checkpoint.
    """

    tails: dict[str, Tail]
    epochs: dict[str, int]
    scores: np.ndarray
    maps: np.ndarray
    summary: dict[str, Any]


def held_out_patients(patients: Iterable[str], seed: int) -> frozenset[str]:
    """Return the real patients no weight is trained on: two of BreastDM, and five of I-SPY 1 drawn by the seed."""
    ispy1 = sorted({patient for patient in patients if patient.startswith("ispy1-")})
    drawn = np.random.default_rng(seed).permutation(ispy1)[:_ISPY1_HELD_OUT]
    return frozenset((*_BREASTDM_HELD_OUT, *drawn.tolist()))


def choose_checkpoints(tail: Tail, features: FeatureSet, held_out: frozenset[str], recipe: Recipe) -> Validation:
    """Train the tail on the other patients' features and keep for each task the epoch best on those held out."""
    unseen = np.isin(features.patient, sorted(held_out))
    rows = unseen & features.plain
    best: dict[str, tuple[float, int, Tail]] = {}

    def look(epoch: int, trained: Tail) -> None:
        quality = criteria(features, rows, *predict(trained, features, rows))
        _log.info("epoch %d: %s", epoch, {name: round(value, 3) for name, value in quality.items()})
        for name, value in quality.items():
            if name not in best or value > best[name][0]:
                best[name] = (value, epoch, copy.deepcopy(trained))

    look(0, tail)
    for epoch, trained in epochs(tail, features, ~unseen, recipe):
        look(epoch, trained)
    tails = {name: best[name][2] for name in CHECKPOINTS}
    predictions = {name: predict(chosen, features, rows) for name, chosen in tails.items()}
    scores = np.stack([predictions[CHECKPOINT_OF[name]][0][:, k] for k, name in enumerate(OUTPUT_NAMES)], axis=1)
    maps = predictions["detection"][1]
    taken = {name: best[name][1] for name in CHECKPOINTS}
    return Validation(tails, taken, scores, maps, summarise(features, rows, scores, maps))


def criteria(features: FeatureSet, rows: np.ndarray, scores: np.ndarray, maps: np.ndarray) -> dict[str, float]:
    """Return what each checkpoint is chosen by.

    Detection: mean of the AUC of lesion against normal and of the pointing-game hit rate, since its map is the one
    shown (the paper uses the AUC alone). Malignancy: its AUC. Characterisation: mean AUC of OB, IDC, OM.
    """
    truth = features.targets[rows]
    by_name = {name: area(truth[:, k], scores[:, k]) for k, name in enumerate(OUTPUT_NAMES)}
    placed = _has_known_lesion(features.cells[rows])
    hits = float(pointing_hits(maps[placed], features.cells[rows][placed]).mean())
    return {
        "detection": 0.5 * (by_name["normal"] + hits),
        "malignancy": by_name["malignant"],
        "characterisation": float(np.nanmean([by_name[name] for name in ("OB", "IDC", "OM")])),
    }


def summarise(features: FeatureSet, rows: np.ndarray, scores: np.ndarray, maps: np.ndarray) -> dict[str, Any]:
    """Return the card's metrics: AUCs with n for phantoms, real and all slices, and the pointing game per source."""
    truth, source, patient = features.targets[rows], features.source[rows], features.patient[rows]
    cells = features.cells[rows]
    phantom = source == "phantom"
    areas = {
        group: _areas(truth[chosen], scores[chosen], patient[chosen])
        for group, chosen in (("phantom", phantom), ("real", ~phantom), ("all", phantom | ~phantom))
    }
    pointing = {}
    for name in np.unique(source):
        chosen = (source == name) & _has_known_lesion(cells)
        if chosen.any():
            hits = pointing_hits(maps[chosen], cells[chosen])
            patients = len(np.unique(patient[chosen]))
            pointing[str(name)] = {"hits": int(hits.sum()), "slices": len(hits), "patients": patients}
    values = [area(truth[:, k], scores[:, k]) for k in range(len(OUTPUT_NAMES))]
    score = challenge_score(values[0], (values[1], values[2], values[3], values[4]))
    points = {name: youden_point(truth[:, k], scores[:, k]) for k, name in enumerate(OUTPUT_NAMES)}
    return {"auc": areas, "pointing_game": pointing, "challenge_score": round(score, 3), "operating_points": points}


def _areas(truth: np.ndarray, scores: np.ndarray, patient: np.ndarray) -> dict[str, Any]:
    found = {name: area_with_interval(truth[:, k], scores[:, k], patient) for k, name in enumerate(OUTPUT_NAMES)}
    return {name: None if value is None else value.as_dict() for name, value in found.items()}


def _has_known_lesion(cells: np.ndarray) -> np.ndarray:
    return np.nan_to_num(cells).max(axis=(1, 2)) > 0
