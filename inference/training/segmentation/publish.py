"""Write a trained network of system 004 as weights in 16 bits and a card that says how it was made and measured."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from inference.card import FILE_NAME, load_card
from inference.families.mri_segmentation import WEIGHTS_FILE, load
from inference.interpret_segmentation import SegmentationInterpretation
from inference.nets.unet_v4 import WIDTH, UNetV4
from inference.phantoms import GENERATOR_VERSION
from inference.prepare.segmentation_keys import SegmentationPreprocessing

NOTE = "provisional, trained on phantoms: DEMO"
COMMAND = (
    "breastlens train 004 --exams EXAMS --work WORK --set width={width} --set steps={steps} "
    "--out resources/models/mri-segmentation-004"
)  # EXAMS: python -m inference.training.phantom_exams EXAMS
_METHOD = (
    "Held-out phantoms (seeds ≡ 3 mod 4, never trained on): each breast with a malignant lesion, in the sagittal slice "
    "of its largest section; mask by the paper's rule (0.60 of the slice's highest probability, joined to it); median "
    "of the 2D Dice, interval by bootstrap over examinations. Phantoms say nothing about patients."
)


def publish(folder: Path, network: UNetV4, training: dict[str, Any], metrics: dict[str, Any]) -> None:
    """Write weights and card, then read them back as inference does; raises CardError where that fails.

    Parameters
    ----------
    network
        As trained, batch normalisation not folded.
    training, metrics
        For the card.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / WEIGHTS_FILE
    save_file(_stored(network), path)
    path.chmod(0o644)  # safetensors writes files only the owner can read
    content = card_content(path, network.width, training, metrics)
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / FILE_NAME).write_text(text + "\n", encoding="utf-8")
    load(load_card(folder), "cpu")


def _stored(network: UNetV4) -> dict[str, torch.Tensor]:
    """Return weights in 16 bits, running statistics in 32: variances of the first layers lie below 16 bits' range."""
    return {
        key: tensor.detach().to(torch.float32 if "running_" in key else torch.float16).contiguous()
        for key, tensor in network.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }


def card_content(path: Path, width: int, training: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the card as JSON values."""
    content = path.read_bytes()
    narrower = "" if width == WIDTH else f" Of base width {width} instead of the paper's {WIDTH}."
    return {
        "id": "mri-segmentation-004",
        "family": "mri_segmentation",
        "version": "0.1.0-provisional",
        "title": "Tumour segmentation, 3D U-Net (system 004)",
        "paper": "Hirsch et al., Radiology: Artificial Intelligence 2021, doi 10.1148/ryai.200231. "
        f"The weights are not the paper's.{narrower}",
        "note": NOTE,
        "accepts": {
            "exam": "DceExam",
            "modality": ["MR"],
            "orientation": ["axial", "sagittal"],
            "in_plane_mm": [0.2, 2.0],
            "slice_mm": [0.5, 6.0],
            "least_posts": 2,
            "least_field_mm": 30,
            "needs_times": True,
            "t2": False,
        },
        "preprocessing": {"preset": "default", **asdict(SegmentationPreprocessing())},
        "interpretation": asdict(SegmentationInterpretation()),
        "outputs": [{"name": "tumour", "title": "Tumour", "operating_point": SegmentationInterpretation().floor}],
        "training": {"width": width, "phantoms": f"generator {GENERATOR_VERSION}", **training},
        "metrics": {"method": _METHOD, "command": COMMAND.format(width=width, steps=training["steps"]), **metrics},
        "weights": [
            {"file": path.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)},
        ],
        "licence": "Trained on synthetic phantoms only. Not for clinical use.",
    }
