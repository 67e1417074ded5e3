"""All 35 subsets of system 002 on held-out lesions: areas under curves with intervals, ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from inference.families.mri_contrasts import BATCH, CUT_OFF, read_patches
from inference.nets.contrast_resnet import ContrastResNet
from inference.prepare.contrast_settings import CONTRASTS, SUBSETS
from inference.training.contrasts.patches import MARGIN, LesionSamples
from inference.training.statistics.points import point_at
from inference.training.statistics.roc import Area, area_with_interval


@dataclass(frozen=True)
class SubsetArea:
    """What one subset is worth on held-out lesions.

    Attributes
    ----------
    sensitivity, specificity
        At 0.5, per lesion, as in the paper's table.
    """

    contrasts: tuple[str, ...]
    area: Area
    sensitivity: float
    specificity: float

    def as_dict(self) -> dict[str, Any]:
        """Return what a card holds."""
        return {
            "contrasts": list(self.contrasts),
            **self.area.as_dict(),
            "sensitivity": round(self.sensitivity, 3),
            "specificity": round(self.specificity, 3),
        }


def sweep(network: ContrastResNet, lesions: Sequence[LesionSamples], draws: int = 1000) -> list[SubsetArea]:
    """Return all subsets, the highest area first; a lesion scores as its highest slice.

    Parameters
    ----------
    draws
        Of the bootstrap over examinations.
    """
    found = []
    for subset in SUBSETS:
        usable = [lesion for lesion in lesions if offers(lesion, subset)]
        scores = lesion_scores(network, usable, subset)
        truth = np.array([lesion.malignant for lesion in usable], float)
        patient = np.array([lesion.seed for lesion in usable])
        area = area_with_interval(truth, scores, patient, draws=draws)
        if area is not None:
            point = point_at(truth, scores, CUT_OFF)
            found.append(SubsetArea(subset, area, point.sensitivity.value, point.specificity.value))
    return sorted(found, key=lambda one: -one.area.value)


def lesion_scores(network: ContrastResNet, lesions: Sequence[LesionSamples], subset: tuple[str, ...]) -> np.ndarray:
    """Return the probability of malignancy of each lesion."""
    inner, device = slice(MARGIN, -MARGIN), next(network.parameters()).device.type
    index = [CONTRASTS.index(name) for name in subset]
    images = torch.from_numpy(
        np.concatenate([lesion.images[:, index, inner, inner] for lesion in lesions]).astype(np.float32)
    )
    p = np.concatenate([read_patches(network, images[i : i + BATCH], device)[0] for i in range(0, len(images), BATCH)])
    ends = np.cumsum([len(lesion.images) for lesion in lesions])[:-1]
    return np.array([part.max() for part in np.split(p, ends)])


def dynamics_in(subset: tuple[str, ...]) -> int:
    """Return how many time points of the dynamic series a subset holds as images of their own (Sub is not one)."""
    return len(set(subset) - {"sub", "t2"})


def by_time_points(table: Sequence[SubsetArea]) -> dict[str, Any]:
    """Compare subsets with two or more dynamics with those with a single one (SYSTEMS.md §4.3 e)."""
    ranks = {one.contrasts: rank for rank, one in enumerate(table, start=1)}
    groups = {"two_or_more": lambda n: n >= 2, "single": lambda n: n < 2}
    found: dict[str, Any] = {}
    for name, belongs in groups.items():
        there = [one for one in table if belongs(dynamics_in(one.contrasts))]
        if not there:
            continue
        found[name] = {
            "subsets": len(there),
            "mean_auc": round(float(np.mean([one.area.value for one in there])), 3),
            "mean_rank": round(float(np.mean([ranks[one.contrasts] for one in there])), 1),
            "best_rank": min(ranks[one.contrasts] for one in there),
        }
    return found


def offers(lesion: LesionSamples, subset: tuple[str, ...]) -> bool:
    """Whether the exam of a lesion offers all contrasts of a subset."""
    return bool(lesion.offered[[CONTRASTS.index(name) for name in subset]].all())
