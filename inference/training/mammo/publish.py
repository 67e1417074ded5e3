"""Write system 001's trained tails as weights in 16 bits and a card that says what they were made of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

import resources
from inference.card import FILE_NAME, load_card
from inference.families.mammo_patches import TAILS_FILE, load
from inference.prepare.mammogram import MammogramPreprocessing
from inference.training.mammo.check import phantom_scores
from inference.training.mammo.dataset import MODULES
from inference.training.mammo.recipe import BASELINE, Recipe
from inference.training.mammo.trunk import SHARED_FILE, SHARED_MODEL
from inference.training.request import Request

MODEL_ID = "mammo-patches-001"
NOTE = "provisional, trained on 130 women's screen-film mammograms"
TITLES = {"nodule": "Malignant nodule", "calcification": "Malignant microcalcifications"}
_LICENCE = (
    "Derived from ImageNet weights (MIT, Copyright (c) 2019 Paul Spende), from the trunk of mri-attention-000 (its "
    "card names its sources) and from the mini-MIAS films (research only, never redistributed; Suckling J et al. 1994, "
    "The Mammographic Image Analysis Society Digital Mammogram Database). Demonstration and research only; not for "
    "clinical or commercial use."
)
_METHOD = (
    "Cross-validation by patient: every score behind a metric, a ROC curve or a cut-off was given by a "
    "tail that saw no film of that woman. The bundled tails were then trained in the same way on all 130 women, so no "
    "figure here is theirs on unseen women. The shared trunk never saw a mammogram."
)
_FITTED = (
    "layer4.2 is ImageNet's, unchanged; only the classifier was fitted, by logistic regression on pooled features "
    "(the paper trains the whole network for 7 and 6 epochs)."
)
_TUNED = "layer4.2 and the classifier were trained, starting from ImageNet's and from a logistic regression."
_REMARKS = (
    "mini-MIAS: 260 screen-film MLO views of 130 women, 8 bits, 0.2 mm per pixel. They are enlarged 4 times to 4096 "
    "rows: more than the factor of 2 from which SYSTEMS.md asks to flag or refuse. This is flagged, not refused.",
    "No CC view, no digital detector and no implant was trained on.",
    "On the one digital exam at hand (nyu-density-exam, no cancer known) microcalcifications were marked in all four "
    "views, 0.95 to 1.00: on digital mammograms it must not be believed.",
    "Calcifications smaller than 0.2 mm cannot be seen in these films at all: the calcification module is weak.",
    "A lesion is the circle MIAS draws around it, not an outline: shares of a lesion are shares of that circle.",
    "Case images have a malignant lesion (severity M) of the module's classes, control images no lesion at all. Films "
    "with benign lesions, or with malignant ones of the other module, were neither trained on nor scored: the model "
    "never learned to tell benign from malignant.",
    "Films with a lesion whose place MIAS does not give are scored as images and not trained on.",
    "Turned windows are quarter turns and mirror images (paper: rotation and translation; amounts not given).",
    "A cluster wider than window minus stride is a case also where it covers a quarter of the window (SYSTEMS.md [R]).",
    "Layers up to layer4.1 are the trunk of mri-attention-000, unchanged.",
)


@dataclass(frozen=True)
class Evidence:
    """All a card says about how the model was made and measured.

    Attributes
    ----------
    metrics, grading
        Per module, as JSON values: areas with intervals; cut-offs and ROC for ``interpretation``.
    data
        Of :func:`inference.training.mammo.counts.data_of`.
    """

    metrics: Mapping[str, Any]
    grading: Mapping[str, Any]
    data: Mapping[str, Any]
    recipe: Recipe
    request: Request
    keys: MammogramPreprocessing
    seconds: float


def command_of(request: Request, recipe: Recipe) -> str:
    """Return the command that gives the same model again; WORK is any empty folder."""
    seed = f" --seed {recipe.seed}"
    folds = f" --folds {request.folds}" if request.folds else ""
    plain = {"device": "auto", "precision": "auto", "accumulate": 1}
    others = {name: getattr(request.settings, name) for name in plain}
    settings = "".join(f" --{name} {value}" for name, value in others.items() if value != plain[name])
    changes = "".join(f" --set {name}={value}" for name, value in request.changes.items())
    out = f" --out resources/models/{MODEL_ID}"
    return f"breastlens train 001 --data ../shared/data --work WORK{seed}{folds}{settings}{changes}{out}"


def publish(folder: Path, tails: Mapping[str, nn.Module], evidence: Evidence) -> None:
    """Write weights and card, read both back as inference does, and add the scores of a phantom to the card.

    Raises
    ------
    CardError
        Where they cannot be read back.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        f"{module}.{key}": tensor.detach().to(torch.float16).contiguous()
        for module, tail in tails.items()
        for key, tensor in tail.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    save_file(state, folder / TAILS_FILE)
    (folder / TAILS_FILE).chmod(0o644)  # safetensors writes files only the owner can read
    content = card_content(folder, evidence)
    _write(folder, content)
    model = load(load_card(folder), "cpu")
    content["training"]["check"] = phantom_scores(model.trunk, model.tails, evidence.keys)
    _write(folder, content)


