"""What a network of system 003 says of whole breasts: score, and where its map points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from inference.families.mri_curriculum import Model, arithmetic, read_breast
from inference.nets.curriculum_resnet import CHANNELS, STEP, CurriculumResNet
from inference.training.curriculum.breasts import Breast, Images, whole

T2 = CHANNELS - 1
NEAR_MM = 11.0  # half a cell of the map in the plane (16 network voxels of 0.67 mm)


@dataclass(frozen=True)
class BreastRead:
    """One breast as it was read; plain values.

    Attributes
    ----------
    seed
        Its examination, which stands for its patient.
    label
        1 where it holds a malignant lesion.
    probability, top
        Of malignancy, and the map's maximum.
    hit
        Whether the map's maximum lies in a malignant lesion, give or take 11 mm; None where the breast has none.
    """

    seed: int
    side: str
    label: int
    probability: float
    top: float
    hit: bool | None


def read(
    network: CurriculumResNet, breasts: Sequence[Breast], images: Images, *, with_t2: bool
) -> tuple[BreastRead, ...]:
    """Read whole breasts as inference does, on the device the network is on."""
    device = next(network.parameters()).device.type
    model = Model(network.eval(), device, arithmetic(device))
    return tuple(_read(model, breast, images, with_t2=with_t2) for breast in breasts)


def _read(model: Model, breast: Breast, images: Images, *, with_t2: bool) -> BreastRead:
    channels = np.ascontiguousarray(whole(images[breast], None))
    if not with_t2:
        channels[T2] = 0
    found = read_breast(model, torch.from_numpy(channels)[None])
    cell = np.unravel_index(int(np.argmax(found.difference)), found.difference.shape)
    hit = _points_at_cancer(breast, np.array(cell, float) * STEP) if breast.label else None
    return BreastRead(breast.seed, breast.side, breast.label, found.probability, float(found.difference.max()), hit)


def _points_at_cancer(breast: Breast, place: np.ndarray) -> bool:
    away = [
        float(np.linalg.norm((np.array(centre) - place) * breast.spacing_mm)) - radius
        for centre, bad, radius in zip(breast.centres, breast.malignant, breast.radii_mm, strict=True)
        if bad
    ]
    return min(away) <= NEAR_MM
