"""Trunk features of a fixed set of variants, computed once, so that tails are trained in minutes on a processor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch

from inference.nets.attention_resnet import CHANNELS, Trunk
from inference.prepare.grid import cell_shape, reduce_mask
from inference.prepare.mri_slice import SlicePreprocessing, network_input

_AT_ONCE = 4


@dataclass(frozen=True)
class Variant:
    """One network input: ``grey`` and ``mask`` of the network's size, and what :class:`Sample` knows."""

    grey: np.ndarray
    mask: np.ndarray
    targets: tuple[float, ...]
    place_known: bool
    patient: str
    source: str
    plain: bool


@dataclass(frozen=True)
class FeatureSet:
    """Features (n, 2048, 8, 11) as float16, and for each: targets (n, 5), cells (n, 8, 11), and where it comes from.

    ``cells`` is NaN where the place of the lesion is not known; ``plain`` marks the variants that are not augmented.
    """

    features: np.ndarray
    targets: np.ndarray
    cells: np.ndarray
    patient: np.ndarray
    source: np.ndarray
    plain: np.ndarray

    def save(self, folder: Path) -> None:
        """Write one ``.npy`` file per field."""
        folder.mkdir(parents=True, exist_ok=True)
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name), allow_pickle=False)

    @classmethod
    def open(cls, folder: Path) -> FeatureSet:
        """Open what :meth:`save` wrote."""
        return cls(**{field.name: np.load(folder / f"{field.name}.npy", allow_pickle=False) for field in fields(cls)})


def extract(trunk: Trunk, variants: Iterable[Variant], preprocessing: SlicePreprocessing) -> FeatureSet:
    """Run the trunk over variants in bfloat16: twice as fast where the processor has it, and kept in 16 bits anyway."""
    collected: list[Variant] = []
    cells, features = [], []
    batch: list[Variant] = []

    def flush() -> None:
        if not batch:
            return
        grey = torch.from_numpy(np.stack([item.grey for item in batch]))
        masks = torch.from_numpy(np.stack([item.mask for item in batch]))
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            images = network_input(grey).to(memory_format=torch.channels_last)
            features.append(trunk(images).to(torch.float16).numpy())
        cells.append(reduce_mask(masks, preprocessing.target_grid, preprocessing.reduction).numpy())
        batch.clear()

    for item in variants:
        batch.append(item)
        collected.append(item)
        if len(batch) == _AT_ONCE:
            flush()
            for kept in collected[-_AT_ONCE:]:  # the pictures themselves are no longer needed
                object.__setattr__(kept, "grey", None)
                object.__setattr__(kept, "mask", None)
    flush()
    return _feature_set(collected, np.concatenate(features), np.concatenate(cells))


def _feature_set(variants: list[Variant], features: np.ndarray, cells: np.ndarray) -> FeatureSet:
    known = np.array([item.place_known for item in variants])
    expected = (len(variants), CHANNELS, *cell_shape((240, 345)))
    if features.shape != expected:
        raise ValueError(f"features have shape {features.shape}, not {expected}")
    return FeatureSet(
        features=features,
        targets=np.array([item.targets for item in variants], np.float32),
        cells=np.where(known[:, None, None], cells, np.nan).astype(np.float32),
        patient=np.array([item.patient for item in variants]),
        source=np.array([item.source for item in variants]),
        plain=np.array([item.plain for item in variants]),
    )
