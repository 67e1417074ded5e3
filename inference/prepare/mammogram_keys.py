"""Named keys of system 001's preprocessing: what the card says of a mammogram's way to windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from inference.errors import CardError
from inference.prepare.keys import check_choices, keys_from_card

_CHOICES = {"maximum": ("breast", "image", "dtype_max"), "upscaling": ("flag", "refuse"), "clahe_bins": (256, 65536)}
_POSITIVE = (
    "height", "input_size", "nodule_side", "nodule_stride", "nodule_sigma", "grid", "per_part",
    "calcification_side", "calcification_stride",
)  # fmt: skip


@dataclass(frozen=True)
class MammogramPreprocessing:
    """Named keys of system 001's preprocessing. ``[S]`` is stated by paper 001, ``[R]`` resolved by SYSTEMS.md §1.2.

    Attributes
    ----------
    height
        Rows of the image that is swept; the width keeps the shape [S].
    clahe_clip, clahe_tiles
        Contrast-limited adaptive histogram equalisation before the resize [S]; clip limit 2 ("gentle") where OpenCV's
        default is 40 [R], 8 × 8 tiles [R]. 0 leaves the contrast as it is presented.
    clahe_bins
        Of its histograms: 256 whatever the bit depth, or 65536, as OpenCV has for 16-bit images ("strict"). There the
        clip limit acts on each of 65,536 bins, and the outcome depends on how many bits were stored.
    remask
        Whether everything outside the breast mask (air, markers, borders) becomes 0 after that [R].
    largest_upscaling, upscaling
        Above this factor the result is flagged, or the image refused [R].
    smallest_height
        Images with fewer rows are refused: at 512 a pixel is blown up to 8 × 8, and a window holds 100 of them.
    nodule_side, nodule_stride
        Windows of the nodule module in pixels of the swept image: 800 every 40 [S].
    nodule_sigma
        Standard deviation of the Gaussian that weighs a window's brightness towards its centre, in pixels [R].
    grid, per_part, separation, global_separation
        The image is divided into 3 × 3 parts, of each the 3 brightest windows are kept whose centres lie 250 pixels
        apart [S]; Euclidean, and among the windows of one part unless ``global_separation`` [R].
    least_breast
        Windows with a smaller share of breast are dropped [R].
    calcification_side, calcification_stride
        Windows of the microcalcification module: 400 every 200 [S].
    brightness
        Windows with a pixel of at least this share of the maximum brightness are read [S].
    maximum
        Of the pixels inside the breast mask, which excludes markers ("breast" [R]), of the whole image ("image"), or
        of the data type ("dtype_max").
    cover_edges
        Adds windows flush with the lower and right edge, which the strides of the paper leave unread.
    input_size
        Rows and columns a window is shrunk to, bilinear with antialiasing [R].
    """

    height: int = 4096
    clahe_clip: float = 2.0
    clahe_tiles: tuple[int, int] = (8, 8)
    clahe_bins: int = 256
    remask: bool = True
    largest_upscaling: float = 2.0
    upscaling: str = "flag"
    smallest_height: int = 512
    nodule_side: int = 800
    nodule_stride: int = 40
    nodule_sigma: float = 200.0
    grid: int = 3
    per_part: int = 3
    separation: float = 250.0
    global_separation: bool = False
    least_breast: float = 0.1
    calcification_side: int = 400
    calcification_stride: int = 200
    brightness: float = 0.9
    maximum: str = "breast"
    cover_edges: bool = False
    input_size: int = 224

    def __post_init__(self) -> None:
        check_choices(self, _CHOICES)
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise CardError(f"preprocessing {name} {getattr(self, name)!r} is not a positive number.")
        if self.height < max(self.nodule_side, self.calcification_side):
            raise CardError(f"preprocessing height {self.height} is smaller than a window.")

    @classmethod
    def from_card(cls, preprocessing: dict[str, Any]) -> MammogramPreprocessing:
        """Read a card's ``preprocessing``: a ``preset`` (``"default"`` or ``"strict"``) and keys that replace its own.

        Raises
        ------
        CardError
            Where a key or value is unknown.
        """
        return keys_from_card(cls, preprocessing, PRESETS)


# The paper names OpenCV's CLAHE without parameters (its own defaults, on 16 bits), masks nothing and takes the maximum
# of the image as it is.
PRESETS: dict[str, dict[str, Any]] = {
    "default": {},
    "strict": {"clahe_clip": 40.0, "clahe_bins": 65536, "remask": False, "least_breast": 0.0, "maximum": "image"},
}
