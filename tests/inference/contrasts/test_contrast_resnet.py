"""The network of system 002: its size, Grad-CAM against autograd, and where its cells look."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import resnet34

from inference.nets.contrast_resnet import BENIGN, MALIGNANT, STRIDE, ContrastResNet


@pytest.fixture(scope="module")
def network() -> ContrastResNet:
    torch.manual_seed(2)
    made = ContrastResNet().eval()
    for module in made.modules():  # normalisation that does something
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            torch.nn.init.normal_(module.bias, std=0.2)
    return made


def test_it_is_torchvisions_resnet34_with_two_classes(network: ContrastResNet) -> None:
    assert sum(p.numel() for p in network.parameters()) == 21_285_698  # SYSTEMS.md §1.3
    other = resnet34(num_classes=2).eval()
    other.load_state_dict(network.state_dict(), strict=True)
    images = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        features = network.features(images)
        assert features.shape == (1, 512, 7, 7)
        torch.testing.assert_close(network.classify(features), other(images), rtol=1e-4, atol=1e-5)


def test_evidence_is_grad_cam_on_layer4(network: ContrastResNet) -> None:
    """Selvaraju et al. by the book: gradients of the log odds by autograd, averaged over the cells."""
    images = torch.randn(2, 3, 96, 128)
    kept: list[torch.Tensor] = []
    hook = network.layer4.register_forward_hook(lambda *args: kept.append(args[2]))
    logits = network(images)
    hook.remove()
    (features,) = kept
    odds = logits[:, MALIGNANT] - logits[:, BENIGN]
    (gradient,) = torch.autograd.grad(odds.sum(), features)
    by_the_book = torch.relu((gradient.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1))
    ours = network.evidence(features)
    torch.testing.assert_close(torch.relu(ours) / 12, by_the_book, rtol=1e-4, atol=1e-6)
    bias = network.fc.bias[MALIGNANT] - network.fc.bias[BENIGN]
    torch.testing.assert_close(ours.mean(dim=(1, 2)) + bias, odds, rtol=1e-4, atol=1e-5)


def test_a_cell_looks_around_32_i() -> None:
    """With all weights alike, the pixel that counts most for a cell is the middle of what it sees."""
    network = ContrastResNet().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.constant_(module.weight, 1 / module.weight[0].numel())
    network.maxpool = torch.nn.AvgPool2d(3, 2, 1)  # the same window, but every pixel counts
    images = torch.ones(1, 3, 224, 224, requires_grad=True)
    features = network.features(images)[0].sum(dim=0)
    for cell in ((2, 4), (3, 3)):
        (gradient,) = torch.autograd.grad(features[cell], images, retain_graph=True)
        middle = gradient[0, 0].argmax()
        found = torch.tensor([middle // 224, middle % 224])
        assert (found - STRIDE * torch.tensor(cell)).abs().max() <= 2
