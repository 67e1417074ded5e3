"""The network of a module is ResNet-50 with two classes, on the trunk that system 000 has."""

from __future__ import annotations

import torch
from torchvision.models import resnet50

from inference.nets.attention_resnet import split_imagenet
from inference.nets.patch_resnet import CASE, PatchResNet, PatchTail, probability
from inference.nets.precision import multiplies_bfloat16, reduced


def torchvision_network() -> torch.nn.Module:
    network = resnet50(weights=None, num_classes=2)
    for layer in (network.layer2, network.layer3, network.layer4):
        layer[0].conv1.stride, layer[0].conv2.stride = (2, 2), (1, 1)
    return network.eval()


def test_parameters() -> None:
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in PatchResNet().parameters())
        shared = sum(parameter.numel() for parameter in PatchTail().parameters())
    assert count == 23_512_130  # ResNet-50 of 25,557,032 with 2 classes for 1,000
    assert shared == 4_462_592 + 4_098  # layer4.2 and the classifier


def test_it_computes_what_torchvisions_computes() -> None:
    torch.manual_seed(0)
    theirs, ours = torchvision_network(), PatchResNet().eval()
    trunk, block = split_imagenet(theirs.state_dict())
    ours.trunk.load_state_dict(trunk)
    ours.tail.block.load_state_dict(block)
    ours.tail.fc.load_state_dict(theirs.fc.state_dict())
    images = torch.randn(2, 3, 96, 96)
    with torch.inference_mode():
        torch.testing.assert_close(ours(images), theirs(images), atol=1e-5, rtol=1e-5)


def test_probability_is_the_softmax_of_the_second_class() -> None:
    logits = torch.tensor([[0.0, 2.0], [1.0, 1.0]])
    expected = torch.tensor([1 / (1 + torch.e**-2), 0.5])
    torch.testing.assert_close(probability(logits), expected)
    assert CASE == 1


def test_reduced_precision_where_the_processor_has_it() -> None:
    with torch.inference_mode(), reduced("cpu"):
        product = torch.ones(4, 4) @ torch.ones(4, 4)
    assert product.dtype is (torch.bfloat16 if multiplies_bfloat16("cpu") else torch.float32)
