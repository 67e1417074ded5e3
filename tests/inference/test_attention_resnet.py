"""The network of system 000: sizes printed by the paper and counted by hand, and the two identities of eq. 2."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torchvision.models import resnet50

from inference.nets.attention_resnet import (
    AttentionResNet,
    Tail,
    Trunk,
    attend,
    attention_weights,
    split_imagenet,
)


@pytest.fixture(scope="module")
def network() -> AttentionResNet:
    torch.manual_seed(0)
    return AttentionResNet().eval()


def count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def test_parameter_counts(network: AttentionResNet) -> None:
    assert count(network.trunk, network.tail.block) == 23_508_032
    assert count(network.tail.attention) == 2_049
    assert count(network.tail.fc) == 10_245
    assert count(network) == 23_520_326


def test_shapes(network: AttentionResNet) -> None:
    images = torch.zeros(1, 3, 240, 345)
    with torch.inference_mode():
        assert network.features(images).shape == (1, 2048, 8, 11)
        logits, attention = network(images)
    assert logits.shape == (1, 5)
    assert attention.shape == (1, 8, 11)


def test_strides_are_those_of_the_original(network: AttentionResNet) -> None:
    for layer in (network.trunk.layer2, network.trunk.layer3, network.trunk.layer4):
        first = layer[0]
        assert first.conv1.stride == (2, 2)
        assert first.conv2.stride == (1, 1)
        assert first.downsample[0].stride == (2, 2)


def test_uniform_attention_is_the_mean_of_eq_1() -> None:
    features = torch.randn(2, 7, 8, 11, dtype=torch.float64)
    for logit in (-40.0, 0.0, 3.0):
        pooled = attend(features, torch.full((2, 8, 11), logit, dtype=torch.float64))
        torch.testing.assert_close(pooled, features.mean((2, 3)))


def test_one_confident_cell_is_that_cell_alone() -> None:
    features = torch.randn(1, 7, 8, 11)
    attention = torch.full((1, 8, 11), -80.0)
    attention[0, 3, 5] = 80.0
    torch.testing.assert_close(attend(features, attention)[0], features[0, :, 3, 5])


def test_weights_are_p_over_the_sum_of_p() -> None:
    attention = torch.randn(3, 8, 11, dtype=torch.float64) * 4
    p = attention.sigmoid()
    torch.testing.assert_close(attention_weights(attention), p / p.sum((1, 2), keepdim=True))


def test_weights_stay_finite_where_every_p_underflows() -> None:
    attention = torch.full((1, 8, 11), -200.0, requires_grad=True)
    assert attention.sigmoid().sum() == 0  # p / Σp would be 0 / 0
    weights = attention_weights(attention)
    weights[0, 0, 0].backward()
    torch.testing.assert_close(weights, torch.full((1, 8, 11), 1 / 88))
    assert attention.grad is not None
    assert torch.isfinite(attention.grad).all()


def test_trunk_and_tail_together_are_torchvisions_network() -> None:
    """The oracle: torchvision's own forward pass with the strides moved."""
    torch.manual_seed(1)
    oracle = resnet50(weights=None).eval()
    for layer in (oracle.layer2, oracle.layer3, oracle.layer4):
        layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
    trunk_state, block_state = split_imagenet(oracle.state_dict())
    network = AttentionResNet(Trunk(), Tail()).eval()
    network.trunk.load_state_dict(trunk_state, strict=True)
    network.tail.block.load_state_dict(block_state, strict=True)
    images = torch.randn(1, 3, 96, 64)
    with torch.inference_mode():
        features = oracle.maxpool(oracle.relu(oracle.bn1(oracle.conv1(images))))
        features = oracle.layer4(oracle.layer3(oracle.layer2(oracle.layer1(features))))
        torch.testing.assert_close(network.features(images), features)
