"""The network of system 003: 3D ResNet-18 of width 18 with instance normalisation, for patches and whole breasts.

Tensors are (n, channel, x, y, z) as in the paper: z, across the slices, comes last and is strided from C4 on only.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS = 6  # five T1 phases and T2, paper 003, section 3.1
WIDTH = 18  # gives exactly 2,658,170 parameters, the paper's 2.66 M; SYSTEMS.md §1.4
SLOPE = 0.01  # of the leaky ReLU
IN_PLANE = (2, 2, 1)  # stride of C1 and of the two pools: z keeps its length
STEP = (32, 32, 4)  # network voxels between two cells of C5; cell (i, j, k) is centred on voxel (32 i, 32 j, 4 k)
BENIGN, MALIGNANT = 0, 1  # order of the two logits
_FEW_CELLS = 1024


class BreastReading(NamedTuple):
    """What the network says of a batch.

    Attributes
    ----------
    logits
        (n, 2), benign and malignant.
    cams
        (n, 2, cells x, y, z): class activation maps without bias; their mean plus the head's bias is the logit.
    """

    logits: Tensor
    cams: Tensor


class ResidualBlock(nn.Module):
    """Two 3³ convolutions with instance normalisation; ``projects`` puts a 1³ convolution on the shortcut."""

    def __init__(self, inside: int, outside: int, stride: int = 1, *, projects: bool = False) -> None:
        super().__init__()
        self.conv1 = nn.Conv3d(inside, outside, 3, stride, padding=1, bias=False)
        self.conv2 = nn.Conv3d(outside, outside, 3, padding=1, bias=False)
        self.shortcut = nn.Conv3d(inside, outside, 1, stride, bias=False) if projects else None

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output, (n, outside, x, y, z)."""
        y = normalised(self.conv2(_active(normalised(self.conv1(x)))))
        return _active(y + (x if self.shortcut is None else normalised(self.shortcut(x))))


class CurriculumResNet(nn.Module):
    """The network of both stages: 64×64×4 patches (stage 1) and 256×256×32 whole breasts (stage 2).

    The adaptive pooling of stage 2 changes nothing for a patch, whose features have one cell after pooling.

    Parameters
    ----------
    channels
        Of the input.
    width
        Channels of C1 and C2; doubled at C3, C4 and C5.
    """

    def __init__(self, channels: int = CHANNELS, width: int = WIDTH) -> None:
        super().__init__()
        self.c1 = nn.Conv3d(channels, width, 7, IN_PLANE, padding=3, bias=False)
        self.c2 = _stage(width, width)
        self.c3 = _stage(width, 2 * width)
        self.c4 = _stage(2 * width, 4 * width, stride=2)
        self.c5 = _stage(4 * width, 8 * width, stride=2)
        self.head = nn.Conv3d(8 * width, 2, 1)

    def stages(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs of C1, C2, C3, C4, C5 and of the average pooling."""
        c1 = _active(normalised(self._c1(x)))
        c2 = self.c2(F.max_pool3d(c1, 3, IN_PLANE, 1))
        c3 = self.c3(F.max_pool3d(c2, 3, IN_PLANE, 1))
        c4 = self.c4(c3)
        c5 = self._c5(c4)
        return c1, c2, c3, c4, c5, F.avg_pool3d(c5, IN_PLANE)

    def _c5(self, c4: Tensor) -> Tensor:
        """Return the last stage; of small maps in float32.

        There oneDNN's bfloat16 convolution of 72 channels with stride 2 reads beyond its input (torch 2.15, AMX): now
        and then a patch came out as NaN. Whole breasts take another kernel.
        """
        if c4.shape[2:].numel() > _FEW_CELLS:
            return self.c5(c4)
        with torch.autocast(c4.device.type, enabled=False):
            return self.c5(c4.float())

    def _c1(self, x: Tensor) -> Tensor:
        """Return the first convolution, of stride 2 in x and y, as one of stride 1 over blocks of 2 × 2 voxels.

        The same sums: the kernel grows from 7 to 8 by a zero in front, and blocks become channels. Six channels leave
        most of a processor's vector and matrix units idle, 24 do not: 2.5 times as fast.
        """
        kernel = F.pad(self.c1.weight, (0, 0, 1, 0, 1, 0))
        outside, inside, *_, depth = kernel.shape
        kernel = kernel.reshape(outside, inside, 4, 2, 4, 2, depth).permute(0, 1, 3, 5, 2, 4, 6)
        count, _, width, height, slices = x.shape
        blocks = x.reshape(count, inside, width // 2, 2, height // 2, 2, slices).permute(0, 1, 3, 5, 2, 4, 6)
        blocks = F.pad(blocks.reshape(count, 4 * inside, width // 2, height // 2, slices), (0, 0, 2, 1, 2, 1))
        return F.conv3d(
            blocks.contiguous(memory_format=torch.channels_last_3d),
            kernel.reshape(outside, 4 * inside, 4, 4, depth).contiguous(memory_format=torch.channels_last_3d),
            padding=(0, 0, depth // 2),
        )

    def forward(self, x: Tensor) -> BreastReading:
        """Read volumes (n, channels, x, y, z); x and y a multiple of 64, z of 4."""
        *_, features, pooled = self.stages(x)
        logits = self.head(F.adaptive_avg_pool3d(pooled, 1)).flatten(1)
        return BreastReading(logits, F.conv3d(features, self.head.weight))


def initialise(network: CurriculumResNet) -> None:
    """Draw all weights anew: He et al., uniform, by fan out (SYSTEMS.md §1.4); the head as :func:`draw_head` does."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d) and layer is not network.head:
            nn.init.kaiming_uniform_(layer.weight, a=SLOPE, mode="fan_out", nonlinearity="leaky_relu")
    draw_head(network)


def draw_head(network: CurriculumResNet) -> None:
    """Draw the head anew, small: by its fan out of 2 the first logits would be about ±7, a loss of 4 to unlearn."""
    nn.init.normal_(network.head.weight, std=0.01)
    nn.init.zeros_(network.head.get_parameter("bias"))


def normalised(x: Tensor) -> Tensor:
    """Return the input with mean 0 and variance 1 for each image and channel: instance normalisation, no parameters.

    Small maps are normalised in float32: in bfloat16 the few cells of a patch (2 × 2 × 1 at C5) may become all alike.
    """
    if x.shape[2:].numel() <= _FEW_CELLS:
        x = x.float()
    return F.instance_norm(x)


def _stage(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(ResidualBlock(inside, outside, stride, projects=True), ResidualBlock(outside, outside))


def _active(x: Tensor) -> Tensor:
    return F.leaky_relu(x, SLOPE)
