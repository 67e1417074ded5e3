"""System 004 on one breast of 30 sagittal slices: tiles as the program computes them, next to the paper's patches.

The patch-wise sweep would take many minutes; six of its patches are measured, and the extra information says how many
times that the whole sweep is (``scaled_by``) and what it comes to (``whole_sweep_s``). Measure on a quiet machine.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
import torch
from highdicom import Volume
from torch import nn

from inference.families.mri_segmentation import Model, Prepared, predict
from inference.interpret_segmentation import SegmentationInterpretation
from inference.nets.precision import multiplies_bfloat16
from inference.nets.unet_v4 import DEPTH_LOST, PATCH, PLANE_LOST, UNetV4, folded
from inference.prepare.motion import Moved
from inference.prepare.sagittal import Axis, SagittalGrid
from inference.prepare.segmentation_input import NetworkInput
from inference.prepare.segmentation_keys import SegmentationPreprocessing
from inference.prepare.slopes import Times
from inference.prepare.tiles import Tile, tumour_probability
from inference.progress import Progress

SHAPE = (30, 222, 222)  # slices, rows, columns: 90 × 89 × 89 mm; 222 pixels are six patches
SPACING = (3.0, 0.4, 0.4)
OUTPUT = PATCH[1] - PLANE_LOST
#: First slice, row and column of the patches measured; multiples of eight, where the program's tiles repeat them.
MEASURED = ((0, 0, 0), (7, 64, 32), (14, 96, 160), (20, 184, 96), (25, 128, 128), (29, 184, 184))
#: Largest and mean difference of probabilities. In float32 sums are made in another order; bfloat16 has eight bits.
EXACT = (1e-4, 1e-5)
TOLERANCE = (0.05, 0.006) if multiplies_bfloat16("cpu") else EXACT


def network() -> UNetV4:
    """Return the network at full width, every layer passing on values of order one, as after training."""
    torch.manual_seed(5)
    made = UNetV4().to(memory_format=torch.channels_last_3d)
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.momentum = 1.0
    with torch.no_grad():
        made.train()(torch.randn(1, 3, *PATCH))
        made.head.weight *= 0.1  # probabilities neither all 0 nor all 1
    return made.eval().requires_grad_(requires_grad=False)


@cache
def breast() -> NetworkInput:
    source = np.random.default_rng(1).normal(size=(3, *SHAPE)).astype(np.float32)
    a, b, c = (Axis(count, count) for count in SHAPE)
    grid = SagittalGrid((a, b, c), np.diag([*SPACING, 1.0]))
    return NetworkInput(source, (0, 0, 0), grid, np.ones(SHAPE, bool), (0, 0, 0), Times(90.0, (90.0,)), 1.0, Moved(""))


def one_by_one(made: UNetV4, places: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Return probabilities (patches, 37, 37) of patches that begin at some voxels, each computed by itself."""
    found = []
    with torch.inference_mode():
        for place in places:
            low = np.array(place) - np.array([DEPTH_LOST, PLANE_LOST, PLANE_LOST]) // 2
            a, b, c = ((int(start), int(start) + size) for start, size in zip(low, PATCH, strict=True))
            patch = torch.from_numpy(breast().values((a, b, c)))[None].to(memory_format=torch.channels_last_3d)
            found.append(made(patch).softmax(1)[0, 1, 0].numpy())
    return np.stack(found)


def in_a_tile(made: UNetV4, place: tuple[int, int, int]) -> np.ndarray:
    """Return what a tile of three slices and 69 × 69 pixels, of which a patch is the middle slice's corner, gives."""
    k, j, i = place
    tile = Tile((k - 1, k + 2), (j, j + 69), (i, i + 69))
    with torch.inference_mode():
        found = tumour_probability(made, torch.from_numpy(breast().values(tile.context))[None])
    return found[1, :OUTPUT, :OUTPUT].numpy()


def assert_near(found: np.ndarray, expected: np.ndarray, tolerance: tuple[float, float]) -> None:
    """Compare probabilities; patches at the end reach beyond the volume."""
    apart = np.abs(found - expected[: found.shape[0], : found.shape[1]])
    assert apart.max() < tolerance[0]
    assert apart.mean() < tolerance[1]


@pytest.mark.benchmark(group="system 004, one breast of 30 x 222 x 222 voxels, width 48")
def test_tiles_as_the_program_computes_them(benchmark: pytest.FixtureRequest) -> None:
    made = network()
    expected = one_by_one(made, MEASURED)
    assert expected.std() > 0.02
    dtype = torch.bfloat16 if multiplies_bfloat16("cpu") else torch.float32
    assert_near(in_a_tile(folded(made), MEASURED[1]), expected[1], EXACT)
    model = Model(made.to(dtype=dtype, memory_format=torch.channels_last_3d), "cpu", dtype)
    image = Volume(np.zeros(SHAPE, np.uint8), np.diag([*SPACING, 1.0]), "PATIENT", frame_of_reference_uid="1.2.3")
    prepared = Prepared(breast(), SegmentationPreprocessing(), SegmentationInterpretation(), image)
    found = benchmark.pedantic(predict, args=(model, prepared, Progress()), rounds=2, warmup_rounds=1)
    benchmark.extra_info["arithmetic"] = found.arithmetic
    for (k, j, i), patch in zip(MEASURED, expected, strict=True):
        part = found.probability[k, j : j + OUTPUT, i : i + OUTPUT]
        assert_near(part, patch, TOLERANCE)


@pytest.mark.benchmark(group="system 004, one breast of 30 x 222 x 222 voxels, width 48")
def test_six_patches_of_the_sweep_one_by_one_in_float32_to_be_scaled(benchmark: pytest.FixtureRequest) -> None:
    found = benchmark.pedantic(one_by_one, args=(network(), MEASURED), rounds=3, warmup_rounds=1)
    assert found.shape == (len(MEASURED), OUTPUT, OUTPUT)
    patches = SHAPE[0] * math.ceil(SHAPE[1] / OUTPUT) * math.ceil(SHAPE[2] / OUTPUT)
    scale = patches / len(MEASURED)
    benchmark.extra_info |= {
        "scaled_by": scale,
        "whole_sweep_s": round(benchmark.stats.stats.median * scale, 1) if benchmark.stats else None,
    }
