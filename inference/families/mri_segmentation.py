"""System 004: 3D U-Net on a dynamic breast MRI; tumour probability of every voxel, mask, volume and diameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from inference.errors import CardError, EngineError
from inference.exam import DceExam, Exam
from inference.interpret_segmentation import SegmentationInterpretation, reading_of, remarks_of
from inference.nets.precision import multiplies_bfloat16
from inference.nets.unet_v4 import WIDTH, UNetV4, folded
from inference.prepare.grid import on_grid
from inference.prepare.segmentation_input import NetworkInput, network_input
from inference.prepare.segmentation_keys import SegmentationPreprocessing
from inference.prepare.tiles import Tile, tiles_for, tumour_probability
from inference.progress import Progress
from inference.reading import Reading
from inference.tumour_regions import least_voxels, opened_maximum
from inference.weights import fill, read_weights

if TYPE_CHECKING:
    from highdicom import Volume

    from inference.card import ModelCard

WEIGHTS_FILE = "unet.safetensors"


@dataclass(frozen=True)
class Model:
    """The network in evaluation mode, batch normalisation folded into its convolutions."""

    network: UNetV4
    device: str
    dtype: torch.dtype


@dataclass(frozen=True)
class Prepared:
    """What the network reads, and the image it came from."""

    read: NetworkInput
    keys: SegmentationPreprocessing
    interpretation: SegmentationInterpretation
    image: Volume

    def volume(self, array: np.ndarray) -> Volume:
        """Return an array of the shape of ``read.wanted`` as a volume in the patient."""
        return on_grid(array, self.read.affine(), self.image)


@dataclass(frozen=True)
class Prediction:
    """Probability of tumour (float32, NaN where not read), the score, and how it was computed."""

    probability: np.ndarray
    score: float
    arithmetic: str


def load(card: ModelCard, device: str) -> Model:
    """Read the weights; bfloat16 where the processor or the graphics card multiplies it fast, else float32."""
    keys = SegmentationPreprocessing.from_card(card.preprocessing)
    with torch.device("meta"):
        network = UNetV4(_width(card))
    with torch.inference_mode():
        fill(network, read_weights(card, WEIGHTS_FILE), card.title)
        dtype = torch.float32 if keys.precision == "float32" or not multiplies_bfloat16(device) else torch.bfloat16
        network = folded(network.eval()).to(device=device, dtype=dtype, memory_format=torch.channels_last_3d)
    return Model(network, device, dtype)


def modules(model: Model) -> tuple[nn.Module, ...]:
    """Return every network with weights."""
    return (model.network,)


def _width(card: ModelCard) -> int:
    width = card.training.get("width", WIDTH)
    if not isinstance(width, int) or isinstance(width, bool) or not 1 <= width <= 256:
        raise CardError(f"The card of {card.title} has a width of {width!r}.", "Install the model again.")
    return width


def prepare(card: ModelCard, exam: Exam, progress: Progress) -> Prepared:
    """Align, scale and turn the phases, compute the slopes and find the breasts."""
    if not isinstance(exam, DceExam):
        raise EngineError(f"{card.title} reads a dynamic breast MRI.")
    keys = SegmentationPreprocessing.from_card(card.preprocessing)
    interpretation = SegmentationInterpretation.from_card(card.interpretation)
    return Prepared(network_input(exam, keys, progress), keys, interpretation, exam.image)


def predict(model: Model, prepared: Prepared, progress: Progress) -> Prediction:
    """Compute the probability of every voxel that is asked for, tile by tile."""
    read, keys = prepared.read, prepared.keys
    tiles = list(tiles_for(read.wanted, read.origin, keys.tile, keys.tile_step))
    total, done = sum(tile.voxels for tile in tiles), 0
    found = np.full(read.wanted.shape, np.nan, np.float32)
    with torch.inference_mode():
        for number, tile in enumerate(tiles):
            progress.report(0.97 * done / total, f"tile {number + 1} of {len(tiles)}")
            values = torch.from_numpy(read.values(tile.context))[None].to(model.device, model.dtype)
            tumour = tumour_probability(model.network, values, progress.check)
            _place(found, tile, tumour.cpu().numpy(), read.origin)
            done += tile.voxels
    found[~read.wanted] = np.nan
    progress.report(0.97, "looking for tumours")
    least = least_voxels(prepared.volume(found), prepared.interpretation.least_ml)
    score = opened_maximum(found, prepared.interpretation.floor, least, progress)
    return Prediction(found, score, f"{'bfloat16' if model.dtype == torch.bfloat16 else 'float32'}, {len(tiles)} tiles")


def _place(found: np.ndarray, tile: Tile, values: np.ndarray, origin: tuple[int, int, int]) -> None:
    """Write a tile into the part of the grid that begins at ``origin``; what stands out is left off."""
    here, there = [], []
    spans = zip((tile.slices, tile.rows, tile.columns), origin, found.shape, strict=True)
    for (low, high), first, count in spans:
        start, stop = max(low - first, 0), min(high - first, count)
        here.append(slice(start, stop))
        there.append(slice(start + first - low, stop + first - low))
    found[tuple(here)] = values[tuple(there)]


def interpret(card: ModelCard, exam: Exam, prepared: Prepared, prediction: Prediction) -> Reading:
    """Return the probability volume, the masks, one box and the measures of every component, and what was done."""
    assert isinstance(exam, DceExam)
    probability = prepared.volume(prediction.probability)
    remarks = remarks_of(prepared.read, prepared.keys, prediction.arithmetic)
    return reading_of(card, exam.image, probability, prediction.score, prepared.interpretation, remarks)
