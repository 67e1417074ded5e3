"""Plain descriptions of what a pane draws. Nothing here knows how it is drawn. Qt-free."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from viewer.camera import UPRIGHT, Turn
from viewer.presentation import Presentation
from viewer.slab import Slab

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
    """A map on its own grid, drawn through its affine, never resized to the image.

    ``through_all`` says whether it is drawn on a projection of the whole volume, where its largest value means nothing
    for a time or a ratio.
    """

    uid: str
    title: str
    volume: Volume
    unit: str
    value_range: tuple[float, float]
    table: str = "inferno"
    opacity: float = 0.5
    threshold: float = 0.0
    visible: bool = True
    through_all: bool = True


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
class MapClass:
    """One class of a :class:`ClassMapLayer`: its number in the array, what the legend says, its colour."""

    value: int
    title: str
    colour: str


@dataclass(frozen=True)
class ClassMapLayer:
    """A map of classes (slices, rows, columns), integers on its own grid; 0 and numbers without a class are not drawn.

    Drawn nearest-neighbour, with a legend of its classes in place of the colour bar.
    """

    uid: str
    title: str
    volume: Volume
    classes: tuple[MapClass, ...]
    opacity: float = 0.6
    visible: bool = True


@dataclass(frozen=True)
class MeasurementShape:
    """A measurement in an image plane, in LPS millimetres.

    Attributes
    ----------
    kind
        ``length`` (2 points), ``bidimensional`` (4: both ends of the longest, both ends of the perpendicular diameter),
        ``angle`` (3, the vertex in the middle), ``ellipse`` (4: both ends of both axes), ``freehand`` (3 or more,
        closed).
    orientation
        Row and column direction cosines of the plane it was drawn in (0020,0037).
    lines
        What is written beside it: values with unit and basis. Worked out by the app, which knows what a pixel means;
        while a shape is being dragged the glass writes plain millimetres.
    """

    uid: str
    frame_of_reference_uid: str
    kind: Literal["length", "bidimensional", "angle", "ellipse", "freehand"]
    points_mm: tuple[Point, ...]
    orientation: Cosines
    lines: tuple[str, ...] = ()
    colour: str = "#7fd4ff"


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
class PlaceMark:
    """About where a point of another image of the same breast lies: an aid for the eye, not a measurement.

    Attributes
    ----------
    point_mm
        Mm of the stored plane (x right, y down, from the outer corner of its first pixel).
    text
        What is written beside it, such as ``"about here, slice 23 of 60"``.
    """

    point_mm: tuple[float, float]
    text: str = ""


@dataclass(frozen=True)
class Corners:
    """The four quiet texts of a pane, one string per line."""

    top_left: tuple[str, ...] = ()
    top_right: tuple[str, ...] = ()
    bottom_left: tuple[str, ...] = ()
    bottom_right: tuple[str, ...] = ()


@dataclass(frozen=True)
class Framing:
    """How a mammogram lies in its pane. Positions are mm of the stored plane (x right, y down, from its outer corner).

    Attributes
    ----------
    region_mm
        Left, top, right and bottom of the breast: what must be visible.
    anchor_mm
        The point of the chest wall at the level that panes of a row share.
    turn
        From the stored image to the screen, so that the chest wall lies on ``chest_wall`` and the head or axilla is up.
    chest_wall
        Edge of the pane that the chest wall touches after turning, "" to centre the breast.
    group
        Panes of one group share the scale; those of one row share the level as well.
    """

    region_mm: tuple[float, float, float, float]
    anchor_mm: tuple[float, float]
    turn: Turn = UPRIGHT
    chest_wall: Literal["", "left", "right"] = ""
    group: str = ""


@dataclass(frozen=True)
class Compare:
    """What a pane shows in turn with, or beside, its own content: beyond the swipe line, or when blinking.

    Attributes
    ----------
    image
        Other image of the same frame of reference, such as another phase; None keeps the pane's own image.
    title, other_title
        Names of the pane's own content and of the other one.
    mode
        ``swipe``: own content left of a line that can be dragged, the other right of it. ``blink``: in turn.
    same_window
        Whether the other image is of the same kind as the own one and is shown in its window, also while that changes.
    """

    title: str
    other_title: str
    image: ImageLayer | None = None
    heatmaps: tuple[HeatmapLayer, ...] = ()
    class_maps: tuple[ClassMapLayer, ...] = ()
    masks: tuple[MaskLayer, ...] = ()
    mode: Literal["swipe", "blink"] = "swipe"
    same_window: bool = False


@dataclass(frozen=True)
class PaneContent:
    """Everything one pane shows.

    Attributes
    ----------
    plane
        ``"native"`` (the stored slices), ``"axial"``, ``"sagittal"`` or ``"coronal"`` (closest array axis).
    ai_state
        What the AI says of this image: always shown, e.g. ``"AI: not run"``.
    ai_brief
        The same in fewer words, for a pane in which it does not fit into one line; "" where there are none.
    ai_tone
        ``"quiet"``, ``"busy"``, ``"good"``, ``"warn"`` or ``"alert"``.
    notes
        Sentences that must stay visible, such as slices that are not evenly spaced.
    banner
        A sentence across the middle: what is shown is no image, such as a slice that is missing.
    class_maps
        Maps of classes, each with a legend.
    measurements
        Lengths, angles and regions.
    framing
        How a mammogram is justified; None fits the whole image.
    slab
        Projection the pane starts with; the user may change it (``Pane.set_slab``), and a later content of the same
        image does not undo that.
    view_label
        Side and view of a mammogram in large letters at the outer upper corner, "" for none.
    compare
        What to compare with; None for nothing.
    """

    image: ImageLayer
    heatmaps: tuple[HeatmapLayer, ...] = ()
    masks: tuple[MaskLayer, ...] = ()
    boxes: tuple[BoxShape, ...] = ()
    plane: str = "native"
    corners: Corners = field(default_factory=Corners)
    ai_state: str = ""
    ai_brief: str = ""
    ai_tone: str = "quiet"
    notes: tuple[str, ...] = ()
    banner: str = ""
    class_maps: tuple[ClassMapLayer, ...] = ()
    measurements: tuple[MeasurementShape, ...] = ()
    framing: Framing | None = None
    slab: Slab | None = None
    view_label: str = ""
    compare: Compare | None = None
