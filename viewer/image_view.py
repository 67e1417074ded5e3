"""Image view: the content of a pane, the slice and plane shown, and how its values become grey."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from viewer.camera import UPRIGHT
from viewer.camera_view import CameraView
from viewer.layers.image import ImageVisual
from viewer.layers.types import BoxShape, Cosines, PaneContent
from viewer.layers.visuals import visuals_for
from viewer.planes import PLANES, plane_of
from viewer.presentation import Presentation
from viewer.shot import Shot


class PlaneGeometry(NamedTuple):
    """Direction cosines of the slice shown (PS3.3 C.7.6.2.1.1) and its frame of reference."""

    orientation: Cosines
    frame_of_reference_uid: str


class ImageView(CameraView):
    """Shows a :class:`~viewer.layers.types.PaneContent`.

    All work is done when painting, so newer input supersedes older input instead of queueing behind it.
    """

    presentation_changed = Signal(object)
    slice_changed = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content: PaneContent | None = None
        self.image_visual: ImageVisual | None = None
        self.layer_visuals: list[Any] = []
        self.cursor_mm: tuple[float, float, float] | None = None
        self.selected_box = ""
        self.overlays_visible = True
        self.framed = False
        self.empty_text = ""
        self._slice = 0
        self.cine_fps = 12.0
        self._cine = QTimer(self)
        self._cine.timeout.connect(self._next_in_cine)

    # --- what is shown -------------------------------------------------------------------------------------------

    def set_content(self, content: PaneContent | None) -> None:
        """Show something else; the same image keeps zoom, slice and window, another of its grid zoom and slice."""
        before, self.content = self.content, content
        if content is None:
            self.image_visual, self.layer_visuals, self._plane = None, [], None
            self.selected_box = ""
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
        old, new = self._plane, plane_of(volume.array.shape, volume.affine, self.plane if chosen else content.plane)
        self._plane = new
        if not alike:
            self.cursor_mm = None
        if alike and old is not None and old.shape == new.shape and np.allclose(old.affine, new.affine, atol=1e-3):
            return
        self._slice = self._first_slice()
        self.camera = replace(self.camera, turn=UPRIGHT)
        self.fit(quietly=True)

    def _first_slice(self) -> int:
        if self._plane is None:
            return 0
        if self.cursor_mm is not None:
            place = round(float(self._plane.to_index(self.cursor_mm)[0]))
            if 0 <= place < self._plane.shape[0]:
                return place
        return self._plane.shape[0] // 2

    def _sync_layers(self) -> None:
        """Take up the layers of the content."""
        content = self.content
        if content is None:
            return
        layers = (*content.heatmaps, *content.masks, *content.boxes)
        self.layer_visuals = visuals_for(layers, self.layer_visuals)
        self._mark_selected()

    def _mark_selected(self) -> None:
        for visual in self.layer_visuals:
            if isinstance(visual.layer, BoxShape):
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
        return Shot(self._plane, self._slice, self.camera, self.frame_of_reference_uid, self.ratio)

    # --- slices and planes ---------------------------------------------------------------------------------------

    @property
    def slice_index(self) -> int:
        """Index of the slice shown, in the plane shown."""
        return self._slice

    @property
    def slice_count(self) -> int:
        """Number of slices in the plane shown; 0 without an image."""
        return self._plane.shape[0] if self._plane is not None else 0

    def set_slice(self, index: int) -> None:
        """Show a slice; an index beyond the ends shows the last one there."""
        index = min(max(int(index), 0), max(self.slice_count - 1, 0))
        if index != self._slice:
            self._slice = index
            self.update()
            self.slice_changed.emit(index)

    @property
    def plane(self) -> str:
        """Name of the plane shown."""
        return self._plane.name if self._plane is not None else "native"

    def set_plane(self, name: str) -> None:
        """Show native, axial, sagittal or coronal slices; the shared cursor stays in view."""
        if name not in PLANES:
            raise ValueError(f"plane {name!r} is not one of {', '.join(PLANES)}")
        if self.content is None or name == self.plane:
            return
        volume = self.content.image.volume
        self._plane = plane_of(volume.array.shape, volume.affine, name)
        self._slice = self._first_slice()
        self.camera = replace(self.camera, turn=UPRIGHT)
        self.fit(quietly=True)
        self.slice_changed.emit(self._slice)

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

    def set_cine(self, fps: float | None) -> None:
        """Play slices at a rate, or stop."""
        if fps and self.slice_count > 1:
            self._cine.start(max(1, round(1000 / fps)))
        else:
            self._cine.stop()

    @property
    def cine(self) -> bool:
        """Whether slices are playing."""
        return self._cine.isActive()

    def _next_in_cine(self) -> None:
        if self.slice_count:
            self.set_slice((self._slice + 1) % self.slice_count)

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
        self.camera = replace(self.camera, turn=UPRIGHT)
        self.fit()
        if self.content is not None:
            self.set_presentation(self.content.image.presentation)
