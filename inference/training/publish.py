"""Write a trained model of system 000 as weights in 16 bits and a card that says what it was made of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from inference.card import FILE_NAME, load_card
from inference.families.mri_attention import CHECKPOINT_OF, OUTPUT_NAMES, TAILS_FILE, TRUNK_FILE, load
from inference.nets.attention_resnet import Trunk
from inference.prepare.mri_slice import SlicePreprocessing
from inference.training.features import FeatureSet
from inference.training.loop import Recipe
from inference.training.validation import Validation

TITLES = {
    "malignant": "Malignant",
    "normal": "Normal mammary gland",
    "OB": "Other benign lesion",
    "IDC": "Invasive ductal carcinoma",
    "OM": "Other malignant lesion",
}
COMMAND = "python -m inference.training.provisional --data ../shared/data --out resources/models/mri-attention-000"
NOTE = "provisional, demonstration only"
_METHOD = (
    "patients held out of all training (these very weights never saw them), see training.data; the epoch "
    "of each checkpoint and the operating points were chosen on the same patients, so the values are optimistic"
)
_LICENCE = (
    "Demonstration only: derived from ImageNet weights (MIT, Copyright (c) 2019 Paul Spende), I-SPY 1 slices "
    "(CC BY 3.0, compilation CC BY-NC 4.0) and BreastDM slices (research use, no explicit licence). "
    "Not for clinical or commercial use."
)


@dataclass(frozen=True)
class Evidence:
    """All a card says about how a model was made and measured."""

    features: FeatureSet
    held_out: frozenset[str]
    validation: Validation
    recipe: Recipe
    amounts: Any
    seconds: float


def publish(folder: Path, trunk: Trunk, evidence: Evidence) -> None:
    """Write trunk, tails and card, then read them back as inference does; raises CardError where that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_half(trunk), folder / TRUNK_FILE)
    save_file(
        {
            f"{name}.{key}": tensor
            for name, tail in evidence.validation.tails.items()
            for key, tensor in _half(tail).items()
        },
        folder / TAILS_FILE,
    )
    for name in (TRUNK_FILE, TAILS_FILE):
        (folder / name).chmod(0o644)  # safetensors writes files only the owner can read
    content = json.dumps(card_content(folder, evidence), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / FILE_NAME).write_text(content + "\n", encoding="utf-8")
    load(load_card(folder), "cpu")


def card_content(folder: Path, evidence: Evidence) -> dict[str, Any]:
    """Return the card as JSON values."""
    summary = dict(evidence.validation.summary)
    points = summary.pop("operating_points")
    return {
        "id": "mri-attention-000",
        "family": "mri_attention",
        "version": "0.1.0-provisional",
        "title": "Supervised attention, one slice (system 000)",
        "paper": "Detection of MRI breast lesions using deep learning (JFR 2018 data challenge); supervised-attention "
        "ResNet-50. The weights are not the paper's.",
        "note": NOTE,
        "accepts": {
            "exam": "MriSlice",
            "modality": ["MR"],
            "orientation": ["axial", "sagittal"],
            "contrast": "post",
            "fat_suppressed": True,
            "in_plane_mm": [0.2, 2.5],
            "least_field_mm": 80,
        },
        "preprocessing": {"preset": "default", **asdict(SlicePreprocessing())},
        "outputs": [
            {
                "name": name,
                "title": TITLES[name],
                "operating_point": None if points[name] is None else round(points[name], 4),
                "checkpoint": CHECKPOINT_OF[name],
            }
            for name in OUTPUT_NAMES
        ],
        "training": _training(evidence),
        "metrics": {
            "method": _METHOD,
            "command": COMMAND,
            **summary,
        },
        "weights": [_weights(folder / name) for name in (TRUNK_FILE, TAILS_FILE)],
        "licence": _LICENCE,
    }


def _training(evidence: Evidence) -> dict[str, Any]:
    features = evidence.features
    data = {}
    for name in np.unique(features.source):
        chosen = features.source == name
        data[str(name)] = {
            "patients": len(np.unique(features.patient[chosen])),
            "patients_held_out": len(set(features.patient[chosen].tolist()) & evidence.held_out),
            "slices": int((chosen & features.plain).sum()),
            "variants": int(chosen.sum()),
        }
    placed = features.plain & (features.source == "ispy1") & ~np.isnan(features.cells[:, 0, 0])
    return {
        "data": data,
        "remarks": [
            "The attention, the types and 'normal' are learned mostly from phantoms; real patients were few.",
            "breastdm: patients are not named by the source; grouped by eye and number, on the side of too few.",
            "breastdm-contralateral: the half of a slice in which the source marks no lesion, doubled by its mirror "
            "image, counts as normal; its symmetry makes real 'normal' slices easy to tell, so their AUC says little.",
            "All real lesions but one patient's are malignant, so the AUC of malignancy on real slices says little.",
            "breastdm-planted: a lesion planted elsewhere into slices of the same patient.",
            f"ispy1: most masks at hand do not lie on the tumour; only {int(placed.sum())} slices whose mask lies on "
            "bright tissue teach the place.",
            "The type (IDC or other) of real malignant lesions is unknown; that part of the loss is masked.",
            "Layers 3 and 4 were trained once for all three checkpoints; these differ in the last bottleneck, the "
            "attention and the classifier. Layers 1 and 2 and all normalisation statistics are ImageNet's.",
        ],
        "recipe": asdict(evidence.recipe),
        "amounts": asdict(evidence.amounts),
        "epochs": evidence.validation.epochs,
        "minutes": round(evidence.seconds / 60, 1),
        "torch": torch.__version__,
    }


def _half(module: nn.Module) -> dict[str, torch.Tensor]:
    state = module.state_dict().items()
    return {
        key: tensor.detach().to(torch.float16).contiguous()
        for key, tensor in state
        if not key.endswith("num_batches_tracked")
    }


def _weights(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"file": path.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
