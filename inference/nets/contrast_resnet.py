"""The ResNet-34 of system 002: torchvision's, with two classes, and Grad-CAM from its last features."""

from __future__ import annotations

from torch import Tensor
from torchvision.models.resnet import BasicBlock, ResNet

BLOCKS = [3, 4, 6, 3]  # ResNet-34 (He et al. 2016, table 1)
BENIGN, MALIGNANT = 0, 1  # order of the two classes
STRIDE = 32  # input pixels from one cell of the last features to the next
INPUT_SIZE = 224  # rows and columns (paper 002, Transfer Learning)


class ContrastResNet(ResNet):
    """ResNet-34 for benign against malignant: 21,285,698 parameters, torchvision's key names."""

    def __init__(self) -> None:
        super().__init__(BasicBlock, BLOCKS, num_classes=2)

    def features(self, images: Tensor) -> Tensor:
        """Return what layer4 gives: images (n, 3, 224, 224) to (n, 512, 7, 7)."""
        found = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        return self.layer4(self.layer3(self.layer2(self.layer1(found))))

    def classify(self, features: Tensor) -> Tensor:
        """Return the two logits (n, 2) of features (n, 512, rows, columns)."""
        return self.fc(features.mean(dim=(2, 3)))

    def evidence(self, features: Tensor) -> Tensor:
        """Return Grad-CAM on layer4 before its ReLU, of the log odds of malignancy: (n, rows, columns).

        Notes
        -----
        The target is logit(malignant) − logit(benign), of which the probability is a function. With mean pooling and
        one linear layer its gradient is the same at every cell, w_k / (rows · columns), so that Grad-CAM (Selvaraju et
        al., ICCV 2017) needs no backward pass. Scaled by the number of cells: the mean over the cells plus the
        difference of the biases *is* the log odds; a cell's value says how much it argues for malignancy (> 0) or
        against it.
        """
        weight = self.fc.weight[MALIGNANT] - self.fc.weight[BENIGN]
        return (features * weight[None, :, None, None]).sum(dim=1)
