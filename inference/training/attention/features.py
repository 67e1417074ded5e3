"""Trunk features of a fixed set of variants, computed once, so that tails are trained in minutes on a processor."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from inference.nets.attention_resnet import CHANNELS, Trunk
from inference.prepare.grid import cell_shape, reduce_mask
from inference.prepare.mri_slice import SlicePreprocessing, network_input
from inference.training.json_files import read_json, write_json

_AT_ONCE = 4
_DONE = "complete.json"


class Variant(NamedTuple):
    """One network input: ``grey`` and ``mask`` of the network's size, and what :class:`.slices.Sample` knows."""

    grey: np.ndarray
    mask: np.ndarray
    name: str
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
    name: np.ndarray
    patient: np.ndarray
    source: np.ndarray
    plain: np.ndarray

    def save(self, folder: Path, of: Mapping[str, object] | None = None) -> None:
        """Write one ``.npy`` file per field, and last what they are features of."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _DONE).unlink(missing_ok=True)
        for field in fields(self):
            np.save(folder / f"{field.name}.npy", getattr(self, field.name), allow_pickle=False)
        write_json(folder / _DONE, dict(of or {}))

    @classmethod
    def open(cls, folder: Path) -> FeatureSet:
        """Open what :meth:`save` wrote; the features stay on the disk until they are read."""
        read = {field.name: np.load(folder / f"{field.name}.npy", allow_pickle=False) for field in fields(cls)[1:]}
        return cls(np.load(folder / "features.npy", mmap_mode="r", allow_pickle=False), **read)

    @staticmethod
    def is_there(folder: Path, of: Mapping[str, object] | None = None) -> bool:
        """Whether a folder holds all the features of this."""
        path = folder / _DONE
        return path.is_file() and read_json(path) == json.loads(json.dumps(dict(of or {})))


def extract(trunk: Trunk, variants: Iterable[Variant], preprocessing: SlicePreprocessing) -> FeatureSet:
    """Run the trunk over variants in bfloat16: twice as fast where the processor has it, and kept in 16 bits anyway."""
    known: list[Variant] = []
    cells, features = [], []
    device = trunk.conv1.weight.device
    for batch in _batches(variants):
        grey = torch.from_numpy(np.stack([item.grey for item in batch]))
        masks = torch.from_numpy(np.stack([item.mask for item in batch]))
        with torch.inference_mode(), torch.autocast(device.type, dtype=torch.bfloat16):
            images = network_input(grey).to(device, memory_format=torch.channels_last)
            features.append(trunk(images).to(torch.float16).cpu().numpy())
        cells.append(reduce_mask(masks, preprocessing.target_grid, preprocessing.reduction).numpy())
        nothing = np.empty(0, np.float32)  # the pictures themselves are no longer needed
        known += [item._replace(grey=nothing, mask=nothing) for item in batch]
    return _feature_set(known, np.concatenate(features), np.concatenate(cells))


def _batches(variants: Iterable[Variant]) -> Iterator[list[Variant]]:
    rest = iter(variants)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch


def _feature_set(variants: list[Variant], features: np.ndarray, cells: np.ndarray) -> FeatureSet:
    known = np.array([item.place_known for item in variants])
    expected = (len(variants), CHANNELS, *cell_shape((240, 345)))
    if features.shape != expected:
        raise ValueError(f"features have shape {features.shape}, not {expected}")
    return FeatureSet(
        features=features,
        targets=np.array([item.targets for item in variants], np.float32),
        cells=np.where(known[:, None, None], cells, np.nan).astype(np.float32),
        name=np.array([item.name for item in variants]),
        patient=np.array([item.patient for item in variants]),
        source=np.array([item.source for item in variants]),
        plain=np.array([item.plain for item in variants]),
    )
