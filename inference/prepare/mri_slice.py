"""One MR slice to the input of system 000, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from inference.errors import EngineError
from inference.prepare.grid import cell_affine, on_grid, resize, to_canonical
from inference.prepare.intensity import robust_scale
from inference.prepare.keys import check_choices, keys_from_card

if TYPE_CHECKING:
    from highdicom import Volume

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # of the ImageNet weights; see their README
IMAGENET_STD = (0.229, 0.224, 0.225)
SMALLEST_SIDE = 16  # pixels; below that 240 × 345 is invention
_CHOICES = {
    "orientation": ("canonical", "stored"),
    "target_grid": ("receptive-field", "adaptive"),
    "reduction": ("mean", "max", "peak"),
}


@dataclass(frozen=True)
class SlicePreprocessing:
    """Named keys of system 000's preprocessing; the defaults are SYSTEMS.md §1.1's resolutions.

    Attributes
    ----------
    size
        Rows and columns of the network input; the aspect ratio is not kept (paper 000, Preprocessing).
    percentiles
        Grey values that become 0 and 1.
    orientation
        ``"canonical"`` turns every slice as a reader sees it; ``"stored"`` takes it as it comes (paper).
    target_grid, reduction
        How masks become targets and where the map lies; see :func:`inference.prepare.grid.reduce_mask`.
    """

    size: tuple[int, int] = (240, 345)
    percentiles: tuple[float, float] = (0.5, 99.5)
    orientation: str = "canonical"
    target_grid: str = "receptive-field"
    reduction: str = "peak"

    def __post_init__(self) -> None:
        check_choices(self, _CHOICES)

    @classmethod
    def from_card(cls, preprocessing: dict[str, Any]) -> SlicePreprocessing:
        """Read a card's ``preprocessing``: a ``preset`` (``"default"`` or ``"strict"``) and keys that replace its own.

        Raises
        ------
        CardError
            Where a key or value is unknown.
        """
        return keys_from_card(cls, preprocessing, PRESETS)


# The paper takes slices as they come and shrinks the binary mask plainly to 8 × 11.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "strict": {"orientation": "stored", "target_grid": "adaptive", "reduction": "max"},
}


@dataclass(frozen=True)
class PreparedSlice:
    """A slice ready for the network.

    Attributes
    ----------
    grid
        Scaled grey values, 0 to 1, shape (1, 240, 345), with the affine of the network's pixels.
    """

    grid: Volume
    preprocessing: SlicePreprocessing

    def tensor(self) -> torch.Tensor:
        """Return the network input, shape (1, 3, 240, 345)."""
        return network_input(torch.from_numpy(self.grid.array))

    def map_volume(self, cells: np.ndarray) -> Volume:
        """Return an attention map (8, 11) as a volume (1, 8, 11) that lies where the network looked."""
        affine = cell_affine(self.grid.affine, self.preprocessing.size, self.preprocessing.target_grid)
        return on_grid(np.ascontiguousarray(cells, dtype=np.float32)[None], affine, self.grid)


def network_input(grey: torch.Tensor) -> torch.Tensor:
    """Return grey images (n, rows, columns) of 0 to 1 as three ImageNet-normalised channels (n, 3, rows, columns)."""
    mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    return (grey[:, None].expand(-1, 3, -1, -1) - mean) / std


def prepare_slice(image: Volume, plane: str, preprocessing: SlicePreprocessing) -> PreparedSlice:
    """Turn, scale and resize one slice.

    Parameters
    ----------
    image
        Modality values, shape (1, rows, columns), LPS millimetres; NaN is padding.
    plane
        Closest plane of the slice, ``""`` where unknown.

    Raises
    ------
    EngineError
        Where the image is empty, constant or too small.
    """
    rows, columns = image.spatial_shape[1:]
    if min(rows, columns) < SMALLEST_SIDE:
        raise EngineError(
            f"The image has only {rows} × {columns} pixels; at least {SMALLEST_SIDE} on each side are needed.",
            "Choose another slice.",
        )
    if preprocessing.orientation == "canonical":
        image = to_canonical(image, plane)
    scaled = image.with_array(robust_scale(image.array, preprocessing.percentiles))
    return PreparedSlice(resize(scaled, preprocessing.size), preprocessing)
