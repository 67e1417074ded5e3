"""System 002 on the processor: patches in batches, next to one patch at a time in single precision."""

from __future__ import annotations

import pytest
import torch

from inference.families.mri_contrasts import BATCH, network_input, read_patches
from inference.nets.contrast_resnet import MALIGNANT, ContrastResNet

TOLERANCE = 0.02  # of p: what bfloat16 may change


@pytest.fixture(scope="module")
def network() -> ContrastResNet:
    torch.manual_seed(1)
    return ContrastResNet().eval().to(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def patches() -> torch.Tensor:
    """Return the patches of one batch: a lesion of 16 slices."""
    return torch.rand(BATCH, 3, 50, 50, generator=torch.Generator().manual_seed(2))


def one_by_one(network: ContrastResNet, patches: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        return torch.stack([network(network_input(patch[None])).softmax(dim=1)[0, MALIGNANT] for patch in patches])


@pytest.mark.benchmark(group="system 002, 16 patches")
def test_a_batch(benchmark: pytest.FixtureRequest, network: ContrastResNet, patches: torch.Tensor) -> None:
    p, _ = benchmark.pedantic(read_patches, args=(network, patches, "cpu"), rounds=5, warmup_rounds=1)
    torch.testing.assert_close(torch.from_numpy(p), one_by_one(network, patches), atol=TOLERANCE, rtol=0)


@pytest.mark.benchmark(group="system 002, 16 patches")
def test_one_patch_at_a_time(benchmark: pytest.FixtureRequest, network: ContrastResNet, patches: torch.Tensor) -> None:
    assert len(benchmark.pedantic(one_by_one, args=(network, patches), rounds=3, warmup_rounds=1)) == BATCH
