"""Scene: plain descriptions of what the volume view draws. Qt- and VTK-free; LPS millimetres throughout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from viewer.layers.types import BoxShape, Cosines, MaskLayer, Point

if TYPE_CHECKING:
    from highdicom import Volume

Mode = Literal["mip", "shaded"]
MODES: tuple[tuple[Mode, str], ...] = (
    ("mip", "MIP"),
    ("shaded", "Shaded"),
)


class VolumeViewError(RuntimeError):
    """The volume view cannot draw; the message is a sentence for the user."""


@dataclass(frozen=True)
class SceneImage:
    """The volume that is rendered.

    Attributes
    ----------
    volume
        Modality values (slices, rows, columns) with the affine (k, j, i, 1) → LPS mm of voxel centres.
    low, high
        Window: values shown black and white in MIP.
    threshold
        Shaded: value from which tissue becomes visible.
    opacity
        Shaded: how opaque the brightest tissue is, 0–1.
    posterior_mm
        LPS y (towards the back) beyond which tissue is cut away, None for nowhere.
    """

    uid: str
    volume: Volume
    low: float
    high: float
    mode: Mode = "mip"
    threshold: float = 0.0
    opacity: float = 0.6
    posterior_mm: float | None = None


@dataclass(frozen=True)
class Scene3D:
    """Everything the volume view shows.

    Attributes
    ----------
    masks
        Drawn as smooth surfaces; invisible ones are left out.
    boxes
        Of this frame of reference; a flat one is a rectangle in its plane.
    cursor_mm
        The shared cursor.
    lines
        Texts of the upper left corner: what is shown, and how it was made.
    title
        Text of the upper right corner.
    """

    image: SceneImage | None = None
    masks: tuple[MaskLayer, ...] = ()
    boxes: tuple[BoxShape, ...] = ()
    cursor_mm: Point | None = None
    lines: tuple[str, ...] = ()
    title: str = ""


__all__ = ["MODES", "BoxShape", "Cosines", "MaskLayer", "Mode", "Point", "Scene3D", "SceneImage", "VolumeViewError"]
