"""System 004's network: the 3D U-Net of Hirsch et al. (Radiol Artif Intell 2022), valid convolutions, fixed upsampling.

Kernels, channels and crops are those of SYSTEMS.md §1.5. Upsampling by a transposed convolution with the fixed kernel
(½, 1, ½) per axis, cropped by one voxel, is linear interpolation with aligned corners; so that is what is computed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval

WIDTH = 48  # 3.19 million parameters; the paper says "approximately three million"
CHANNELS = 3  # T1c, DCE-in, DCE-out
DEPTH_LOST, PLANE_LOST = 18, 38  # input less output, in slices and in rows and columns
STRIDE = 8  # three poolings by two: outputs repeat exactly only for shifts by this many voxels
PATCH = (19, 75, 75)  # paper: input of one patch; its output is 37 × 37 of the middle slice
_PLANE, _POINT, _CUBE = (1, 3, 3), (1, 1, 1), (3, 3, 3)


class InPlane(nn.Conv3d):
    """A convolution that looks at one slice at a time, computed slice by slice in two dimensions.

    As one of three dimensions oneDNN's bfloat16 gradient of the weights is NaN for some sizes (torch 2.15, AMX).
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Return the convolution of (n, c, z, y, x)."""
        return volume_of(F.conv2d(slices_of(input), self.weight[:, :, 0], self.bias), len(input))


class Step(nn.Sequential):
    """Convolution without padding, batch normalisation (in the authors' code, not in the paper), ReLU."""

    def __init__(self, before: int, after: int, kernel: tuple[int, int, int]) -> None:
        convolution = InPlane if kernel[0] == 1 else nn.Conv3d
        super().__init__(convolution(before, after, kernel), nn.BatchNorm3d(after), nn.ReLU(inplace=True))
        conv = self[0]
        assert isinstance(conv, nn.Conv3d)
        nn.init.xavier_uniform_(conv.weight)  # paper: Keras' default, Glorot uniform
        assert conv.bias is not None
        nn.init.zeros_(conv.bias)


class UNetV4(nn.Module):
    """Three channels of a sagittal volume to logits (background, tumour).

    Parameters
    ----------
    width
        Channels of the first layer; 48 gives 3.19 million parameters.

    Notes
    -----
    :meth:`forward` takes (n, 3, 19 + 8a, 75 + 8b, 75 + 8c) and gives (n, 2, 1 + 8a, 37 + 8b, 37 + 8c).
    :meth:`dense` takes any number of slices from 19 and gives, for every slice but the nine at each end, what
    :meth:`forward` gives for the 19 slices around it: poolings do not skip slices there but reach further.
    """

    def __init__(self, width: int = WIDTH, channels: int = CHANNELS) -> None:
        super().__init__()
        f = self.width = width
        self.enc0 = _block(channels, (f, 2 * f), _CUBE)
        self.enc1 = _block(2 * f, (2 * f, 4 * f), _PLANE)
        self.enc2 = _block(4 * f, (4 * f, 8 * f), _POINT)
        self.enc3 = _block(8 * f, (8 * f, 16 * f), _POINT)
        self.dec2 = _block(24 * f, (8 * f, 8 * f), _POINT)
        self.dec1 = _block(12 * f, (4 * f, 4 * f), _PLANE)
        self.dec0 = _block(6 * f, (2 * f, 2 * f), _PLANE)
        self.head = nn.Conv3d(2 * f, 2, 1)
        nn.init.xavier_uniform_(self.head.weight)
        assert self.head.bias is not None
        nn.init.zeros_(self.head.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits as the paper computes them, every pooling with stride two along all axes."""
        skip0 = self.enc0(x)
        skip1 = self.enc1(pooled(skip0))
        skip2 = self.enc2(pooled(skip1))
        deepest = self.enc3(pooled(skip2))
        joined = self.dec2(torch.cat((upsampled(deepest), cropped(skip2, 1, 1)), 1))
        joined = self.dec1(torch.cat((upsampled(joined), cropped(skip1, 3, 3)), 1))
        joined = self.dec0(torch.cat((upsampled(joined), cropped(skip0, 7, 15)), 1))
        return self.head(joined)

    def dense(self, x: Tensor) -> Tensor:
        """Return logits of every slice, each as the middle slice of its own 19: (n, 2, slices − 18, …)."""
        skip0 = self.enc0(x)
        skip1 = self.enc1(pooled_between(pooled_in_plane(skip0), 1))
        skip2 = self.enc2(pooled_between(pooled_in_plane(skip1), 2))
        deepest = self.enc3(pooled_between(pooled_in_plane(skip2), 4))
        joined = self.dec2(torch.cat((upsampled_in_plane(deepest), cropped(skip2, 4, 1)), 1))
        joined = self.dec1(torch.cat((upsampled_in_plane(joined), cropped(skip1, 6, 3)), 1))
        joined = self.dec0(torch.cat((upsampled_in_plane(joined), cropped(skip0, 7, 15)), 1))
        return self.head(joined)


def _block(before: int, after: tuple[int, int], kernel: tuple[int, int, int]) -> nn.Sequential:
    return nn.Sequential(Step(before, after[0], kernel), Step(after[0], after[1], kernel))


def folded(network: UNetV4) -> UNetV4:
    """Return a network in evaluation mode with every batch normalisation folded into the convolution before it."""
    for step in network.modules():
        if isinstance(step, Step) and isinstance(step[1], nn.BatchNorm3d):
            step[0], step[1] = fuse_conv_bn_eval(step[0], step[1]), nn.Identity()
    return network


def upsampled(x: Tensor) -> Tensor:
    """Return (n, c, 2z − 1, 2y − 1, 2x − 1): linear interpolation, the outermost voxels stay where they are."""
    size = [2 * n - 1 for n in x.shape[2:]]
    return F.interpolate(x, size=size, mode="trilinear", align_corners=True)


def upsampled_in_plane(x: Tensor) -> Tensor:
    """Return (n, c, z, 2y − 1, 2x − 1): as :func:`upsampled`, slice by slice."""
    flat = slices_of(x)
    size = [2 * n - 1 for n in flat.shape[2:]]
    return volume_of(F.interpolate(flat, size=size, mode="bilinear", align_corners=True), len(x))


def pooled(x: Tensor) -> Tensor:
    """Return averages over 3 × 3 × 3 voxels, every second voxel along each axis.

    In two steps, since torch's own three-dimensional pooling knows no bfloat16 on the processor.
    """
    return pooled_between(pooled_in_plane(x), 1)[:, :, ::2]


def pooled_in_plane(x: Tensor) -> Tensor:
    """Return averages over 3 × 3 pixels, every second pixel, slice by slice."""
    return volume_of(F.avg_pool2d(slices_of(x), 3, 2), len(x))


def pooled_between(x: Tensor, step: int) -> Tensor:
    """Return averages of three slices that lie ``step`` apart, for every slice."""
    return (x[:, :, : -2 * step] + x[:, :, step:-step] + x[:, :, 2 * step :]) / 3


def cropped(x: Tensor, depth: int, plane: int) -> Tensor:
    """Return the middle: ``depth`` slices less at each end, ``plane`` rows and columns less at each side."""
    return x[:, :, depth : x.shape[2] - depth, plane : x.shape[3] - plane, plane : x.shape[4] - plane]


def slices_of(x: Tensor) -> Tensor:
    """Return (n, c, z, y, x) as (n·z, c, y, x) without moving numbers where they lie channels-last."""
    return x.permute(0, 2, 1, 3, 4).flatten(0, 1)


def volume_of(x: Tensor, count: int) -> Tensor:
    """Return (n·z, c, y, x) as (n, c, z, y, x)."""
    return x.unflatten(0, (count, -1)).permute(0, 2, 1, 3, 4)
