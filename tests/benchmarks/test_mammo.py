"""System 001 on a mammogram of 4096 × 3328: choosing and reading its windows, next to the naive way in the same run."""

from __future__ import annotations

from functools import cache

import highdicom as hd
import numpy as np
import pytest
import torch

from inference.exam import Mammogram
from inference.families.mammo_patches import MODULES, Model, Prepared, predict
from inference.nets.attention_resnet import Trunk
from inference.nets.patch_resnet import PatchResNet, PatchTail, probability
from inference.prepare.mammogram import MammogramPreprocessing, PreparedMammogram, prepare_mammogram
from inference.prepare.windows import (
    Windows,
    calcification_windows,
    nodule_windows,
    patch_tensor,
    tops,
    weighted_brightness,
)
from inference.progress import Progress

#: bfloat16 has eight bits: on real films a window changed by up to 0.05. The most suspicious are read again in float32.
TOLERANCE = 0.05


@cache
def exam() -> Mammogram:
    random = np.random.default_rng(7)
    y, x = np.mgrid[-1:1:4096j, 0:1.3:3328j]
    tissue = np.clip(1 - (x**2 + y**2), 0, None) ** 0.3 * 40_000 + random.normal(0, 2500, y.shape)
    grey = np.where(x**2 + y**2 < 1, tissue, 300).clip(0, 65_535).astype(np.uint16)
    return Mammogram(hd.Volume(grey[None], np.diag([1, 0.07, 0.07, 1]), "PATIENT"), laterality="R", view="MLO")


@cache
def mammogram() -> PreparedMammogram:
    return prepare_mammogram(exam(), MammogramPreprocessing(), Progress())


def all_windows() -> Windows:
    corners = np.stack(np.meshgrid(tops(4096, 400, 200), tops(3328, 400, 200), indexing="ij"), -1).reshape(-1, 2)
    return Windows(corners, np.ones(len(corners), np.float32), 400, 200, len(corners))


@cache
def model() -> Model:
    torch.manual_seed(0)
    trunk, tails = Trunk().eval(), {name: PatchTail().eval() for name in MODULES}
    for module in (trunk, *tails.values()):
        module.to(memory_format=torch.channels_last)
    return Model(trunk, tails, "cpu")


@pytest.mark.benchmark(group="system 001, preparing 4096 x 3328")
def test_preparing(benchmark: pytest.FixtureRequest) -> None:
    swept = benchmark.pedantic(
        prepare_mammogram, args=(exam(), MammogramPreprocessing(), Progress()), rounds=5, warmup_rounds=1
    )
    assert swept.grey.shape == (4096, 3328)


@pytest.mark.benchmark(group="system 001, brightness of 5312 windows")
def test_brightness_by_two_products(benchmark: pytest.FixtureRequest) -> None:
    starts = tops(4096, 800, 40), tops(3328, 800, 40)
    found = benchmark.pedantic(
        weighted_brightness, args=(mammogram().grey, starts, 800, 200.0), rounds=5, warmup_rounds=1
    )
    assert found.size == 5312
    np.testing.assert_allclose(found[::9, ::9], naive_brightness(9), atol=1e-5)


@pytest.mark.benchmark(group="system 001, brightness of 5312 windows")
def test_brightness_window_by_window(benchmark: pytest.FixtureRequest) -> None:
    assert benchmark.pedantic(naive_brightness, args=(1,), rounds=1).size == 5312


def naive_brightness(every: int) -> np.ndarray:
    offsets = np.arange(800) - 399.5
    weight = np.exp(-(offsets[:, None] ** 2 + offsets[None] ** 2) / (2 * 200.0**2)).astype(np.float32)
    weight /= weight.sum()
    grey = mammogram().grey.astype(np.float32) / 65_535
    rows, columns = tops(4096, 800, 40)[::every], tops(3328, 800, 40)[::every]
    return np.array([[(weight * grey[i : i + 800, j : j + 800]).sum() for j in columns] for i in rows])


@pytest.mark.benchmark(group="system 001, choosing windows")
def test_choosing_both_modules(benchmark: pytest.FixtureRequest) -> None:
    both = benchmark.pedantic(
        lambda: (nodule_windows(mammogram()), calcification_windows(mammogram())), rounds=5, warmup_rounds=1
    )
    assert 0 < len(both[0]) <= 27
    assert 0 < len(both[1]) <= 285


@pytest.mark.benchmark(group="system 001, 27 + 285 windows")
def test_reading_all_windows(benchmark: pytest.FixtureRequest) -> None:
    prepared = Prepared(mammogram(), {"nodule": nodule_windows(mammogram()), "calcification": all_windows()})
    found = benchmark.pedantic(predict, args=(model(), prepared, Progress()), rounds=3, warmup_rounds=1).probabilities
    for name, windows in prepared.windows.items():
        some = np.arange(0, len(windows), 40)
        np.testing.assert_allclose(found[name][some], one_by_one(name, windows, some), atol=TOLERANCE)


@pytest.mark.benchmark(group="system 001, 27 + 285 windows")
def test_reading_all_windows_one_by_one(benchmark: pytest.FixtureRequest) -> None:
    nodules, calcifications = nodule_windows(mammogram()), all_windows()

    def naive() -> int:
        first = one_by_one("nodule", nodules, np.arange(len(nodules)))
        return len(first) + len(one_by_one("calcification", calcifications, np.arange(len(calcifications))))

    assert benchmark.pedantic(naive, rounds=1) == len(nodules) + 285


def one_by_one(name: str, windows: Windows, indices: np.ndarray) -> np.ndarray:
    """Every window through the whole network on its own, in float32."""
    network = PatchResNet(model().trunk, model().tails[name]).eval()
    with torch.inference_mode():
        return np.array(
            [float(probability(network(patch_tensor(mammogram(), windows, np.array([n]))))) for n in indices]
        )
