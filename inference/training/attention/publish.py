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

from inference import devices
from inference.card import FILE_NAME, load_card
from inference.families.mri_attention import CHECKPOINT_OF, OUTPUT_NAMES, TAILS_FILE, TRUNK_FILE, load
from inference.training.attention.one_split import Plan, Trained
from inference.training.split_sets import Splits, patient_hash

TITLES = {
    "malignant": "Malignant",
    "normal": "Normal mammary gland",
    "OB": "Other benign lesion",
    "IDC": "Invasive ductal carcinoma",
    "OM": "Other malignant lesion",
}
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

_ON_MASKS = {
    "plausible": "ispy1: most masks at hand do not lie on the tumour; only {count} slices whose mask lies on bright "
    "tissue teach the place.",
    "all": "ispy1: most masks at hand do not lie on the tumour; all {count} slices with a mask teach the place.",
}


@dataclass(frozen=True)
class Evidence:
    """All a card says about how a model was made and measured.

    Attributes
    ----------
    summary
        Of :func:`.validation.summarise`.
    command
        That makes it again.
    seconds
        From the data to the card, or of all sittings' updates where those took longer.
    """

    trained: Trained
    summary: dict[str, Any]
    splits: Splits
    plan: Plan
    command: str
    seconds: float


def publish(folder: Path, evidence: Evidence) -> None:
    """Write trunk, tails and card, then read them back as inference does; raises CardError where that fails."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_half(evidence.trained.trunk), folder / TRUNK_FILE)
    tails = evidence.trained.tails.items()
    save_file(
        {f"{name}.{key}": tensor for name, tail in tails for key, tensor in _half(tail).items()}, folder / TAILS_FILE
    )
    for name in (TRUNK_FILE, TAILS_FILE):
        (folder / name).chmod(0o644)  # safetensors writes files only the owner can read
    content = json.dumps(card_content(folder, evidence), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / FILE_NAME).write_text(content + "\n", encoding="utf-8")
    load(load_card(folder), "cpu")


def card_content(folder: Path, evidence: Evidence) -> dict[str, Any]:
    """Return the card as JSON values."""
    summary = dict(evidence.summary)
    points = summary.pop("operating_points")
    recipe = evidence.plan.recipe
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
        "preprocessing": {"preset": recipe.preset, **asdict(recipe.preprocessing)},
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
            "command": evidence.command,
            **summary,
        },
        "weights": [_weights(folder / name) for name in (TRUNK_FILE, TAILS_FILE)],
        "licence": _LICENCE,
    }


def _training(evidence: Evidence) -> dict[str, Any]:
    trained, plan = evidence.trained, evidence.plan
    features = trained.features
    held_out = set(evidence.splits.splits[0].test)
    data = {}
    for name in np.unique(features.source):
        chosen = features.source == name
        patients = set(features.patient[chosen].tolist())
        data[str(name)] = {
            "patients": len(patients),
            "patients_held_out": sum(patient_hash(patient) in held_out for patient in patients),
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
            _ON_MASKS[plan.recipe.masks].format(count=int(placed.sum())),
            "The type (IDC or other) of real malignant lesions is unknown; that part of the loss is masked.",
            "Layers 3 and 4 were trained once for all three checkpoints; these differ in the last bottleneck, the "
            "attention and the classifier. Layers 1 and 2 and all normalisation statistics are ImageNet's.",
        ],
        "recipe": asdict(plan.recipe),
        "amounts": asdict(plan.amounts),
        "epochs": trained.epochs,
        "splits": asdict(evidence.splits),
        "minutes": round(evidence.seconds / 60, 1),
        "images_per_second": trained.images_per_second,
        "device": devices.describe(devices.choose(plan.settings.device)[0]),
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
