"""Measure what was trained of system 003 and write weights in 16 bits and a card that says what they are worth."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from inference.card import FILE_NAME, load_card
from inference.families.mri_curriculum import OUTPUT, WEIGHTS_FILE, load
from inference.phantoms import GENERATOR_VERSION
from inference.prepare.breast_crop import BreastPreprocessing
from inference.training.breast_data import Breast, Images
from inference.training.curriculum_stages import Readings, Run, read
from inference.training.statistics.points import youden_point
from inference.training.statistics.roc import area, area_with_interval

_log = logging.getLogger(__name__)
NOTE = "provisional, trained on phantoms: DEMO"
COMMAND = "python -m inference.training.curriculum WORK --out resources/models/mri-curriculum-003"
NEAR_MM = 11.0  # half a cell of the map in the plane (16 network voxels of 0.67 mm)
_METHOD = (
    "phantom examinations with seed % 4 = 3, never trained on nor used to choose anything; the operating point is the "
    "Youden point of other examinations (seed % 8 = 2). Intervals by bootstrap over examinations. Phantoms are not "
    "patients: these numbers say that the program learns and reads what it was taught, nothing about women."
)


@dataclass(frozen=True)
class Evidence:
    """All a card says about how the model was made and measured."""

    run: Run
    naive: Run | None
    validation: list[Breast]
    held_out: list[Breast]
    images: Images
    trained: int


def publish(folder: Path, evidence: Evidence) -> None:
    """Write weights and card, then read them back as inference does; raises CardError where that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    half = {key: value.half() for key, value in evidence.run.network.state_dict().items()}
    save_file({key: value.contiguous() for key, value in half.items()}, folder / WEIGHTS_FILE)
    (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors writes files only the owner can read
    evidence.run.network.load_state_dict({key: value.float() for key, value in half.items()})  # measured as shipped
    content = json.dumps(card_content(folder, evidence), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / FILE_NAME).write_text(content + "\n", encoding="utf-8")
    load(load_card(folder), "cpu")


def card_content(folder: Path, evidence: Evidence) -> dict[str, Any]:
    """Return the card as JSON values; reads every breast of both sets."""
    weights = (folder / WEIGHTS_FILE).read_bytes()
    chosen = _read(evidence.run, evidence.validation, evidence.images, with_t2=True)
    point = youden_point(_truth(evidence.validation), chosen.probability)
    malignant = _truth(evidence.validation) == 1
    return {
        "id": "mri-curriculum-003",
        "family": "mri_curriculum",
        "version": "0.1.0-provisional",
        "title": "Multi-scale curriculum, whole breasts (system 003)",
        "paper": "Haarburger C. et al., Multi Scale Curriculum CNN for Context-Aware Breast MRI Malignancy "
        "Classification, MICCAI 2019, arXiv 1906.06058. The weights are not the paper's.",
        "note": NOTE,
        "accepts": {
            "exam": "DceExam",
            "modality": ["MR"],
            "orientation": ["axial", "sagittal"],
            "in_plane_mm": [0.3, 2.5],
            "slice_mm": [0.5, 6.0],
            "least_slices": 10,
            "least_posts": 4,
            "needs_pre": True,
            "needs_t2": False,
        },
        "preprocessing": {"preset": "default", **asdict(BreastPreprocessing())},
        "interpretation": {"map_top": round(float(np.percentile(chosen.top[malignant], 75)), 3)},
        "outputs": [{"name": OUTPUT, "title": "Malignant", "operating_point": round(point or 0.5, 4)}],
        "training": _training(evidence),
        "metrics": {"method": _METHOD, "command": COMMAND, **_metrics(evidence, point or 0.5)},
        "weights": [{"file": WEIGHTS_FILE, "sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}],
        "licence": "Demonstration only: trained from random weights on synthetic phantoms of this program, under the "
        "program's own licence. Not for clinical use.",
    }


def _metrics(evidence: Evidence, point: float) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, with_t2 in (("with_t2", True), ("without_t2", False)):
        readings = _read(evidence.run, evidence.held_out, evidence.images, with_t2=with_t2)
        found[name] = _figures(evidence.held_out, readings, point)
    if evidence.naive is not None:
        readings = _read(evidence.naive, evidence.held_out, evidence.images, with_t2=True)
        found["naive_same_voxels_with_t2"] = _figures(evidence.held_out, readings, 0.5)["auc_breast"]
        found["acceptance"] = {
            "curriculum": found["with_t2"]["auc_breast"],
            "naive": found["naive_same_voxels_with_t2"],
        }
    _log.info("held out: %s", found)
    return found


def _figures(breasts: Sequence[Breast], readings: Readings, point: float) -> dict[str, Any]:
    """Return AUCs of breasts and examinations, sensitivity and specificity, and how often the map points right."""
    truth, seeds = _truth(breasts), np.array([breast.seed for breast in breasts])
    by_breast = area_with_interval(truth, readings.probability, seeds)
    by_exam = [(truth[seeds == s].max(), readings.probability[seeds == s].max()) for s in np.unique(seeds)]
    exams, scores = (np.array(column, float) for column in zip(*by_exam, strict=True))
    positive = readings.probability >= point
    hits = [
        _points_at_cancer(breast, place) for breast, place in zip(breasts, readings.place, strict=True) if breast.label
    ]
    exam_area = area(exams, scores)
    return {
        "auc_breast": None if by_breast is None else by_breast.as_dict(),
        "auc_exam_by_maximum": None if np.isnan(exam_area) else round(exam_area, 3),
        "sensitivity_breast": round(float(positive[truth == 1].mean()), 3),
        "specificity_breast": round(float(1 - positive[truth == 0].mean()), 3),
        "pointing_game": {"hits": int(sum(hits)), "breasts": len(hits), "tolerance_mm": NEAR_MM},
    }


def _points_at_cancer(breast: Breast, place: np.ndarray) -> bool:
    """Whether the map's maximum lies in a malignant lesion, give or take half a cell."""
    away = [
        float(np.linalg.norm((np.array(centre) - place) * breast.spacing_mm)) - radius
        for centre, bad, radius in zip(breast.centres, breast.malignant, breast.radii_mm, strict=True)
        if bad
    ]
    return min(away) <= NEAR_MM


def _read(run: Run, breasts: Sequence[Breast], images: Images, *, with_t2: bool) -> Readings:
    return read(run.network, breasts, images, with_t2=with_t2)


def _truth(breasts: Sequence[Breast]) -> np.ndarray:
    return np.array([breast.label for breast in breasts], float)


def _training(evidence: Evidence) -> dict[str, Any]:
    return {
        "orientation": ["axial"],
        "data": {
            "phantom": {
                "generator_version": GENERATOR_VERSION,
                "breasts_trained": evidence.trained,
                "breasts_operating_point": len(evidence.validation),
                "breasts_held_out": len(evidence.held_out),
            }
        },
        "recipe": asdict(evidence.run.recipe),
        "steps_done": {"stage": evidence.run.stage, "step": evidence.run.step},
        "remarks": [
            "Phantoms only: no patient was trained on.",
            "Both stages are far shorter than the paper's (50 and 100 epochs) and their learning rates higher.",
            "T2 is left out at random in training (t2_dropout), so that the model can be used without it.",
            "The naive network starts from random weights, sees whole breasts only and as many voxels in all.",
        ],
        "torch": torch.__version__,
    }
