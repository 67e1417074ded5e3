"""Tiles of system 004: every voxel asked for, each the value of a patch of the paper."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from inference.nets.unet_v4 import UNetV4, folded
from inference.prepare.tiles import Tile, tiles_for, tumour_probability


def network(width: int = 3) -> UNetV4:
    """Return a network whose every layer passes on values of order one, so that the deepest ones count as well."""
    torch.manual_seed(5)
    made = UNetV4(width)
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.momentum = 1.0
    with torch.no_grad():
        made.train()(torch.randn(1, 3, 27, 83, 83))
        made.head.weight *= 0.1  # probabilities neither all 0 nor all 1
    return made.eval()


def patch_wise(made: UNetV4, volume: np.ndarray, step: int) -> np.ndarray:
    """Return probabilities of all voxels of a volume, one patch of 19 × 75 × 75 after the other, reflected beyond."""
    shape = volume.shape[1:]
    padded = np.pad(volume, ((0, 0), (9, 9), (19, 19 + 75), (19, 19 + 75)), mode="reflect")
    found = np.full((shape[0], shape[1] + 75, shape[2] + 75), np.nan, np.float32)
    with torch.inference_mode():
        for k in range(shape[0]):
            for j in range(0, shape[1], step):
                for i in range(0, shape[2], step):
                    patch = torch.from_numpy(padded[None, :, k : k + 19, j : j + 75, i : i + 75])
                    found[k, j : j + 37, i : i + 37] = made(patch).softmax(1)[0, 1, 0].numpy()
    return found[:, : shape[1], : shape[2]]


def by_tiles(made: UNetV4, volume: np.ndarray, size: int, step: int) -> np.ndarray:
    shape = volume.shape[1:]
    padded = np.pad(volume, ((0, 0), (9, 9), (19, 200), (19, 200)), mode="reflect")
    found = np.full((shape[0], shape[1] + 200, shape[2] + 200), np.nan, np.float32)
    with torch.inference_mode():
        for tile in tiles_for(np.ones(shape, bool), (0, 0, 0), size, step):
            (a, b), (c, d), (e, f) = tile.context
            part = torch.from_numpy(padded[None, :, a + 9 : b + 9, c + 19 : d + 19, e + 19 : f + 19])
            (a, b), (c, d), (e, f) = tile.slices, tile.rows, tile.columns
            found[a:b, c:d, e:f] = tumour_probability(made, part).numpy()
    return found[:, : shape[1], : shape[2]]


@pytest.mark.parametrize(("size", "step", "patch_step"), [(45, 40, 32), (37, 37, 37)])
def test_tiles_are_the_patches(size, step, patch_step):
    """Large tiles at multiples of eight are patches at multiples of eight; small ones that abut are the paper's own."""
    volume = np.random.default_rng(1).normal(size=(3, 2, 70, 45)).astype(np.float32)
    made = network()
    wanted = patch_wise(made, volume, patch_step)
    found = by_tiles(folded(made), volume, size, step)
    assert wanted.std() > 0.05
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_bfloat16_is_near():
    volume = torch.randn(1, 3, 21, 75, 75, generator=torch.Generator().manual_seed(2))
    made = folded(network(8))
    with torch.inference_mode():
        exact = tumour_probability(made, volume)
        rough = tumour_probability(made.to(torch.bfloat16), volume.bfloat16())
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().max() < 0.05
    assert (rough - exact).abs().mean() < 0.005


def test_every_voxel_asked_for_is_in_a_tile_and_little_else():
    wanted = np.zeros((30, 100, 90), bool)
    wanted[4:9, 10:20, 70:90] = True
    wanted[20, 99, 0] = True
    origin = (7, 13, 5)
    tiles = list(tiles_for(wanted, origin, 45, 40))
    seen = np.zeros_like(wanted)
    for tile in tiles:
        box = []
        for (low, high), first in zip((tile.slices, tile.rows, tile.columns), origin, strict=True):
            box.append(slice(max(low - first, 0), high - first))
        seen[tuple(box)] = True
        assert tile.rows[0] % 40 == tile.columns[0] % 40 == 0  # of the whole grid, wherever the part begins
        assert tile.voxels == (tile.slices[1] - tile.slices[0]) * 45 * 45
    assert seen[wanted].all()
    assert {tile.slices for tile in tiles} == {(11, 16), (27, 28)}


def test_the_order_of_magnitude_of_a_column_is_bounded():
    tiles = list(tiles_for(np.ones((200, 5, 5), bool), (0, 0, 0), 37, 32))
    assert [tile.slices for tile in tiles] == [(0, 64), (64, 128), (128, 192), (192, 200)]
    assert tiles[0].context == ((-9, 73), (-19, 56), (-19, 56))


def test_tiles_that_leave_gaps_or_do_not_fit_the_network():
    for size, step in ((37, 40), (40, 32)):
        with pytest.raises(ValueError, match="tiles"):
            list(tiles_for(np.ones((1, 5, 5), bool), (0, 0, 0), size, step))


def test_cancelling_between_slabs():
    calls = []

    def check() -> None:
        calls.append(len(calls))
        if len(calls) == 4:
            raise InterruptedError

    with torch.inference_mode(), pytest.raises(InterruptedError):
        tumour_probability(network(), torch.zeros(1, 3, 27, 43, 43), check)
    assert Tile((0, 22), (0, 37), (0, 37)).context == ((-9, 31), (-19, 56), (-19, 56))
