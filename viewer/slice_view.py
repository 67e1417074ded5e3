"""Slice view: which plane of the image is on show, which slice of it, how thick, and at what tilt."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QWidget

from viewer.camera_view import CameraView
from viewer.layers.types import PaneContent
from viewer.planes import PLANES, Plane, plane_of
from viewer.projection import span_of
from viewer.reslice import ReslicedPlane, oblique_plane, orthonormal, tilted
from viewer.slab import Slab

THICKNESSES_MM = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 120.0, math.inf)
FIRST_SLAB = Slab("max", 10.0)


class SliceView(CameraView):
    """A view of one slice, or of a slab around it."""

    slice_changed = Signal(int)
    slab_changed = Signal(object)  # Slab or None
    plane_changed = Signal(str)  # another plane, or another tilt of the oblique one

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content: PaneContent | None = None
        self.cursor_mm: tuple[float, float, float] | None = None
        self.cine_fps = 12.0
        self._slice = 0
        self._slab: Slab | None = None
        self._last_slab = FIRST_SLAB
        self._straight = "native"  # the plane to go back to from the oblique one
        self._cine = QTimer(self)
        self._cine.timeout.connect(self._next_in_cine)

    # --- slices --------------------------------------------------------------------------------------------------

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

    def _first_slice(self) -> int:
        if self._plane is None:
            return 0
        for point in (self.cursor_mm, self._plane.pivot_mm if isinstance(self._plane, ReslicedPlane) else None):
            place = round(float(self._plane.to_index(point)[0])) if point is not None else -1
            if 0 <= place < self._plane.shape[0]:
                return place
        return self._plane.shape[0] // 2

    # --- planes --------------------------------------------------------------------------------------------------

    @property
    def plane(self) -> str:
        """Name of the plane shown."""
        return self._plane.name if self._plane is not None else "native"

    def set_plane(self, name: str) -> None:
        """Show native, axial, sagittal, coronal or oblique slices; the shared cursor stays in view.

        The oblique plane starts with the angles of the plane shown, through the cursor or the middle of the slice.
        """
        if name not in PLANES:
            raise ValueError(f"plane {name!r} is not one of {', '.join(PLANES)}")
        if self.content is None or name == self.plane:
            return
        if name == "oblique":
            self._start_oblique()
            return
        self._plane = self._plane_named(name)
        self._slice = self._first_slice()
        self.camera = replace(self.camera, turn=self.home_turn)
        self.fit(quietly=True)
        self.slice_changed.emit(self._slice)
        self.plane_changed.emit(name)

    def _plane_named(self, name: str) -> Plane:
        """Return a plane of the image; the oblique one with the angles and the pivot it has now."""
        assert self.content is not None
        volume, before = self.content.image.volume, self._plane
        if name == "oblique" and isinstance(before, ReslicedPlane) and before.name == "oblique":
            return oblique_plane(volume.array.shape, volume.affine, before.directions, before.pivot_mm)
        return plane_of(volume.array.shape, volume.affine, name)

    def _start_oblique(self) -> None:
        before = self._plane
        assert self.content is not None
        assert before is not None
        self._straight = before.name
        middle = before.to_mm((self._slice, (before.shape[1] - 1) / 2, (before.shape[2] - 1) / 2))
        self.set_oblique(orthonormal(before.affine[:3, :3]), self.pivot_mm or middle)

    @property
    def pivot_mm(self) -> tuple[float, float, float] | None:
        """The shared cursor where it lies in the image: what an oblique plane goes through and turns about."""
        if self._plane is None or self.cursor_mm is None:
            return None
        return self.cursor_mm if self._plane.contains(self._plane.to_index(self.cursor_mm)) else None

    def set_oblique(self, directions: np.ndarray, pivot_mm: Any) -> None:
        """Show the oblique plane with given directions (3×3, see :attr:`ReslicedPlane.directions`) through a point."""
        if self.content is None:
            return
        volume = self.content.image.volume
        self._show_oblique(oblique_plane(volume.array.shape, volume.affine, directions, pivot_mm))

    def tilt(self, right_deg: float, up_deg: float) -> bool:
        """Tilt the oblique plane about the cursor: its right edge away from the viewer, its upper edge away.

        Returns
        -------
        bool
            False where no oblique plane is on show.
        """
        plane = self._plane
        if not isinstance(plane, ReslicedPlane) or plane.name != "oblique" or self.content is None:
            return False
        pivot = self.pivot_mm or plane.pivot_mm
        plane = replace(plane, pivot_mm=pivot)
        turn = np.array(self.camera.turn, dtype=float)
        along = np.column_stack((plane.row_cosine, plane.column_cosine)) @ turn.T  # screen right, screen down
        axis = right_deg * -along[:, 1] + up_deg * -along[:, 0]
        handed = 1.0 if float(np.linalg.det(turn)) > 0 else -1.0
        self._show_oblique(tilted(plane, axis, handed * math.hypot(right_deg, up_deg)))
        return True

    def _show_oblique(self, plane: ReslicedPlane) -> None:
        """Show an oblique plane; its pivot stays where it is on the screen."""
        before, self._plane = self._plane, plane
        new = plane.to_index(plane.pivot_mm)
        self._slice = min(max(round(float(new[0])), 0), plane.shape[0] - 1)
        if before is not None:
            old = before.to_index(plane.pivot_mm)
            shift = (new + 0.5) * plane.spacing_mm - (old + 0.5) * before.spacing_mm
            centre = (self.camera.centre_mm[0] + float(shift[2]), self.camera.centre_mm[1] + float(shift[1]))
            self.camera = replace(self.camera, centre_mm=centre)
        self.update()
        self.plane_changed.emit(plane.name)

    def toggle_oblique(self) -> None:
        """Start the oblique plane, or go back to the plane it was started from."""
        self.set_plane(self._straight if self.plane == "oblique" else "oblique")

    # --- slabs ---------------------------------------------------------------------------------------------------

    @property
    def slab(self) -> Slab | None:
        """The projection asked for, None for single slices."""
        return self._slab

    @property
    def projects(self) -> bool:
        """Whether more than one slice is put together now."""
        if self._plane is None or (self.content is not None and self.content.image.volume.array.ndim == 4):
            return False
        first, last = span_of(self._plane, self._slice, self._slab)
        return first != last

    def set_slab(self, slab: Slab | None) -> None:
        """Project through a slab around the slice shown, or show single slices; colour is never projected."""
        if slab is not None and not slab.thickness_mm >= 0:
            raise ValueError(f"a slab cannot be {slab.thickness_mm} mm thick")
        if slab != self._slab:
            self._slab, self._last_slab = slab, slab or self._last_slab
            self.update()
            self.slab_changed.emit(slab)

    def toggle_slab(self) -> None:
        """Project as the last time (at first a 10 mm MIP), or show single slices again."""
        self.set_slab(None if self._slab is not None else self._last_slab)

    def next_slab_mode(self) -> None:
        """Go from maximum to mean to minimum; without a slab, start one."""
        if self._slab is None:
            self.set_slab(self._last_slab)
            return
        modes = ("max", "mean", "min")
        self.set_slab(replace(self._slab, mode=modes[(modes.index(self._slab.mode) + 1) % len(modes)]))

    def step_thickness(self, step: int) -> None:
        """Make the slab thicker or thinner by a step that adds or takes slices; thinner than two slices is none."""
        if self._plane is None:
            return
        now = self._slab.thickness_mm if self._slab is not None else 0.0
        steps = [t for t in THICKNESSES_MM if (t > now if step > 0 else t < now)]
        count = self._reach(now)
        for thickness in steps if step > 0 else reversed(steps):
            reach = self._reach(thickness)
            if reach == 0 or (reach == count and not math.isinf(thickness)):
                continue
            whole = reach >= self.slice_count and step > 0
            self.set_slab(replace(self._slab or self._last_slab, thickness_mm=math.inf if whole else thickness))
            return
        if step < 0:
            self.set_slab(None)

    def _reach(self, thickness_mm: float) -> int:
        """Return how many slices a thickness reaches either way, as far as there are any."""
        if self._plane is None:
            return 0
        reach = thickness_mm / 2 / self._plane.step_mm + 1e-9
        return self.slice_count if reach >= self.slice_count else math.floor(reach)

    # --- cine ----------------------------------------------------------------------------------------------------

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
