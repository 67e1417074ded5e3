"""Write weights of system 003 in 16 bits and a card that says what they are worth."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from inference.card import FILE_NAME, load_card
from inference.families.mri_curriculum import OUTPUT, WEIGHTS_FILE, load
from inference.nets.curriculum_resnet import CurriculumResNet
from inference.phantoms import GENERATOR_VERSION
from inference.prepare.breast_crop import BreastPreprocessing
from inference.training.curriculum.measures import (
    advantage,
    calibrated,
    figures,
    scores_of,
    temperature_of,
    truth_of,
    with_temperature,
)
from inference.training.curriculum.networks import Trained
from inference.training.curriculum.reading import BreastRead
from inference.training.curriculum.recipe import Recipe
from inference.training.split_sets import SIDES, Splits
from inference.training.statistics.points import youden_point
from inference.training.statistics.reliability_plot import reliability_svg

MODEL = "mri-curriculum-003"
NOTE = "provisional, trained on phantoms: DEMO"
_METHOD = (
    "phantom examinations with seed % 4 = 3, never trained on nor used to choose anything; the operating point is the "
    "Youden point of other examinations (seed % 8 = 2), which chose the epoch as well. Intervals by bootstrap over "
    "examinations, which stand for patients. Phantoms are not patients: these numbers say that the program learns and "
    "reads what it was taught, nothing about women."
)


@dataclass(frozen=True)
class Evidence:
    """All a card says about how the model was made and measured.

    Attributes
    ----------
    trained
        As published (:func:`rounded`).
    validation, held_out, without_t2
        Readings of the validation side, and of the breasts held out with and without T2.
    naive
        Readings of the breasts held out by naive training; None where it was left out.
    breasts
        How many were trained on.
    folds
        Of a cross-validation of the same recipe, None where there was none.
    """

    trained: Trained
    recipe: Recipe
    splits: Splits
    command: str
    validation: Sequence[BreastRead]
    held_out: Sequence[BreastRead]
    without_t2: Sequence[BreastRead]
    naive: Sequence[BreastRead] | None
    breasts: int
    device: str = "cpu"
    folds: dict[str, Any] | None = None


def rounded(network: CurriculumResNet) -> CurriculumResNet:
    """Round the weights to 16 bits in place: measured as shipped."""
    network.load_state_dict({key: value.half().float() for key, value in network.state_dict().items()})
    return network


def publish(folder: Path, evidence: Evidence) -> dict[str, Any]:
    """Write weights and card, then read them back as inference does; return the card's content.

    Raises
    ------
    CardError
        Where they cannot be read back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    half = {key: value.half().contiguous() for key, value in evidence.trained.network.state_dict().items()}
    save_file(half, folder / WEIGHTS_FILE)
    (folder / WEIGHTS_FILE).chmod(0o644)  # safetensors writes files only the owner can read
    content = card_content(folder, evidence)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")
    load(load_card(folder), "cpu")
    return content


def card_content(folder: Path, evidence: Evidence) -> dict[str, Any]:
    """Return the card as JSON values."""
    weights = (folder / WEIGHTS_FILE).read_bytes()
    point = operating_point(evidence.validation)
    tops = [one.top for one in evidence.validation if one.label] or [one.top for one in evidence.held_out]
    return {
        "id": MODEL,
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
        "interpretation": {"map_top": round(float(np.percentile(tops, 75)), 3)},
        "outputs": [{"name": OUTPUT, "title": "Malignant", "operating_point": round(point, 4)}],
        "training": _training(evidence),
        "metrics": {"method": _METHOD, "command": evidence.command, **_metrics(evidence, point)},
        "weights": [{"file": WEIGHTS_FILE, "sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}],
        "licence": "Demonstration only: trained from random weights on synthetic phantoms of this program, under the "
        "program's own licence. Not for clinical use.",
    }


def operating_point(validation: Sequence[BreastRead]) -> float:
    """Return the Youden point of the validation side, ½ where a class is missing there."""
    return youden_point(truth_of(validation), scores_of(validation)) or 0.5


def _metrics(evidence: Evidence, point: float) -> dict[str, Any]:
    found: dict[str, Any] = {
        "with_t2": figures(evidence.held_out, point),
        "without_t2": figures(evidence.without_t2, point),
    }
    if evidence.naive is not None:
        found["naive_same_voxels_with_t2"] = figures(evidence.naive, 0.5)["auc_breast"]
        better = advantage(evidence.held_out, evidence.naive)
        found["acceptance"] = {
            "curriculum": found["with_t2"]["auc_breast"],
            "naive": found["naive_same_voxels_with_t2"],
            "curriculum_minus_naive": None if better is None else better.as_dict(),
        }
    temperature = temperature_of(evidence.validation)
    content, before, after = calibrated(evidence.held_out, with_temperature(evidence.held_out, temperature))
    found["calibration"] = {"temperature": None if temperature is None else round(temperature, 4), **content}
    found["calibration_plot"] = reliability_svg(after, before, "Malignant breasts")
    if evidence.folds is not None:
        found["cross_validation"] = evidence.folds
    return found


def _training(evidence: Evidence) -> dict[str, Any]:
    trained, split = evidence.trained, evidence.splits.splits[0]
    return {
        "orientation": ["axial"],
        "data": {
            "phantom": {
                "generator_version": GENERATOR_VERSION,
                "breasts_trained": evidence.breasts,
                "breasts_operating_point": len(evidence.validation),
                "breasts_held_out": len(evidence.held_out),
                "patients": sum(len(side) for side in (split.train, split.validation, split.test)),
            }
        },
        "recipe": asdict(evidence.recipe),
        "epochs_kept": list(trained.epochs),
        "seconds": round(trained.seconds, 1),
        "device": evidence.device,
        "patches_per_s": round(trained.patches_per_s, 2),
        "breasts_per_s": round(trained.breasts_per_s, 3),
        "splits": {"method": evidence.splits.method, **{side: list(getattr(split, side)) for side in SIDES}},
        "remarks": [
            "Phantoms only: no patient was trained on.",
            "Both stages are far shorter than the paper's (50 and 100 epochs) and their learning rates higher.",
            "T2 is left out at random in training (t2_dropout), so that the model can be used without it.",
            "The naive network starts from random weights, sees whole breasts only and as many voxels in all.",
            "Only the epoch and the operating point were chosen, both on the validation side.",
            "Scores are shown as the network gives them, not divided by the temperature.",
        ],
        "torch": torch.__version__,
    }
