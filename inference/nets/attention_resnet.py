"""The supervised-attention ResNet-50 of system 000, split where its three checkpoints part."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.resnet import Bottleneck, ResNet, resnet50

CHANNELS = 2048  # feature maps of ResNet-50 (paper 000, Automatic feature extraction)
OUTPUTS = 5  # malignant, normal, OB, IDC, OM (paper 000, fig. 3)
STRIDE = 32  # input pixels from one attention cell to the next


class Prediction(NamedTuple):
    """What one checkpoint says, all before the sigmoid: ``logits`` (n, 5) and ``attention`` (n, 8, 11)."""

    logits: Tensor
    attention: Tensor


def attention_weights(attention: Tensor) -> Tensor:
    """Return p / Σp of paper 000, eq. 2, from logits of shape (n, rows, columns).

    ``softmax(logsigmoid(z))`` is the same number and stays finite where every p underflows, as on normal slices.
    """
    return F.softmax(F.logsigmoid(attention).flatten(1), dim=1).view_as(attention)


def attend(features: Tensor, attention: Tensor) -> Tensor:
    """Return x_k = Σ p_ij f_kij / Σ p_ij (paper 000, eq. 2): features (n, k, rows, columns) to (n, k)."""
    return torch.einsum("nkij,nij->nk", features, attention_weights(attention))


class Trunk(nn.Module):
    """ResNet-50 from the first convolution to the last bottleneck but one: (n, 3, 240, 345) to (n, 2048, 8, 11)."""

    def __init__(self) -> None:
        super().__init__()
        network = _resnet50_v1()
        self.conv1, self.bn1, self.relu, self.maxpool = network.conv1, network.bn1, network.relu, network.maxpool
        self.layer1, self.layer2, self.layer3 = network.layer1, network.layer2, network.layer3
        self.layer4 = network.layer4[:2]

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of normalised images."""
        features = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(features))))


class Tail(nn.Module):
    """The last bottleneck, the attention branch and the classifier: what differs between the three checkpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Bottleneck(CHANNELS, CHANNELS // Bottleneck.expansion)
        self.attention = nn.Conv2d(CHANNELS, 1, kernel_size=1)
        self.fc = nn.Linear(CHANNELS, OUTPUTS)

    def forward(self, features: Tensor) -> Prediction:
        """Return logits (n, 5) and attention logits (n, rows, columns) from the trunk's features."""
        features = self.block(features)
        attention = self.attention(features)[:, 0]
        return Prediction(self.fc(attend(features, attention)), attention)


class AttentionResNet(nn.Module):
    """The whole network of paper 000, fig. 3: 23,520,326 parameters."""

    def __init__(self, trunk: Trunk | None = None, tail: Tail | None = None) -> None:
        super().__init__()
        self.trunk = trunk or Trunk()
        self.tail = tail or Tail()

    def features(self, images: Tensor) -> Tensor:
        """Return the 2048 × 8 × 11 feature map of images of 240 × 345."""
        return self.tail.block(self.trunk(images))

    def forward(self, images: Tensor) -> Prediction:
        """Return logits and attention logits of normalised images (n, 3, 240, 345)."""
        return self.tail(self.trunk(images))


def split_imagenet(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Split torchvision's ResNet-50 state into that of :class:`Trunk` and of ``Tail.block``; drops ``fc``.

    Raises
    ------
    KeyError, RuntimeError
        By ``load_state_dict(strict=True)`` of the caller where keys are missing.
    """
    last = "layer4.2."
    trunk = {key: value for key, value in state.items() if not key.startswith((last, "fc."))}
    block = {key.removeprefix(last): value for key, value in state.items() if key.startswith(last)}
    return trunk, block


def _resnet50_v1() -> ResNet:
    """Torchvision's ResNet-50 with the strides of the original ("v1"), to which the weights at hand belong."""
    network = resnet50(weights=None)
    for layer in (network.layer2, network.layer3, network.layer4):
        first = layer[0]
        assert isinstance(first, Bottleneck)
        first.conv1.stride, first.conv2.stride = (2, 2), (1, 1)
    return network
