"""Scores that a card keeps of a phantom, so that anybody can see that weights and code still belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from highdicom import Volume
from torch import nn

from inference.exam import Mammogram
from inference.nets.patch_resnet import probability
from inference.phantoms.mammo import MAXIMUM, Detector, make_mammogram
from inference.prepare.mammogram import MammogramPreprocessing, prepare_mammogram
from inference.prepare.windows import patch_tensor
from inference.progress import Progress
from inference.training.mammo.features import FIND

SEED = 7
DETECTOR = Detector(shape=(1024, 854), pixel_mm=0.211)  # coarse: the check takes a second, not ten
LESIONS = ("spiculated mass", "malignant calcifications")
WINDOWS = 2  # of each module
_FULL = 65_535


def phantom_exam() -> Mammogram:
    """Return the phantom, its window applied."""
    made = make_mammogram(SEED, "L", "MLO", detector=DETECTOR, lesions=LESIONS)
    centre, width = made.window
    grey = np.clip((made.image.array.astype(np.float64) - centre) / width + 0.5, 0, min(1, MAXIMUM / width)) * _FULL
    return Mammogram(
        Volume(grey.astype(np.uint16), made.image.affine, "PATIENT", made.image.frame_of_reference_uid),
        laterality="L",
        view="MLO",
    )


def phantom_scores(trunk: nn.Module, tails: Mapping[str, nn.Module], keys: MammogramPreprocessing) -> dict[str, Any]:
    """Return the probability of the first windows of each module in single precision, for the card."""
    prepared = prepare_mammogram(phantom_exam(), keys, Progress())
    found: dict[str, Any] = {"phantom": {"seed": SEED, "lesions": list(LESIONS), "windows": WINDOWS}}
    for module, tail in tails.items():
        windows = FIND[module](prepared)
        images = patch_tensor(prepared, windows, np.arange(min(WINDOWS, len(windows))))
        with torch.inference_mode():
            scores = probability(tail(trunk(images.to(memory_format=torch.channels_last))))
        found[module] = [round(float(score), 5) for score in scores]
    return found
