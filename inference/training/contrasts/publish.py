"""Write a trained model of system 002: weights in 16 bits and a card that says what it was made of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from inference.card import FILE_NAME, load_card
from inference.families.mri_contrasts import CUT_OFF, OUTPUT, load
from inference.nets.contrast_resnet import ContrastResNet
from inference.phantoms import GENERATOR_VERSION
from inference.prepare.contrast_settings import ContrastPreprocessing
from inference.training.contrasts.patches import LesionSamples
from inference.training.contrasts.recipe import Recipe
from inference.training.contrasts.table import SubsetArea, by_time_points
from inference.training.split_sets import SIDES, Splits
from inference.training.statistics.calibration import calibration
from inference.training.statistics.reliability_plot import reliability_svg
from inference.training.statistics.temperature import logit, temperature_scaling

MODEL = "mri-contrasts-002"
WEIGHTS = "resnet34.safetensors"
NOTE = "provisional, trained on phantoms: DEMO"
EXAMS_COMMAND = "python -m inference.training.phantom_exams EXAMS --first 10000 --count 160"
_METHOD = (
    "lesions of held-out phantom examinations (seed % 4 == 3), highest slice of each; intervals: bootstrap over "
    "examinations; the ranking itself was made on them, so the first ranks are optimistic, and most differences "
    "between neighbours are within chance"
)
_REMARKS = (
    "No patient was seen: the figures say how well the network tells phantoms apart, and nothing about patients.",
    "One network for all 35 subsets, a random one per sample; the paper trains one network per subset.",
    "Nothing was chosen on the held-out examinations but the order of the subsets; the last weights are published.",
    "The operating point is the paper's 0.5, not tuned.",
)
_STARTS = {
    "scratch": "The paper's network starts from ImageNet; no ImageNet weights of ResNet-34 were to be had, so this one "
    "starts at random.",
    "torchvision": "It starts from torchvision's ImageNet weights of ResNet-34, as in the paper.",
}


@dataclass(frozen=True)
class Evidence:
    """All a card says about how a model was made and measured.

    Attributes
    ----------
    best
        Lesions held out as the first subset of the table reads them: seed, whether malignant, score.
    speed
        Seconds of training, images per second, device.
    search
        Of a search of the same recipe, None where there was none.
    """

    lesions: tuple[LesionSamples, ...]
    table: tuple[SubsetArea, ...]
    recipe: Recipe
    settings: ContrastPreprocessing
    splits: Splits
    command: str
    best: tuple[tuple[int, bool, float], ...]
    speed: dict[str, Any] = field(default_factory=dict)
    search: dict[str, Any] | None = None


def publish(folder: Path, network: ContrastResNet, evidence: Evidence) -> None:
    """Write weights and card, then read them back as inference does; raises CardError where that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        key: tensor.detach().to(torch.float16).contiguous()
        for key, tensor in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    save_file(state, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)  # safetensors writes files only the owner can read
    content = json.dumps(card_content(folder, evidence), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / FILE_NAME).write_text(content + "\n", encoding="utf-8")
    load(load_card(folder), "cpu")


def card_content(folder: Path, evidence: Evidence) -> dict[str, Any]:
    """Return the card as JSON values."""
    weights = (folder / WEIGHTS).read_bytes()
    best = evidence.table[0]
    return {
        "id": MODEL,
        "family": "mri_contrasts",
        "version": "0.1.0-provisional",
        "title": "Lesion patches, three of seven contrasts (system 002)",
        "paper": "Haarburger et al., Transfer Learning for Breast Cancer Malignancy Classification based on Dynamic "
        "Contrast-Enhanced MR Images, BVM 2018 (10.1007/978-3-662-56537-7_61). The weights are not the paper's.",
        "note": NOTE,
        "accepts": {
            "exam": "DceExam",
            "modality": ["MR"],
            "orientation": ["axial"],
            "in_plane_mm": [0.3, 1.6],
            "slice_mm": [0.8, 6.0],
            "needs_pre": True,
            "least_posts": 1,
            "needs_lesions": True,
        },
        "preprocessing": {"preset": "default", **asdict(evidence.settings)},
        "outputs": [{"name": OUTPUT, "title": "Malignant", "operating_point": CUT_OFF}],
        "interpretation": {"subsets": [one.as_dict() for one in evidence.table]},
        "training": _training(evidence),
        "metrics": {
            "method": _METHOD,
            "command": evidence.command,
            "best_subset": best.as_dict(),
            "by_time_points": by_time_points(evidence.table),
            **_calibration(evidence),
            **({} if evidence.search is None else {"search": evidence.search}),
        },
        "weights": [{"file": WEIGHTS, "sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}],
        "licence": "Apache-2.0: trained on phantoms of this program alone. Demonstration only, not for clinical use.",
    }


def _calibration(evidence: Evidence) -> dict[str, Any]:
    """Return calibration of the first subset on the lesions held out, with temperatures fitted to other patients."""
    seeds, truth, scores = (np.array(column, float) for column in zip(*evidence.best, strict=True))
    try:
        found = temperature_scaling(truth, logit(scores), seeds)
    except ValueError:  # fewer lesions of a class than folds
        plain = calibration(truth, scores)
        return {"calibration": {"before": plain.as_dict()}, "calibration_plot": reliability_svg(plain)}
    plot = reliability_svg(found.after, found.before, "Malignant lesions")
    return {"calibration": found.as_dict(), "calibration_plot": plot}


def _training(evidence: Evidence) -> dict[str, Any]:
    data: dict[str, Any] = {"generator_version": GENERATOR_VERSION, "command": EXAMS_COMMAND}
    for name, held_out in (("train", False), ("held_out", True)):
        lesions = [one for one in evidence.lesions if one.is_held_out == held_out]
        data[name] = {
            "examinations": len({one.seed for one in lesions}),
            "lesions": len(lesions),
            "malignant": sum(one.malignant for one in lesions),
            "patches": sum(len(one.images) for one in lesions),
        }
    return {
        "data": {"phantom": data},
        "splits": {
            "method": evidence.splits.method,
            **{side: list(getattr(evidence.splits.splits[0], side)) for side in SIDES},
        },
        "remarks": [_REMARKS[0], _STARTS[evidence.recipe.init], *_REMARKS[1:]],
        "recipe": {**asdict(evidence.recipe), "weights": Path(evidence.recipe.weights).name},
        **evidence.speed,
        "torch": torch.__version__,
    }
