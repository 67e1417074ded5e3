"""System 004's network: published sizes and shapes, fixed upsampling, and what may be shared between patches."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from inference.nets.unet_v4 import UNetV4, folded, pooled, upsampled, upsampled_in_plane


def network(width: int = 4) -> UNetV4:
    """Return a network whose every layer passes on values of order one, so that the deepest ones count as well."""
    torch.manual_seed(5)
    made = UNetV4(width)
    for layer in made.modules():
        if isinstance(layer, nn.BatchNorm3d):
            layer.momentum = 1.0  # keep the statistics of the one batch below
    with torch.no_grad():
        made.train()(torch.randn(1, 3, 27, 83, 83))
        made.head.weight *= 0.1  # probabilities neither all 0 nor all 1
        for layer in made.modules():
            if isinstance(layer, nn.BatchNorm3d):
                layer.weight.uniform_(0.5, 1.5)
                layer.bias.normal_(0, 0.3)
    return made.eval()


@pytest.mark.parametrize(
    ("width", "millions"), [(16, 0.358), (32, 1.42), (46, 2.93), (47, 3.06), (48, 3.19), (64, 5.66), (128, 22.6)]
)
def test_number_of_parameters(width, millions):
    with torch.device("meta"):
        made = UNetV4(width)
    count = sum(parameter.numel() for parameter in made.parameters() if parameter.requires_grad)
    assert count / 1e6 == pytest.approx(millions, rel=0.003)


def test_parameters_of_the_default_are_those_of_the_table():
    """Width 48: every kernel of the table by itself, with bias, scale and shift of each of its channels."""
    f, cube, plane, point = 48, 27, 9, 1
    kernels = [
        (3, f, cube), (f, 2 * f, cube), (2 * f, 2 * f, plane), (2 * f, 4 * f, plane), (4 * f, 4 * f, point),
        (4 * f, 8 * f, point), (8 * f, 8 * f, point), (8 * f, 16 * f, point), (24 * f, 8 * f, point),
        (8 * f, 8 * f, point), (12 * f, 4 * f, plane), (4 * f, 4 * f, plane), (6 * f, 2 * f, plane),
        (2 * f, 2 * f, plane),
    ]  # fmt: skip
    wanted = sum(a * b * k + 3 * b for a, b, k in kernels) + 2 * f * 2 + 2
    with torch.device("meta"):
        made = UNetV4()
    assert sum(parameter.numel() for parameter in made.parameters()) == wanted == 3_189_506


def test_shapes_of_every_step_of_a_patch():
    made, seen = network(), []
    for name in ("enc0", "enc1", "enc2", "enc3", "dec2", "dec1", "dec0"):
        for step in getattr(made, name):
            step.register_forward_hook(lambda _m, _i, output: seen.append(tuple(output.shape[2:])))
    with torch.inference_mode():
        assert made(torch.zeros(2, 3, 19, 75, 75)).shape == (2, 2, 1, 37, 37)
    assert seen == [
        (17, 73, 73), (15, 71, 71), (7, 33, 33), (7, 31, 31), (3, 15, 15), (3, 15, 15), (1, 7, 7), (1, 7, 7),
        (1, 13, 13), (1, 13, 13), (1, 23, 23), (1, 21, 21), (1, 39, 39), (1, 37, 37),
    ]  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [((27, 99, 99), (9, 61, 61)), ((19, 43, 43), (1, 5, 5))])
def test_shapes_of_other_tiles(before, after):
    with torch.inference_mode():
        assert network()(torch.zeros(1, 3, *before)).shape[2:] == after


def test_upsampling_is_the_transposed_convolution_of_the_paper():
    """Fixed kernel (½, 1, ½) along each axis, one for each channel, stride 2, cropped by one voxel."""
    x = torch.rand(2, 5, 3, 6, 7, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    line = torch.tensor([0.5, 1.0, 0.5], dtype=torch.float64)
    kernel = line[:, None, None] * line[None, :, None] * line
    dense = torch.zeros(5, 5, 3, 3, 3, dtype=torch.float64)
    dense[range(5), range(5)] = kernel
    wanted = functional.conv_transpose3d(x, dense, stride=2)[:, :, 1:-1, 1:-1, 1:-1]
    assert wanted.shape[2:] == (5, 11, 13)
    torch.testing.assert_close(upsampled(x), wanted, atol=1e-12, rtol=0)
    flat = functional.conv_transpose3d(x[:, :, :1], dense, stride=2)[:, :, 1:-1, 1:-1, 1:-1]
    torch.testing.assert_close(upsampled_in_plane(x[:, :, :1]), flat, atol=1e-12, rtol=0)


def test_pooling_is_average_pooling():
    x = torch.rand(2, 5, 7, 9, 11, generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(pooled(x), functional.avg_pool3d(x, 3, 2))


@pytest.mark.parametrize(("dtype", "within"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_dense_slices_are_patches_around_each_slice(dtype, within):
    made = network().to(dtype)
    x = torch.randn(1, 3, 27, 83, 75, generator=torch.Generator().manual_seed(4), dtype=dtype)
    with torch.inference_mode():
        dense = made.dense(x)
        each = torch.cat([made(x[:, :, k : k + 19]) for k in range(9)], 2)
        thick = made(x)
    assert dense.shape == (1, 2, 9, 45, 37)
    torch.testing.assert_close(dense.softmax(1), each.softmax(1), atol=within, rtol=0)
    torch.testing.assert_close(dense[:, :, ::8].softmax(1), thick[:, :, ::8].softmax(1), atol=within, rtol=0)
    torch.testing.assert_close(dense, each, atol=within, rtol=within)
    assert (dense[:, :, 4] - thick[:, :, 4]).abs().max() > 0.01  # between them the stride of eight shows


def test_folding_keeps_the_numbers():
    made = network()
    x = torch.randn(1, 3, 19, 75, 75, generator=torch.Generator().manual_seed(6))
    with torch.inference_mode():
        before = made(x)
        after = folded(made)(x)
    assert not any(isinstance(layer, nn.BatchNorm3d) for layer in made.modules())
    torch.testing.assert_close(after, before, atol=1e-5, rtol=1e-4)
