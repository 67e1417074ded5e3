"""Where the network of system 003 looks: one grid of 256 × 256 × 32 voxels (x, y, z) for each breast.

x ends at the midline between the breasts, y at the chest wall, z covers the image. Every grid keeps its affine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inference.errors import CardError
from inference.prepare.breast_mask import LEFT, RIGHT, SIDE_ML, BreastMask
from inference.prepare.keys import check_choices, keys_from_card
from inference.prepare.separable import axis_weights, resample_axes

if TYPE_CHECKING:
    from highdicom import Volume

CANONICAL = "LPH"  # array axes grow to the patient's left, back and head
NAMES = {"R": "Right breast", "L": "Left breast"}
_LABELS = {"R": RIGHT, "L": LEFT}
_CHOICES = {
    "in_plane": ("millimetres", "image"),
    "posts": ("first", "spread"),
    "thorax": ("blank", "keep"),
    "statistics": ("exam", "breast"),
}


@dataclass(frozen=True)
class BreastPreprocessing:
    """Named keys of system 003's preprocessing; the defaults are SYSTEMS.md §1.4's resolutions.

    Attributes
    ----------
    size
        Network voxels along x, y, z (paper 003, section 3.1).
    in_plane, in_plane_mm
        ``"millimetres"``: network voxels of a fixed size, so that a lesion is as large in every exam; 0.67 mm shows
        171 mm of each breast, and they grow where a breast is larger. ``"image"``: the whole image becomes 512 × 512
        (paper).
    mirror
        Whether the left breast is mirrored, so that medial is always at the end of x.
    wall_margin_mm
        How far behind the chest-wall line the grid ends and tissue is kept.
    thorax
        ``"blank"`` sets what lies behind the chest wall or belongs to the other breast to air; ``"keep"`` leaves it.
    statistics
        Voxels that give mean and standard deviation: of both breasts (``"exam"``) or of each alone (``"breast"``).
    posts
        Which four of more post-contrast phases: the ``"first"``, or ``"spread"`` from the first to the last.
    """

    size: tuple[int, int, int] = (256, 256, 32)
    in_plane: str = "millimetres"
    in_plane_mm: float = 0.67
    mirror: bool = True
    wall_margin_mm: float = 8.0
    thorax: str = "blank"
    statistics: str = "exam"
    posts: str = "first"

    def __post_init__(self) -> None:
        check_choices(self, _CHOICES)
        if len(self.size) != 3 or any(n <= 0 or n % m for n, m in zip(self.size, (64, 64, 4), strict=True)):
            raise CardError(f"preprocessing size {self.size!r} is not three numbers, multiples of 64, 64 and 4.")
        if not self.in_plane_mm > 0 or not self.wall_margin_mm >= 0:
            raise CardError("preprocessing in_plane_mm must be above 0 and wall_margin_mm at least 0.")

    @classmethod
    def from_card(cls, preprocessing: dict[str, Any]) -> BreastPreprocessing:
        """Read a card's ``preprocessing``: a ``preset`` (``"default"`` or ``"strict"``) and keys that replace its own.

        Raises
        ------
        CardError
            Where a key or value is unknown.
        """
        return keys_from_card(cls, preprocessing, PRESETS)


# The paper resamples the whole image to 512 × 512 × 32, crops air and thorax, splits, and says nothing of a mirror.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "strict": {"in_plane": "image", "mirror": False, "thorax": "keep", "wall_margin_mm": 0.0},
}


@dataclass(frozen=True)
class BreastGrid:
    """The network's voxels of one breast.

    Attributes
    ----------
    side
        ``"R"`` or ``"L"``, the patient's.
    first, step
        Place of the first voxel and distance between two, for x, y, z, in voxels of the image turned to ``"LPH"``.
    canonical
        Affine of that image to LPS millimetres.
    shape
        Of that image.
    """

    side: str
    first: tuple[float, float, float]
    step: tuple[float, float, float]
    size: tuple[int, int, int]
    canonical: np.ndarray
    shape: tuple[int, int, int]

    @property
    def affine(self) -> np.ndarray:
        """Affine from network voxels (x, y, z) to LPS millimetres."""
        to_image = np.diag([*self.step, 1.0])
        to_image[:3, 3] = self.first
        return self.canonical @ to_image

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Size of a network voxel along x, y, z, millimetres."""
        x, y, z = (float(value) for value in np.linalg.norm(self.affine[:3, :3], axis=0))
        return x, y, z

    def sample(self, image: Volume) -> np.ndarray:
        """Return the image on this grid, float32 (x, y, z); 0 outside of it.

        Parameters
        ----------
        image
            On the grid of the exam's phases.
        """
        turned = image.to_patient_orientation(CANONICAL).array
        centres = [a + d * np.arange(n) for a, d, n in zip(self.first, self.step, self.size, strict=True)]
        x, y, z = (axis_weights(n, places) for n, places in zip(self.shape, centres, strict=True))
        return resample_axes(turned, (x, y, z))


