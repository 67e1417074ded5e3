"""Which windows are read: the paper's counts, the 3 × 3 rule and the brightness against loops over every window."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from inference.prepare.mammogram import MammogramPreprocessing
from inference.prepare.mri_slice import IMAGENET_MEAN, IMAGENET_STD
from inference.prepare.windows import (
    calcification_windows,
    nodule_windows,
    patch_tensor,
    tops,
    weighted_brightness,
    window_sums,
)


def test_counts_of_the_paper_on_4096_by_3328() -> None:
    keys = MammogramPreprocessing()
    nodule = [len(tops(count, keys.nodule_side, keys.nodule_stride)) for count in (4096, 3328)]
    calcification = [len(tops(count, keys.calcification_side, keys.calcification_stride)) for count in (4096, 3328)]
    assert nodule == [83, 64]  # 5,312: SYSTEMS.md §1.2
    assert calcification == [19, 15]  # 285
    assert tops(4096, 400, 200, cover=True)[-1] == 3696
    assert list(tops(800, 800, 40, cover=True)) == [0]


def test_brightness_is_that_of_a_loop_over_the_windows() -> None:
    grey = np.random.default_rng(0).integers(0, 65536, (90, 70)).astype(np.uint16)
    starts = tops(90, 40, 7), tops(70, 40, 7)
    y, x = np.mgrid[:40, :40] - 19.5
    weight = np.exp(-(x**2 + y**2) / (2 * 11.0**2))
    naive = [
        [(weight * grey[i : i + 40, j : j + 40]).sum() / weight.sum() / 65535 for j in starts[1]] for i in starts[0]
    ]
    np.testing.assert_allclose(weighted_brightness(grey, starts, 40, 11.0), naive, atol=1e-6)
    mask = grey > 40_000
    sums = [[mask[i : i + 40, j : j + 40].sum() for j in starts[1]] for i in starts[0]]
    np.testing.assert_array_equal(window_sums(mask, starts, 40), sums)


def greedy(brightness: np.ndarray, corners: np.ndarray, side: int, shape: tuple[int, int]) -> list[tuple[int, int]]:
    """The rule as it is written, one window at a time: brightest first, 3 of each ninth, 62.5 pixels apart."""
    kept: dict[tuple[int, int], list[tuple[float, float]]] = {}
    chosen: list[tuple[int, int]] = []
    for n in np.argsort(-brightness, kind="stable"):
        centre = tuple(corners[n] + (side - 1) / 2)
        part = tuple(int((c + 0.5) * 3 // size) for c, size in zip(centre, shape, strict=True))
        others = kept.setdefault(part, [])
        if len(others) < 3 and all(np.hypot(centre[0] - a, centre[1] - b) >= 62.5 for a, b in others):
            others.append(centre)
            chosen.append(tuple(int(c) for c in corners[n]))
    return chosen


def test_nodule_windows_follow_the_rule(making: Any, prepared: Any) -> None:
    swept = prepared(making[0]())
    windows = nodule_windows(swept)
    down, across = tops(1024, 200, 10), tops(768, 200, 10)
    corners = np.stack(np.meshgrid(down, across, indexing="ij"), -1).reshape(-1, 2)
    brightness = weighted_brightness(swept.grey, (down, across), 200, 50.0).ravel()
    enough = np.array([swept.mask[i : i + 200, j : j + 200].mean() >= 0.1 for i, j in corners])
    expected = greedy(brightness[enough], corners[enough], 200, (1024, 768))
    assert {tuple(corner) for corner in windows.corners.tolist()} == set(expected)
    assert windows.positions == len(down) * len(across)
    assert 0 < len(windows) <= 27
    apart = nodule_windows(prepared(making[0](), global_separation=True)).centres
    distances = np.hypot(*(apart[:, None] - apart[None]).transpose(2, 0, 1))
    assert distances[~np.eye(len(apart), dtype=bool)].min() >= 62.5


def test_calcification_windows_hold_a_bright_pixel_and_markers_do_not_count(making: Any, prepared: Any) -> None:
    film = making[0]()
    film[20:70, 400:470] = 65_535  # a label: were it counted, nothing in the breast would reach nine tenths
    film[300:303, 100:103] = 50_000
    swept = prepared(film, clahe_clip=0)
    windows = calcification_windows(swept)
    assert windows.positions == 19 * 14
    limit = 0.9 * swept.grey[swept.mask].max()
    held = {
        (i, j)
        for i in range(0, 1024 - 99, 50)
        for j in range(0, 768 - 99, 50)
        if (swept.grey[i : i + 100, j : j + 100][swept.mask[i : i + 100, j : j + 100]] >= limit).any()
    }
    assert {tuple(corner) for corner in windows.corners.tolist()} == held
    assert len(held) == 4
    assert all(i <= 480 < i + 100 and j <= 160 < j + 100 for i, j in held)  # the spot, enlarged 1.6 times
    np.testing.assert_allclose(windows.brightness, 50_000 / 65_535, rtol=0.02)
    assert len(calcification_windows(prepared(film, clahe_clip=0, maximum="image", remask=False))) > 4


def test_patches_are_shrunk_without_aliasing_and_normalised(making: Any, prepared: Any) -> None:
    swept = prepared(making[0]())
    windows = nodule_windows(swept)
    patches = patch_tensor(swept, windows)
    assert patches.shape == (len(windows), 3, 64, 64)
    assert patches.dtype == torch.float32
    top, left = windows.corners[2]
    cut = swept.grey[top : top + 200, left : left + 200].astype(np.float32) / 65535
    small = np.asarray(Image.fromarray(cut).resize((64, 64), Image.Resampling.BILINEAR))  # antialiased in Pillow
    for channel in range(3):
        back = patches[2, channel].numpy() * IMAGENET_STD[channel] + IMAGENET_MEAN[channel]
        np.testing.assert_allclose(back, small, atol=2e-3)
    np.testing.assert_array_equal(patch_tensor(swept, windows, np.array([2]))[0], patches[2])
    assert patch_tensor(swept, windows, np.array([], int)).shape == (0, 3, 64, 64)


@pytest.mark.parametrize("cover", [False, True])
def test_edges_are_covered_on_demand(making: Any, prepared: Any, cover: bool) -> None:
    swept = prepared(
        making[0](), cover_edges=cover, least_breast=0.0, preset="strict", maximum="dtype_max", brightness=0.0
    )
    ends = calcification_windows(swept).corners.max(axis=0) + 100
    assert tuple(ends) == ((1024, 768) if cover else (1000, 750))
