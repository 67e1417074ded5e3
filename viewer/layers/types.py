"""Plain descriptions of what a pane draws. Nothing here knows how it is drawn. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from viewer.presentation import Presentation

if TYPE_CHECKING:
    from highdicom import Volume

Point = tuple[float, float, float]
Cosines = tuple[float, float, float, float, float, float]


@dataclass(frozen=True)
class ImageLayer:
    """An image: modality values (slices, rows, columns[, 3 for RGB]) and how to show them.

    Attributes
    ----------
    uid
        Stable identity of the image (a stack's uid), so that a pane knows a new image from a new window of the same.
    has_patient_axes
        False where orientation letters would be a guess (research formats without orientation, secondary captures).
    row_letters
        Letters at the left, right, top and bottom edge where the affine cannot tell them (mammograms: Patient
        Orientation (0020,0020)); empty strings are not drawn; None takes them from the affine.
    """

    uid: str
    volume: Volume
    presentation: Presentation
    spacing_known: bool = True
    has_patient_axes: bool = True
    row_letters: tuple[str, str, str, str] | None = None


@dataclass(frozen=True)
class HeatmapLayer:
    """A map on its own grid, drawn through its affine, never resized to the image."""

    uid: str
    title: str
    volume: Volume
    unit: str
    value_range: tuple[float, float]
    table: str = "inferno"
    opacity: float = 0.5
    threshold: float = 0.0
    visible: bool = True


@dataclass(frozen=True)
class MaskLayer:
    """A binary mask (slices, rows, columns) on its own grid."""

    uid: str
    title: str
    volume: Volume
    colour: str = "#35c4b5"
    opacity: float = 0.4
    visible: bool = True


@dataclass(frozen=True)
class BoxShape:
    """A rectangle in an image plane, in LPS millimetres.

    Attributes
    ----------
    corner_mm, opposite_mm
        Two opposite corners; outer edges of the pixels, not their centres.
    orientation
        Row and column direction cosines of the plane it was drawn in (0020,0037).
    proposal
        True for a model's finding that no reader has accepted: drawn dashed, cannot be edited.
    """

    uid: str
    frame_of_reference_uid: str
    corner_mm: Point
    opposite_mm: Point
    orientation: Cosines
    text: str = ""
    colour: str = "#ffd166"
    proposal: bool = False


@dataclass(frozen=True)
class Corners:
    """The four quiet texts of a pane, one string per line."""

    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    bottom_right: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaneContent:
    """Everything one pane shows.

    Attributes
    ----------
    plane
        ``"native"`` (the stored slices), ``"axial"``, ``"sagittal"`` or ``"coronal"`` (closest array axis).
    ai_state
        What the AI says of this image: always shown, e.g. ``"AI: not run"``.
    ai_tone
        ``"quiet"``, ``"busy"``, ``"good"``, ``"warn"`` or ``"alert"``.
    notes
        Sentences that must stay visible, such as slices that are not evenly spaced.
    banner
        A sentence across the middle: what is shown is no image, such as a slice that is missing.
    """

    image: ImageLayer
    heatmaps: tuple[HeatmapLayer, ...] = ()
    masks: tuple[MaskLayer, ...] = ()
    boxes: tuple[BoxShape, ...] = ()
    plane: str = "native"
    corners: Corners = field(default_factory=Corners)
    ai_state: str = ""
    ai_tone: str = "quiet"
    notes: tuple[str, ...] = ()
    banner: str = ""
