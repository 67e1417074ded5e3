"""Hanging: a layout of panes and what each of them shows, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from viewer.slab import Slab

Zoom = Literal["fit", "one_to_one", "upper left", "upper right", "lower left", "lower right"]


@dataclass(frozen=True)
class Slot:
    """What one pane shows.

    Attributes
    ----------
    uid
        Uid of a stack or of a derived image (:mod:`app.studies.derived`); None leaves the pane empty.
    title
        What the pane is for, such as ``"R CC"``, ``"Prior R CC"`` or ``"Subtraction MIP"``; an empty pane says that it
        is missing.
    plane
        ``"native"``, ``"axial"``, ``"sagittal"`` or ``"coronal"``.
    slab
        Projection through several slices; None shows single slices.
    chest_wall
        Edge of the pane that the chest wall touches: ``"left"``, ``"right"`` or ``""``.
    group
        Panes of one group are shown at the same scale, those of a row at the same level; "" for none.
    zoom
        How the breast is framed at first: fitted, one to one, or a quadrant of the screen.
    follows
        Whether the time keys change the phase of this pane (post-contrast, subtraction and their projections).
    start_mm
        Point (LPS mm) whose slice is shown at first; None for the middle slice. One sagittal volume of both breasts
        hangs twice, once at each breast.
    link
        Panes with different links do not follow each other through the slices (right and left breast of one volume).
    only_map
        Title of the one map that is drawn over the image, as in a comparison side by side; "" draws those that the
        user has switched on.
    """

    uid: str | None = None
    title: str = ""
    plane: str = "native"
    slab: Slab | None = None
    chest_wall: Literal["", "left", "right"] = ""
    group: str = ""
    zoom: Zoom = "fit"
    follows: bool = False
    start_mm: tuple[float, float, float] | None = None
    link: str = ""
    only_map: str = ""


@dataclass(frozen=True)
class Hanging:
    """One step of a hanging protocol.

    Attributes
    ----------
    name
        What a user reads: ``"Overview"``, ``"CC pair"``, ``"R MLO 1:1"``.
    layout
        Rows × columns of the grid, such as ``"2x2"``; ``"1"`` for one pane.
    slots
        One per pane, row by row.
    active
        Pane that has the keyboard.
    notes
        Sentences for the user: orientation corrected against the file, views without laterality …
    """

    name: str
    layout: str
    slots: tuple[Slot, ...]
    active: int = 0
    notes: tuple[str, ...] = ()

    @property
    def stack_uids(self) -> tuple[str | None, ...]:
        """The image of each pane."""
        return tuple(slot.uid for slot in self.slots)
