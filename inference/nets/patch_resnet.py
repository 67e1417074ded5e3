"""ResNet-50 with two classes for windows of a mammogram (system 001), on the trunk that system 000 shares."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from inference.nets.attention_resnet import CHANNELS, Trunk

CLASSES = 2  # control, case: softmax (paper 001)
CASE = 1  # index of the malignant class
SIZE = 224  # rows and columns of the input: that of ResNet-50 (SYSTEMS.md §1.2 [R])


class PatchTail(nn.Module):
    """The last bottleneck, the average over all cells and the classifier: what differs between the two modules."""

    def __init__(self) -> None:
        super().__init__()
        self.block = Bottleneck(CHANNELS, CHANNELS // Bottleneck.expansion)
        self.fc = nn.Linear(CHANNELS, CLASSES)

    def forward(self, features: Tensor) -> Tensor:
        """Return logits (n, 2), control before case, from the trunk's features (n, 2048, rows, columns)."""
        return self.fc(self.block(features).mean(dim=(2, 3)))


class PatchResNet(nn.Module):
    """The whole network of one module: ResNet-50 with 23,512,130 parameters."""

    def __init__(self, trunk: Trunk | None = None, tail: PatchTail | None = None) -> None:
        super().__init__()
        self.trunk = trunk or Trunk()
        self.tail = tail or PatchTail()

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (n, 2) of normalised images (n, 3, 224, 224)."""
        return self.tail(self.trunk(images))


def probability(logits: Tensor) -> Tensor:
    """Return the probability of the malignant class (n,) from logits (n, 2): softmax (paper 001)."""
    return logits.softmax(dim=1)[:, CASE]