def _write(folder: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")


def card_content(folder: Path, evidence: Evidence) -> dict[str, Any]:
    """Return the card as JSON values."""
    return {
        "id": MODEL_ID,
        "family": "mammo_patches",
        "version": "0.1.0-provisional",
        "title": "Mammography windows, two modules (system 001)",
        "paper": "Prediction and location of malignant nodules and microcalcifications in mammography via Deep "
        "Learning (quantusMM; medRxiv 10.1101/2022.10.11.22280939). The weights are not the paper's.",
        "note": NOTE,
        "accepts": {
            "exam": "Mammogram",
            "modality": ["MG", "CR", "DX", "RG"],
            "views": ["CC", "MLO"],
            "for_processing": False,
            "implants": False,
            "partial": False,
            "synthetic": False,
            "in_plane_mm": [0.02, 0.5],
            "least_field_mm": 60,
        },
        "preprocessing": {"preset": "default", **asdict(evidence.keys)},
        "outputs": [
            {"name": module, "title": TITLES[module], "operating_point": evidence.grading[module]["operating_point"]}
            for module in MODULES
        ],
        "interpretation": {
            "grading": {
                module: {key: value for key, value in entry.items() if key != "operating_point"}
                for module, entry in evidence.grading.items()
            },
        },
        "training": _training(evidence),
        "metrics": {
            "method": _METHOD,
            "command": command_of(evidence.request, evidence.recipe),
            **evidence.metrics,
        },
        "weights": [_shared(), {"file": TAILS_FILE, **_fingerprint(folder / TAILS_FILE)}],
        "licence": _LICENCE,
    }


def _training(evidence: Evidence) -> dict[str, Any]:
    return {
        "data": evidence.data,
        "remarks": [*_REMARKS, *_how(evidence)],
        "recipe": asdict(evidence.recipe),
        "labels": asdict(evidence.recipe.labels),
        "extra_windows": asdict(evidence.recipe.extras),
        "minutes": round(evidence.seconds / 60, 1),
        "torch": torch.__version__,
    }


def _how(evidence: Evidence) -> list[str]:
    """Return for each module how its tail came about."""
    fitted = {
        module: metrics["bundled"] == BASELINE or not evidence.recipe.epochs(module)
        for module, metrics in evidence.metrics.items()
    }
    return [f"{module.capitalize()} module: {_FITTED if is_fitted else _TUNED}" for module, is_fitted in fitted.items()]


def _shared() -> dict[str, Any]:
    path = resources.folder("models") / SHARED_MODEL / SHARED_FILE
    return {"file": SHARED_FILE, "model": SHARED_MODEL, **_fingerprint(path)}


def _fingerprint(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
