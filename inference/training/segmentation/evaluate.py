"""Two-dimensional Dice of system 004 as its paper measures it: one sagittal slice a breast, the paper's slice rule."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from inference.nets.unet_v4 import UNetV4
from inference.prepare.sagittal import turned
from inference.prepare.segmentation_input import NetworkInput, network_input
from inference.prepare.segmentation_keys import SegmentationPreprocessing
from inference.prepare.tiles import tiles_for, tumour_probability
from inference.slice_rule import FRACTION, slice_mask
from inference.training.phantom_exams import PhantomExam, read_exam
from inference.training.statistics.bootstrap import interval_over_patients
from inference.training.statistics.overlap import dice

_DRAWS = 2000  # of the bootstrap
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SliceScore:
    """One breast with a malignant lesion, in the sagittal slice with its largest section.

    Attributes
    ----------
    dice
        Of the paper's rule: pixels from 0.60 of the slice's highest probability that are joined to it.
    floor_dice
        Of all pixels from 0.5 upwards.
    peak_inside
        Whether the highest probability of the slice lies on the lesion.
    """

    seed: int
    laterality: str
    dice: float
    floor_dice: float
    peak_inside: bool


def evaluate(
    network: UNetV4, paths: Iterable[Path], keys: SegmentationPreprocessing, dtype: torch.dtype = torch.float32
) -> list[SliceScore]:
    """Score every breast with a malignant lesion of some phantom examinations.

    Parameters
    ----------
    network
        In evaluation mode, of type ``dtype``.
    """
    found: list[SliceScore] = []
    for path in paths:
        phantom = read_exam(path)
        sides = sorted({lesion.laterality for lesion in phantom.lesions if lesion.malignant})
        if sides:
            read = network_input(phantom.exam, replace(keys, motion="never", region="breast"))
            found += [score for side in sides if (score := _score(network, phantom, side, (read, keys, dtype)))]
        _log.info("%s: %d breasts so far", path.name, len(found))
    return found


def _score(
    network: UNetV4, phantom: PhantomExam, side: str, how: tuple[NetworkInput, SegmentationPreprocessing, torch.dtype]
) -> SliceScore | None:
    read, keys, dtype = how
    masks = [lesion.mask for lesion in phantom.lesions if lesion.malignant and lesion.laterality == side]
    image = phantom.exam.image
    mask = turned(image.with_array(np.any(masks, axis=0).astype(np.uint8))).array
    number = _largest_section(mask, read)
    within = number - read.origin[0]
    if not 0 <= within < len(read.wanted):
        return None
    origin = (number, *read.origin[1:])
    wanted = read.wanted[within : within + 1]
    probability = np.full((wanted.shape[1] + 2 * keys.tile, wanted.shape[2] + 2 * keys.tile), np.nan, np.float32)
    with torch.inference_mode():
        for tile in tiles_for(wanted, origin, keys.tile, keys.tile_step):
            values = torch.from_numpy(read.values(tile.context))[None].to(dtype)
            row, column = tile.rows[0] - origin[1] + keys.tile, tile.columns[0] - origin[2] + keys.tile
            probability[row : row + keys.tile, column : column + keys.tile] = tumour_probability(network, values)[0]
    inner = probability[keys.tile : keys.tile + wanted.shape[1], keys.tile : keys.tile + wanted.shape[2]]
    inner[~wanted[0]] = np.nan
    spans = [(start, start + count) for start, count in zip(origin, wanted.shape, strict=True)]
    true = read.grid.sample(mask[None], (spans[0], spans[1], spans[2]))[0, 0] >= 0.5
    peak = np.unravel_index(int(np.nanargmax(inner)), inner.shape)
    return SliceScore(
        phantom.seed, side, dice(slice_mask(inner, FRACTION), true), dice(inner >= 0.5, true), bool(true[peak])
    )


def _largest_section(mask: np.ndarray, read: NetworkInput) -> int:
    """Return the slice of the network's grid in which a mask is largest."""
    lateral = read.grid.axes[0]
    (low, high), weights = lateral.matrix(0, lateral.new)
    return int(np.argmax(weights @ mask.sum(axis=(1, 2))[low:high]))


def summary(scores: list[SliceScore], seed: int = 1) -> dict[str, Any]:
    """Return median Dice with a bootstrap interval by examination, and the rest of what a card says."""
    values = np.array([score.dice for score in scores])
    exams = np.array([score.seed for score in scores])
    interval = interval_over_patients(values, exams, draws=_DRAWS, seed=seed)
    return {
        "acceptance": {
            "median_dice": round(float(np.median(values)), 3),
            "interval_95": [round(v, 3) for v in interval],
            "lesions": len(scores),
        },
        "percentiles_5_95": [round(float(v), 3) for v in np.percentile(values, (5, 95))],
        "median_dice_floor": round(float(np.median([score.floor_dice for score in scores])), 3),
        "peak_on_lesion": round(float(np.mean([score.peak_inside for score in scores])), 3),
        "examinations": len(np.unique(exams)),
        "breasts": [{k: round(v, 3) if k.endswith("dice") else v for k, v in asdict(s).items()} for s in scores],
    }