@dataclass(frozen=True)
class _Span:
    """Outer edges of one breast in voxels: the midline and the far side (x), front and back (y)."""

    medial: float
    lateral: float
    front: float
    back: float


def breast_grids(mask: BreastMask, keys: BreastPreprocessing) -> tuple[BreastGrid, ...]:
    """Return the grid of each breast that was found, the right one first; empty where there is none."""
    turned = mask.volume.to_patient_orientation(CANONICAL)
    found = [side for side in ("R", "L") if mask.ml(_LABELS[side]) >= SIDE_ML[0]]
    if not found:
        return ()
    margin = keys.wall_margin_mm / float(turned.spacing[1])
    edges = {side: _edges(turned.array == _LABELS[side]) for side in found}
    middle = (edges["R"][0][1] + edges["L"][0][0]) / 2 if len(found) == 2 else None
    spans = {}
    for side, ((right, left), (front, back)) in edges.items():
        medial, lateral = (left, right) if side == "R" else (right, left)
        spans[side] = _Span(medial if middle is None else middle, lateral, front, back + margin)
    across, down = _in_plane(tuple(spans.values()), turned, keys)
    return tuple(_grid(side, span, (across, down), turned, keys) for side, span in spans.items())


def _edges(inside: np.ndarray) -> list[tuple[float, float]]:
    """Return the outer edges of a mask along x and y, in voxels."""
    edges = []
    for others in ((1, 2), (0, 2)):
        there = np.flatnonzero(inside.any(axis=others))
        edges.append((float(there[0]) - 0.5, float(there[-1]) + 0.5))
    return edges


def _in_plane(spans: tuple[_Span, ...], turned: Volume, keys: BreastPreprocessing) -> tuple[float, float]:
    """Return the size of the network's voxels along x and y, in voxels of the image, the same for both breasts."""
    width, depth, _ = keys.size
    if keys.in_plane == "image":
        return turned.spatial_shape[0] / (width * len(spans)), turned.spatial_shape[1] / (2 * depth)
    x_mm, y_mm = (float(value) for value in turned.spacing[:2])
    needed = [keys.in_plane_mm]
    for span in spans:
        needed += [abs(span.lateral - span.medial) * x_mm / width, (span.back - span.front) * y_mm / depth]
    return max(needed) / x_mm, max(needed) / y_mm


def _grid(
    side: str, span: _Span, in_plane: tuple[float, float], turned: Volume, keys: BreastPreprocessing
) -> BreastGrid:
    """Return the grid that ends at the midline (x) and behind the chest wall (y); the front is never cut off."""
    across, down = in_plane
    width, depth, slices = keys.size
    along = turned.spatial_shape[2] / slices
    back = min(span.back, span.front + depth * down)
    outwards = -across if side == "R" else across  # from the midline to the side, in image voxels
    if side == "R" or keys.mirror:
        first_x, step_x = span.medial + (width - 0.5) * outwards, -outwards
    else:
        first_x, step_x = span.medial + 0.5 * outwards, outwards
    first = (float(first_x), float(back - (depth - 0.5) * down), float(0.5 * along - 0.5))
    shape = (turned.spatial_shape[0], turned.spatial_shape[1], turned.spatial_shape[2])
    step = (float(step_x), float(down), float(along))
    return BreastGrid(side, first, step, keys.size, np.asarray(turned.affine, float), shape)
