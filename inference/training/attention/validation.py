"""What a trained model is worth on patients it never saw: areas, score, pointing game, calibration, per image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from inference.families.mri_attention import CHECKPOINT_OF, OUTPUT_NAMES
from inference.nets.attention_resnet import Tail
from inference.prepare.mri_slice import SlicePreprocessing
from inference.training.attention.features import FeatureSet
from inference.training.attention.localisation import Pointed, point, pointed_rows
from inference.training.attention.score import areas, has_known_lesion, score_of
from inference.training.attention.slices import PHANTOM, Sample, mask_is_plausible
from inference.training.attention.tails import predict
from inference.training.statistics.calibration import calibration
from inference.training.statistics.localisation import pointing_hits
from inference.training.statistics.points import youden_point
from inference.training.statistics.roc import area_with_interval


def read_held_out(tails: Mapping[str, Tail], features: FeatureSet, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (n, 5), each output from its own checkpoint, and the detection checkpoint's attention."""
    predictions = {name: predict(tail, features, rows) for name, tail in tails.items()}
    scores = [predictions[CHECKPOINT_OF[name]][0][:, k] for k, name in enumerate(OUTPUT_NAMES)]
    return np.stack(scores, axis=1), predictions["detection"][1]


def points_of(
    samples: Sequence[Sample], features: FeatureSet, rows: np.ndarray, maps: np.ndarray, keys: SlicePreprocessing
) -> list[Pointed]:
    """Return where the maps (n, 8, 11) of the chosen rows point on the real slices among them that have a mask."""
    by_name = {sample.name: sample for sample in samples if sample.source != PHANTOM}
    found = []
    for name, cells in zip(features.name[rows].tolist(), maps, strict=True):
        sample = by_name.get(name)
        if sample is not None:
            plausible = mask_is_plausible(sample.image, sample.mask)
            found.append(point(sample, cells, keys, plausible=plausible))
    return [one for one in found if one is not None]


def summarise(
    features: FeatureSet, rows: np.ndarray, scores: np.ndarray, maps: np.ndarray, found: Sequence[Pointed] = ()
) -> dict[str, Any]:
    """Return the card's metrics.

    AUCs with n for phantoms, real and all slices; the pointing game per source on cells (the highest cell holds lesion,
    where its place is known) and on pixels next to the floor; calibration; operating points.
    """
    truth, source, patient = features.targets[rows], features.source[rows], features.patient[rows]
    cells, phantom = features.cells[rows], source == PHANTOM
    groups = (("phantom", phantom), ("real", ~phantom), ("all", phantom | ~phantom))
    pointing = {}
    for name in np.unique(source):
        chosen = (source == name) & has_known_lesion(cells)
        if chosen.any():
            hits = pointing_hits(maps[chosen], cells[chosen])
            patients = len(np.unique(patient[chosen]))
            pointing[str(name)] = {"hits": int(hits.sum()), "slices": len(hits), "patients": patients}
    score = score_of(areas(truth, scores))
    return {
        "auc": {group: _areas(truth[chosen], scores[chosen], patient[chosen]) for group, chosen in groups},
        "pointing_game": pointing,
        "pointing_real": pointed_rows(found),
        "challenge_score": None if np.isnan(score) else round(score, 3),
        "calibration": {
            name: calibration(truth[:, k], scores[:, k]).as_dict()
            for k, name in enumerate(OUTPUT_NAMES)
            if not np.isnan(truth[:, k]).all()
        },
        "operating_points": {name: youden_point(truth[:, k], scores[:, k]) for k, name in enumerate(OUTPUT_NAMES)},
    }


def _areas(truth: np.ndarray, scores: np.ndarray, patient: np.ndarray) -> dict[str, Any]:
    found = {name: area_with_interval(truth[:, k], scores[:, k], patient) for k, name in enumerate(OUTPUT_NAMES)}
    return {name: None if value is None else value.as_dict() for name, value in found.items()}
