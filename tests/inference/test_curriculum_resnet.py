"""Network of system 003: published size and shapes, and the identity between logits and activation maps."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import avg_pool3d, conv3d

from inference.nets.curriculum_resnet import STEP, CurriculumResNet, initialise


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.fixture(scope="module")
def network() -> CurriculumResNet:
    torch.manual_seed(5)
    network = CurriculumResNet()
    initialise(network)
    nn.init.normal_(network.head.bias)
    return network.eval()


def test_parameter_counts_are_the_published_ones() -> None:
    with torch.device("meta"):
        network = CurriculumResNet()
        assert count(network) == 2_658_170  # 2.66 M, paper 003, table 1
        assert count(CurriculumResNet(channels=1)) == 2_627_300
        assert round(count(CurriculumResNet(width=17)) / 1e6, 2) == 2.37
        assert round(count(CurriculumResNet(width=19)) / 1e6, 2) == 2.96
    stages = [count(part) for part in (network.c1, network.c2, network.c3, network.c4, network.c5, network.head)]
    assert stages == [37_044, 35_316, 123_120, 492_480, 1_969_920, 290]


@pytest.mark.parametrize(
    ("size", "shapes"),
    [
        ((64, 64, 4), [(18, 32, 32, 4), (18, 16, 16, 4), (36, 8, 8, 4), (72, 4, 4, 2), (144, 2, 2, 1), (144, 1, 1, 1)]),
        (
            (256, 256, 32),
            [
                (18, 128, 128, 32),
                (18, 64, 64, 32),
                (36, 32, 32, 32),
                (72, 16, 16, 16),
                (144, 8, 8, 8),
                (144, 4, 4, 8),
            ],
        ),
    ],
)
def test_stage_shapes_are_those_of_the_table(
    network: CurriculumResNet, size: tuple[int, ...], shapes: list[tuple[int, ...]]
) -> None:
    with torch.inference_mode():
        stages = network.stages(torch.randn(1, 6, *size))
    assert [tuple(stage.shape[1:]) for stage in stages] == shapes


def test_logits_are_the_mean_of_the_activation_maps_plus_bias(network: CurriculumResNet) -> None:
    with torch.inference_mode():
        logits, cams = network(torch.randn(2, 6, 128, 64, 8))
    assert cams.shape == (2, 2, 4, 2, 2)
    torch.testing.assert_close(logits, cams.mean(dim=(2, 3, 4)) + network.head.bias, atol=1e-4, rtol=1e-4)


def test_first_convolution_equals_the_plain_one(network: CurriculumResNet) -> None:
    x = torch.randn(2, 6, 32, 64, 5)
    with torch.inference_mode():
        plain = conv3d(x, network.c1.weight, stride=(2, 2, 1), padding=3)
        torch.testing.assert_close(network._c1(x), plain, atol=1e-4, rtol=1e-4)


def test_blocks_are_those_of_the_table(network: CurriculumResNet) -> None:
    """C2 written out with torch's own layers: convolution, instance norm, leaky ReLU; a 1³ shortcut in block 1."""
    x = torch.randn(1, 18, 8, 6, 5)
    first, second = network.c2
    norm, active = nn.InstanceNorm3d(18), nn.LeakyReLU(0.01)
    with torch.inference_mode():
        y = norm(first.conv2(active(norm(first.conv1(x)))))
        y = active(y + norm(first.shortcut(x)))
        z = active(norm(second.conv2(active(norm(second.conv1(y))))) + y)
        torch.testing.assert_close(network.c2(x), z)
    assert second.shortcut is None


@pytest.mark.parametrize(("axis", "length"), [(0, 512), (1, 512), (2, 96)])
def test_cells_are_centred_where_the_map_says(axis: int, length: int) -> None:
    """With all weights 1 and no non-linearity, what a cell of C5 sees is symmetric about voxel 32 i, 32 j, 4 k."""
    network = CurriculumResNet(channels=1, width=1).double()
    for parameter in network.parameters():
        nn.init.ones_(parameter)
    shape, index = [32, 32, 4], [0, 0, 0]
    shape[axis], index[axis] = length, length // STEP[axis] // 2  # a middle cell, whose field lies in the image
    x = torch.zeros(1, 1, *shape, dtype=torch.double, requires_grad=True)
    linear_part(network, x)[(0, 0, *index)].backward()
    assert x.grad is not None
    profile = x.grad.sum(dim=[a for a in range(5) if a != axis + 2])
    assert profile[0] == profile[-1] == 0
    centre = (profile * torch.arange(length)).sum() / profile.sum()
    assert float(centre) == pytest.approx(index[axis] * STEP[axis], abs=1e-6)


def linear_part(network: CurriculumResNet, x: torch.Tensor) -> torch.Tensor:
    """The network's geometry: maximum pools become means, norms and leaky ReLUs go."""
    y = avg_pool3d(network._c1(x), 3, (2, 2, 1), 1)
    for number, stage in enumerate((network.c2, network.c3, network.c4, network.c5)):
        y = avg_pool3d(y, 3, (2, 2, 1), 1) if number == 1 else y
        for block in stage:
            y = block.conv2(block.conv1(y)) + (y if block.shortcut is None else block.shortcut(y))
    return y
