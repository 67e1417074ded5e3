"""Image view: the content of a pane, the slice and plane shown, and how its values become grey."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from viewer.layers.image import ImageVisual
from viewer.layers.types import BoxShape, Cosines, MeasurementShape, PaneContent
from viewer.layers.visuals import visuals_for
from viewer.presentation import Presentation
from viewer.shot import Shot
from viewer.slice_view import SliceView

REFUSAL_MS = 5000  # how long a sentence about what cannot be done here stays
ONE_SLICE = "{slab} on show: boxes and measurements need a single slice. Press Shift+M to show it, then draw."


class PlaneGeometry(NamedTuple):
    """Direction cosines of the slice shown (PS3.3 C.7.6.2.1.1) and its frame of reference."""

    orientation: Cosines
    frame_of_reference_uid: str


class Reading(NamedTuple):
    """What lies under a screen position: LPS mm, stored (k, j, i), value, and whether it is in the image."""

    mm: tuple[float, float, float]
    voxel: tuple[int, int, int]
    value: float | tuple[float, ...] | None
    inside: bool
    slice_index: int


class ImageView(SliceView):
    """Shows a :class:`~viewer.layers.types.PaneContent`.

    All work is done when painting, so newer input supersedes older input instead of queueing behind it.
    """

    presentation_changed = Signal(object)
    refused = Signal(str)  # a sentence: what was asked for cannot be done here, and what to do

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.image_visual: ImageVisual | None = None
        self.layer_visuals: list[Any] = []
        self.selected_box = ""
        self.overlays_visible = True
        self.framed = False
        self.empty_text = ""
        self.refusal = ""
        self._refusal_over = QTimer(self, singleShot=True, interval=REFUSAL_MS)
        self._refusal_over.timeout.connect(lambda: self._say(""))

    # --- what is shown -------------------------------------------------------------------------------------------

    def set_content(self, content: PaneContent | None) -> None:
        """Show something else; the same image keeps zoom, slice and window, another of its grid zoom and slice."""
        before, self.content = self.content, content
        if content is None:
            self.image_visual, self.layer_visuals, self._plane = None, [], None
            self.selected_box = ""
            self.set_slab(None)
            self.set_cine(None)
            self.update()
            return
        if before is None or before.image.volume is not content.image.volume or before.image.uid != content.image.uid:
            self._change_image(content, before)
        elif before.plane != content.plane:
            self.set_plane(content.plane)
        if self.image_visual is not None:
            self.image_visual.layer = content.image
        self._sync_layers()
        self.update()

    def _change_image(self, content: PaneContent, before: PaneContent | None) -> None:
        smooth = self.image_visual.smooth if self.image_visual is not None else True
        kept = self.presentation if before is not None and before.image.uid == content.image.uid else None
        self.image_visual = ImageVisual(content.image)
        self.image_visual.smooth = smooth
        if kept is not None:
            self.image_visual.presentation = kept
        volume = content.image.volume
        frame = str(volume.frame_of_reference_uid or "")
        alike = before is not None and str(before.image.volume.frame_of_reference_uid or "") == frame
        chosen = before is not None and alike and before.plane == content.plane  # the plane taken by hand stays
        old, new = self._plane, self._plane_named(self.plane if chosen else content.plane)
        self._plane = new
        if before is None or not alike or before.slab != content.slab:  # the slab taken by hand stays
            self.set_slab(content.slab)
        if not alike:
            self.cursor_mm = None
        if alike and old is not None and old.shape == new.shape and np.allclose(old.affine, new.affine, atol=1e-3):
            return
        self._slice = self._first_slice()
        self.camera = replace(self.camera, turn=self.home_turn)
        self.fit(quietly=True)

    def _sync_layers(self) -> None:
        """Take up the layers of the content."""
        content = self.content
        if content is None:
            return
        layers = (*content.class_maps, *content.heatmaps, *content.masks, *content.boxes, *content.measurements)
        self.layer_visuals = visuals_for(layers, self.layer_visuals)
        self._mark_selected()

    def _mark_selected(self) -> None:
        for visual in self.layer_visuals:
            if isinstance(visual.layer, BoxShape | MeasurementShape):
                visual.selected = bool(self.selected_box) and visual.layer.uid == self.selected_box

    def set_empty_text(self, text: str) -> None:
        """Set the sentence shown while there is no image."""
        self.empty_text = text
        self.update()

    @property
    def frame_of_reference_uid(self) -> str:
        """Frame of reference of the image shown, empty without one."""
        return str(self.content.image.volume.frame_of_reference_uid or "") if self.content is not None else ""

    @property
    def shot(self) -> Shot | None:
        """The slice shown and the way it is seen; None without an image."""
        if self._plane is None:
            return None
        slab = self._slab if self.projects else None
        return Shot(self._plane, self._slice, self.camera, self.frame_of_reference_uid, self.ratio, slab)

    # --- places --------------------------------------------------------------------------------------------------

    @property
    def sop_index(self) -> int | None:
        """Index of the stored slice shown, None where the plane cuts across stored slices."""
        return self._slice if self._plane is not None and self._plane.axes[0] == 0 else None

    def plane_geometry(self) -> PlaneGeometry | None:
        """Return direction cosines and frame of reference of the slice shown, None without an image."""
        if self._plane is None:
            return None
        row, column = self._plane.row_cosine, self._plane.column_cosine
        cosines = (float(row[0]), float(row[1]), float(row[2]), float(column[0]), float(column[1]), float(column[2]))
        return PlaneGeometry(cosines, self.frame_of_reference_uid)

    def reading_at(self, x: float, y: float) -> Reading | None:
        """Return what lies under a screen position, None without an image.

        In a projection the place is where the maximum or minimum lies; a mean is read on the slice shown.
        """
        shot, visual = self.shot, self.image_visual
        if shot is None or visual is None:
            return None
        row, column = shot.pixel_at(x, y)
        whole = int(np.floor(row + 0.5)), int(np.floor(column + 0.5))
        on_plane = 0 <= whole[0] < shot.plane.shape[1] and 0 <= whole[1] < shot.plane.shape[2]
        depth, value = visual.probe(shot, *whole) if on_plane else (shot.slice_index, None)
        point = shot.plane.to_mm((depth, row, column))
        mm = (float(point[0]), float(point[1]), float(point[2]))
        inside = on_plane and shot.plane.contains(np.array((depth, row, column)))
        return Reading(mm, shot.plane.array_index((depth, *whole)), value, inside, depth)

    def allows_drawing(self) -> bool:
        """Whether a place on the screen is one place in the body; on a slab it is not, and the pane says so."""
        if not self.projects or self._slab is None:
            return True
        self.refuse(ONE_SLICE.format(slab=self._slab.title))
        return False

    def refuse(self, sentence: str) -> None:
        """Say for a while, in the pane, why something cannot be done here."""
        self._say(sentence)
        self._refusal_over.start()
        self.refused.emit(sentence)

    def _say(self, sentence: str) -> None:
        self.refusal = sentence
        self.update()

    # --- grey ----------------------------------------------------------------------------------------------------

    @property
    def presentation(self) -> Presentation | None:
        """How pixel values become grey here; None without an image."""
        return self.image_visual.presentation if self.image_visual is not None else None

    def set_presentation(self, presentation: Presentation) -> None:
        """Show with another window, VOI LUT or inversion."""
        if self.image_visual is not None and presentation is not self.image_visual.presentation:
            self.image_visual.presentation = presentation
            self.update()
            self.presentation_changed.emit(presentation)

    @property
    def inverted_by_user(self) -> bool:
        """Whether grey is inverted against what the file asks for."""
        if self.content is None or self.presentation is None:
            return False
        return self.presentation.invert != self.content.image.presentation.invert

    def invert(self) -> None:
        """Invert grey."""
        if self.presentation is not None:
            self.set_presentation(self.presentation.inverted())

    def reset_view(self) -> None:
        """Go back to the fitted upright image with the window of the file."""
        self.camera = replace(self.camera, turn=self.home_turn)
        self.fit()
        if self.content is not None:
            self.set_presentation(self.content.image.presentation)
